"""What the page shows of the orders: totals, the most valuable lines and why, value by group, what was withheld.

Belongs here: SQL on replenishment_orders in the night's marts.duckdb. What an order is stands in ml/planning.
"""

from __future__ import annotations

from orchestration.publishing.page_data import Row, Source

GROUPS_SHOWN = 12  # bars of a chart that can be read; the rest is added up

ORDER_TOTALS = """
select
    count(*) filter (order_qty > 0) as lines,
    coalesce(sum(order_value) filter (order_qty > 0), 0) as value,
    count(*) filter (withheld_reason is not null) as withheld,
    count(distinct coalesce(supplier_id, from_location_id)) filter (order_qty > 0) as sources,
    count(distinct location_id) filter (order_qty > 0) as places,
    min(order_on) filter (order_qty > 0) as first_order_on,
    count(*) filter (order_qty > 0 and order_on = first_day) as first_day_lines,
    coalesce(sum(order_value) filter (order_qty > 0 and order_on = first_day), 0) as first_day_value
from replenishment_orders
cross join (select min(order_on) as first_day from replenishment_orders where order_qty > 0)
"""
TOP_LINES = """
select
    o.sku_id, p.product_name, p.department, o.location_id, l.location_name, o.supplier_id, o.from_location_id,
    f.location_name as from_location_name, o.order_on, o.order_qty, o.unit_cost, o.order_value, o.stockout_on,
    o.demand_mean_qty, o.protection_days, round(100 * o.service_target, 1) as service_pct,
    o.target_qty, o.inventory_position_qty, o.need_qty, o.reason_codes,
    o.explanation
from replenishment_orders as o
left join dim_product as p on o.sku_id = p.sku_id
left join dim_location as l on o.location_id = l.location_id
left join dim_location as f on o.from_location_id = f.location_id
where o.order_qty > 0
order by o.order_value desc nulls last, o.sku_id, o.location_id
limit ?
"""
WITHHELD = """
select withheld_reason as reason, count(*) as lines
from replenishment_orders
where withheld_reason is not null
group by all
order by lines desc, reason
limit 8
"""
# label of a group, by the dimension that it is about; the first one with more than one group is shown
ORDER_DIMENSIONS = {
    "department": "p.department",
    "supplier": "coalesce(o.supplier_id, o.from_location_id)",
    "place": "coalesce(l.location_name, o.location_id)",
}
ORDER_VALUE_BY = """
select {label} as label, count(*) as lines, coalesce(sum(o.order_value), 0) as value, false as is_rest
from replenishment_orders as o
left join dim_product as p on o.sku_id = p.sku_id
left join dim_location as l on o.location_id = l.location_id
where o.order_qty > 0
group by all
order by value desc, label
"""


def orders(source: Source, top_lines: int) -> Row | None:
    """Totals, the most valuable lines, what was withheld and why, and value by the first dimension that tells apart."""
    if "replenishment_orders" not in source.tables:
        return None
    dimension, groups = _order_groups(source)
    return {
        **source.rows(ORDER_TOTALS)[0],
        "top": source.rows(TOP_LINES, top_lines),
        "withheld_reasons": source.rows(WITHHELD),
        "dimension": dimension,
        "groups": groups,
    }


def _order_groups(source: Source) -> tuple[str | None, list[Row]]:
    for dimension, label in ORDER_DIMENSIONS.items():
        groups = source.rows(ORDER_VALUE_BY.format(label=label))
        if len(groups) > 1:
            return dimension, _largest(groups)
    return None, []


def _largest(groups: list[Row]) -> list[Row]:
    """The largest groups as they are, the others as one."""
    shown, rest = groups[:GROUPS_SHOWN], groups[GROUPS_SHOWN:]
    if rest:
        total = {name: sum(row[name] for row in rest) for name in ("lines", "value")}
        shown.append({"label": None, "others": len(rest), **total, "is_rest": True})
    return shown
