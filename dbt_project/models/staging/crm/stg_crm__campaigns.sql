with final as (

    select
        campaign_id,
        campaign_type,
        starts_on,
        ends_on,
        _source as source
    from {{ source('feeds', 'crm_campaigns') }}

)

select * from final
