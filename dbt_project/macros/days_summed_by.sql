{# The CTEs of mart_sku_location_week and _month, which differ in the period only: the CTE `dated` (days with the first day of
   their period in column `period_start`) summed, and the sums in the types of the contract. #}
{% macro days_summed_by(period_start) -%}
sums as (

    select
        sku_location_key,
        {{ period_start }},
        count(*) as days_covered,
        sum(units_qty) as units_qty,
        sum(returns_qty) as returns_qty,
        sum(net_amount) as net_amount,
        sum(sales_amount) as sales_amount,
        sum(discount_amount) as discount_amount,
        sum(cost_amount) as cost_amount,
        sum(margin_amount) as margin_amount,
        count(case when units_qty > 0 then 1 end) as selling_days,
        count(case when is_promoted then 1 end) as promoted_days,
        count(is_stockout) as counted_days,
        count(case when is_stockout then 1 end) as stockout_days,
        1 - avg(stockout_share) as availability_share,
        sum(lost_qty) as lost_qty,
        sum(lost_amount) as lost_amount,
        sum(lost_margin_amount) as lost_margin_amount,
        max_by(on_hand_qty, date) as closing_on_hand_qty,
        avg(on_hand_qty) as average_on_hand_qty
    from dated
    group by sku_location_key, {{ period_start }}

),

final as (

    select
        sku_locations.sku_id,
        sku_locations.location_id,
        sums.{{ period_start }},
        cast(sums.days_covered as integer) as days_covered,
        cast(sums.units_qty as decimal(18, 3)) as units_qty,
        cast(sums.returns_qty as decimal(18, 3)) as returns_qty,
        cast(sums.net_amount as decimal(18, 2)) as net_amount,
        cast(sums.sales_amount as decimal(18, 2)) as sales_amount,
        cast(sums.discount_amount as decimal(18, 2)) as discount_amount,
        cast(sums.cost_amount as decimal(18, 2)) as cost_amount,
        cast(sums.margin_amount as decimal(18, 2)) as margin_amount,
        cast(sums.sales_amount / nullif(sums.units_qty, 0) as decimal(18, 4)) as price,
        cast(sums.selling_days as integer) as selling_days,
        cast(sums.promoted_days as integer) as promoted_days,
        cast(sums.counted_days as integer) as counted_days,
        cast(sums.stockout_days as integer) as stockout_days,
        sums.availability_share,
        cast(sums.lost_qty as decimal(18, 3)) as lost_qty,
        cast(sums.lost_amount as decimal(18, 2)) as lost_amount,
        cast(sums.lost_margin_amount as decimal(18, 2)) as lost_margin_amount,
        cast(sums.closing_on_hand_qty as decimal(18, 3)) as closing_on_hand_qty,
        cast(sums.average_on_hand_qty as decimal(18, 3)) as average_on_hand_qty
    from sums
    inner join sku_locations on sums.sku_location_key = sku_locations.sku_location_key

)
{%- endmacro %}
