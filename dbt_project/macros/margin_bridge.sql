{# The bridge between the margins of two periods, product by product: the one definition of mart_margin_bridge and of the
   function margin_bridge in marts.duckdb (../stored/margin_bridge.sql). Plain SQL: what the file of the analysts has must
   be able to run it too. It follows a CTE `product_periods` and ends with a CTE `bridged`.

   product_periods: comparison_key, sku_id, department, category, and for each side (before_, after_): net_amount of all sales; and of the sales
   whose cost is known: qty (units less returns), costed_net_amount, discount_amount, cost_amount.

   Per product, with g = (net + discount) / qty, d = discount / qty, c = cost / qty and m = margin:
     price      = after_qty x (g after - g before)            shelf prices, before discount
     promotion  = -after_qty x (d after - d before)           discount a unit
     cost       = -after_qty x (c after - c before)           cost a unit
     volume     = m before x (volume index - 1)
     mix        = all the rest: what sold more or less than the company as a whole, new and gone products
   volume index = after quantities at before prices / before net sales, over all products of the comparison (a new product
   at its own price). In money, because litres and pieces cannot be added. Each part is rounded to the cent and mix takes
   what is left, so the five add up exactly. Without units sold in both periods a product has no price to compare: its
   change is volume and mix. #}
{% macro margin_bridge() %}
measured as (

    select
        product_periods.*,
        cast(before_costed_net_amount - before_cost_amount as decimal(18, 2)) as before_margin_amount,
        cast(after_costed_net_amount - after_cost_amount as decimal(18, 2)) as after_margin_amount,
        case
            when before_costed_net_amount is null and after_costed_net_amount is null then 'cost_unknown'
            when before_qty > 0 and after_qty > 0 then 'continuing'
            when coalesce(before_qty, 0) = 0 and coalesce(before_costed_net_amount, 0) = 0 then 'new'
            when coalesce(after_qty, 0) = 0 and coalesce(after_costed_net_amount, 0) = 0 then 'gone'
            -- more came back than was sold, or money moved without units
            else 'not_comparable'
        end as product_status
    from product_periods

),

-- what the after quantities would have brought and cost at the before prices, to the cent
repriced as (

    select
        measured.*,
        case when product_status = 'continuing'
            then cast(after_qty * (before_costed_net_amount + before_discount_amount) / before_qty as decimal(18, 2))
        end as repriced_gross_amount,
        case when product_status = 'continuing'
            then cast(after_qty * before_discount_amount / before_qty as decimal(18, 2))
        end as repriced_discount_amount,
        case when product_status = 'continuing'
            then cast(after_qty * before_cost_amount / before_qty as decimal(18, 2))
        end as repriced_cost_amount
    from measured

),

volume_indexes as (

    select
        comparison_key,
        cast(
            sum(coalesce(repriced_gross_amount - repriced_discount_amount, after_costed_net_amount, 0)) as double
        ) / nullif(sum(coalesce(before_costed_net_amount, 0)), 0) as volume_index
    from repriced
    group by comparison_key

),

effects as (

    select
        repriced.*,
        volume_indexes.volume_index,
        case when product_status <> 'cost_unknown'
            then cast(coalesce(after_margin_amount, 0) - coalesce(before_margin_amount, 0) as decimal(18, 2))
        end as change_amount,
        case when product_status <> 'cost_unknown'
            then cast(
                coalesce(after_costed_net_amount + after_discount_amount - repriced_gross_amount, 0) as decimal(18, 2)
            )
        end as price_effect_amount,
        case when product_status <> 'cost_unknown'
            then cast(coalesce(repriced_discount_amount - after_discount_amount, 0) as decimal(18, 2))
        end as promotion_effect_amount,
        case when product_status <> 'cost_unknown'
            then cast(coalesce(repriced_cost_amount - after_cost_amount, 0) as decimal(18, 2))
        end as cost_effect_amount,
        case when product_status <> 'cost_unknown'
            then cast(
                coalesce(before_margin_amount, 0) * (coalesce(volume_indexes.volume_index, 1) - 1) as decimal(18, 2)
            )
        end as volume_effect_amount
    from repriced
    inner join volume_indexes on repriced.comparison_key = volume_indexes.comparison_key

),

bridged as (

    select
        comparison_key,
        sku_id,
        department,
        category,
        product_status,
        cast(coalesce(before_net_amount, 0) as decimal(18, 2)) as before_net_amount,
        cast(coalesce(after_net_amount, 0) as decimal(18, 2)) as after_net_amount,
        cast(coalesce(before_net_amount, 0) - coalesce(before_costed_net_amount, 0) as decimal(18, 2))
        + cast(coalesce(after_net_amount, 0) - coalesce(after_costed_net_amount, 0) as decimal(18, 2))
            as uncosted_net_amount,
        cast(before_qty as decimal(18, 3)) as before_qty,
        cast(after_qty as decimal(18, 3)) as after_qty,
        before_margin_amount,
        after_margin_amount,
        change_amount,
        price_effect_amount,
        volume_effect_amount,
        cast(
            change_amount - price_effect_amount - promotion_effect_amount - cost_effect_amount - volume_effect_amount
            as decimal(18, 2)
        ) as mix_effect_amount,
        cost_effect_amount,
        promotion_effect_amount,
        volume_index
    from effects
    where
        coalesce(before_net_amount, 0) <> 0
        or coalesce(after_net_amount, 0) <> 0
        or coalesce(before_qty, 0) <> 0
        or coalesce(after_qty, 0) <> 0
        or coalesce(before_cost_amount, 0) <> 0
        or coalesce(after_cost_amount, 0) <> 0

)
{% endmacro %}
