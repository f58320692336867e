with sales as (

    select min(date) as first_day from {{ ref('int_sales_daily') }}

),

-- two years and a little: every period of the last year and the same one a year before
calendar as (

    select
        {{ days_between(
            'greatest(first_day, ' ~ add_days(as_of(), -800) ~ ')',
            as_of()
        ) }} as date
    from sales
    where first_day is not null

),

days as (

    select
        {{ week_start('date') }} as week_start,
        {{ month_start('date') }} as month_start,
        {{ period_start('quarter', 'date') }} as quarter_start,
        {{ period_start('year', 'date') }} as year_start
    from calendar

),

periods as (

    select
        'week' as period_type,
        week_start as starts_on,
        {{ add_days('week_start', 6) }} as ends_on,
        count(*) as day_count
    from days
    group by week_start
    union all
    select
        'month' as period_type,
        month_start as starts_on,
        {{ add_days(add_months('month_start', 1), -1) }} as ends_on,
        count(*) as day_count
    from days
    group by month_start
    union all
    select
        'quarter' as period_type,
        quarter_start as starts_on,
        {{ add_days(add_months('quarter_start', 3), -1) }} as ends_on,
        count(*) as day_count
    from days
    group by quarter_start
    union all
    select
        'year' as period_type,
        year_start as starts_on,
        {{ add_days(add_months('year_start', 12), -1) }} as ends_on,
        count(*) as day_count
    from days
    group by year_start

),

final as (

    select
        period_type,
        starts_on,
        ends_on,
        cast(
            row_number() over (partition by period_type order by starts_on desc) as integer
        ) as periods_back
    from periods
    where day_count = {{ days_from('starts_on', 'ends_on') }} + 1

)

select * from final
