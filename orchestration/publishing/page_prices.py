"""What the page shows of prices, promotions and clearance; a few lines of each list.

Belongs here: SQL on these tables in the night's marts.duckdb. What a list and its columns are called stands in the
catalogues, what a line is in ml/planning, the estimates behind it in ml/response.
"""

from __future__ import annotations

from orchestration.publishing.page_lists import ListPart

LISTS = (
    ListPart(
        "price_recommendations",
        "price_recommendations",
        """
        select count(*) as prices, min(effective_on) as day, sum(gain_amount) as gain, sum(gain_low_amount) as low,
            sum(gain_high_amount) as high
        from price_recommendations
        """,
        """
        select coalesce(p.product_name, r.sku_id) as product,
            coalesce(l.location_name, r.location_id) as place, r.current_price, r.new_price, r.new_units_qty,
            r.gain_amount, r.binding_rule, r.explanation, r as facts
        from price_recommendations as r
        left join dim_product as p on r.sku_id = p.sku_id
        left join dim_location as l on r.location_id = l.location_id
        where r.member_tier = '*'
        order by r.gain_amount desc, r.sku_id, r.location_id, r.channel
        limit ?
        """,
    ),
    ListPart(
        "markdown_plan",
        "markdown_plan",
        """
        select count(*) as stocks, sum(recovery_amount) as recovery, sum(recovery_low_amount) as low,
            sum(recovery_high_amount) as high, sum(gain_amount) as gain, sum(flat_amount) as flat
        from markdown_plan
        where is_first
        """,
        """
        select coalesce(p.product_name, m.sku_id) as product, coalesce(l.location_name, m.location_id) as place,
            m.clearance_qty, m.list_price, m.new_price, m.exit_on, m.channel, m.gain_amount, m.explanation, m as facts
        from markdown_plan as m
        left join dim_product as p on m.sku_id = p.sku_id
        left join dim_location as l on m.location_id = l.location_id
        where m.is_first
        order by m.gain_amount desc, m.sku_id, m.location_id, m.basis
        limit ?
        """,
    ),
    ListPart(
        "promotion_plan",
        "promotion_plan",
        """
        select count(*) as promotions, min(week_start) as day, sum(return_amount) as gain,
            sum(return_low_amount) as low, sum(return_high_amount) as high, sum(promotion_cost_amount) as cost
        from promotion_plan
        """,
        """
        select coalesce(d.product_name, p.sku_id) as product, coalesce(l.location_name, p.location_id) as place,
            p.mechanic, p.week_start, 100 * p.off_share as off_pct, p.promoted_qty, p.return_amount,
            p.promotion_cost_amount, p.explanation, p as facts
        from promotion_plan as p
        left join dim_product as d on p.sku_id = d.sku_id
        left join dim_location as l on p.location_id = l.location_id
        order by p.return_amount desc, p.week_start, p.sku_id, p.location_id
        limit ?
        """,
    ),
    ListPart(
        "promotion_roi",
        "promotion_roi",
        """
        select count(*) as promotions, sum(promotion_cost_amount) as cost, sum(net_margin_effect_amount) as margin,
            count(*) filter (claim = 'gains') as gains, count(*) filter (claim = 'loses') as loses
        from promotion_roi
        where level = 'promotion'
        """,
        """
        select replace(node, ' / ', ', ') as promotions, promotion_count, promotion_cost_amount,
            net_margin_effect_amount, roi, roi_low as at_least, roi_high as at_most, claim, explanation,
            x as facts
        from promotion_roi as x
        where level <> 'promotion'
        order by mechanic, depth_band nulls first
        limit ?
        """,
    ),
    ListPart(
        "promotion_roi_by_channel",
        "promotion_roi_by_channel",
        """
        select count(distinct channel) as channels,
            string_agg(distinct channel, ', ' order by channel) as names
        from promotion_roi_by_channel
        """,
        """
        select mechanic as promotions, channel, promotion_count, promotion_cost_amount, net_margin_effect_amount, roi,
            roi_low as at_least, roi_high as at_most, claim, explanation, x as facts
        from promotion_roi_by_channel as x
        where level = 'mechanic'
        order by mechanic, channel
        limit ?
        """,
    ),
    ListPart(
        "price_response",
        "price_response",
        """
        select count(*) as products, count(*) filter (is_conclusive) as conclusive
        from price_response
        """,
        """
        select coalesce(p.product_name, r.sku_id) as product, r.category, r.elasticity, r.elasticity_low as at_least,
            r.elasticity_high as at_most, 100 * r.own_weight_share as own_weight_pct, r.price_change_count,
            r.discount_elasticity
        from price_response as r
        left join dim_product as p on r.sku_id = p.sku_id
        where r.is_conclusive
        order by r.units_seen_qty desc, r.sku_id
        limit ?
        """,
    ),
    ListPart(
        "promotion_response",
        "promotion_response",
        """
        select format('{:+.0f}', effect_pct) as more, format('{:+.0f}', effect_low_pct) as low,
            format('{:+.0f}', effect_high_pct) as high
        from promotion_response
        where level = 'total' and effect = 'uplift' and mechanic = 'discount' and off_share = 0.3
        """,
        """
        select mechanic, effect, 100 * off_share as off_pct, effect_pct, effect_low_pct as at_least,
            effect_high_pct as at_most, product_weeks_seen
        from promotion_response
        where level = 'total' and (off_share is null or off_share in (0.1, 0.3, 0.5))
        order by effect desc, mechanic, off_share
        limit ?
        """,
    ),
)
