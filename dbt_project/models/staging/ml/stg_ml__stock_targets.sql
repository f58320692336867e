with final as (

    select
        sku_id,
        location_id,
        protection_days,
        demand_mean_qty,
        target_qty
    from {{ source('ml', 'stock_targets') }}

)

select * from final
