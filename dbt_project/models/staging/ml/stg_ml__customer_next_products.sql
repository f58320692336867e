with final as (

    select
        customer_id,
        rank,
        sku_id,
        kind,
        probability
    from {{ source('ml', 'customer_next_products') }}

)

select * from final
