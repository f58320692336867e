"""What the page shows of prices, promotions and clearance; a few lines of each list.

Belongs here: SQL on these tables in the night's marts.duckdb, and what each list is called. What a line is stands in
ml/planning, the estimates behind it in ml/response.
"""

from __future__ import annotations

from orchestration.publishing.page_lists import ListPart

LISTS = (
    ListPart(
        "price_recommendations",
        "Prices",
        """
        select format('{:,} prices to change from {}: {:,.0f} more margin expected in 28 days ({:,.0f} to {:,.0f}).',
            count(*), min(effective_on), sum(gain_amount), sum(gain_low_amount), sum(gain_high_amount))
        from price_recommendations
        """,
        """
        select coalesce(p.product_name, r.sku_id) as product,
            case when r.location_id = '*' then 'all' else coalesce(l.location_name, r.location_id) end as place,
            r.current_price as "price now", r.new_price as "new price", r.new_units_qty as "units in 28 days",
            r.gain_amount as gain, coalesce(r.binding_rule, 'none') as "rule that binds", r.explanation
        from price_recommendations as r
        left join dim_product as p on r.sku_id = p.sku_id
        left join dim_location as l on r.location_id = l.location_id
        where r.member_tier = '*'
        order by r.gain_amount desc, r.sku_id, r.location_id, r.channel
        limit ?
        """,
        "No change of a price is likely to gain enough.",
    ),
    ListPart(
        "markdown_plan",
        "Markdowns",
        """
        select format('{:,} stocks to mark down: {:,.0f} expected until their exit dates ({:,.0f} to {:,.0f}), {:,.0f} '
            || 'more than at today''s prices; 30 % off at once would bring {:,.0f}.', count(*), sum(recovery_amount),
            sum(recovery_low_amount), sum(recovery_high_amount), sum(gain_amount), sum(flat_amount))
        from markdown_plan
        where is_first
        """,
        """
        select coalesce(p.product_name, m.sku_id) as product, coalesce(l.location_name, m.location_id) as place,
            m.clearance_qty as units, m.list_price as "price today", m.new_price as "price now", m.exit_on as "gone by",
            m.channel, m.gain_amount as gain, m.explanation
        from markdown_plan as m
        left join dim_product as p on m.sku_id = p.sku_id
        left join dim_location as l on m.location_id = l.location_id
        where m.is_first
        order by m.gain_amount desc, m.sku_id, m.location_id, m.basis
        limit ?
        """,
        "No markdown brings more than today's prices.",
    ),
    ListPart(
        "promotion_plan",
        "Promotion plan",
        """
        select format('{:,} promotions from {} on: {:,.0f} more margin expected ({:,.0f} to {:,.0f}) for {:,.0f} given '
            || 'away.', count(*), min(week_start), sum(return_amount), sum(return_low_amount), sum(return_high_amount),
            sum(promotion_cost_amount))
        from promotion_plan
        """,
        """
        select coalesce(d.product_name, p.sku_id) as product, p.week_start as week, 100 * p.off_share as "% off",
            p.promoted_qty as units, p.return_amount as "return", p.promotion_cost_amount as "given away", p.explanation
        from promotion_plan as p
        left join dim_product as d on p.sku_id = d.sku_id
        order by p.return_amount desc, p.week_start, p.sku_id
        limit ?
        """,
        "No promotion is sure to return more than it costs.",
    ),
    ListPart(
        "promotion_roi",
        "Returns of past promotions",
        """
        select format('{:,} promotions measured, {:,.0f} given away, {:,.0f} margin on top; {:,} gain and {:,} lose '
            || 'beyond chance.', count(*), sum(promotion_cost_amount), sum(net_margin_effect_amount),
            count(*) filter (claim = 'gains'), count(*) filter (claim = 'loses'))
        from promotion_roi
        where level = 'promotion'
        """,
        """
        select replace(node, ' / ', ', ') as promotions, promotion_count as measured,
            promotion_cost_amount as "given away", net_margin_effect_amount as "margin on top", roi,
            roi_low as "at least", roi_high as "at most", claim, explanation
        from promotion_roi
        where level <> 'promotion'
        order by mechanic, depth_band nulls first
        limit ?
        """,
        "No promotion has been measured.",
    ),
    ListPart(
        "price_response",
        "How demand answers to prices",
        """
        select format('{:,} products have weeks enough; of {:,} the elasticity to the shelf price is told from zero.',
            count(*), count(*) filter (is_conclusive))
        from price_response
        """,
        """
        select coalesce(p.product_name, r.sku_id) as product, r.category, r.elasticity, r.elasticity_low as "at least",
            r.elasticity_high as "at most", r.own_weight_share as "own evidence",
            r.price_change_count as "price changes", r.discount_elasticity as "to discounts"
        from price_response as r
        left join dim_product as p on r.sku_id = p.sku_id
        where r.is_conclusive
        order by r.units_seen_qty desc, r.sku_id
        limit ?
        """,
        "No product's answer to its shelf price is told from zero.",
    ),
    ListPart(
        "promotion_response",
        "How demand answers to promotions",
        """
        select coalesce(max(format('30 % off brings {:+.0f} % units, {:+.0f} to {:+.0f} %.', effect_pct, effect_low_pct,
            effect_high_pct)) filter (effect = 'uplift' and mechanic = 'discount' and off_share = 0.3),
            'No discount was seen.')
        from promotion_response
        where level = 'total'
        """,
        """
        select mechanic, replace(effect, '_', ' ') as effect, 100 * off_share as "% off", effect_pct as "% units",
            effect_low_pct as "at least", effect_high_pct as "at most", product_weeks_seen as "seen"
        from promotion_response
        where level = 'total' and (off_share is null or off_share in (0.1, 0.3, 0.5))
        order by effect desc, mechanic, off_share
        limit ?
        """,
        "No promotion was seen.",
    ),
)
