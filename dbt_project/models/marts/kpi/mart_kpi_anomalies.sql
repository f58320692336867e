{%- set watched = ['net_amount', 'margin_amount', 'lead_transaction_count'] %}
{%- set levels = {'department': 'department', 'location': 'location_id', 'channel': 'channel'} %}
with kpis as (

    select * from {{ ref('kpi_daily') }}

),

bounds as (

    select min(date) as first_day from {{ ref('int_sales_daily') }}

),

recent as (

    select *
    from kpis
    where date > {{ add_days(as_of(), -28 - 7 * (var('anomaly_weeks') | int)) }}

),

sums as (

    select
        'total' as level,
        'all' as node,
        date,
        {{ metrics(watched) }}
    from recent
    group by date
    {% for level, column in levels.items() %}
        union all
        select
            '{{ level }}' as level,
            {{ column }} as node,
            date,
            {{ metrics(watched) }}
        from recent
        group by {{ column }}, date
    {% endfor %}

),

nodes as (

    select distinct
        level,
        node
    from sums

),

days as (

    select
        {{ days_between(
            add_days(as_of(), -27 - 7 * (var('anomaly_weeks') | int)),
            as_of()
        ) }} as date

),

-- a day without a row is a day without sales, and that may be what is wrong
measured as (

    {% for metric in watched %}
        select
            nodes.level,
            nodes.node,
            '{{ metric }}' as metric,
            days.date,
            cast(coalesce(sums.{{ metric }}, 0) as double) as value
        from nodes
        cross join days
        left join sums
            on
                nodes.level = sums.level
                and nodes.node = sums.node
                and days.date = sums.date
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- the same weekday of the weeks before
compared as (

    select
        judged.level,
        judged.node,
        judged.metric,
        judged.date,
        judged.value,
        earlier.value as earlier_value
    from measured as judged
    cross join bounds
    inner join measured as earlier
        on
            judged.level = earlier.level
            and judged.node = earlier.node
            and judged.metric = earlier.metric
            and judged.date > earlier.date
            and earlier.date >= {{ add_days('judged.date', -7 * (var('anomaly_weeks') | int)) }}
            and {{ iso_weekday('judged.date') }} = {{ iso_weekday('earlier.date') }}
            and bounds.first_day <= earlier.date
    where judged.date > {{ add_days(as_of(), -28) }}

),

usual as (

    select
        level,
        node,
        metric,
        date,
        value,
        count(*) as weeks,
        {{ entry(quantiles('earlier_value', [0.5]), 1) }} as usual_value
    from compared
    group by level, node, metric, date, value

),

spreads as (

    select
        compared.level,
        compared.node,
        compared.metric,
        compared.date,
        {{ entry(quantiles('abs(compared.earlier_value - usual.usual_value)', [0.5]), 1) }} as median_deviation
    from compared
    inner join usual
        on
            compared.level = usual.level
            and compared.node = usual.node
            and compared.metric = usual.metric
            and compared.date = usual.date
    group by compared.level, compared.node, compared.metric, compared.date

),

-- 1.4826 x the median deviation is the standard deviation of normal values. Never less than 5 % of the usual, nor than
-- what chance does to so few receipts: with the median deviation alone, one receipt in place of two was an anomaly
scored as (

    select
        usual.*,
        spreads.median_deviation,
        (usual.value - usual.usual_value) / nullif(
            greatest(
                1.4826 * spreads.median_deviation,
                0.05 * abs(usual.usual_value),
                abs(usual.usual_value) / sqrt(greatest(receipts.usual_value, 1))
            ),
            0
        ) as score
    from usual
    inner join spreads
        on
            usual.level = spreads.level
            and usual.node = spreads.node
            and usual.metric = spreads.metric
            and usual.date = spreads.date
    inner join usual as receipts
        on
            usual.level = receipts.level
            and usual.node = receipts.node
            and usual.date = receipts.date
            and receipts.metric = 'lead_transaction_count'

),

final as (

    select
        date,
        level,
        node,
        metric,
        value,
        usual_value,
        median_deviation,
        score,
        abs(score) >= {{ var('anomaly_threshold') }} as is_anomaly,
        cast(weeks as integer) as weeks
    from scored
    where weeks >= 5 and score is not null

)

select * from final
