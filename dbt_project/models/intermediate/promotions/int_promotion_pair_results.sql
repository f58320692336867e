{%- set after_days = var('promotion_after_days') | int %}
with promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

active_spans as (

    select * from {{ ref('int_sku_locations_active') }}

),

days as (

    select * from {{ ref('int_sku_location_days') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

-- only where a day without a row means a day without a sale: the pair was there all the time
promoted_pairs as (

    select distinct sku_location_key from promotion_pairs

),

watched_pairs as (

    select
        active_spans.sku_location_key,
        min(active_spans.starts_on) as first_day,
        max(active_spans.ends_on) as last_day
    from active_spans
    inner join promoted_pairs on active_spans.sku_location_key = promoted_pairs.sku_location_key
    group by active_spans.sku_location_key

),

-- a year and a little: what is older has been read
started as (

    select
        promotion_pairs.promotion_key,
        promotion_pairs.sku_location_key,
        promotion_pairs.starts_on,
        least(promotion_pairs.ends_on, {{ as_of() }}) as ends_on,
        {{ days_from('promotion_pairs.starts_on', 'promotion_pairs.ends_on') }} + 1 as duration_days,
        {{ add_days('promotion_pairs.starts_on', -(var('promotion_baseline_days') | int)) }} as before_starts_on,
        {{ add_days('promotion_pairs.ends_on', after_days) }} as after_ends_on
    from promotion_pairs
    inner join watched_pairs on promotion_pairs.sku_location_key = watched_pairs.sku_location_key
    where
        promotion_pairs.starts_on <= {{ as_of() }}
        and promotion_pairs.ends_on >= {{ add_days(as_of(), -400) }}

),

sold_during as (

    select
        started.promotion_key,
        started.sku_location_key,
        count(*) as during_days,
        sum(days.units_qty) as during_qty,
        sum(days.net_amount) as during_net_amount,
        sum(days.margin_amount) as during_margin_amount,
        sum(days.discount_amount) as discount_amount,
        sum(days.lost_qty) as lost_qty
    from started
    inner join days
        on
            started.sku_location_key = days.sku_location_key
            and days.date between started.starts_on and started.ends_on
    group by started.promotion_key, started.sku_location_key

),

-- days without promotion and with stock, before and after
fit_days as (

    select
        days.sku_location_key,
        days.date,
        days.units_qty,
        days.net_amount,
        days.margin_amount
    from days
    inner join watched_pairs
        on
            days.sku_location_key = watched_pairs.sku_location_key
            and days.date between watched_pairs.first_day and watched_pairs.last_day
    where not days.is_promoted and not coalesce(days.is_stockout, false)

),

sold_before as (

    select
        started.promotion_key,
        started.sku_location_key,
        count(*) as before_days,
        sum(fit_days.units_qty) as before_qty,
        sum(fit_days.net_amount) as before_net_amount,
        sum(fit_days.margin_amount) as before_margin_amount
    from started
    inner join fit_days
        on
            started.sku_location_key = fit_days.sku_location_key
            and started.before_starts_on <= fit_days.date
            and started.starts_on > fit_days.date
    where
        -- a promotion of less than a week is compared with the same weekdays
        started.duration_days >= 7
        or ({{ days_from('fit_days.date', 'started.starts_on') }} * 6) % 7 < started.duration_days
    group by started.promotion_key, started.sku_location_key

),

sold_after as (

    select
        started.promotion_key,
        started.sku_location_key,
        count(*) as after_days,
        sum(fit_days.units_qty) as after_qty,
        sum(fit_days.margin_amount) as after_margin_amount
    from started
    inner join fit_days
        on
            started.sku_location_key = fit_days.sku_location_key
            and started.ends_on < fit_days.date
            and started.after_ends_on >= fit_days.date
    group by started.promotion_key, started.sku_location_key

),

final as (

    select
        started.promotion_key,
        sku_locations.sku_key,
        sku_locations.location_category_key,
        started.sku_location_key,
        started.starts_on,
        started.ends_on,
        started.duration_days,
        coalesce(sold_during.during_days, 0) as during_days,
        coalesce(sold_before.before_days, 0) as before_days,
        coalesce(sold_after.after_days, 0) as after_days,
        cast(coalesce(sold_during.during_qty, 0) as decimal(18, 3)) as during_qty,
        cast(coalesce(sold_during.during_net_amount, 0) as decimal(18, 2)) as during_net_amount,
        cast(sold_during.during_margin_amount as decimal(18, 2)) as during_margin_amount,
        cast(coalesce(sold_during.discount_amount, 0) as decimal(18, 2)) as discount_amount,
        cast(sold_during.lost_qty as decimal(18, 3)) as lost_qty,
        -- of a promotion of two days eight weeks hold sixteen such days: half of them are enough
        coalesce(
            sold_before.before_days >= least({{ var('promotion_min_days') }}, 4 * started.duration_days)
            and sold_during.during_days > 0,
            false
        ) as is_measured,
        cast(sold_before.before_qty as double) / nullif(sold_before.before_days, 0) as base_qty,
        cast(sold_before.before_net_amount as double) / nullif(sold_before.before_days, 0) as base_net_amount,
        cast(sold_before.before_margin_amount as double) / nullif(sold_before.before_days, 0) as base_margin_amount,
        cast(coalesce(sold_after.after_qty, 0) as double) as after_qty,
        cast(sold_after.after_margin_amount as double) as after_margin_amount
    from started
    inner join sku_locations on started.sku_location_key = sku_locations.sku_location_key
    left join sold_during
        on
            started.promotion_key = sold_during.promotion_key
            and started.sku_location_key = sold_during.sku_location_key
    left join sold_before
        on
            started.promotion_key = sold_before.promotion_key
            and started.sku_location_key = sold_before.sku_location_key
    left join sold_after
        on
            started.promotion_key = sold_after.promotion_key
            and started.sku_location_key = sold_after.sku_location_key

)

select * from final
