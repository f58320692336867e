{%- set amounts = ['net_amount', 'costed_net_qty', 'costed_net_amount', 'costed_discount_amount', 'cost_amount'] %}
with comparisons as (

    select * from {{ ref('int_comparisons') }}

),

periods as (

    select * from {{ ref('int_sku_channel_periods') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

-- channels added up: a product has one price and one cost a period
product_totals as (

    select
        period_type,
        starts_on,
        sku_key,
    {% for name in amounts %}
        sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
    from periods
    group by period_type, starts_on, sku_key

),

sides as (

    select
        comparisons.comparison_key,
        false as is_after,
        product_totals.*
    from comparisons
    inner join product_totals
        on
            comparisons.period_type = product_totals.period_type
            and comparisons.before_starts_on = product_totals.starts_on
    union all
    select
        comparisons.comparison_key,
        true as is_after,
        product_totals.*
    from comparisons
    inner join product_totals
        on
            comparisons.period_type = product_totals.period_type
            and comparisons.starts_on = product_totals.starts_on

),

paired as (

    select
        comparison_key,
        sku_key,
    {% for side, condition in [('before', 'not is_after'), ('after', 'is_after')] %}
        sum(case when {{ condition }} then net_amount end) as {{ side }}_net_amount,
        sum(case when {{ condition }} then costed_net_qty end) as {{ side }}_qty,
        sum(case when {{ condition }} then costed_net_amount end) as {{ side }}_costed_net_amount,
        sum(case when {{ condition }} then costed_discount_amount end) as {{ side }}_discount_amount,
        sum(case when {{ condition }} then cost_amount end) as {{ side }}_cost_amount{{ ',' if not loop.last }}
    {% endfor %}
    from sides
    group by comparison_key, sku_key

),

product_periods as (

    select
        paired.*,
        sku_locations.sku_id,
        sku_locations.department,
        sku_locations.category
    from paired
    inner join sku_locations on paired.sku_key = sku_locations.sku_location_key

),

{{ margin_bridge() }},

final as (

    select
        comparisons.period_type,
        comparisons.compared_with,
        comparisons.starts_on,
        comparisons.ends_on,
        comparisons.before_starts_on,
        comparisons.before_ends_on,
        bridged.sku_id,
        bridged.department,
        bridged.category,
        bridged.product_status,
        bridged.before_net_amount,
        bridged.after_net_amount,
        bridged.uncosted_net_amount,
        bridged.before_qty,
        bridged.after_qty,
        bridged.before_margin_amount,
        bridged.after_margin_amount,
        bridged.change_amount,
        bridged.price_effect_amount,
        bridged.volume_effect_amount,
        bridged.mix_effect_amount,
        bridged.cost_effect_amount,
        bridged.promotion_effect_amount,
        bridged.volume_index
    from bridged
    inner join comparisons on bridged.comparison_key = comparisons.comparison_key

)

select * from final
