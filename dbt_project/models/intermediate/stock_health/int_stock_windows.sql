with evaluations as (

    select * from {{ ref('int_stock_evaluations') }}

),

stock_days as (

    select * from {{ ref('int_inventory_filled') }}

),

issues as (

    select * from {{ ref('int_stock_issues') }}

),

promotion_periods as (

    select * from {{ ref('int_promotion_periods') }}

),

evaluation_days as (

    select distinct evaluated_on
    from evaluations

),

-- the edges of all windows: 60 and 30 days before, 91 days, and what came after
edges as (

    select {{ add_days('evaluated_on', -91) }} as edge from evaluation_days
    union
    select {{ add_days('evaluated_on', -60) }} as edge from evaluation_days
    union
    select {{ add_days('evaluated_on', -30) }} as edge from evaluation_days
    union
    select evaluated_on as edge from evaluation_days
    union
    select {{ add_days('evaluated_on', var('slow_mover_outcome_days')) }} as edge from evaluation_days

),

calendar_days as (

    select {{ days_between(add_days(as_of(), -456), as_of()) }} as date

),

-- each day belongs to one segment, the stretch up to the next edge of any window: days are added up once, and windows
-- out of segments (13 dates with 4 windows each would else read every day five times)
segments as (

    select
        calendar_days.date,
        min(edges.edge) as segment_end
    from calendar_days
    inner join edges on calendar_days.date <= edges.edge
    group by calendar_days.date

),

promoted_days as (

    select
        promotion_periods.sku_location_key,
        {{ days_between('promotion_periods.starts_on', 'promotion_periods.ends_on') }} as date
    from promotion_periods
    where
        promotion_periods.ends_on > {{ add_days(as_of(), -456) }}
        and promotion_periods.sku_location_key in (select evaluations.sku_location_key from evaluations)

),

-- what sells on promotion, or while the shelf runs empty, says nothing of the pace: such days are not compared
days as (

    select
        stock_days.sku_location_key,
        segments.segment_end,
        not coalesce(stock_days.is_stockout, false) as is_in_stock,
        not coalesce(stock_days.is_stockout, false) and promoted_days.date is null as is_comparable,
        cast(issues.sold_qty as double) as sold_qty,
        cast(issues.sold_qty + issues.shipped_qty as double) as issued_qty
    from stock_days
    inner join segments on stock_days.date = segments.date
    left join promoted_days
        on
            stock_days.sku_location_key = promoted_days.sku_location_key
            and stock_days.date = promoted_days.date
    left join issues
        on
            stock_days.sku_location_key = issues.sku_location_key
            and stock_days.date = issues.date

),

-- sums of doubles, for those of decimals take three times as long; the cast below makes them exact again
segment_sums as (

    select
        sku_location_key,
        segment_end,
        count(*) as recorded_days,
        count(case when is_in_stock then 1 end) as in_stock_days,
        count(case when is_comparable then 1 end) as comparable_days,
        sum(case when is_in_stock then sold_qty end) as in_stock_qty,
        sum(case when is_comparable then sold_qty end) as comparable_qty,
        sum(issued_qty) as issued_qty
    from days
    group by sku_location_key, segment_end

),

evaluation_segments as (

    select distinct
        evaluation_days.evaluated_on,
        segments.segment_end,
        segments.segment_end > evaluation_days.evaluated_on as is_after,
        segments.segment_end > {{ add_days('evaluation_days.evaluated_on', -30) }}
        and segments.segment_end <= evaluation_days.evaluated_on as is_recent,
        segments.segment_end > {{ add_days('evaluation_days.evaluated_on', -60) }}
        and segments.segment_end <= {{ add_days('evaluation_days.evaluated_on', -30) }} as is_before
    from evaluation_days
    inner join segments
        on
            segments.segment_end > {{ add_days('evaluation_days.evaluated_on', -91) }}
            and segments.segment_end
            <= {{ add_days('evaluation_days.evaluated_on', var('slow_mover_outcome_days')) }}

),

windows as (

    select
        evaluation_segments.evaluated_on,
        segment_sums.sku_location_key,
        sum(case when evaluation_segments.is_before then segment_sums.comparable_days end) as before_days,
        sum(case when evaluation_segments.is_before then segment_sums.comparable_qty end) as before_qty,
        sum(case when evaluation_segments.is_recent then segment_sums.comparable_days end) as recent_days,
        sum(case when evaluation_segments.is_recent then segment_sums.comparable_qty end) as recent_qty,
        sum(case when not evaluation_segments.is_after then segment_sums.in_stock_days end) as quarter_days,
        sum(case when not evaluation_segments.is_after then segment_sums.in_stock_qty end) as quarter_qty,
        sum(case when evaluation_segments.is_after then segment_sums.recorded_days end) as outcome_recorded_days,
        sum(case when evaluation_segments.is_after then segment_sums.in_stock_days end) as outcome_in_stock_days,
        sum(case when evaluation_segments.is_after then segment_sums.in_stock_qty end) as outcome_in_stock_qty,
        sum(case when evaluation_segments.is_after then segment_sums.comparable_days end) as outcome_days,
        sum(case when evaluation_segments.is_after then segment_sums.comparable_qty end) as outcome_qty,
        sum(case when evaluation_segments.is_after then segment_sums.issued_qty end) as outcome_issued_qty
    from segment_sums
    inner join evaluation_segments on segment_sums.segment_end = evaluation_segments.segment_end
    group by evaluation_segments.evaluated_on, segment_sums.sku_location_key

),

final as (

    select
        windows.evaluated_on,
        windows.sku_location_key,
        cast(coalesce(windows.before_days, 0) as integer) as before_days,
        cast(coalesce(windows.recent_days, 0) as integer) as recent_days,
        cast(coalesce(windows.quarter_days, 0) as integer) as quarter_days,
        cast(coalesce(windows.outcome_recorded_days, 0) as integer) as outcome_recorded_days,
        cast(coalesce(windows.outcome_in_stock_days, 0) as integer) as outcome_in_stock_days,
        cast(coalesce(windows.outcome_days, 0) as integer) as outcome_days,
        cast(greatest(coalesce(windows.before_qty, 0), 0) as decimal(18, 3)) as before_qty,
        cast(greatest(coalesce(windows.recent_qty, 0), 0) as decimal(18, 3)) as recent_qty,
        cast(greatest(coalesce(windows.quarter_qty, 0), 0) as decimal(18, 3)) as quarter_qty,
        cast(greatest(coalesce(windows.outcome_in_stock_qty, 0), 0) as decimal(18, 3)) as outcome_in_stock_qty,
        cast(greatest(coalesce(windows.outcome_qty, 0), 0) as decimal(18, 3)) as outcome_qty,
        cast(greatest(coalesce(windows.outcome_issued_qty, 0), 0) as decimal(18, 3)) as outcome_issued_qty
    from windows
    inner join evaluations
        on
            windows.sku_location_key = evaluations.sku_location_key
            and windows.evaluated_on = evaluations.evaluated_on

)

select * from final
