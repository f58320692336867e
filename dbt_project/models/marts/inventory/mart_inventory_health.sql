with evaluations as (

    select * from {{ ref('int_stock_evaluations') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

positions as (

    select * from {{ ref('int_stock_positions') }}

),

stock_ages as (

    select * from {{ ref('int_stock_ages') }}

),

stock_days as (

    select * from {{ ref('int_inventory_filled') }}

),

stockout_days as (

    select * from {{ ref('int_stockout_days') }}

),

issues as (

    select * from {{ ref('int_stock_issues') }}

),

forecast_weeks as (

    select * from {{ ref('stg_ml__forecast_weekly') }}

),

targets as (

    select * from {{ ref('stg_ml__stock_targets') }}

),

pairs as (

    select
        evaluations.sku_location_key,
        sku_locations.sku_id,
        sku_locations.location_id,
        evaluations.category,
        evaluations.location_type,
        evaluations.snapshot_date,
        evaluations.on_hand_qty,
        greatest(evaluations.on_hand_qty, 0) as stock_qty,
        evaluations.unit_cost,
        sku_locations.last_sold_on,
        positions.reserved_qty,
        positions.backorder_qty,
        positions.on_order_qty,
        positions.in_transfer_qty,
        {{ by_category('dead_stock_days', 'evaluations.category') }} as dead_stock_days
    from evaluations
    inner join sku_locations on evaluations.sku_location_key = sku_locations.sku_location_key
    inner join positions
        on
            sku_locations.sku_id = positions.sku_id
            and sku_locations.location_id = positions.location_id
    where evaluations.evaluated_on = {{ as_of() }}

),

-- doubles: sums of decimals over ten million rows took three times as long, and cents do not show at this scale
recorded as (

    select
        sku_location_key,
        min(date) as first_recorded_on,
        count(case when date > {{ add_days(as_of(), -364) }} then 1 end) as days_364,
        count(case when date > {{ add_days(as_of(), -91) }} then 1 end) as days_91,
        count(case when date > {{ add_days(as_of(), -28) }} then is_stockout end) as counted_28,
        count(case when date > {{ add_days(as_of(), -91) }} then is_stockout end) as counted_91,
        count(
            case when date > {{ add_days(as_of(), -91) }} and not coalesce(is_stockout, false) then 1 end
        ) as in_stock_91,
        sum(
            case when date > {{ add_days(as_of(), -364) }} then cast(greatest(on_hand_qty, 0) as double) end
        ) as stock_days_364,
        sum(
            case when date > {{ add_days(as_of(), -91) }} then cast(greatest(on_hand_qty, 0) as double) end
        ) as stock_days_91
    from stock_days
    group by sku_location_key

),

-- where the hour of the last sale is not known, a day that closed empty counts whole
empty as (

    select
        sku_location_key,
        sum(case when date > {{ add_days(as_of(), -28) }} then coalesce(stockout_share, 1) end) as empty_28,
        sum(coalesce(stockout_share, 1)) as empty_91,
        count(distinct floor({{ days_from('date', as_of()) }} / 7.0)) as empty_weeks
    from stockout_days
    where date > {{ add_days(as_of(), -91) }}
    group by sku_location_key

),

issued as (

    select
        sku_location_key,
        max(case when sold_qty > 0 or shipped_qty > 0 then date end) as last_issued_on,
        sum(case when date > {{ add_days(as_of(), -364) }} then sold_qty else 0 end) as sold_364,
        sum(case when date > {{ add_days(as_of(), -91) }} then sold_qty else 0 end) as sold_91,
        sum(case when date > {{ add_days(as_of(), -91) }} then sold_qty + shipped_qty else 0 end) as issued_91,
        sum(case when date > {{ add_days(as_of(), -364) }} then cost_amount else 0 end) as cost_364,
        sum(case when date > {{ add_days(as_of(), -91) }} then cost_amount else 0 end) as cost_91,
        sum(case when date > {{ add_days(as_of(), -364) }} then issued_amount else 0 end) as issued_amount_364,
        sum(case when date > {{ add_days(as_of(), -91) }} then issued_amount else 0 end) as issued_amount_91,
        sum(case when date > {{ add_days(as_of(), -364) }} then net_amount else 0 end) as net_364
    from issues
    group by sku_location_key

),

-- the forecast week by week: days and demand before each, and with it
weeks as (

    select
        pairs.sku_location_key,
        pairs.stock_qty,
        forecast_weeks.days_covered,
        forecast_weeks.mean_qty,
        sum(forecast_weeks.days_covered) over (
            partition by pairs.sku_location_key
            order by forecast_weeks.week_start
            rows between unbounded preceding and current row
        ) - forecast_weeks.days_covered as days_before,
        sum(forecast_weeks.mean_qty) over (
            partition by pairs.sku_location_key
            order by forecast_weeks.week_start
            rows between unbounded preceding and current row
        ) as mean_with_qty
    from forecast_weeks
    inner join pairs
        on
            forecast_weeks.sku_id = pairs.sku_id
            and forecast_weeks.location_id = pairs.location_id

),

covers as (

    select
        sku_location_key,
        max(mean_with_qty) < max(stock_qty) as is_beyond,
        -- the week in which mean demand uses up the stock, and the part of it that passes before
        min(
            case
                when mean_with_qty >= stock_qty and mean_with_qty - mean_qty < stock_qty
                    then
                        days_before
                        + days_covered * (stock_qty - (mean_with_qty - mean_qty)) / nullif(mean_qty, 0)
            end
        ) as days_within,
        sum(days_covered) as horizon_days,
        sum(mean_qty) as horizon_qty
    from weeks
    group by sku_location_key

),

gathered as (

    select
        pairs.*,
        recorded.first_recorded_on,
        coalesce(recorded.days_364, 0) as days_364,
        recorded.stock_days_364 / nullif(recorded.days_364, 0) * pairs.unit_cost as avg_stock_364d_amount,
        recorded.stock_days_91 / nullif(recorded.days_91, 0) * pairs.unit_cost as avg_stock_91d_amount,
        coalesce(recorded.days_91, 0) as days_91,
        recorded.in_stock_91,
        recorded.counted_28,
        recorded.counted_91,
        coalesce(empty.empty_28, 0) as empty_28,
        coalesce(empty.empty_91, 0) as empty_91,
        coalesce(empty.empty_weeks, 0) as empty_weeks,
        coalesce(issued.sold_364, 0) as sold_364,
        coalesce(issued.sold_91, 0) as sold_91,
        coalesce(issued.issued_91, 0) as issued_91,
        case when pairs.unit_cost is not null then coalesce(issued.cost_364, 0) end as cost_364,
        case when pairs.unit_cost is not null then coalesce(issued.cost_91, 0) end as cost_91,
        case when pairs.unit_cost is not null then coalesce(issued.issued_amount_364, 0) end as issued_amount_364,
        case when pairs.unit_cost is not null then coalesce(issued.issued_amount_91, 0) end as issued_amount_91,
        coalesce(issued.net_364, 0) as net_364,
        coalesce(issued.last_issued_on, pairs.last_sold_on) as last_issued_on,
        covers.is_beyond,
        covers.days_within,
        covers.horizon_days,
        covers.horizon_qty,
        stock_ages.age_days,
        stock_ages.oldest_days,
        stock_ages.receipt_share,
        stock_ages.aged_0_90_qty,
        stock_ages.aged_91_180_qty,
        stock_ages.aged_181_364_qty,
        stock_ages.aged_over_364_qty,
        targets.protection_days,
        targets.demand_mean_qty,
        targets.target_qty,
        pairs.on_hand_qty - pairs.reserved_qty - pairs.backorder_qty
        + pairs.on_order_qty + pairs.in_transfer_qty as position_qty
    from pairs
    left join recorded on pairs.sku_location_key = recorded.sku_location_key
    left join empty on pairs.sku_location_key = empty.sku_location_key
    left join issued on pairs.sku_location_key = issued.sku_location_key
    left join covers on pairs.sku_location_key = covers.sku_location_key
    left join stock_ages
        on
            pairs.sku_location_key = stock_ages.sku_location_key
            and stock_ages.evaluated_on = {{ as_of() }}
    left join targets
        on
            pairs.sku_id = targets.sku_id
            and pairs.location_id = targets.location_id

),

judged as (

    select
        *,
        {{ days_from('coalesce(last_issued_on, first_recorded_on)', as_of()) }} as days_since_issue,
        case when position_qty > target_qty then position_qty - target_qty else 0 * target_qty end as over_stock_qty,
        case when position_qty < target_qty then target_qty - position_qty else 0 * target_qty end as under_stock_qty
    from gathered

),

final as (

    select
        sku_id,
        location_id,
        category,
        location_type,
        snapshot_date,
        on_hand_qty,
        reserved_qty,
        on_order_qty,
        in_transfer_qty,
        unit_cost,
        cast(stock_qty * unit_cost as decimal(18, 2)) as stock_amount,
        cast(days_364 as integer) as days_on_record_364d,
        cast(avg_stock_364d_amount as decimal(18, 2)) as avg_stock_364d_amount,
        cast(avg_stock_91d_amount as decimal(18, 2)) as avg_stock_91d_amount,
        cast(sold_364 as decimal(18, 3)) as sold_364d_qty,
        cast(sold_91 as decimal(18, 3)) as sold_91d_qty,
        cast(cost_364 as decimal(18, 2)) as cost_of_sales_364d_amount,
        cast(cost_91 as decimal(18, 2)) as cost_of_sales_91d_amount,
        cast(issued_amount_364 as decimal(18, 2)) as issued_364d_amount,
        cast(issued_amount_91 as decimal(18, 2)) as issued_91d_amount,
        cast(case when unit_cost is not null then net_364 - cost_364 end as decimal(18, 2)) as margin_364d_amount,
        avg_stock_364d_amount * days_364 / nullif(cast(greatest(issued_amount_364, 0) as double), 0)
            as turnover_364d_days,
        avg_stock_91d_amount * days_91 / nullif(cast(greatest(issued_amount_91, 0) as double), 0)
            as turnover_91d_days,
        cast(
            case
                when stock_qty = 0 then 0
                when is_beyond then horizon_days + (stock_qty - horizon_qty) * horizon_days / nullif(horizon_qty, 0)
                else days_within
            end as double
        ) as cover_forecast_days,
        case when horizon_days is not null then stock_qty > 0 and is_beyond end as is_cover_beyond_forecast,
        cast(stock_qty as double) * in_stock_91 / nullif(greatest(issued_91, 0), 0) as cover_history_days,
        100.0 * cast(greatest(sold_91, 0) as double) / nullif(greatest(sold_91, 0) + stock_qty, 0)
            as sell_through_91d_pct,
        case
            when location_type <> 'warehouse' or sold_364 <> 0
                then
                    cast(net_364 - cost_364 as double) * 364 / nullif(days_364, 0)
                    / nullif(avg_stock_364d_amount, 0)
        end as gmroi,
        age_days,
        oldest_days,
        receipt_share,
        cast(aged_0_90_qty * unit_cost as decimal(18, 2)) as aged_0_90_amount,
        cast(aged_91_180_qty * unit_cost as decimal(18, 2)) as aged_91_180_amount,
        cast(aged_181_364_qty * unit_cost as decimal(18, 2)) as aged_181_364_amount,
        cast(aged_over_364_qty * unit_cost as decimal(18, 2)) as aged_over_364_amount,
        last_issued_on,
        cast(days_since_issue as integer) as days_since_issue,
        stock_qty > 0 and coalesce(days_since_issue >= dead_stock_days, false) as is_dead_stock,
        cast(
            case when days_since_issue >= dead_stock_days then stock_qty * unit_cost else 0 end as decimal(18, 2)
        ) as dead_stock_amount,
        100.0 * (1 - empty_28 / nullif(counted_28, 0)) as availability_28d_pct,
        100.0 * (1 - empty_91 / nullif(counted_91, 0)) as availability_91d_pct,
        cast(case when counted_91 > 0 then empty_weeks end as integer) as weeks_out_of_stock_13w,
        cast(protection_days as integer) as protection_days,
        cast(demand_mean_qty as double) as demand_mean_qty,
        cast(target_qty as decimal(18, 3)) as target_qty,
        cast(over_stock_qty as decimal(18, 3)) as over_stock_qty,
        cast(over_stock_qty * unit_cost as decimal(18, 2)) as over_stock_amount,
        cast(under_stock_qty as decimal(18, 3)) as under_stock_qty,
        cast(under_stock_qty * unit_cost as decimal(18, 2)) as under_stock_amount
    from judged

)

select * from final
