with holidays as (

    select * from {{ ref('stg_reference__holidays') }}

),

events as (

    select * from {{ ref('stg_erp__events') }}

),

calendar as (

    select * from {{ ref('dim_date') }}

),

named_days as (

    select
        date,
        holiday_name as event_name,
        'public_holiday' as event_type,
        region,
        country,
        subdivision,
        true as is_public_holiday
    from holidays
    union all
    -- two extracts may name the same event
    select distinct
        date,
        event_name,
        event_type,
        region,
        cast(null as varchar) as country,
        cast(null as varchar) as subdivision,
        false as is_public_holiday
    from events

),

final as (

    select
        named_days.date,
        named_days.event_name,
        named_days.event_type,
        named_days.region,
        named_days.country,
        named_days.subdivision,
        named_days.is_public_holiday
    from named_days
    inner join calendar on named_days.date = calendar.date

)

select * from final
