"""What the page shows of the lists beside the orders: moves, allocation, promises, sourced orders; a few lines of each.

Belongs here: SQL on these tables in the night's marts.duckdb. What a line is stands in ml/planning, what the list and
its columns are called in the catalogues. The whole lists are page_files'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.publishing.page_data import Row, Source

LINES_SHOWN = 10  # of each list; the whole is in its files


@dataclass(frozen=True)
class ListPart:
    """One list on the page. tab: what the catalogues call it. lead: SQL of one row, the numbers of the sentence above
    the lines; without a row the sentence is that of an empty list. top: SQL of the lines, `?` is how many; columns as
    the catalogues name them, then `explanation`, and what the catalogues' own sentence of a line is filled from
    (`facts`, a struct)."""

    name: str
    tab: str
    lead: str
    top: str


LISTS = (
    ListPart(
        "transfer_orders",
        "transfers",
        """
        select count(*) as moves, sum(qty) as qty, sum(net_gain_amount) as gain, count(order_gain_amount) as instead
        from transfer_orders
        """,
        """
        select coalesce(p.product_name, t.sku_id) as product, coalesce(f.location_name, t.from_location_id) as "from",
            coalesce(l.location_name, t.to_location_id) as "to", t.qty, t.net_gain_amount, t.explanation, t as facts
        from transfer_orders as t
        left join dim_product as p on t.sku_id = p.sku_id
        left join dim_location as f on t.from_location_id = f.location_id
        left join dim_location as l on t.to_location_id = l.location_id
        order by t.net_gain_amount desc, t.sku_id, t.from_location_id, t.to_location_id
        limit ?
        """,
    ),
    ListPart(
        "allocation",
        "allocation",
        """
        select count(distinct (from_location_id, sku_id)) as products, sum(allocated_qty) as allocated,
            sum(requested_qty) as requested
        from allocation
        """,
        """
        select coalesce(p.product_name, a.sku_id) as product, coalesce(f.location_name, a.from_location_id) as "from",
            coalesce(l.location_name, a.location_id) as place, a.requested_qty, a.allocated_qty, a.explanation,
            a as facts
        from allocation as a
        left join dim_product as p on a.sku_id = p.sku_id
        left join dim_location as f on a.from_location_id = f.location_id
        left join dim_location as l on a.location_id = l.location_id
        order by a.short_qty * coalesce(a.next_unit_value_amount, 0) desc, a.sku_id, a.from_location_id, a.location_id
        limit ?
        """,
    ),
    ListPart(
        "available_to_promise",
        "available_to_promise",
        """
        select count(distinct sku_id) as products, string_agg(distinct pool, ', ' order by pool) as pools,
            string_agg(distinct promised_for, ', ' order by promised_for) as dates
        from available_to_promise
        """,
        """
        select coalesce(p.product_name, a.sku_id) as product, a.promised_for, a.promise_01pct_qty, a.promise_05pct_qty,
            a.promise_10pct_qty, a.explanation, a as facts
        from available_to_promise as a
        left join dim_product as p on a.sku_id = p.sku_id
        where a.pool = 'all' and a.promised_for = (select min(promised_for) from available_to_promise)
        order by a.promise_05pct_qty desc, a.sku_id
        limit ?
        """,
    ),
    ListPart(
        "order_sourcing",
        "order_sourcing",
        """
        select count(distinct (source, order_id, line_number)) as lines,
            sum(sourced_qty) + sum(short_qty) filter (is_last) as wanted, sum(sourced_qty) as sourced,
            sum(short_qty) filter (is_last) as short
        from (
            select *, row_number() over (
                partition by source, order_id, line_number order by location_id desc nulls first
            ) = 1 as is_last
            from order_sourcing
        )
        """,
        """
        select s.order_id, coalesce(p.product_name, s.sku_id) as product,
            coalesce(l.location_name, s.location_id) as "from", s.sourced_qty, s.landed_cost_amount, s.explanation,
            s as facts
        from order_sourcing as s
        left join dim_product as p on s.sku_id = p.sku_id
        left join dim_location as l on s.location_id = l.location_id
        order by s.location_id is null desc, s.landed_cost_amount desc, s.source, s.order_id, s.line_number
        limit ?
        """,
    ),
)


def stock_lists(source: Source) -> list[Row]:
    """Return LISTS as `shown` does."""
    return shown(LISTS, source)


def shown(parts: Sequence[ListPart], source: Source) -> list[Row]:
    """Each list: name, tab, the numbers of its lead (None: the list is absent), its first lines, and their facts."""
    return [_shown(part, source) for part in parts]


def _shown(part: ListPart, source: Source) -> Row:
    named = {"name": part.name, "tab": part.tab}
    if part.name not in source.tables:
        return {**named, "lead": None, "top": [], "facts": []}
    top = source.rows(part.top, LINES_SHOWN)
    facts = [{**row, **(row.pop("facts", None) or {})} for row in top]
    return {**named, "lead": next(iter(source.rows(part.lead)), {}), "top": top, "facts": facts}
