{%- set levels = {'department': 'department', 'location': 'location_id', 'channel': 'channel'} %}
with comparisons as (

    select *
    from {{ ref('int_comparisons') }}
    where period_type = 'week' and periods_back = 1

),

kpis as (

    select * from {{ ref('kpi_daily') }}

),

totals as (

    select * from {{ ref('int_sku_channel_periods') }}

),

bridge as (

    select * from {{ ref('mart_margin_bridge') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

anomalies as (

    select * from {{ ref('mart_kpi_anomalies') }}

),

-- every row of the two weeks once a comparison
sided as (

    select
        comparisons.comparison_key,
        kpis.date >= comparisons.starts_on as is_after,
        kpis.*
    from comparisons
    inner join kpis
        on
            kpis.date between comparisons.starts_on and comparisons.ends_on
            or kpis.date between comparisons.before_starts_on and comparisons.before_ends_on

),

sums as (

    select
        comparison_key,
        is_after,
        'total' as driver_type,
        'all' as driver,
        {{ metrics(['net_amount', 'margin_amount']) }}
    from sided
    group by comparison_key, is_after
    {% for level, column in levels.items() %}
        union all
        select
            comparison_key,
            is_after,
            '{{ level }}' as driver_type,
            {{ column }} as driver,
            {{ metrics(['net_amount', 'margin_amount']) }}
        from sided
        group by comparison_key, is_after, {{ column }}
    {% endfor %}
    union all
    select
        comparisons.comparison_key,
        totals.starts_on = comparisons.starts_on as is_after,
        'product' as driver_type,
        sku_locations.sku_id as driver,
        {{ metrics(['net_amount', 'margin_amount']) }}
    from comparisons
    inner join totals
        on
            totals.period_type = 'week'
            and (comparisons.starts_on = totals.starts_on or comparisons.before_starts_on = totals.starts_on)
    inner join sku_locations on totals.sku_key = sku_locations.sku_location_key
    group by comparisons.comparison_key, totals.starts_on = comparisons.starts_on, sku_locations.sku_id

),

nodes as (

    {% for measure in ['net_amount', 'margin_amount'] %}
        select
            comparison_key,
            '{{ measure }}' as measure,
            driver_type,
            driver,
            cast(coalesce(sum(case when not is_after then {{ measure }} end), 0) as decimal(18, 2)) as before_amount,
            cast(coalesce(sum(case when is_after then {{ measure }} end), 0) as decimal(18, 2)) as after_amount
        from sums
        group by comparison_key, driver_type, driver
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- ---- causes of the change of net sales

company as (

    select
        comparison_key,
    {% for side, condition in [('before', 'not is_after'), ('after', 'is_after')] %}
        sum(case when {{ condition }} then net_amount else 0 end) as {{ side }}_net_amount,
        sum(case when {{ condition }} then lead_transaction_count else 0 end) as {{ side }}_transactions,
        sum(case when {{ condition }} then line_count else 0 end) as {{ side }}_lines,
        sum(case when {{ condition }} then coalesce(lost_amount, 0) else 0 end) as {{ side }}_lost_amount
        {{ ',' if not loop.last }}
    {% endfor %}
    from sided
    group by comparison_key

),

product_sides as (

    select
        comparisons.comparison_key,
        totals.sku_key,
    {% for side, column in [('before', 'before_starts_on'), ('after', 'starts_on')] %}
        sum(case when totals.starts_on = comparisons.{{ column }} then totals.units_qty - totals.returns_qty else 0 end)
            as {{ side }}_qty,
        sum(case when totals.starts_on = comparisons.{{ column }} then totals.net_amount else 0 end)
            as {{ side }}_net_amount,
        sum(case when totals.starts_on = comparisons.{{ column }} then totals.discount_amount else 0 end)
            as {{ side }}_discount_amount{{ ',' if not loop.last }}
    {% endfor %}
    from comparisons
    inner join totals
        on
            totals.period_type = 'week'
            and (comparisons.starts_on = totals.starts_on or comparisons.before_starts_on = totals.starts_on)
    group by comparisons.comparison_key, totals.sku_key

),

-- as in the margin bridge, on all sales: shelf prices and discounts of products that sold in both weeks
priced as (

    select
        comparison_key,
        sum(
            after_net_amount + after_discount_amount
            - cast(after_qty * (before_net_amount + before_discount_amount) / before_qty as decimal(18, 2))
        ) as price_amount,
        sum(
            cast(after_qty * before_discount_amount / before_qty as decimal(18, 2)) - after_discount_amount
        ) as promotion_amount
    from product_sides
    where before_qty > 0 and after_qty > 0
    group by comparison_key

),

explained as (

    select
        company.comparison_key,
        company.after_net_amount - company.before_net_amount as change_amount,
        cast(
            coalesce(
                (company.after_transactions - company.before_transactions) * company.before_net_amount
                / nullif(company.before_transactions, 0),
                0
            ) as decimal(18, 2)
        ) as traffic_amount,
        cast(company.before_lost_amount - company.after_lost_amount as decimal(18, 2)) as availability_amount,
        cast(
            coalesce(
                (
                    company.after_lines
                    - company.after_transactions * company.before_lines / nullif(company.before_transactions, 0)
                ) * company.before_net_amount / nullif(company.before_lines, 0),
                0
            ) - (company.before_lost_amount - company.after_lost_amount) as decimal(18, 2)
        ) as basket_amount,
        cast(coalesce(priced.price_amount, 0) as decimal(18, 2)) as price_amount,
        cast(coalesce(priced.promotion_amount, 0) as decimal(18, 2)) as promotion_amount
    from company
    left join priced on company.comparison_key = priced.comparison_key

),

mixed as (

    select
        *,
        change_amount - traffic_amount - availability_amount - basket_amount - price_amount - promotion_amount
            as mix_amount
    from explained

),

margin_causes as (

    select
        comparisons.comparison_key,
    {% for cause in ['price', 'volume', 'mix', 'cost', 'promotion'] %}
        coalesce(sum(bridge.{{ cause }}_effect_amount), 0) as {{ cause }}_amount{{ ',' if not loop.last }}
    {% endfor %}
    from comparisons
    inner join bridge
        on
            comparisons.period_type = bridge.period_type
            and comparisons.compared_with = bridge.compared_with
            and comparisons.starts_on = bridge.starts_on
    group by comparisons.comparison_key

),

causes as (

    {% for cause in ['traffic', 'availability', 'basket', 'mix', 'price', 'promotion'] %}
        select
            comparison_key,
            'net_amount' as measure,
            '{{ cause }}' as driver,
            {{ cause }}_amount as change_amount
        from mixed
        union all
    {% endfor %}
    {% for cause in ['price', 'volume', 'mix', 'cost', 'promotion'] %}
        select
            comparison_key,
            'margin_amount' as measure,
            '{{ cause }}' as driver,
            {{ cause }}_amount as change_amount
        from margin_causes
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

drivers as (

    select
        comparison_key,
        measure,
        driver_type,
        driver,
        before_amount,
        after_amount,
        cast(after_amount - before_amount as decimal(18, 2)) as change_amount
    from nodes
    union all
    select
        comparison_key,
        measure,
        'cause' as driver_type,
        driver,
        cast(null as decimal(18, 2)) as before_amount,
        cast(null as decimal(18, 2)) as after_amount,
        cast(change_amount as decimal(18, 2)) as change_amount
    from causes

),

ranked as (

    select
        *,
        row_number() over (
            partition by comparison_key, measure, driver_type order by abs(change_amount) desc, driver
        ) as driver_rank,
        sum(change_amount) over (partition by comparison_key, measure, driver_type) as total_change_amount
    from drivers

),

last_week as (

    select distinct
        starts_on,
        ends_on
    from comparisons

),

anomalous as (

    select
        anomalies.level,
        anomalies.node,
        anomalies.metric,
        count(*) as anomaly_days
    from anomalies
    inner join last_week on anomalies.date between last_week.starts_on and last_week.ends_on
    where anomalies.is_anomaly
    group by anomalies.level, anomalies.node, anomalies.metric

),

final as (

    select
        comparisons.compared_with,
        comparisons.starts_on,
        comparisons.ends_on,
        comparisons.before_starts_on,
        comparisons.before_ends_on,
        ranked.measure,
        ranked.driver_type,
        ranked.driver,
        ranked.before_amount,
        ranked.after_amount,
        ranked.change_amount,
        100 * cast(ranked.change_amount as double) / nullif(abs(ranked.before_amount), 0) as change_pct,
        cast(ranked.change_amount as double) / nullif(ranked.total_change_amount, 0) as change_share,
        cast(ranked.driver_rank as integer) as driver_rank,
        case
            when ranked.driver_type not in ('cause', 'product')
                then cast(coalesce(anomalous.anomaly_days, 0) as integer)
        end as anomaly_days
    from ranked
    inner join comparisons on ranked.comparison_key = comparisons.comparison_key
    left join anomalous
        on
            ranked.driver_type = anomalous.level
            and ranked.driver = anomalous.node
            and ranked.measure = anomalous.metric

)

select * from final
