{{ config(materialized='view') }}

with snapshots as (

    select * from {{ ref('int_inventory_filled') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

final as (

    select
        snapshots.date as snapshot_date,
        sku_locations.location_id,
        sku_locations.sku_id,
        snapshots.on_hand_qty,
        snapshots.reserved_qty,
        snapshots.unit_cost,
        snapshots.is_stockout,
        snapshots.is_estimated
    from snapshots
    inner join sku_locations on snapshots.sku_location_key = sku_locations.sku_location_key

)

select * from final
