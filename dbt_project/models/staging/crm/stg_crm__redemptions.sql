with lines as (

    select
        customer_id,
        campaign_id,
        promotion_id,
        redeemed_on,
        _source
    from {{ source('feeds', 'crm_redemptions') }}
    where {{ known_on_as_of('redeemed_on') }}

),

customer_ids as (

    select
        source,
        customer_id,
        unified_customer_id
    from {{ ref('stg_identity__customer_ids') }}

),

final as (

    select
        customer_ids.unified_customer_id as customer_id,
        lines.campaign_id,
        lines.promotion_id,
        lines.redeemed_on,
        lines._source as source
    from lines
    left join customer_ids
        on lines._source = customer_ids.source and lines.customer_id = customer_ids.customer_id

)

select * from final
