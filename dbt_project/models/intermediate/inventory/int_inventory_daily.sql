with snapshots as (

    select * from {{ ref('stg_erp__inventory') }}

),

final as (

    select
        snapshot_date,
        location_id,
        sku_id,
        on_hand_qty,
        reserved_qty,
        unit_cost,
        on_hand_qty <= 0 as is_stockout
    from snapshots

)

select * from final
