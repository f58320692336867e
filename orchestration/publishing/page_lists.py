"""What the page shows of the lists beside the orders: moves, allocation, promises, sourced orders; a few lines of each.

Belongs here: SQL on these tables in the night's marts.duckdb, and what each list is called. What a line is stands in
ml/planning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.publishing.page_data import Row, Source

LINES_SHOWN = 10  # of each list; the whole is in its files


@dataclass(frozen=True)
class ListPart:
    """One list on the page. lead: SQL of one row with the sentence above the lines. top: SQL of the lines, `?` is how
    many, `explanation` the last column. nothing: what is said when the list is empty."""

    name: str
    title: str
    lead: str
    top: str
    nothing: str


LISTS = (
    ListPart(
        "transfer_orders",
        "Transfers",
        """
        select format('{:,} moves of {:,.0f} units are worth {:,.0f} more than they cost', count(*), sum(qty),
            sum(net_gain_amount)) || format('; {:,} of them in place of an order.', count(order_gain_amount))
        from transfer_orders
        """,
        """
        select coalesce(p.product_name, t.sku_id) as product, coalesce(f.location_name, t.from_location_id) as "from",
            coalesce(l.location_name, t.to_location_id) as "to", t.qty as quantity, t.net_gain_amount as "net gain",
            t.explanation
        from transfer_orders as t
        left join dim_product as p on t.sku_id = p.sku_id
        left join dim_location as f on t.from_location_id = f.location_id
        left join dim_location as l on t.to_location_id = l.location_id
        order by t.net_gain_amount desc, t.sku_id, t.from_location_id, t.to_location_id
        limit ?
        """,
        "No move earns what it costs tonight.",
    ),
    ListPart(
        "allocation",
        "Allocation",
        """
        select format('{:,} products are short at the place that feeds others: {:,.0f} of the {:,.0f} units asked for '
            || 'are there.', count(distinct (from_location_id, sku_id)), sum(allocated_qty), sum(requested_qty))
        from allocation
        """,
        """
        select coalesce(p.product_name, a.sku_id) as product, coalesce(f.location_name, a.from_location_id) as "from",
            coalesce(l.location_name, a.location_id) as "for", a.requested_qty as "asked for",
            a.allocated_qty as allocated, a.explanation
        from allocation as a
        left join dim_product as p on a.sku_id = p.sku_id
        left join dim_location as f on a.from_location_id = f.location_id
        left join dim_location as l on a.location_id = l.location_id
        order by a.short_qty * coalesce(a.next_unit_value_amount, 0) desc, a.sku_id, a.from_location_id, a.location_id
        limit ?
        """,
        "Every place that feeds others has what they ask for.",
    ),
    ListPart(
        "available_to_promise",
        "Available to promise",
        """
        select format('{:,} products; pools of places: {}; dates: {}.', count(distinct sku_id),
            string_agg(distinct pool, ', ' order by pool),
            string_agg(distinct promised_for, ', ' order by promised_for))
            || ' Shown: all places, the first date.'
        from available_to_promise
        """,
        """
        select coalesce(p.product_name, a.sku_id) as product, a.promised_for as "for the",
            a.promise_01pct_qty as "at 1 %", a.promise_05pct_qty as "at 5 %",
            a.promise_10pct_qty as "at 10 %", a.explanation
        from available_to_promise as a
        left join dim_product as p on a.sku_id = p.sku_id
        where a.pool = 'all' and a.promised_for = (select min(promised_for) from available_to_promise)
        order by a.promise_05pct_qty desc, a.sku_id
        limit ?
        """,
        "No product has a stock record that is believed.",
    ),
    ListPart(
        "order_sourcing",
        "Open orders",
        """
        select format('{:,} order lines, {:,.0f} units: {:,.0f} can be sent, {:,.0f} are nowhere.',
            count(distinct (source, order_id, line_number)), sum(sourced_qty) + sum(short_qty) filter (is_last),
            sum(sourced_qty), sum(short_qty) filter (is_last))
        from (
            select *, row_number() over (
                partition by source, order_id, line_number order by location_id desc nulls first
            ) = 1 as is_last
            from order_sourcing
        )
        """,
        """
        select s.order_id as "order", coalesce(p.product_name, s.sku_id) as product,
            coalesce(l.location_name, s.location_id, 'nowhere') as "from", s.sourced_qty as quantity,
            s.landed_cost_amount as cost, s.explanation
        from order_sourcing as s
        left join dim_product as p on s.sku_id = p.sku_id
        left join dim_location as l on s.location_id = l.location_id
        order by s.location_id is null desc, s.landed_cost_amount desc, s.source, s.order_id, s.line_number
        limit ?
        """,
        "No order is open tonight.",
    ),
)


def stock_lists(source: Source) -> list[Row]:
    """Return LISTS as `shown` does."""
    return shown(LISTS, source)


def shown(parts: Sequence[ListPart], source: Source) -> list[Row]:
    """Each list: name, title, lead (None: the list is absent), its first lines and what is said when there is none."""
    return [_shown(part, source) for part in parts]


def _shown(part: ListPart, source: Source) -> Row:
    named = {"name": part.name, "title": part.title, "nothing": part.nothing}
    if part.name not in source.tables:
        return {**named, "lead": None, "top": []}
    top = source.rows(part.top, LINES_SHOWN)
    lead = next(iter(source.rows(part.lead)[0].values())) if top else part.nothing
    return {**named, "lead": lead, "top": top}
