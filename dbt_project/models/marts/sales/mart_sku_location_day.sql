{{ config(materialized='view') }}

with days as (

    select * from {{ ref('int_sku_location_days') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

final as (

    select
        sku_locations.sku_id,
        sku_locations.location_id,
        days.date,
        days.units_qty,
        days.returns_qty,
        days.net_amount,
        days.sales_amount,
        days.discount_amount,
        days.cost_amount,
        days.margin_amount,
        days.price,
        days.shelf_price,
        days.is_promoted,
        days.on_hand_qty,
        days.reserved_qty,
        days.is_on_hand_estimated,
        days.on_order_qty,
        days.in_transfer_qty,
        days.is_stockout,
        days.stockout_share,
        days.lost_qty,
        days.lost_amount,
        days.lost_margin_amount
    from days
    inner join sku_locations on days.sku_location_key = sku_locations.sku_location_key

)

select * from final
