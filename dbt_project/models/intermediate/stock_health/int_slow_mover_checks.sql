with evaluations as (

    select * from {{ ref('int_stock_evaluations') }}

),

stock_windows as (

    select * from {{ ref('int_stock_windows') }}

),

stock_ages as (

    select * from {{ ref('int_stock_ages') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

ranging as (

    select * from {{ ref('stg_erp__ranging') }}

),

stock_days as (

    select * from {{ ref('int_inventory_filled') }}

),

recorded_since as (

    select min(date) as first_recorded_on from stock_days

),

shelves as (

    select
        sku_id,
        location_id,
        max(presentation_min_qty) as presentation_min_qty
    from ranging
    group by sku_id, location_id

),

-- a warehouse sells nothing: what is slow shows at the places it feeds, what is dead in mart_inventory_health
pairs as (

    select
        evaluations.evaluated_on,
        evaluations.sku_location_key,
        evaluations.category,
        evaluations.on_hand_qty,
        evaluations.unit_cost,
        coalesce(shelves.presentation_min_qty, 0) as presentation_min_qty,
        {{ by_category('slow_mover_decline_pct', 'evaluations.category') }} as decline_limit_pct,
        {{ by_category('slow_mover_max_cover_days', 'evaluations.category') }} as cover_limit_days,
        {{ by_category('slow_mover_max_age_days', 'evaluations.category') }} as age_limit_days,
        {{ add_days('evaluations.evaluated_on', var('slow_mover_outcome_days')) }} <= {{ as_of() }} as is_past
    from evaluations
    inner join sku_locations on evaluations.sku_location_key = sku_locations.sku_location_key
    left join shelves
        on
            sku_locations.sku_id = shelves.sku_id
            and sku_locations.location_id = shelves.location_id
    where evaluations.on_hand_qty > 0 and evaluations.location_type <> 'warehouse'

),

measured as (

    select
        pairs.*,
        stock_windows.before_days,
        stock_windows.before_qty,
        stock_windows.recent_days,
        stock_windows.recent_qty,
        stock_windows.quarter_days,
        stock_windows.quarter_qty,
        stock_windows.outcome_recorded_days,
        stock_windows.outcome_in_stock_days,
        stock_windows.outcome_in_stock_qty,
        stock_windows.outcome_days,
        stock_windows.outcome_qty,
        stock_windows.outcome_issued_qty,
        stock_ages.age_days,
        stock_ages.over_age_qty
    from pairs
    inner join stock_windows
        on
            pairs.sku_location_key = stock_windows.sku_location_key
            and pairs.evaluated_on = stock_windows.evaluated_on
    left join stock_ages
        on
            pairs.sku_location_key = stock_ages.sku_location_key
            and pairs.evaluated_on = stock_ages.evaluated_on

),

-- the pace of the whole category: a product that falls with its season is not slow
category_sums as (

    select
        evaluated_on,
        category,
        sum(recent_qty) as recent_qty,
        sum(recent_days) as recent_days,
        sum(before_qty) as before_qty,
        sum(before_days) as before_days
    from measured
    where recent_days >= 10 and before_days >= 10 and category is not null
    group by evaluated_on, category

),

category_paces as (

    select
        evaluated_on,
        category,
        cast((recent_qty / recent_days) / (before_qty / before_days) as double) as category_ratio
    from category_sums
    -- a category of a handful of units has no season
    where before_qty >= 10 * {{ var('slow_mover_min_units') }}

),

paced as (

    select
        measured.*,
        category_paces.category_ratio,
        measured.recent_qty / nullif(measured.recent_days, 0) as recent_rate,
        measured.before_qty / nullif(measured.before_days, 0) as before_rate,
        measured.quarter_qty / nullif(measured.quarter_days, 0) as quarter_rate,
        -- what the days before and the category lead one to expect; a growing category accuses nobody
        (measured.before_qty / nullif(measured.before_days, 0)) * measured.recent_days
        * least(coalesce(category_paces.category_ratio, 1), 1) as expected_qty
    from measured
    left join category_paces
        on
            measured.evaluated_on = category_paces.evaluated_on
            and measured.category = category_paces.category

),

declines as (

    select
        evaluated_on,
        sku_location_key,
        'declining_sales' as rule,
        -- below both: the days before as they were, and what the category leads one to expect, by more than chance
        recent_rate <= before_rate * (1 - decline_limit_pct / 100.0)
        and recent_qty <= expected_qty * (1 - decline_limit_pct / 100.0)
        and expected_qty - recent_qty
        >= {{ var('slow_mover_min_deviations') }} * sqrt(expected_qty * (1 + expected_qty / before_qty)) as is_alert,
        100.0 * (1 - recent_rate / before_rate) as measured_value,
        decline_limit_pct as threshold,
        on_hand_qty * greatest(1 - recent_rate / before_rate, 0) as at_risk_qty,
        is_past and outcome_days >= 14 as is_outcome_known,
        outcome_qty / nullif(outcome_days, 0) <= before_rate * (1 - decline_limit_pct / 100.0) as is_right
    from paced
    where recent_days >= 10 and before_days >= 10 and before_qty >= {{ var('slow_mover_min_units') }}

),

covers as (

    select
        evaluated_on,
        sku_location_key,
        'days_of_cover' as rule,
        on_hand_qty - greatest(quarter_rate * cover_limit_days, presentation_min_qty) >= 1 as is_alert,
        on_hand_qty * quarter_days / nullif(quarter_qty, 0) as measured_value,
        cover_limit_days as threshold,
        greatest(on_hand_qty - greatest(quarter_rate * cover_limit_days, presentation_min_qty), 0) as at_risk_qty,
        is_past and 2 * outcome_in_stock_days >= {{ var('slow_mover_outcome_days') }} as is_outcome_known,
        on_hand_qty - greatest(
            outcome_in_stock_qty / nullif(outcome_in_stock_days, 0) * cover_limit_days, presentation_min_qty
        ) >= 1 as is_right
    from paced
    where quarter_days >= 56

),

ages as (

    select
        paced.evaluated_on,
        paced.sku_location_key,
        'stock_age' as rule,
        paced.age_days > paced.age_limit_days as is_alert,
        paced.age_days as measured_value,
        paced.age_limit_days as threshold,
        paced.over_age_qty as at_risk_qty,
        paced.is_past and 2 * paced.outcome_recorded_days >= {{ var('slow_mover_outcome_days') }} as is_outcome_known,
        paced.outcome_issued_qty < paced.on_hand_qty / 2 as is_right
    from paced
    cross join recorded_since
    -- where the records are younger than the limit nothing can be seen to be older: that is no clean bill
    where
        paced.age_days is not null
        and (
            paced.age_days > paced.age_limit_days
            or {{ days_from('recorded_since.first_recorded_on', 'paced.evaluated_on') }} > paced.age_limit_days
        )

),

checks as (

    select * from declines
    union all
    select * from covers
    union all
    select * from ages

),

final as (

    select
        checks.evaluated_on,
        checks.sku_location_key,
        checks.rule,
        coalesce(checks.is_alert, false) as is_alert,
        cast(checks.measured_value as double) as measured_value,
        cast(checks.threshold as double) as threshold,
        cast(checks.at_risk_qty as decimal(18, 3)) as at_risk_qty,
        cast(checks.at_risk_qty * paced.unit_cost as decimal(18, 2)) as money_at_risk,
        coalesce(checks.is_outcome_known, false) as is_outcome_known,
        case when checks.is_outcome_known then checks.is_right end as is_right,
        paced.category,
        paced.on_hand_qty,
        paced.unit_cost,
        paced.recent_qty,
        paced.recent_days,
        paced.before_qty,
        paced.before_days,
        paced.quarter_qty,
        paced.quarter_days,
        paced.category_ratio
    from checks
    inner join paced
        on
            checks.evaluated_on = paced.evaluated_on
            and checks.sku_location_key = paced.sku_location_key

)

select * from final
