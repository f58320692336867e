{%- set amounts = ['units_qty', 'returns_qty', 'net_amount', 'sales_amount', 'discount_amount', 'line_count',
    'cost_amount', 'margin_amount', 'costed_net_amount'] %}
with days as (

    select * from {{ ref('int_sku_channel_daily') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

period_days as (

    select
        period_type,
        starts_on,
        {{ days_between('starts_on', 'ends_on') }} as date
    from periods

),

final as (

    select
        period_days.period_type,
        period_days.starts_on,
        days.sku_key,
        days.channel,
        {{ metrics(amounts) }},
        cast(sum(days.costed_net_qty) as decimal(18, 3)) as costed_net_qty,
        cast(sum(days.costed_discount_amount) as decimal(18, 2)) as costed_discount_amount
    from days
    inner join period_days on days.date = period_days.date
    group by period_days.period_type, period_days.starts_on, days.sku_key, days.channel

)

select * from final
