with periods as (

    select * from {{ ref('int_periods') }}

),

-- how many of the last periods are compared; any other two are asked of the function margin_bridge
recent as (

    select *
    from periods
    where
        periods_back <= case period_type
            when 'week' then 8
            when 'month' then 12
            when 'quarter' then 4
            else 1
        end

),

compared as (

    select
        recent.period_type,
        'previous' as compared_with,
        recent.starts_on,
        recent.ends_on,
        recent.periods_back,
        before.starts_on as before_starts_on,
        before.ends_on as before_ends_on
    from recent
    inner join periods as before
        on
            recent.period_type = before.period_type
            and {{ add_days('before.ends_on', 1) }} = recent.starts_on
    union all
    select
        recent.period_type,
        'year_before' as compared_with,
        recent.starts_on,
        recent.ends_on,
        recent.periods_back,
        before.starts_on as before_starts_on,
        before.ends_on as before_ends_on
    from recent
    inner join periods as before
        on
            recent.period_type = before.period_type
            and case
                -- 52 weeks: the same weekdays
                when recent.period_type = 'week' then {{ add_days('recent.starts_on', -364) }}
                else {{ add_months('recent.starts_on', -12) }}
            end = before.starts_on
    where recent.period_type <> 'year'

),

final as (

    select
        cast(
            row_number() over (order by period_type, compared_with, starts_on) as integer
        ) as comparison_key,
        period_type,
        compared_with,
        periods_back,
        before_starts_on,
        before_ends_on,
        starts_on,
        ends_on
    from compared

)

select * from final
