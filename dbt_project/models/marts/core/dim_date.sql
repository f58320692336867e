with sales as (

    select min(date) as first_day from {{ ref('int_sales_daily') }}

),

snapshots as (

    select min(snapshot_date) as first_day from {{ ref('int_inventory_daily') }}

),

holidays as (

    select * from {{ ref('stg_reference__holidays') }}

),

events as (

    select * from {{ ref('stg_erp__events') }}

),

bounds as (

    select
        coalesce(
            least(
                coalesce(sales.first_day, snapshots.first_day),
                coalesce(snapshots.first_day, sales.first_day)
            ),
            {{ as_of() }}
        ) as first_day,
        -- a year and a little: 26 weeks of forecast, and the same season of the year to come
        {{ add_days(as_of(), 400) }} as last_day
    from sales
    cross join snapshots

),

days as (

    select {{ days_between('first_day', 'last_day') }} as date
    from bounds

),

-- what counts everywhere; days of one region stand in dim_date_event
holiday_days as (

    select
        date,
        {{ names_in_order('holiday_name') }} as holiday_name
    from holidays
    where region is null
    group by date

),

distinct_events as (

    select distinct
        date,
        event_name
    from events
    where region is null

),

event_days as (

    select
        date,
        {{ names_in_order('event_name') }} as event_name
    from distinct_events
    group by date

),

-- NRF 4-5-4: a retail year starts on the first Sunday on or after 29 January, so its Sundays are those that lie in the
-- calendar year when they are moved back by 28 days; weeks run from Sunday, whatever week_starts_on says
retail_sundays as (

    select
        date,
        {{ add_days('date', '-(' ~ iso_weekday('date') ~ ' % 7) - 28') }} as moved_sunday
    from days

),

retail_weeks as (

    select
        date,
        cast(extract(year from moved_sunday) as integer) as retail_year,
        cast(floor((extract(doy from moved_sunday) - 1) / 7) + 1 as integer) as retail_week
    from retail_sundays

),

retail_quarters as (

    select
        date,
        retail_year,
        retail_week,
        -- week 53, every five or six years, belongs to the last quarter
        least(cast(floor((retail_week - 1) / 13) as integer), 3) as quarters_before
    from retail_weeks

),

final as (

    select
        days.date,
        {{ week_start('days.date') }} as week_start,
        {{ month_start('days.date') }} as month_start,
        cast(extract(week from days.date) as integer) as iso_week,
        cast({{ iso_weekday('days.date') }} as integer) as weekday,
        cast(extract(month from days.date) as integer) as month,
        cast(extract(quarter from days.date) as integer) as quarter,
        cast(extract(year from days.date) as integer) as year,
        {{ iso_weekday('days.date') }} in (6, 7) as is_weekend,
        retail_quarters.retail_year,
        retail_quarters.quarters_before + 1 as retail_quarter,
        3 * retail_quarters.quarters_before + case
            when retail_quarters.retail_week - 13 * retail_quarters.quarters_before <= 4 then 1
            when retail_quarters.retail_week - 13 * retail_quarters.quarters_before <= 9 then 2
            else 3
        end as retail_month,
        retail_quarters.retail_week,
        holiday_days.date is not null as is_holiday,
        holiday_days.holiday_name,
        event_days.event_name
    from days
    inner join retail_quarters on days.date = retail_quarters.date
    left join holiday_days on days.date = holiday_days.date
    left join event_days on days.date = event_days.date

)

select * from final
