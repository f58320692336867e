with lines as (

    select
        campaign_id,
        customer_id,
        _source
    from {{ source('feeds', 'crm_campaign_members') }}

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
        lines.campaign_id,
        customer_ids.unified_customer_id as customer_id,
        lines._source as source
    from lines
    left join customer_ids
        on lines._source = customer_ids.source and lines.customer_id = customer_ids.customer_id

)

select * from final
