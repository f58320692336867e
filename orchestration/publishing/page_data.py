"""What the page of the night shows: named queries on the night's own marts.duckdb, returned as plain values.

Belongs here: SQL and the arithmetic on its result. Words, colours and layout stand in charts and templates. Every query
reads the finished file, so the page shows what analysts can query; where a table is absent the answer is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.publishing.night import Night

Row = dict[str, Any]

# Steps of the forecast in the order in which they are made. What the last one of a night leaves is published.
STEPS = ("naive_seasonal", "moving_average", "lightgbm", "selected", "reconciled")
ROW_COUNTS = ("rows_loaded", "rows_quarantined", "rows_excluded", "rows_duplicate", "rows_superseded")
GROUPS_SHOWN = 12  # bars of a chart that can be read; the rest is added up
WEEKS_COMPARED = 4

# What each part of the page rests on: a part whose feed is simulated says so.
FEEDS_BEHIND = {
    "sales": ("pos/sales",),
    "forecast": ("pos/sales", "erp/inventory", "erp/ranging", "erp/prices", "erp/promotions", "erp/events"),
    "orders": (
        "pos/sales", "pos/open_orders", "erp/inventory", "erp/suppliers", "erp/sourcing", "erp/purchase_orders",
        "erp/transfers", "erp/lots", "erp/ranging",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A connection to marts.duckdb and the names of its tables."""

    con: duckdb.DuckDBPyConnection
    tables: frozenset[str]

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """Run a query; one dict a row."""
        result = self.con.execute(sql, list(parameters))
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def source_of(con: duckdb.DuckDBPyConnection) -> Source:
    """Look up which tables there are."""
    found = con.execute("select table_name from information_schema.tables").fetchall()
    return Source(con, frozenset(row[0] for row in found))


def simulated_behind(part: str, night: Night) -> list[str]:
    """Return the simulated feeds that a part of the page (a key of FEEDS_BEHIND) rests on."""
    return [feed for feed in FEEDS_BEHIND[part] if feed in night.simulated_feeds]


# ---------------------------------------------------------------------------------------------------------- the night


def absent_by_reason(night: Night) -> dict[str, list[str]]:
    """Outputs that are absent, by the reason why: most share one."""
    reasons: dict[str, list[str]] = {}
    for name in sorted(night.absent):
        reasons.setdefault(night.absent[name], []).append(name)
    return reasons


def feeds(night: Night) -> list[Row]:
    """Files and rows by feed: what was read, and what became of it. `adds_up`: nothing is missing."""
    by_feed: dict[str, Row] = {}
    for file in night.inputs:
        total = by_feed.setdefault(
            file["feed"], {"feed": file["feed"], "files": 0, "rows_physical": 0, **dict.fromkeys(ROW_COUNTS, 0)}
        )
        total["files"] += 1
        for count in ("rows_physical", *ROW_COUNTS):
            total[count] += file.get(count) or 0
    return [_accounted(by_feed[name]) for name in sorted(by_feed, key=lambda name: (name != "pos/sales", name))]


def all_feeds(by_feed: Sequence[Row]) -> Row:
    """The sum over all feeds."""
    names = ("files", "rows_physical", *ROW_COUNTS)
    return _accounted({name: sum(row[name] for row in by_feed) for name in names})


def _accounted(row: Row) -> Row:
    return {**row, "adds_up": row["rows_physical"] == sum(row[count] for count in ROW_COUNTS)}


CHECK_COUNTS = """
select count(*) as total, count(*) filter (passed) as passed, count(*) filter (not passed) as failed,
    count(*) filter (not passed and severity = 'error') as refusing
from data_quality
"""
FAILED_CHECKS = """
select gate, table_name, check_name, description, severity, failed_rows, checked_rows, advice, docs_link
from data_quality
where not passed
order by severity, gate, table_name, check_name
"""


def checks(source: Source) -> Row | None:
    """How many checks passed, and those that did not. refusing: failed ones that should have kept the night back."""
    if "data_quality" not in source.tables:
        return None
    return {**source.rows(CHECK_COUNTS)[0], "rows": source.rows(FAILED_CHECKS)}


# ------------------------------------------------------------------------------------------------------------- orders

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
    "department": "coalesce(p.department, 'no department')",
    "supplier": "coalesce(o.supplier_id, 'from ' || o.from_location_id, 'no supplier')",
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
        shown.append({"label": f"{len(rest)} others", **total, "is_rest": True})
    return shown


# ------------------------------------------------------------------------------------------------- sales and forecast

# Weeks begin where the forecast's do. A week that is under way belongs to both: sold so far + forecast of the rest.
# A first week of which only some days are known would look like a dip, so it is left out.
SALES_AND_FORECAST = """
with forecast as (
    select week_start, sum(mean) as units from forecast_weekly group by all
),
first_week as (
    select min(week_start) as week_start from forecast
),
sold as (
    select
        f.week_start - (7 * ceil((f.week_start - d.date) / 7.0))::integer as week_start,
        sum(d.units_qty) as units,
        min(d.date) as first_date
    from mart_sku_location_day as d cross join first_week as f
    group by all
),
history as (
    select week_start, units from sold
    where week_start < (select week_start from first_week) and week_start >= (select min(first_date) from sold)
    order by week_start desc
    limit ?
)
select week_start, 'sold' as kind, units from history
union all by name
select f.week_start, 'forecast' as kind, f.units + coalesce(s.units, 0) as units
from forecast as f left join sold as s on f.week_start = s.week_start
order by week_start
"""
FORECAST_SIZE = """
select count(distinct sku_id) as products, count(distinct location_id) as places,
    count(distinct (sku_id, location_id)) as series
from forecast_weekly
"""


def sales_and_forecast(source: Source, history_weeks: int) -> Row | None:
    """Units by week, sold and forecast; the next four weeks beside the last four and the same four a year before."""
    if not {"forecast_weekly", "mart_sku_location_day"} <= source.tables:
        return None
    weeks = source.rows(SALES_AND_FORECAST, history_weeks)
    sold = [row for row in weeks if row["kind"] == "sold"]
    ahead = [row for row in weeks if row["kind"] == "forecast"]
    return {
        "weeks": weeks,
        **source.rows(FORECAST_SIZE)[0],
        "next_4": _units(ahead[:4]),
        "last_4": _units(sold[-4:]),
        "year_ago_4": _units(sold[-52:-48]),
    }


def _units(weeks: Sequence[Row]) -> float | None:
    """Units of so many whole weeks as are compared, or None when there are fewer."""
    return float(sum(row["units"] for row in weeks)) if len(weeks) == WEEKS_COMPARED else None


# ----------------------------------------------------------------------------------------------------------- accuracy

ACCURACY = """
select level, horizon_band, step, metric, value, baseline_value, series, cutoffs
from forecast_accuracy
where segment = 'all' and metric in ('wmape', 'bias', 'coverage_p90')
order by all
"""


def accuracy(source: Source) -> Row | None:
    """Errors by level, horizon and step. Levels: the finest first, which is the one at which stock is decided."""
    if "forecast_accuracy" not in source.tables:
        return None
    rows = source.rows(ACCURACY)
    errors = [row for row in rows if row["metric"] == "wmape" and math.isfinite(row["value"] or math.nan)]
    if not errors:
        return None
    series = {row["level"]: row["series"] or 0 for row in errors}
    levels = sorted(series, key=lambda level: (-series[level], level))
    step = in_order(row["step"] for row in errors)[-1]
    others = {
        (row["level"], row["horizon_band"], row["metric"]): row["value"]
        for row in rows
        if row["metric"] != "wmape" and row["step"] == step
    }
    table = [
        {**row, **{m: others.get((row["level"], row["horizon_band"], m)) for m in ("bias", "coverage_p90")}}
        for row in sorted(errors, key=lambda row: (levels.index(row["level"]), _first_week(row["horizon_band"])))
        if row["step"] == step
    ]
    # the nearest weeks are measured from every cut-off, later ones only where enough came after it
    return {"step": step, "levels": levels, "errors": errors, "table": table, "cutoffs": table[0]["cutoffs"]}


def bands_of(errors: Sequence[Row]) -> list[str]:
    """Return the horizon bands, the nearest first."""
    return sorted({row["horizon_band"] for row in errors}, key=_first_week)


def in_order(steps: Iterable[str]) -> list[str]:
    """Return steps in the order in which they are made, unknown ones last."""
    return sorted(set(steps), key=lambda step: (STEPS.index(step) if step in STEPS else len(STEPS), step))


def _first_week(band: str) -> int:
    digits = band.split("-", maxsplit=1)[0]
    return int(digits) if digits.isdigit() else 0
