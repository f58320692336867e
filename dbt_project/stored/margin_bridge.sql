{# The margin bridge between any two periods, as a function of marts.duckdb: both days of a period are included. The
   same definition as mart_margin_bridge (../macros/margin_bridge.sql), on mart_sku_channel_day. #}
create or replace macro margin_bridge(before_from, before_to, after_from, after_to) as table
with product_totals as (

    select
        sku_id,
        {%- for side in ['before', 'after'] %}
        {%- set chosen = 'filter (where date between cast(' ~ side ~ '_from as date) and cast(' ~ side ~ '_to as date))' %}
        sum(net_amount) {{ chosen }} as {{ side }}_net_amount,
        sum(costed_net_qty) {{ chosen }} as {{ side }}_qty,
        sum(costed_net_amount) {{ chosen }} as {{ side }}_costed_net_amount,
        sum(costed_discount_amount) {{ chosen }} as {{ side }}_discount_amount,
        sum(cost_amount) {{ chosen }} as {{ side }}_cost_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from mart_sku_channel_day
    where
        date between cast(before_from as date) and cast(before_to as date)
        or date between cast(after_from as date) and cast(after_to as date)
    group by sku_id

),

product_periods as (

    select
        1 as comparison_key,
        product_totals.*,
        coalesce(dim_product.department, 'unknown') as department,
        coalesce(dim_product.category, 'unknown') as category
    from product_totals
    inner join dim_product on product_totals.sku_id = dim_product.sku_id

),

{{ margin_bridge() }}

select * exclude (comparison_key)
from bridged
order by change_amount nulls last, sku_id
