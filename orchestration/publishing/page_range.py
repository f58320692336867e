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
)
