{{ config(materialized='view') }}

with days as (

    select * from {{ ref('int_sku_channel_daily') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

final as (

    select
        sku_locations.sku_id,
        days.channel,
        days.date,
        days.units_qty,
        days.returns_qty,
        days.net_amount,
        days.sales_amount,
        days.discount_amount,
        days.line_count,
        days.cost_amount,
        days.margin_amount,
        days.costed_net_amount,
        days.costed_net_qty,
        days.costed_discount_amount
    from days
    inner join sku_locations on days.sku_key = sku_locations.sku_location_key

)

select * from final
