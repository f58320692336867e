"""What the page shows of lists about customers, range and regions; a few lines of each.

Belongs here: SQL on these tables in the night's marts.duckdb. What a list and its columns are called stands in the
catalogues, what a line is in ml/customers, ml/range and the marts.
"""

from __future__ import annotations

from orchestration.publishing.page_lists import ListPart

LISTS = (
    ListPart(
        "audiences",
        "audiences",
        """
        select count(*) as customers, sum(at_stake_amount) as at_stake
        from audiences
        """,
        """
        select audience, count(*) as customers, sum(net_amount_364_days) as net_amount_364_days,
            sum(expected_91_days_amount) as expected_91_days_amount, sum(at_stake_amount) as at_stake_total,
            'For instance: ' || min_by(explanation, (-coalesce(at_stake_amount, 0), customer_id)) as explanation,
            min_by(x, (-coalesce(at_stake_amount, 0), customer_id)) as facts
        from audiences as x
        group by audience
        order by at_stake_total desc nulls last, audience
        limit ?
        """,
    ),
    ListPart(
        "customer_next_products",
        "customer_next_products",
        """
        select (select count(distinct customer_id) from customer_next_products) as customers,
            format('{:.1f}', 10 * max(value) filter (is_chosen)) as bought,
            format('{:.1f}', 10 * max(value) filter (model = 'best_sellers')) as best_sellers,
            format('{:.1f}', 10 * max(value) filter (model = 'bought_again')) as bought_again
        from next_product_accuracy
        where metric = 'hit_rate_at_10'
        """,
        """
        select coalesce(p.product_name, n.sku_id) as product, p.category, count(*) as customers,
            round(100 * avg(n.probability), 1) as probability_pct,
            'For instance: ' || min_by(n.explanation, (-n.probability, n.customer_id)) as explanation,
            min_by(n, (-n.probability, n.customer_id)) as facts
        from customer_next_products as n
        left join dim_product as p on n.sku_id = p.sku_id
        where n.kind = 'new'
        group by n.sku_id, p.product_name, p.category
        order by customers desc, n.sku_id
        limit ?
        """,
    ),
    ListPart(
        "store_clusters",
        "store_clusters",
        """
        select count(*) as places, count(distinct cluster) as clusters, format('{:.2f}', max(agreement)) as agreement
        from store_clusters
        """,
        """
        select cluster, count(*) as places, sum(net_amount) as net_amount_26_weeks,
            round(100 * avg(is_stable::integer)) as stable_pct, 'Sells ' || cluster_words || '.' as explanation,
            min_by(x, location_id) as facts
        from store_clusters as x
        group by cluster, cluster_words
        order by cluster
        limit ?
        """,
    ),
    ListPart(
        "assortment_changes",
        "assortment_changes",
        """
        select count(*) filter (action = 'list') as exchanges,
            count(distinct location_id) filter (action = 'list') as places,
            sum(gain_weekly_amount) filter (action = 'list') as gain, count(*) filter (action = 'keep') as kept
        from assortment_changes
        """,
        """
        select coalesce(p.product_name, a.sku_id) as product, coalesce(l.location_name, a.location_id) as place,
            a.gain_weekly_amount, a.facings_rank, a.explanation, a as facts
        from assortment_changes as a
        left join dim_product as p on a.sku_id = p.sku_id
        left join dim_location as l on a.location_id = l.location_id
        where a.action = 'list'
        order by a.gain_weekly_amount desc, a.location_id, a.sku_id
        limit ?
        """,
    ),
    ListPart(
        "region_opportunity",
        "region_opportunity",
        """
        select count(*) as pairs, count(*) filter (opportunity = 'widen the range') as widen
        from region_opportunity
        """,
        """
        select region, category, preference_index, round(100 * coverage_share) as coverage_pct,
            opportunity_amount, explanation, x as facts
        from region_opportunity as x
        where opportunity = 'widen the range'
        order by opportunity_amount desc, region, category
        limit ?
        """,
    ),
    ListPart(
        "channel_lead_products",
        "channel_lead_products",
        """
        select count(*) as products, count(distinct (channel, region)) as pairs
        from channel_lead_products
        """,
        """
        select coalesce(p.product_name, c.sku_id) as product, c.channel, c.region, c.lead_rank, c.lead_index,
            c.explanation, c as facts
        from channel_lead_products as c
        left join dim_product as p on c.sku_id = p.sku_id
        order by c.lead_rank, c.channel, c.region
        limit ?
        """,
    ),
    ListPart(
        "new_product_hits",
        "new_product_hits",
        """
        select count(*) as products from new_product_hits
        """,
        """
        select coalesce(p.product_name, h.sku_id) as product, h.weeks, h.units, h.ratio, h.explanation, h as facts
        from new_product_hits as h
        left join dim_product as p on h.sku_id = p.sku_id
        order by h.ratio desc, h.sku_id
        limit ?
        """,
    ),
    ListPart(
        "feedback_themes",
        "feedback_themes",
        """
        select sum(mentions) as mentions, count(*) filter (is_jump) as jumps
        from feedback_themes
        """,
        """
        select coalesce(p.product_name, f.sku_id) as product, f.theme, f.week_start, f.mentions, f.expected_mentions,
            format('{} of {} texts name it, {} of them complaints; {} of {} in the eight weeks before.', f.mentions,
                f.texts, f.negative_mentions, f.earlier_mentions, f.earlier_texts) as explanation,
            f as facts
        from feedback_themes as f
        left join dim_product as p on f.sku_id = p.sku_id
        order by f.is_jump desc, f.week_start desc, f.mentions desc, f.sku_id, f.theme
        limit ?
        """,
    ),
)
