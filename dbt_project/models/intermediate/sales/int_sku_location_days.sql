with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

active_spans as (

    select * from {{ ref('int_sku_locations_active') }}

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

prices as (

    select * from {{ ref('int_prices') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

promotion_periods as (

    select * from {{ ref('int_promotion_periods') }}

),

supply as (

    select * from {{ ref('int_supply_expected') }}

),

purchase_orders as (

    select count(*) > 0 as is_delivered from {{ ref('stg_erp__purchase_orders') }}

),

transfers as (

    select count(*) > 0 as is_delivered from {{ ref('stg_erp__transfers') }}

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

-- days outside the active spans on which something happened all the same
known_days as (

    select
        sku_location_key,
        date
    from sales
    union all
    select
        sku_location_key,
        date
    from snapshots

),

inactive_days as (

    select distinct
        known_days.sku_location_key,
        known_days.date
    from known_days
    left join active_spans
        on
            known_days.sku_location_key = active_spans.sku_location_key
            and known_days.date between active_spans.starts_on and active_spans.ends_on
    where active_spans.sku_location_key is null

),

-- what holds for many days at once (price, cost, promotion, supply on its way) cuts a span into pieces, and only the
-- pieces are joined to it: see the YAML for the figure
cuts as (

    select
        sku_location_key,
        valid_from as starts_on
    from prices
    union all
    select
        sku_location_key,
        {{ add_days('valid_to', 1) }} as starts_on
    from prices
    union all
    select
        sku_location_key,
        valid_from as starts_on
    from unit_costs
    union all
    select
        sku_location_key,
        starts_on
    from promotion_periods
    union all
    select
        sku_location_key,
        {{ add_days('ends_on', 1) }} as starts_on
    from promotion_periods
    union all
    select
        sku_location_key,
        valid_from as starts_on
    from supply

),

piece_starts as (

    select
        active_spans.sku_location_key,
        active_spans.ends_on as span_ends_on,
        cuts.starts_on
    from cuts
    inner join active_spans
        on
            cuts.sku_location_key = active_spans.sku_location_key
            and cuts.starts_on > active_spans.starts_on
            and cuts.starts_on <= active_spans.ends_on
    union
    select
        sku_location_key,
        ends_on as span_ends_on,
        starts_on
    from active_spans

),

pieces as (

    select
        sku_location_key,
        starts_on,
        least(
            span_ends_on,
            coalesce(
                {{ add_days('lead(starts_on) over (partition by sku_location_key order by starts_on)', -1) }},
                span_ends_on
            )
        ) as ends_on
    from piece_starts
    union all
    select
        sku_location_key,
        date as starts_on,
        date as ends_on
    from inactive_days

),

described_pieces as (

    select
        pieces.sku_location_key,
        pieces.starts_on,
        pieces.ends_on,
        prices.price as shelf_price,
        unit_costs.unit_cost,
        promotion_periods.sku_location_key is not null as is_promoted,
        -- a feed that was never delivered says nothing, not zero
        case when purchase_orders.is_delivered then coalesce(supply.on_order_qty, 0) end as on_order_qty,
        case when transfers.is_delivered then coalesce(supply.in_transfer_qty, 0) end as in_transfer_qty,
        numbered_series.sku_location_key is not null as has_series
    from pieces
    cross join purchase_orders
    cross join transfers
    left join prices
        on
            pieces.sku_location_key = prices.sku_location_key
            and pieces.starts_on between prices.valid_from and prices.valid_to
    left join unit_costs
        on
            pieces.sku_location_key = unit_costs.sku_location_key
            and pieces.starts_on between unit_costs.valid_from and unit_costs.valid_to
    left join promotion_periods
        on
            pieces.sku_location_key = promotion_periods.sku_location_key
            and pieces.starts_on between promotion_periods.starts_on and promotion_periods.ends_on
    left join supply
        on
            pieces.sku_location_key = supply.sku_location_key
            and pieces.starts_on between supply.valid_from and supply.valid_to
    left join numbered_series on pieces.sku_location_key = numbered_series.sku_location_key

),

days as (

    select
        sku_location_key,
        shelf_price,
        unit_cost,
        is_promoted,
        on_order_qty,
        in_transfer_qty,
        has_series,
        {{ days_between('starts_on', 'ends_on') }} as date
    from described_pieces

),

joined as (

    select
        days.sku_location_key,
        days.date,
        days.shelf_price,
        days.unit_cost,
        days.is_promoted,
        days.on_order_qty,
        days.in_transfer_qty,
        days.has_series,
        sales.units_qty,
        sales.returns_qty,
        sales.net_amount,
        sales.sales_amount,
        sales.discount_amount,
        snapshots.on_hand_qty,
        snapshots.reserved_qty,
        snapshots.is_estimated,
        snapshots.is_stockout,
        stockouts.stockout_share,
        cast(lost_days.lost_qty as decimal(18, 3)) as lost_qty
    from days
    left join sales
        on
            days.sku_location_key = sales.sku_location_key
            and days.date = sales.date
    left join snapshots
        on
            days.sku_location_key = snapshots.sku_location_key
            and days.date = snapshots.date
    left join stockouts
        on
            days.sku_location_key = stockouts.sku_location_key
            and days.date = stockouts.date
    left join lost_days
        on
            days.sku_location_key = lost_days.sku_location_key
            and days.date = lost_days.date

),

-- the branches for days without a sale come first: most days are such, and multiplying nothing costs as much as something
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
                else (units_qty - returns_qty) * unit_cost
            end as decimal(18, 2)
        ) as cost_amount,
        cast(
            case
                when unit_cost is null then null
                when units_qty is null then 0
                else net_amount - cast((units_qty - returns_qty) * unit_cost as decimal(18, 2))
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
