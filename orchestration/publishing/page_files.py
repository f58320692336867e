"""Side files of the page, in `page/`: the lists as tables, the index of products, and each product's own numbers.

Scripts, not JSON: a page that is opened from a file share may load a script beside it, and may fetch nothing. Each file
calls `shelfcast(name, content)`. Belongs here: which numbers, from the night's marts.duckdb. How they are shown stands
in templates/lists.js and product.js.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.publishing import buyers
from orchestration.publishing.page_data import Row, Source

FOLDER = "page"
FILE_BYTES = 400_000  # of one file of products: read from disk in some 10 ms
HISTORY_WEEKS = 52
PROMOTIONS_SHOWN = 12

NAMED = """
left join dim_product as p on x.sku_id = p.sku_id
left join dim_location as l on x.location_id = l.location_id
"""
PLACE = "coalesce(l.location_name, x.location_id) as place"
PRODUCT = "x.sku_id, coalesce(p.product_name, x.sku_id) as product, p.department, p.category"
SOURCE = "coalesce(x.supplier_id, f.location_name, x.from_location_id) as source"


@dataclass(frozen=True)
class ListFile:
    """One list as a table that sorts and filters. needs: its table. filters: columns with a choice of values. also:
    further tables without which it cannot be made."""

    name: str
    needs: str
    sql: str
    filters: tuple[str, ...]
    also: tuple[str, ...] = ()


LISTS = (
    ListFile(
        "orders",
        "replenishment_orders",
        f"""
        select {PRODUCT}, {PLACE}, {SOURCE}, x.order_on, x.order_qty, x.order_value, x.stockout_on,
            x.expected_lost_amount, x.withheld_reason, x.location_id, x.supplier_id,
            x.demand_mean_qty, x.protection_days, round(100 * x.service_target, 1) as service_pct,
            x.target_qty, x.inventory_position_qty, x.need_qty, x.reason_codes
        from replenishment_orders as x {NAMED}
        left join dim_location as f on x.from_location_id = f.location_id
        order by x.order_value desc nulls last, x.sku_id, x.location_id
        """,
        ("buyer", "source", "place", "department", "category"),
    ),
    ListFile(
        "transfers",
        "transfer_orders",
        f"""
        select {PRODUCT}, coalesce(f.location_name, x.from_location_id) as source, {PLACE}, x.ship_on, x.qty,
            x.gain_amount, x.cost_amount, x.net_gain_amount, x.source_position_before_qty, x.source_target_qty,
            x.source_movable_qty, x.destination_position_before_qty, x.destination_target_qty,
            x.destination_demand_mean_qty, x.destination_protection_days, x.lost_sales_avoided_amount,
            x.idle_cost_avoided_amount, x.order_gain_amount, x.explanation
        from (select *, to_location_id as location_id from transfer_orders) as x {NAMED}
        left join dim_location as f on x.from_location_id = f.location_id
        order by x.net_gain_amount desc, x.sku_id, x.from_location_id, x.location_id
        """,
        ("source", "place", "department", "category"),
    ),
    ListFile(
        "allocation",
        "allocation",
        f"""
        select {PRODUCT}, coalesce(f.location_name, x.from_location_id) as source, {PLACE}, x.requested_qty,
            x.allocated_qty, x.short_qty, x.requested_total_qty, x.available_qty, x.allocated_to_others_qty,
            x.last_unit_value_amount, x.next_unit_value_amount, x.explanation
        from allocation as x {NAMED}
        left join dim_location as f on x.from_location_id = f.location_id
        order by x.short_qty * coalesce(x.next_unit_value_amount, 0) desc, x.sku_id, x.from_location_id, x.location_id
        """,
        ("source", "place", "department", "category"),
    ),
    ListFile(
        "available_to_promise",
        "available_to_promise",
        f"""
        select {PRODUCT}, x.pool, x.promised_for, x.on_hand_qty, x.promise_01pct_qty, x.promise_05pct_qty,
            x.promise_10pct_qty, x.location_count, x.reserved_qty, x.open_order_qty, x.expected_arrivals_qty,
            x.competing_demand_mean_qty, x.cushion_05pct_qty, x.explanation
        from (select *, null::varchar as location_id from available_to_promise) as x {NAMED}
        order by x.promise_05pct_qty desc, x.sku_id, x.pool, x.promised_for
        """,
        ("pool", "promised_for", "department", "category"),
    ),
    ListFile(
        "order_sourcing",
        "order_sourcing",
        f"""
        select x.order_id, x.line_number, {PRODUCT}, {PLACE}, x.region, x.quantity, x.sourced_qty, x.short_qty,
            x.landed_cost_amount, x.distance_km, x.transport_amount, x.keep_value_amount, x.parcel_amount,
            x.free_before_qty, x.taken_by_others_qty, x.explanation
        from order_sourcing as x {NAMED}
        order by x.location_id is null desc, x.landed_cost_amount desc, x.source, x.order_id, x.line_number,
            x.location_id
        """,
        ("place", "region", "department", "category"),
    ),
    ListFile(
        "promotions",
        "forecast_promotions",
        f"""
        select coalesce(d.promotion_name, x.promotion_id) as promotion, {PRODUCT}, {PLACE}, x.mechanic, x.starts_on,
            x.ends_on, x.without_qty, x.with_qty, x.uplift_qty, x.after_qty
        from forecast_promotions as x {NAMED}
        left join dim_promotion as d on x.promotion_id = d.promotion_id
        order by x.uplift_qty desc, x.promotion_id, x.sku_id, x.location_id
        """,
        ("promotion", "mechanic", "place", "department", "category"),
        also=("dim_promotion",),
    ),
    ListFile(
        "alerts",
        "alerts",
        f"""
        select x.alert_type, x.severity, {PRODUCT}, {PLACE}, x.measured_value, x.threshold, x.money_at_risk,
            x.explanation
        from alerts as x {NAMED}
        order by x.money_at_risk desc nulls last, x.alert_id
        """,
        ("alert_type", "severity", "place", "category"),
    ),
    ListFile(
        "slow_movers",
        "mart_slow_movers",
        f"""
        select {PRODUCT}, {PLACE}, x.rule, x.on_hand_qty, x.at_risk_qty, x.money_at_risk, x.measured_value,
            x.threshold, x.recent_qty, x.recent_days, x.before_qty, x.before_days, x.explanation
        from mart_slow_movers as x {NAMED}
        where x.is_main
        order by x.money_at_risk desc nulls last, x.sku_id, x.location_id
        """,
        ("rule", "place", "department", "category"),
    ),
    ListFile(
        "count_list",
        "mart_count_list",
        f"""
        select x.count_rank, {PRODUCT}, {PLACE}, x.rule, x.on_hand_qty, x.doubted_qty, x.money_at_risk
        from (select * exclude (product_name, category) from mart_count_list) as x {NAMED}
        order by x.count_rank
        """,
        ("rule", "place", "department", "category"),
    ),
)
# what an order line is made of, in the order in which it is worked out
TERMS = (
    *("order_on", "service_target", "lead_time_days", "review_days", "wait_days", "protection_days"),
    *("demand_mean_qty", "presentation_min_qty", "service_target_qty", "downstream_position_qty", "target_qty"),
    *("on_hand_qty", "reserved_qty", "backorder_qty", "on_order_qty", "in_transfer_qty", "inventory_position_qty"),
    *("need_qty", "order_multiple", "min_order_qty", "order_qty", "unit_cost", "order_value"),
    *(
        "stockout_on",
        "expected_lost_qty",
        "stockout_probability",
        "confidence",
        "reason_codes",
        "withheld_reason",
        "explanation",
    ),
)
# one pass over a year of sales: by week as the forecast cuts them, and of the last 364 days (a week may be under way);
# sums of decimals, which do not depend on the order of the rows
SOLD = """
create or replace temp table sold_weeks as
with night as (
    select (select min(week_start) from forecast_weekly) as first_week,
        (select max(date) from mart_sku_location_day) - 364 as year_before
)
select
    s.sku_id, s.location_id, {weeks} - ((n.first_week - s.date + 6) // 7)::integer as nth,
    sum(s.units_qty::decimal(18, 3)) as units,
    sum(s.units_qty::decimal(18, 3)) filter (s.date > n.year_before) as year_units
from mart_sku_location_day as s
cross join night as n
where s.units_qty <> 0 and s.date >= least(n.first_week - 7 * {weeks}, n.year_before)
group by all
"""
# stock at the end of each of those weeks
HELD = """
create or replace temp table held_weeks as
with days as (
    select min(week_start) - 7 * k::integer + 6 as day, {weeks} - k as nth
    from forecast_weekly, range(1, {weeks} + 1) as r (k) group by k
)
select s.sku_id, s.location_id, d.nth, sum(s.on_hand_qty::decimal(18, 3)) as units
from fct_inventory_daily as s
inner join days as d on s.{day} = d.day
group by all
"""
CHOSEN = """
create or replace temp table chosen as
with sold as (
    select sku_id, sum(year_units) as units from sold_weeks group by all
),
ordered as (
    select sku_id, sum(order_value::decimal(18, 2)) as value from {orders} group by all
),
ahead as (
    select sku_id, sum(mean::decimal(18, 6)) filter (week_start < first_week + 28) as units
    from forecast_weekly cross join (select min(week_start) as first_week from forecast_weekly) group by all
)
select
    row_number() over (order by coalesce(o.value, 0) desc, coalesce(s.units, 0) desc, a.sku_id) - 1 as number,
    a.sku_id, p.product_name, p.department, p.category, coalesce(o.value, 0)::double as order_value,
    coalesce(s.units, 0)::double as sold, coalesce(a.units, 0)::double as ahead
from ahead as a
left join sold as s on a.sku_id = s.sku_id
left join ordered as o on a.sku_id = o.sku_id
left join dim_product as p on a.sku_id = p.sku_id
qualify number < ?
order by number
"""
# weeks with something, numbered, and how much: the others are zero (sold) or not known (held)
WEEKS = """
with weeks as (
    select s.sku_id, {place} as place, s.nth, sum(s.units) as units
    from {table} as s
    {wanted}
    where s.nth between 0 and {weeks} - 1
    group by all
)
select sku_id, place,
    to_json([list(nth order by nth)::double[], list(round(units, 2)::double order by nth)])::varchar as weeks
from weeks group by all
"""
FAN = """
select {key}, to_json(list([round(v, 2) for v in [mean, p10, p25, p75, p90]] order by {start}))::varchar as fan
from {table} as s
{wanted}
group by all
"""
PROMOTIONS = """
with night as (select max(as_of) as as_of from forecast_weekly),
periods as (
    select f.sku_id, f.promotion_id, min(f.starts_on) as starts_on, max(f.ends_on) as ends_on
    from fct_promotion_periods as f
    inner join chosen as c on f.sku_id = c.sku_id
    cross join night as n
    where f.ends_on > n.as_of - 364 and f.starts_on <= n.as_of + 182
    group by all
)
select p.sku_id, p.promotion_id, d.promotion_name, d.mechanic, p.starts_on, p.ends_on
from periods as p
left join dim_promotion as d on p.promotion_id = d.promotion_id
qualify row_number() over (partition by p.sku_id order by p.ends_on desc, p.promotion_id) <= {shown}
order by p.sku_id, p.ends_on desc, p.promotion_id
"""
LINES = """
select {terms}, o.sku_id, o.location_id, coalesce(l.location_name, o.location_id) as place,
    coalesce(o.supplier_id, f.location_name, o.from_location_id) as source
from replenishment_orders as o
inner join chosen as c on o.sku_id = c.sku_id
left join dim_location as l on o.location_id = l.location_id
left join dim_location as f on o.from_location_id = f.location_id
order by o.order_value desc nulls last, o.location_id
"""


def write_side_files(
    folder: Path, source: Source, products: int, shares: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Write `folder`/page/*.js; returns what the page must know of them: lists with their lines, products, files.

    products: how many products get a view of their own, those with the largest orders first, then by units sold.
    shares: publishing.buyers, by which the orders can be filtered.
    """
    target = folder / FOLDER
    target.mkdir()
    lists = {}
    for part in LISTS:
        if part.needs in source.tables and set(part.also) <= source.tables:
            rows = source.rows(part.sql)
            if part.name == "orders" and shares:
                rows = _with_buyers(rows, buyers.owners(shares))
            _write(target / f"list-{part.name}.js", f"list-{part.name}", {**_columns(rows), "filters": part.filters})
            lists[part.name] = {"lines": len(rows)}
    count = _write_products(target, source, products) if _has_products(source) else 0
    return {"lists": lists, "products": count}


def _with_buyers(rows: Sequence[Row], owner: Mapping[str | None, str]) -> list[Row]:
    """The lines with whose they are: by supplier, else category, else department."""
    return [
        {
            "buyer": owner.get(row["supplier_id"])
            or owner.get(row["category"])
            or owner.get(row["department"])
            or buyers.NOBODY,
            **row,
        }
        for row in rows
    ]


def _has_products(source: Source) -> bool:
    return {"forecast_weekly", "mart_sku_location_day", "dim_product", "dim_location"} <= source.tables


def _write_products(target: Path, source: Source, products: int) -> int:
    has_orders = "replenishment_orders" in source.tables
    nothing = "(select null::varchar as sku_id, 0.0::double as order_value where false)"
    source.con.execute(SOLD.format(weeks=HISTORY_WEEKS))
    if has_stock := "fct_inventory_daily" in source.tables:
        days = {row["column_name"] for row in source.rows("describe fct_inventory_daily")}
        source.con.execute(HELD.format(weeks=HISTORY_WEEKS, day="date" if "date" in days else "snapshot_date"))
    source.con.execute(CHOSEN.format(orders="replenishment_orders" if has_orders else nothing), [products])
    chosen = source.rows("select * from chosen order by number")
    details: dict[str, Row] = {row["sku_id"]: {"series": {}} for row in chosen}
    all_places = "inner join chosen as c on s.sku_id = c.sku_id"
    ordered = "inner join ordered_pairs as c on s.sku_id = c.sku_id and s.location_id = c.location_id"
    source.con.execute(
        "create or replace temp table ordered_pairs as "
        + (
            "select distinct o.sku_id, o.location_id from replenishment_orders as o inner join chosen using (sku_id)"
            if has_orders
            else "select null::varchar as sku_id, null::varchar as location_id where false"
        )
    )
    for place, join in (("''", all_places), ("s.location_id", ordered)):
        _add_series(source, details, place, join, has_stock)
    if {"fct_promotion_periods", "dim_promotion"} <= source.tables:
        for row in source.rows(PROMOTIONS.format(shown=PROMOTIONS_SHOWN)):
            details[row.pop("sku_id")].setdefault("promotions", []).append(row)
    if has_orders:
        known = [row["column_name"] for row in source.rows("describe replenishment_orders")]
        steps = [name for name in known if name.startswith("after_")]
        terms = ", ".join(f"o.{name}" for name in (*TERMS, *steps) if name in known)
        for row in source.rows(LINES.format(terms=terms)):
            details[row.pop("sku_id")].setdefault("lines", []).append(_given(row))
    weeks = source.rows("select distinct week_start from forecast_weekly order by 1")
    files = _write_details(target, [details[row["sku_id"]] for row in chosen])
    index = {
        **_columns([{name: row[name] for name in row if name != "number"} for row in chosen]),
        "files": files,
        "weeks": [row["week_start"] for row in weeks],
        "history_weeks": HISTORY_WEEKS,
    }
    _write(target / "products.js", "products", index)
    return len(chosen)


def _write_details(target: Path, details: Sequence[Row]) -> list[int]:
    """Write product-<n>.js, each with products until it holds FILE_BYTES; returns the first product of each file."""
    first, size = [0], 0
    texts: list[str] = []
    for number, detail in enumerate(details):
        text = _detail(detail)
        if size and size + len(text) > FILE_BYTES:
            _write_text(target / f"product-{len(first) - 1}.js", f"product-{len(first) - 1}", f"[{','.join(texts)}]")
            first.append(number)
            size, texts = 0, []
        size += len(text)
        texts.append(text)
    _write_text(target / f"product-{len(first) - 1}.js", f"product-{len(first) - 1}", f"[{','.join(texts)}]")
    return first


def _add_series(source: Source, details: dict[str, Row], place: str, wanted: str, has_stock: bool) -> None:
    """Sales, stock and forecast by week: of the whole product (place ''), or of places with an order line."""
    for name, table in (("sold", "sold_weeks"), *([("stock", "held_weeks")] if has_stock else [])):
        for row in source.rows(WEEKS.format(table=table, weeks=HISTORY_WEEKS, place=place, wanted=wanted)):
            _of(details, row["sku_id"], row["place"])[name] = row["weeks"]
    if place != "''":
        fan = FAN.format(
            key="s.sku_id, s.location_id as place", start="s.week_start", table="forecast_weekly", wanted=wanted
        )
    elif "forecast_hierarchy" in source.tables:
        fan = FAN.format(
            key="s.node as sku_id, '' as place",
            start="s.period_start",
            table="forecast_hierarchy",
            wanted="inner join chosen as c on s.node = c.sku_id where s.level = 'sku' and s.period_type = 'week'",
        )
    else:
        return
    for row in source.rows(fan):
        _of(details, row["sku_id"], row["place"])["fan"] = row["fan"]


def _of(details: dict[str, Row], sku_id: str, place: str) -> Row:
    series: Row = details[sku_id]["series"].setdefault(place, {})
    return series


def _detail(detail: Row) -> str:
    """A product as JSON. Its series come as JSON from the database: in Python they took half the time of the page."""
    series = ",".join(
        f"{json.dumps(place, ensure_ascii=False)}:{{"
        + ",".join(f'"{name}":{text}' for name, text in each.items())
        + "}"
        for place, each in sorted(detail["series"].items())
    )
    others = _json({name: value for name, value in detail.items() if name != "series"})
    return f'{{"series":{{{series}}}' + ("," if len(others) > 2 else "") + others[1:]


def _given(row: Row) -> Row:
    return {name: _short(value) for name, value in row.items() if value is not None}


def _short(value: Any) -> Any:
    """A number with as many digits as anybody reads: three decimals."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        value = round(value, 3)
        return int(value) if value == int(value) else value
    return value


def _columns(rows: Sequence[Row]) -> Row:
    """Rows as columns; a column of text as its distinct values and a number a row (a fifth of the bytes)."""
    columns = []
    for name in rows[0] if rows else ():
        values = [_short(row[name]) for row in rows]
        kind = _kind(name, values)
        column: Row = {"name": name, "kind": kind}
        if kind in ("text", "date"):
            distinct = sorted({str(value) for value in values if value is not None})
            number = {value: position for position, value in enumerate(distinct)}
            column |= {"values": distinct, "codes": [-1 if v is None else number[str(v)] for v in values]}
        else:
            column["numbers"] = values
        columns.append(column)
    return {"columns": columns, "rows": len(rows)}


def _kind(name: str, values: Sequence[Any]) -> str:
    found = next((value for value in values if value is not None), "")
    if isinstance(found, date):
        return "date"
    if not isinstance(found, int | float):
        return "text"
    return "money" if name.endswith(("_amount", "_value", "money_at_risk")) and "measured" not in name else "number"


def _write(path: Path, name: str, content: object) -> None:
    _write_text(path, name, _json(content))


def _json(content: object) -> str:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=_plain)
    # a script file is no HTML; U+2028 and U+2029 end a line in old scripts
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _write_text(path: Path, name: str, text: str) -> None:
    path.write_text(f"shelfcast({json.dumps(name)},{text});\n", encoding="utf-8")


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)
