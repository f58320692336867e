{%- set amounts = ['units_qty', 'returns_qty', 'net_amount', 'sales_amount', 'discount_amount', 'line_count',
    'cost_amount', 'margin_amount', 'costed_net_amount', 'costed_net_qty', 'costed_discount_amount'] %}
with days as (

    select * from {{ ref('int_sku_channel_daily') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

-- each day once for its week and once for its month; the longer periods are added up from months
dated as (

    select
        *,
        {{ week_start('date') }} as week_start,
        {{ month_start('date') }} as month_start
    from days
    where date >= {{ add_days(as_of(), -800) }}

),

weeks as (

    select
        week_start as starts_on,
        sku_key,
        channel,
        {{ metrics(amounts) }}
    from dated
    group by week_start, sku_key, channel

),

months as (

    select
        month_start as starts_on,
        sku_key,
        channel,
        {{ metrics(amounts) }}
    from dated
    group by month_start, sku_key, channel

),

quarters as (

    select
        {{ period_start('quarter', 'starts_on') }} as starts_on,
        sku_key,
        channel,
        {{ metrics(amounts) }}
    from months
    group by {{ period_start('quarter', 'starts_on') }}, sku_key, channel

),

years as (

    select
        {{ period_start('year', 'starts_on') }} as starts_on,
        sku_key,
        channel,
        {{ metrics(amounts) }}
    from months
    group by {{ period_start('year', 'starts_on') }}, sku_key, channel

),

totals as (

    select
        'week' as period_type,
        *
    from weeks
    union all
    select
        'month' as period_type,
        *
    from months
    union all
    select
        'quarter' as period_type,
        *
    from quarters
    union all
    select
        'year' as period_type,
        *
    from years

),

-- complete ones only
final as (

    select totals.*
    from totals
    inner join periods
        on
            totals.period_type = periods.period_type
            and totals.starts_on = periods.starts_on

)

select * from final
