with sales as (

    select * from {{ ref('int_sku_channel_daily') }}

),

days as (

    select * from {{ ref('int_sku_location_days') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

sold as (

    select
        sku_key,
        {{ month_start('date') }} as month_start,
        {{ metrics(['units_qty', 'returns_qty', 'net_amount', 'discount_amount', 'cost_amount', 'margin_amount',
            'costed_net_amount']) }}
    from sales
    group by sku_key, {{ month_start('date') }}

),

-- quantities are added up before they are valued: 10.9 million products of wide decimals took 12 s, this takes 2 s
stock_days as (

    select
        days.sku_location_key,
        {{ month_start('days.date') }} as month_start,
        unit_costs.unit_cost,
        sum(days.lost_amount) as lost_amount,
        sum(days.lost_margin_amount) as lost_margin_amount,
        -- what is not there costs nothing to hold: a book below zero counts as empty
        sum(case when days.on_hand_qty < 0 then 0 else days.on_hand_qty end) as held_qty
    from days
    left join unit_costs
        on
            days.sku_location_key = unit_costs.sku_location_key
            and days.date between unit_costs.valid_from and unit_costs.valid_to
    where days.on_hand_qty is not null or days.lost_qty is not null
    group by days.sku_location_key, {{ month_start('days.date') }}, unit_costs.unit_cost

),

stocked as (

    select
        sku_locations.sku_key,
        stock_days.month_start,
        sum(stock_days.lost_amount) as lost_amount,
        sum(stock_days.lost_margin_amount) as lost_margin_amount,
        sum(stock_days.held_qty * stock_days.unit_cost) as stock_value_days_amount
    from stock_days
    inner join sku_locations on stock_days.sku_location_key = sku_locations.sku_location_key
    group by sku_locations.sku_key, stock_days.month_start

),

months as (

    select
        coalesce(sold.sku_key, stocked.sku_key) as sku_key,
        coalesce(sold.month_start, stocked.month_start) as month_start,
        coalesce(sold.units_qty, 0) as units_qty,
        coalesce(sold.returns_qty, 0) as returns_qty,
        coalesce(sold.net_amount, 0) as net_amount,
        coalesce(sold.discount_amount, 0) as discount_amount,
        sold.cost_amount,
        sold.margin_amount,
        sold.costed_net_amount,
        stocked.lost_amount,
        stocked.lost_margin_amount,
        cast(stocked.stock_value_days_amount * {{ var('holding_cost_yearly_pct') }} / 100 / 365 as decimal(18, 2))
            as holding_cost_amount
    from sold
    full outer join stocked
        on
            sold.sku_key = stocked.sku_key
            and sold.month_start = stocked.month_start

),

measured as (

    select
        *,
        -- a product that only stood there earned nothing and cost its holding; one without any cost stays unknown
        case
            when margin_amount is not null or (net_amount = 0 and holding_cost_amount is not null)
                then cast(coalesce(margin_amount, 0) - coalesce(holding_cost_amount, 0) as decimal(18, 2))
        end as profit_amount
    from months

),

ranked as (

    select
        *,
        case when profit_amount is not null then row_number() over (
            partition by month_start order by profit_amount desc nulls last, sku_key asc
        ) end as profit_rank,
        sum(profit_amount) over (
            partition by month_start order by profit_amount desc nulls last, sku_key asc
            rows between unbounded preceding and current row
        ) as cumulative_profit_amount,
        sum(profit_amount) over (partition by month_start) as month_profit_amount
    from measured

),

final as (

    select
        ranked.month_start,
        sku_locations.sku_id,
        sku_locations.department,
        sku_locations.category,
        cast(ranked.units_qty as decimal(18, 3)) as units_qty,
        cast(ranked.returns_qty as decimal(18, 3)) as returns_qty,
        cast(ranked.net_amount as decimal(18, 2)) as net_amount,
        cast(ranked.discount_amount as decimal(18, 2)) as discount_amount,
        ranked.cost_amount,
        ranked.margin_amount,
        100 * cast(ranked.margin_amount as double) / nullif(ranked.costed_net_amount, 0) as gross_margin_pct,
        cast(ranked.lost_amount as decimal(18, 2)) as lost_amount,
        cast(ranked.lost_margin_amount as decimal(18, 2)) as lost_margin_amount,
        ranked.holding_cost_amount,
        ranked.profit_amount,
        cast(ranked.profit_rank as integer) as profit_rank,
        case
            when ranked.profit_amount is not null and ranked.month_profit_amount > 0
                then cast(ranked.cumulative_profit_amount as double) / ranked.month_profit_amount
        end as cumulative_profit_share
    from ranked
    inner join sku_locations on ranked.sku_key = sku_locations.sku_location_key

)

select * from final
