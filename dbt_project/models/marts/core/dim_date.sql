with sales as (

    select min(date) as first_day from {{ ref('int_sales_daily') }}

),

snapshots as (

    select min(snapshot_date) as first_day from {{ ref('int_inventory_daily') }}

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

final as (

    select
        date,
        {{ week_start('date') }} as week_start,
        {{ month_start('date') }} as month_start,
        cast(extract(week from date) as integer) as iso_week,
        cast({{ iso_weekday('date') }} as integer) as weekday,
        cast(extract(month from date) as integer) as month,
        cast(extract(quarter from date) as integer) as quarter,
        cast(extract(year from date) as integer) as year,
        {{ iso_weekday('date') }} in (6, 7) as is_weekend
    from days

)

select * from final
