with final as (

    select
        customer_id,
        campaign_id,
        promotion_id,
        redeemed_on,
        _source as source
    from {{ source('feeds', 'crm_redemptions') }}
    where {{ known_on_as_of('redeemed_on') }}

)

select * from final
