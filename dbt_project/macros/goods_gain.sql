{# What hindsight would have ordered of what was short: whole packs, zero or the smallest order at least. #}
{% macro hindsight_qty(short_qty, order_multiple, min_order_qty) -%}
    case
        when {{ short_qty }} <= 0 then 0
        else greatest(
            ceil({{ short_qty }} / coalesce(nullif({{ order_multiple }}, 0), 1) - 0.000001)
            * coalesce(nullif({{ order_multiple }}, 0), 1),
            coalesce({{ min_order_qty }}, 0)
        )
    end
{%- endmacro %}

{# Money that `qty` units more at a place brought, beside none: margin of the units that would have been missing, less the
   holding of those that were not needed until the next order could come, less what the move cost and what the place that
   gave was then short of. What was not needed waits until the surplus before it, and half of itself, is sold at the pace
   of the days measured; a year at most. Columns: int_goods_outcomes. #}
{% macro goods_gain(qty, useful_qty) -%}
    {{ useful_qty }} * unit_margin
    - case
        when {{ qty }} > short_qty
            then
                ({{ qty }} - short_qty) * coalesce(unit_cost, 0)
                * {{ var('holding_cost_yearly_pct') }} / 100.0 / 364
                * least(
                    364,
                    coalesce((surplus_qty + ({{ qty }} - short_qty) / 2) * horizon_days / nullif(demand_qty, 0), 364)
                )
        else 0
    end
    - case when {{ qty }} > 0 then coalesce(cost_amount * {{ qty }} / nullif(recommended_qty, 0), 0) else 0 end
    - coalesce(
        least({{ qty }}, greatest(0, sender_needed_qty - source_position_qty + {{ qty }})) * source_unit_margin, 0
    )
{%- endmacro %}
