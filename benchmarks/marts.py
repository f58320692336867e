"""How long the marts take on M5 whole, in how much memory, how they grow, and how fast an analyst is answered.

Belongs here: M5 loaded by the project's own ingestion at three lengths of history, both dbt builds of a night in a
process of their own, hand-written DuckDB on the same lines as the floor, and the questions of
docs/analyst_questions.md on the file that would be published.

M5 knows no stock and no costs. So that every mart has rows to work on, COMPLEMENT makes up unit costs (70 % of the
price), stock of the last eight weeks, sources and purchase orders; sales, prices and events are M5's. What forecasting
would have made is replaced by means: demand = sales, a forecast = the mean of the last eight weeks.

    python -m benchmarks.run --only marts [--quick]
    python -m benchmarks.marts load|forecasts|marts_file|floor|questions HOME      one step, as the benchmark starts it
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import m5, measure
from benchmarks.options import ROOT, Options

SHARES = (0.25, 0.5, 1.0)  # of the days: each length twice the one before
BAR_SECONDS, BAR_BYTES, BAR_GROWTH, BAR_ANSWER_SECONDS = 180.0, 6e9, 2.2, 1.0
MEMORY_LIMIT = "4GB"  # of DuckDB; the process takes more than it

COMPLEMENT = {
    "erp/inventory": """
with pairs as (
    select sku_id, location_id, max(unit_price) as price
    from feeds.pos_sales where sold_at > $as_of::date - 56 group by all
)
select $as_of::date - k::integer as snapshot_date, location_id, sku_id, 0.7 * price as unit_cost,
    case when hash(location_id, sku_id, k) % 20 = 0 then 0 else 1 + hash(sku_id, location_id, k) % 12 end as on_hand_qty
from pairs cross join range(56) as d (k)""",
    "erp/sourcing": """
select sku_id, location_id, 'V' || hash(sku_id) % 40 as supplier_id, 2 + hash(sku_id) % 6 as lead_time_days,
    1 as lead_time_sd_days, 1 as min_order_qty, 1 as order_multiple, unit_cost
from feeds.erp_inventory where snapshot_date = $as_of::date""",
    "erp/purchase_orders": """
select 'PO' || row_number() over (order by location_id, sku_id, week) as po_id, 1 as line_number,
    'V' || hash(sku_id) % 40 as supplier_id, location_id, sku_id, week as ordered_on, week + 5 as expected_on,
    week + 3 + (hash(sku_id, week) % 6)::integer as received_on, quantity as ordered_qty, quantity as received_qty,
    'received' as status
from (
    select location_id, sku_id, date_trunc('week', sold_at)::date as week, sum(quantity) as quantity
    from feeds.pos_sales where sold_at > $as_of::date - 56 group by all
)""",
    "erp/suppliers": """
select distinct supplier_id, 'Supplier ' || supplier_id as supplier_name from feeds.erp_sourcing""",
}

FORECASTS = """
create or replace table ml.demand_series as select * from intermediate.int_series_selected order by series_id;
create or replace table ml.demand_history as
select series_id, date, sales_qty as quantity, sales_qty, false as is_repaired, null::varchar as repair_rule
from intermediate.int_demand_daily where sales_qty > 0;
create or replace temp table means as
select series.sku_id, series.location_id, coalesce(sum(history.quantity), 0) / 56 as mean
from ml.demand_series as series
left join ml.demand_history as history
    on series.series_id = history.series_id and history.date > $as_of::date - 56
group by all;
create or replace table ml.forecast_daily as
select $as_of::date as as_of, sku_id, location_id, $as_of::date + 1 + k::integer as date, mean, {quantiles},
    'mean' as model, 'all' as segment
from means cross join range(28) as d (k);
create or replace table ml.forecast_weekly as
select $as_of::date as as_of, sku_id, location_id,
    (date_trunc('week', $as_of::date + 1) + to_days(7 * k::integer))::date as week_start,
    days_covered, mean * days_covered as mean, {quantiles}, 'mean' as model, 'all' as segment
from means cross join (
    select k, case when k = 0 then date_trunc('week', $as_of::date + 1)::date + 6 - $as_of::date else 7 end::integer
        as days_covered
    from range(26) as w (k)
);
create or replace table ml.stock_targets as
select sku_id, location_id, 9::integer as protection_days, 9 * mean as demand_mean_qty, 12 * mean as target_qty
from means;
"""

FLOOR = """
create table pairs as
select
    row_number() over (order by sku_id, location_id)::integer as pair, sku_id, location_id, min(sold_at)::date as first
from feed group by sku_id, location_id;
create table sums as
select pair, sold_at::date as date, sum(quantity) as units, sum(net_amount) as amount
from feed inner join pairs using (sku_id, location_id) group by pair, sold_at::date;
create table days as
select pair, unnest(generate_series(first, (select max(date) from sums), interval 1 day))::date as date from pairs;
create table dense as
select days.pair, days.date, coalesce(units, 0) as units, coalesce(amount, 0) as amount
from days left join sums on days.pair = sums.pair and days.date = sums.date;
"""


def run(options: Options, console: Console) -> bool:
    """Measure the builds at three lengths of history, the floor and the questions; says whether all bars hold."""
    work = options.results / "homes" / "marts"
    shutil.rmtree(work, ignore_errors=True)
    console.print("\n[bold]marts[/]: writing M5 as extracts …")
    data = m5.load(options.data, list(options.stores) or None)
    sizes = [round(data.days * share) for share in SHARES]
    found = [_measure(data, days, work / f"d_{days}", console) for days in sizes]
    if any(size is None for size in found):
        return False
    built = [size for size in found if size is not None]
    whole = work / f"d_{sizes[-1]}"
    floor = _step("floor", whole, data.dates[-1])
    published = _step("marts_file", whole, data.dates[-1])
    asked = _step("questions", whole, data.dates[-1])
    answers: dict[str, float] = json.loads(_last_line(whole, "questions")) if asked.status == 0 else {}
    sheet = {"sizes": built, "floor": json.loads(_last_line(whole, "floor")), "questions": answers, **measure.machine()}
    (options.results / "marts.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return _report(console, sheet, published) and floor.status == published.status == asked.status == 0


def _measure(data: m5.M5, days: int, home: Path, console: Console) -> dict[str, float] | None:
    """Write, load and build M5 up to a day; None when a step failed, which is said."""
    known = m5.cut(data, days)
    m5.write_extracts(known, home / "landing")
    as_of = known.dates[-1]
    usages = {}
    for step in ("load", "first build", "forecasts", "second build"):
        usages[step] = _step(step, home, as_of)
        if usages[step].status:
            console.print(f"  {step} of {days} days failed: see {_log(home, step)}", highlight=False)
            return None
    builds = [usages["first build"], usages["second build"]]
    spent = [_spent(home, step) for step in ("first build", "second build")]
    sheet = {
        "days": float(days),
        "lines": float(_count(home, "staging.stg_pos__sales")),
        "rows": float(_count(home, "intermediate.int_sku_location_days")),
        "seconds": sum(usage.seconds for usage in builds),
        "model_seconds": sum(one["model"] for one in spent),
        "test_seconds": sum(one["test"] for one in spent),
        "cpu_seconds": sum(usage.cpu_seconds for usage in builds),
        "peak_bytes": float(max(usage.peak_bytes for usage in builds)),
    }
    console.print(
        f"  {days} days, {sheet['lines']:,.0f} lines: marts in {sheet['model_seconds']:.0f} s, dbt's tests "
        f"{sheet['test_seconds']:.0f} s, peak {sheet['peak_bytes'] / 1e9:.1f} GB",
        highlight=False,
    )
    return sheet


def _report(console: Console, sheet: dict, published: measure.Usage) -> bool:
    """Print the figures beside the bars."""
    sizes, floor, answers = sheet["sizes"], sheet["floor"], sheet["questions"]
    table = Table("days", "lines", "days x pairs", "marts s", "growth", "tests s", "peak GB", box=SIMPLE_HEAD)
    growths = [None, *(b["model_seconds"] / a["model_seconds"] for a, b in itertools.pairwise(sizes))]
    doubled = max(_per_doubling(a, b) for a, b in itertools.pairwise(sizes))
    for size, growth in zip(sizes, growths, strict=True):
        table.add_row(
            f"{size['days']:.0f}",
            f"{size['lines']:,.0f}",
            f"{size['rows']:,.0f}",
            f"{size['model_seconds']:.1f}",
            f"{growth:.2f}" if growth else "-",
            f"{size['test_seconds']:.1f}",
            f"{size['peak_bytes'] / 1e9:.1f}",
        )
    console.print(table)
    whole = sizes[-1]
    by_hand = floor["seconds"]
    slowest = max(answers.values(), default=float("inf"))
    holds = {
        f"all marts of the whole in {whole['model_seconds']:.0f} s (bar {BAR_SECONDS:.0f}); daily sums and dense days "
        f"by hand {by_hand:.1f} s: {whole['model_seconds'] / by_hand:.1f} times": whole["model_seconds"] <= BAR_SECONDS,
        f"peak {whole['peak_bytes'] / 1e9:.1f} GB (bar {BAR_BYTES / 1e9:.0f})": whole["peak_bytes"] <= BAR_BYTES,
        f"twice the days: {max(g for g in growths if g):.2f} times the time (bar {BAR_GROWTH}); twice the "
        f"product-location-days: {doubled:.2f} times": max(g for g in growths if g) <= BAR_GROWTH,
        f"slowest of {len(answers)} questions {slowest:.2f} s (bar {BAR_ANSWER_SECONDS:g}); marts.duckdb written in "
        f"{published.seconds:.0f} s": slowest <= BAR_ANSWER_SECONDS,
    }
    for said, is_held in holds.items():
        console.print(f"  {'holds' if is_held else '[red]MISSED[/]'}  {said}", highlight=False)
    for question, seconds in answers.items():
        console.print(f"    {seconds:6.3f} s  {question}", highlight=False)
    return all(holds.values())


def _per_doubling(smaller: dict, larger: dict) -> float:
    """How many times the time twice the product-location-days take; M5's range grows with its days."""
    time, days = larger["model_seconds"] / smaller["model_seconds"], larger["rows"] / smaller["rows"]
    return 2 ** (math.log(time) / math.log(days))


def _log(home: Path, step: str) -> Path:
    return home / f"{step.replace(' ', '_')}.log"


def _step(step: str, home: Path, as_of: date) -> measure.Usage:
    command = [sys.executable, "-m", "benchmarks.marts", step, str(home), as_of.isoformat()]
    return measure.run(command, _log(home, step), ROOT)


def _last_line(home: Path, step: str) -> str:
    return _log(home, step).read_text(encoding="utf-8").splitlines()[-1]


def _count(home: Path, relation: str) -> int:
    with duckdb.connect(str(home / "warehouse" / "shelfcast.duckdb"), read_only=True) as con:
        (rows,) = con.execute(f"select count(*) from {relation}").fetchone() or (0,)
    return int(rows)


def _spent(home: Path, step: str) -> dict[str, float]:
    """Return the seconds that dbt spent in models and in tests, from its own results."""
    results = json.loads((home / "dbt" / step.replace(" ", "_") / "run_results.json").read_text(encoding="utf-8"))
    spent = {"model": 0.0, "test": 0.0}
    for node in results["results"]:
        kind = node["unique_id"].split(".")[0]
        if kind in spent:  # exposures take no time
            spent[kind] += node["execution_time"]
    return spent


# ---- the steps, each in a process of its own


def _load(home: Path, as_of: date) -> None:
    from orchestration.settings import load_settings
    from orchestration.warehouse import connect

    _ingest(home, as_of)
    with connect(load_settings(home)) as con:
        _complement(con, as_of)


def _ingest(home: Path, as_of: date) -> None:
    from orchestration.identity.tables import ensure_tables
    from orchestration.ingestion.declarations import source_feeds
    from orchestration.ingestion.loading import ingest
    from orchestration.reference import HOLIDAYS, holidays_between
    from orchestration.settings import load_settings
    from orchestration.warehouse import connect, replace_table

    settings = load_settings(home)
    with connect(settings) as con:
        report = ingest(con, source_feeds(home), settings.landing, "run-00001", 0.0, print, settings.ingestion)
        if report.errors:
            raise SystemExit("\n".join(report.errors))
        ensure_tables(con)
        replace_table(con, HOLIDAYS, holidays_between(settings.calendar, as_of, as_of))


def build_weeks_of_prices(home: Path, as_of: date) -> None:
    """Load what was delivered and replace this process by the build of int_product_price_weeks alone."""
    _ingest(home, as_of)
    _dbt(home, as_of, "price_weeks", "--select", "+int_product_price_weeks", "--exclude-resource-type", "test")


def _complement(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Put what M5 does not know where the views of its feeds would be."""
    from orchestration.ingestion.catalogue import canonical_feeds

    for name, query in COMPLEMENT.items():
        feed = canonical_feeds()[name]
        columns = dict(feed.stored_columns) | {"_source": "VARCHAR", "_file_id": "BIGINT", "_line": "BIGINT"}
        if con.execute("select 1 from duckdb_views() where view_name = ?", [feed.table]).fetchone():
            con.execute(f"drop view feeds.{feed.table}")
        con.execute(f"create or replace table feeds.{feed.table} ({', '.join(f'{n} {t}' for n, t in columns.items())})")
        _execute(con, f"insert into feeds.{feed.table} by name select 'erp' as _source, * from ({query})", as_of)


def _execute(con: duckdb.DuckDBPyConnection, statement: str, as_of: date) -> None:
    con.execute(statement, {"as_of": as_of} if "$as_of" in statement else None)


def _dbt(home: Path, as_of: date, step: str, *selection: str) -> None:
    """Replace this process by one `dbt build` as a night calls it."""
    from orchestration import dbt
    from orchestration.settings import load_settings

    settings = load_settings(home)
    target = str(home / "dbt" / step)
    command = [str(dbt.executable()), *dbt.build_arguments(settings, as_of), *selection]
    command += ["--project-dir", str(dbt.PROJECT), "--profiles-dir", str(dbt.PROJECT)]
    command += ["--target-path", target, "--log-path", target]
    os.execve(command[0], command, {**os.environ, **dbt.environment(settings)})


def _first_build(home: Path, as_of: date) -> None:
    _dbt(home, as_of, "first_build", "--exclude", "source:ml+")


def _second_build(home: Path, as_of: date) -> None:
    _dbt(home, as_of, "second_build", "--select", "source:ml+")


def _forecasts(home: Path, as_of: date) -> None:
    from ml.customers.contract import NEXT_PRODUCTS_SCHEMA, VALUE_SCHEMA
    from ml.forecasting.distribution import LEVEL_NAMES
    from ml.watch.contract import ALERTS_SCHEMA
    from orchestration.recommendation_history import KNOWN, RECOMMENDATIONS_SCHEMA
    from orchestration.settings import load_settings
    from orchestration.warehouse import connect, replace_table

    quantiles = ", ".join(f"mean as {name}" for name in LEVEL_NAMES)
    with connect(load_settings(home)) as con:
        replace_table(con, "ml.customer_value", pl.DataFrame(schema=VALUE_SCHEMA))
        replace_table(con, "ml.customer_next_products", pl.DataFrame(schema=NEXT_PRODUCTS_SCHEMA))
        replace_table(con, "ml.watched", pl.DataFrame(schema=ALERTS_SCHEMA))
        replace_table(con, KNOWN, pl.DataFrame(schema=RECOMMENDATIONS_SCHEMA))
        for statement in filter(str.strip, FORECASTS.split(";")):
            _execute(con, statement.replace("{quantiles}", quantiles), as_of)


def _marts_file(home: Path, as_of: date) -> None:
    """Write marts.duckdb as publication does, without the tables that a whole night adds."""
    from orchestration.publishing.marts_file import build_marts_file
    from orchestration.settings import load_settings
    from orchestration.warehouse import connect

    (home / "published").mkdir(exist_ok=True)
    (home / "published" / "marts.duckdb").unlink(missing_ok=True)
    with connect(load_settings(home)) as con:
        print(build_marts_file(con, home / "published", [], ["marts"]))


def _floor(home: Path, as_of: date) -> None:
    """Daily sums and the dense table by hand, from the lines as a plain table."""
    from orchestration.settings import load_settings

    settings = load_settings(home)
    target = home / "warehouse" / "floor.duckdb"
    target.unlink(missing_ok=True)
    seconds = {}
    with duckdb.connect(str(target), config={"threads": settings.threads, "memory_limit": MEMORY_LIMIT}) as con:
        con.execute("set preserve_insertion_order = false")
        con.execute(f"attach '{settings.warehouse}' as warehouse (read_only)")
        con.execute(
            "create table feed as select sku_id, location_id, sold_at, quantity, net_amount "
            "from warehouse.raw.pos_sales"
        )
        for statement in filter(str.strip, FLOOR.split(";")):
            began = time.perf_counter()
            con.execute(statement)
            seconds[statement.split()[2]] = round(time.perf_counter() - began, 2)
    target.unlink()
    print(json.dumps({"seconds": sum(seconds.values()), **seconds}))


def _questions(home: Path, as_of: date) -> None:
    """Ask every question of docs/analyst_questions.md, each in a fresh connection; print the seconds as JSON."""
    seconds = {}
    for title, query in questions(ROOT / "docs" / "analyst_questions.md"):
        with duckdb.connect(str(home / "published" / "marts.duckdb"), read_only=True, config={"threads": 2}) as con:
            began = time.perf_counter()
            rows = con.execute(query).fetchall()
            seconds[title] = round(time.perf_counter() - began, 3)
        print(f"{title}: {len(rows)} rows")
    print(json.dumps(seconds))


def questions(page: Path) -> list[tuple[str, str]]:
    """Return the questions of the page with their SQL: every heading of the second level that a block follows."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^## (.+?)\n.*?^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


STEPS: dict[str, Callable[[Path, date], None]] = {
    "load": _load,
    "first build": _first_build,
    "forecasts": _forecasts,
    "second build": _second_build,
    "marts_file": _marts_file,
    "floor": _floor,
    "questions": _questions,
}

if __name__ == "__main__":
    STEPS[sys.argv[1]](Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))
