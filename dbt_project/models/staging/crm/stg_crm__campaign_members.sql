with final as (

    select
        campaign_id,
        customer_id,
        _source as source
    from {{ source('feeds', 'crm_campaign_members') }}

)

select * from final
