{{ config(materialized='view') }}

with snapshots as (

    select * from {{ ref('int_inventory_daily') }}

),

final as (

    select
        snapshot_date,
        location_id,
        sku_id,
        on_hand_qty,
        reserved_qty,
        unit_cost,
        is_stockout
    from snapshots

)

select * from final
