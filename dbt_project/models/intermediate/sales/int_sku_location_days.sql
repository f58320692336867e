with dates as (

    select * from {{ ref('int_sku_location_dates') }}

),

periods as (

    select * from {{ ref('int_sku_location_periods') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

snapshots as (

    select * from {{ ref('int_inventory_filled') }}

),

stockouts as (

    select * from {{ ref('int_stockout_days') }}

),

series as (

    select * from {{ ref('stg_ml__demand_series') }}

),

demand as (

    select * from {{ ref('stg_ml__demand_history') }}

),

numbered_series as (

    select
        series.series_id,
        sku_locations.sku_location_key
    from series
    inner join sku_locations
        on
            series.sku_id = sku_locations.sku_id
            and series.location_id = sku_locations.location_id

),

lost_days as (

    select
        numbered_series.sku_location_key,
        demand.date,
        demand.demand_qty - demand.sales_qty as lost_qty
    from demand
    inner join numbered_series on demand.series_id = numbered_series.series_id
    where demand.repair_rule = 'stock_out'

),

joined as (

    select
        dates.sku_location_key,
        dates.date,
        periods.shelf_price,
        periods.unit_cost,
        periods.is_promoted,
        periods.on_order_qty,
        periods.in_transfer_qty,
        numbered_series.sku_location_key is not null as has_series,
        sales.units_qty,
        sales.returns_qty,
        sales.net_amount,
        sales.sales_amount,
        sales.discount_amount,
        cast((sales.units_qty - sales.returns_qty) * periods.unit_cost as decimal(18, 2)) as cost_amount,
        snapshots.on_hand_qty,
        snapshots.reserved_qty,
        snapshots.is_estimated,
        snapshots.is_stockout,
        stockouts.stockout_share,
        cast(lost_days.lost_qty as decimal(18, 3)) as lost_qty
    from dates
    inner join periods on dates.period_key = periods.period_key
    left join numbered_series on dates.sku_location_key = numbered_series.sku_location_key
    left join sales
        on
            dates.sku_location_key = sales.sku_location_key
            and dates.date = sales.date
    left join snapshots
        on
            dates.sku_location_key = snapshots.sku_location_key
            and dates.date = snapshots.date
    left join stockouts
        on
            dates.sku_location_key = stockouts.sku_location_key
            and dates.date = stockouts.date
    left join lost_days
        on
            dates.sku_location_key = lost_days.sku_location_key
            and dates.date = lost_days.date

),

-- most days have no sale: their branches come first
final as (

    select
        sku_location_key,
        date,
        cast(coalesce(units_qty, 0) as decimal(18, 3)) as units_qty,
        cast(coalesce(returns_qty, 0) as decimal(18, 3)) as returns_qty,
        cast(coalesce(net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(coalesce(sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cast(coalesce(discount_amount, 0) as decimal(18, 2)) as discount_amount,
        cast(
            case
                when unit_cost is null then null
                when units_qty is null then 0
                else cost_amount
            end as decimal(18, 2)
        ) as cost_amount,
        cast(
            case
                when unit_cost is null then null
                when units_qty is null then 0
                else net_amount - cost_amount
            end as decimal(18, 2)
        ) as margin_amount,
        cast(
            case when units_qty is not null then sales_amount / nullif(units_qty, 0) end as decimal(18, 4)
        ) as price,
        cast(shelf_price as decimal(18, 4)) as shelf_price,
        is_promoted,
        on_hand_qty,
        reserved_qty,
        is_estimated as is_on_hand_estimated,
        cast(on_order_qty as decimal(18, 3)) as on_order_qty,
        cast(in_transfer_qty as decimal(18, 3)) as in_transfer_qty,
        is_stockout,
        case when is_stockout then stockout_share when not is_stockout then 0 end as stockout_share,
        cast(case when has_series then coalesce(lost_qty, 0) end as decimal(18, 3)) as lost_qty,
        cast(
            case
                when not has_series then null
                when lost_qty is null then 0
                else lost_qty * shelf_price
            end as decimal(18, 2)
        ) as lost_amount,
        cast(
            case
                when not has_series or unit_cost is null then null
                when lost_qty is null then 0
                else lost_qty * (shelf_price - unit_cost)
            end as decimal(18, 2)
        ) as lost_margin_amount
    from joined

)

select * from final
