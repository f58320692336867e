"""What the page shows of lists about customers, range and regions; a few lines of each.

Belongs here: SQL on these tables in the night's marts.duckdb, and what each list is called. What a line is stands in
ml/customers, ml/range and the marts.
"""

from __future__ import annotations

from orchestration.publishing.page_lists import ListPart

LISTS = (
    ListPart(
        "audiences",
        "Audiences",
        """
        select format('{:,} customers may be written to; a usual quarter of theirs is {:,.0f} above what is '
            || 'expected of them.', count(*), sum(at_stake_amount))
        from audiences
        """,
        """
        select audience, count(*) as customers, sum(net_amount_364_days) as "money of 364 days",
            sum(expected_91_days_amount) as "expected in 91 days", sum(at_stake_amount) as "at stake",
            'For instance: ' || min_by(explanation, (-coalesce(at_stake_amount, 0), customer_id)) as explanation
        from audiences
        group by audience
        order by "at stake" desc nulls last, audience
        limit ?
        """,
        "Nobody may be written to.",
    ),
    ListPart(
        "customer_next_products",
        "Next products",
        """
        select format('{:,} customers; of the ten products shown to each a month ago {:.1f} were bought, of ten '
            || 'best-sellers {:.1f}, of what was bought most often {:.1f}. Shown: what is proposed most often to '
            || 'customers who have not bought it.',
            (select count(distinct customer_id) from customer_next_products),
            10 * max(value) filter (is_chosen), 10 * max(value) filter (model = 'best_sellers'),
            10 * max(value) filter (model = 'bought_again'))
        from next_product_accuracy
        where metric = 'hit_rate_at_10'
        """,
        """
        select coalesce(p.product_name, n.sku_id) as product, p.category, count(*) as customers,
            round(100 * avg(n.probability), 1) as "% on average",
            'For instance: ' || min_by(n.explanation, (-n.probability, n.customer_id)) as explanation
        from customer_next_products as n
        left join dim_product as p on n.sku_id = p.sku_id
        where n.kind = 'new'
        group by n.sku_id, p.product_name, p.category
        order by customers desc, n.sku_id
        limit ?
        """,
        "Nobody may be written to.",
    ),
    ListPart(
        "store_clusters",
        "Store clusters",
        """
        select format('{:,} places in {} clusters; those of the two halves of 26 weeks agree to {:.2f} of 1.',
            count(*), count(distinct cluster), max(agreement))
        from store_clusters
        """,
        """
        select cluster, count(*) as places, sum(net_amount) as "sales of 26 weeks",
            round(100 * avg(is_stable::integer)) as "% stable", 'Sells ' || cluster_words || '.' as explanation
        from store_clusters
        group by cluster, cluster_words
        order by cluster
        limit ?
        """,
        "Too few places to compare.",
    ),
    ListPart(
        "assortment_changes",
        "One store, one plan",
        """
        select format('{:,} exchanges at {:,} places bring {:,.0f} of margin a week; {:,} products stay.',
            count(*) filter (action = 'list'), count(distinct location_id) filter (action = 'list'),
            coalesce(sum(gain_weekly_amount) filter (action = 'list'), 0), count(*) filter (action = 'keep'))
        from assortment_changes
        """,
        """
        select coalesce(p.product_name, a.sku_id) as product, coalesce(l.location_name, a.location_id) as place,
            a.gain_weekly_amount as "gain a week", a.facings_rank as "facings rank", a.explanation
        from assortment_changes as a
        left join dim_product as p on a.sku_id = p.sku_id
        left join dim_location as l on a.location_id = l.location_id
        where a.action = 'list'
        order by a.gain_weekly_amount desc, a.location_id, a.sku_id
        limit ?
        """,
        "No exchange gains more than chance.",
    ),
    ListPart(
        "region_opportunity",
        "Regions",
        """
        select format('{:,} pairs of region and category; in {:,} demand is above the company and the range is not.',
            count(*), count(*) filter (opportunity = 'widen the range'))
        from region_opportunity
        """,
        """
        select region, category, preference_index as "index", round(100 * coverage_share) as "% carried",
            opportunity_amount as "could be sold", explanation
        from region_opportunity
        where opportunity = 'widen the range'
        order by opportunity_amount desc, region, category
        limit ?
        """,
        "No region asks for more than its places carry.",
    ),
    ListPart(
        "channel_lead_products",
        "What should lead where",
        """
        select format('{:,} products lead in {} places of channel and region.', count(*),
            count(distinct (channel, region)))
        from channel_lead_products
        """,
        """
        select coalesce(p.product_name, c.sku_id) as product, c.channel, c.region, c.lead_rank as rank,
            c.lead_index as "index", c.explanation
        from channel_lead_products as c
        left join dim_product as p on c.sku_id = p.sku_id
        order by c.lead_rank, c.channel, c.region
        limit ?
        """,
        "Nothing sells anywhere beyond its share elsewhere.",
    ),
    ListPart(
        "new_product_hits",
        "Early hits",
        """
        select format('{:,} new products are above 95 % of the launches of their kind.', count(*)) from new_product_hits
        """,
        """
        select coalesce(p.product_name, h.sku_id) as product, h.weeks, h.units, h.ratio as "times the usual",
            h.explanation
        from new_product_hits as h
        left join dim_product as p on h.sku_id = p.sku_id
        order by h.ratio desc, h.sku_id
        limit ?
        """,
        "No new product is far above earlier launches.",
    ),
    ListPart(
        "feedback_themes",
        "What customers write",
        """
        select format('{:,} texts name a theme; {:,} themes of products jumped in a week.', sum(mentions),
            count(*) filter (is_jump))
        from feedback_themes
        """,
        """
        select coalesce(p.product_name, f.sku_id) as product, f.theme, f.week_start as week, f.mentions,
            f.expected_mentions as expected,
            format('{} of {} texts name it, {} of them complaints; {} of {} in the eight weeks before.', f.mentions,
                f.texts, f.negative_mentions, f.earlier_mentions, f.earlier_texts) as explanation
        from feedback_themes as f
        left join dim_product as p on f.sku_id = p.sku_id
        order by f.is_jump desc, f.week_start desc, f.mentions desc, f.sku_id, f.theme
        limit ?
        """,
        "Nobody wrote.",
    ),
)
