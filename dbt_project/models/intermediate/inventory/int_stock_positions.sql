with snapshots as (

    select * from {{ ref('int_inventory_daily') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

purchase_orders as (

    select * from {{ ref('int_purchase_order_lines') }}

),

transfers as (

    select * from {{ ref('int_transfer_lines') }}

),

newest_snapshots as (

    select snapshots.*
    from snapshots
    inner join sku_locations
        on
            snapshots.sku_id = sku_locations.sku_id
            and snapshots.location_id = sku_locations.location_id
            and snapshots.snapshot_date = sku_locations.last_snapshot_on

),

on_order as (

    select
        sku_id,
        location_id,
        sum(open_qty) as on_order_qty
    from purchase_orders
    where is_open
    group by sku_id, location_id

),

in_transfer as (

    select
        sku_id,
        to_location_id as location_id,
        sum(in_transit_qty) as in_transfer_qty
    from transfers
    where is_in_transit
    group by sku_id, to_location_id

),

final as (

    select
        newest_snapshots.sku_id,
        newest_snapshots.location_id,
        newest_snapshots.snapshot_date,
        newest_snapshots.on_hand_qty,
        coalesce(newest_snapshots.reserved_qty, 0) as reserved_qty,
        -- no feed carries what is owed to customers per place yet
        cast(0 as decimal(18, 3)) as backorder_qty,
        cast(coalesce(on_order.on_order_qty, 0) as decimal(18, 3)) as on_order_qty,
        cast(coalesce(in_transfer.in_transfer_qty, 0) as decimal(18, 3)) as in_transfer_qty
    from newest_snapshots
    left join on_order
        on
            newest_snapshots.sku_id = on_order.sku_id
            and newest_snapshots.location_id = on_order.location_id
    left join in_transfer
        on
            newest_snapshots.sku_id = in_transfer.sku_id
            and newest_snapshots.location_id = in_transfer.location_id

)

select * from final
