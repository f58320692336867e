"""TPC-DS at scale 1, from its own tables to the marts by declarations and SQL alone; ten totals equal, to the cent.

    python -m benchmarks.run --only tpcds
    python -m benchmarks.tpcds.benchmark night HOME      the measured part, as the benchmark starts it

Belongs here: the steps and the comparison. What is TPC-DS stands in `extracts/*.sql` (what a company would export),
`tpcds.yml` (what the export means) and `kpis/*.sql` (each total twice: by hand on the source tables, and on the marts).
No line of the project knows of it.

Forecasting does not run, and neither does what needs a dense row for each product, place and day: 9,000 items in 24
places and 5 warehouses over five years are some 400 million of them, nine times M5.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import measure
from benchmarks.options import ROOT, Options

HERE = Path(__file__).resolve().parent
SCALE, QUICK_SCALE = 1.0, 0.01
DECLARATION, SETTINGS = HERE / "tpcds.yml", HERE / "shelfcast.yml"
# what one row for each product, place and day would cost; nothing that the totals rest on reads it
NOT_BUILT = "int_sku_location_days+"
MONEY = {
    "store_sales": "ss_net_paid",
    "web_sales": "ws_net_paid",
    "catalog_sales": "cs_net_paid",
    "store_returns": "-sr_return_amt",
    "web_returns": "-wr_return_amt",
    "catalog_returns": "-cr_return_amount",
}


@dataclass(frozen=True)
class Total:
    """One total as counted by hand on the source tables and as the marts have it."""

    name: str
    by_hand: list[tuple[object, ...]]
    by_marts: list[tuple[object, ...]]

    @property
    def is_equal(self) -> bool:
        """Say whether both are the same rows, to the last digit."""
        return self.by_hand == self.by_marts and bool(self.by_hand)


def run(options: Options, console: Console) -> bool:
    """Make the database, run its night, compare the totals; False when one differs."""
    scale = QUICK_SCALE if options.stores else SCALE
    work = options.results / "work" / "tpcds"
    home = options.results / "homes" / "tpcds"
    work.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(home, ignore_errors=True)
    console.print(f"\n[bold]tpcds[/]: making the database at scale {scale:g}, writing extracts …")
    database = make_database(work / f"tpcds_{scale:g}.duckdb", scale)
    write_home(database, home)
    log = options.results / "tpcds.log"
    usage = measure.run([sys.executable, "-m", "benchmarks.tpcds.benchmark", "night", str(home)], log, ROOT)
    if usage.status:
        console.print(f"  [red]the night failed[/]: see {log}", highlight=False)
        return False
    totals, unexplained = compare(database, home)
    table = Table("total", "rows", "by hand", "by the marts", "equal", box=SIMPLE_HEAD)
    for total in totals:
        shown = [str(rows[0][-1]) if rows else "-" for rows in (total.by_hand, total.by_marts)]
        table.add_row(total.name, str(len(total.by_hand)), *shown, "yes" if total.is_equal else "[red]NO[/]")
    console.print(table)
    for feed, (money, rows, difference) in unexplained.items():
        console.print(f"  {feed}: {rows:,} lines with {money:,} in quarantine, {difference} unexplained")
    console.print(
        f"  the night {usage.seconds:.0f} s, {usage.cpu_seconds:.0f} cpu s, peak {usage.peak_bytes / 1e9:.1f} GB",
        highlight=False,
    )
    is_good = all(total.is_equal for total in totals) and not any(entry[2] for entry in unexplained.values())
    sheet = {
        "scale": scale,
        "equal": {total.name: total.is_equal for total in totals},
        "quarantined": {feed: [str(part) for part in entry] for feed, entry in unexplained.items()},
        "seconds": round(usage.seconds, 1),
        "peak_gb": round(usage.peak_bytes / 1e9, 2),
        **measure.machine(),
    }
    (options.results / "tpcds.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return is_good


def make_database(path: Path, scale: float) -> Path:
    """Generate TPC-DS with DuckDB's own generator; made once, then kept."""
    if path.exists():
        return path
    from duckdb_extensions import import_extension

    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with duckdb.connect(str(part), config={"threads": 2, "memory_limit": "4GB"}) as con:
        import_extension("tpcds", con=con)
        con.execute("load tpcds")
        con.execute(f"call dsdgen(sf={scale})")
    part.rename(path)
    return path


def write_home(database: Path, home: Path) -> None:
    """Write what the company delivers: one Parquet extract a view, its declaration and its settings."""
    (home / "sources").mkdir(parents=True)
    shutil.copy(DECLARATION, home / "sources")
    shutil.copy(SETTINGS, home / "shelfcast.yml")
    with duckdb.connect(str(database), read_only=True, config={"threads": 2, "memory_limit": "4GB"}) as con:
        for view in sorted((HERE / "extracts").glob("*.sql")):
            folder = home / "landing" / "tpcds" / view.stem
            folder.mkdir(parents=True)
            con.execute(f"copy ({view.read_text(encoding='utf-8')}) to '{folder / view.stem}.parquet'")


def night(home: Path) -> None:
    """Run the project's own steps: ingestion, identities, holidays, dbt, customer value, dbt."""
    from data_quality import settings as _  # noqa: F401  imports are not measured
    from ml.customers.contract import PURCHASES_SCHEMA
    from ml.customers.pipeline import value_customers
    from orchestration import runs
    from orchestration.defs.assets.customers import PURCHASES_QUERY, VALUE
    from orchestration.identity.keys import load_hasher
    from orchestration.identity.night import identify
    from orchestration.ingestion.declarations import source_feeds
    from orchestration.ingestion.loading import ingest
    from orchestration.reference import HOLIDAYS, holidays_between
    from orchestration.settings import load_settings
    from orchestration.warehouse import connect, read_frame, replace_table

    settings, feeds = load_settings(home), source_feeds(home)
    began = time.perf_counter()

    def say(text: str) -> None:
        print(f"{time.perf_counter() - began:6.1f} s  {text}", flush=True)

    with connect(settings) as con:
        run_id = runs.begin(con, settings)
        pct = settings.max_quarantined_pct
        report = ingest(con, feeds, settings.landing, run_id, pct, say, settings.ingestion)
        if report.errors:
            raise SystemExit("\n".join(report.errors))
        newest = con.execute("select max(sold_at)::date from feeds.pos_sales").fetchone()
        as_of = newest[0] if newest else None
        if as_of is None:
            raise SystemExit("no sales were read")
        runs.set_as_of(con, run_id, as_of)
        say(f"business day {as_of}; {report.rows_loaded:,} rows loaded, {report.rows_quarantined:,} quarantined")
        identify(con, load_hasher(settings.home), settings.identity, settings.threads, say, {})
        replace_table(con, HOLIDAYS, holidays_between(settings.calendar, as_of, as_of))
        say("customers told apart")
    _dbt(home, "--exclude", "source:ml+", NOT_BUILT)
    say("business tables built")
    with connect(settings) as con:
        purchases = read_frame(con, PURCHASES_QUERY).match_to_schema(PURCHASES_SCHEMA)
        values = value_customers(purchases, as_of, settings.customers)
        replace_table(con, VALUE, values.values)
    say(f"{values.values.height:,} customers valued")
    _dbt(home, "--select", "stg_ml__customer_value+", "--exclude", NOT_BUILT)
    say("marts built")


def _dbt(home: Path, *selection: str) -> None:
    from orchestration import dbt, runs
    from orchestration.settings import load_settings
    from orchestration.warehouse import connect

    settings = load_settings(home)
    with connect(settings) as con:
        _, as_of = runs.current(con)
    arguments = [*dbt.build_arguments(settings, as_of), *selection]
    places = ["--project-dir", str(dbt.PROJECT), "--profiles-dir", str(dbt.PROJECT)]
    places += ["--target-path", str(home / "dbt"), "--log-path", str(home / "dbt")]
    environment = {**os.environ, **dbt.environment(settings)}
    subprocess.run([str(dbt.executable()), *arguments, *places], env=environment, check=True)


def compare(database: Path, home: Path) -> tuple[list[Total], dict[str, tuple[Decimal, int, Decimal]]]:
    """Return every total from both sides, and by feed the quarantined money, lines and what stays unexplained.

    Unexplained: all money of the source table, less what the marts have of the feed, less what quarantine kept.
    """
    from orchestration.settings import load_settings

    with duckdb.connect(str(load_settings(home).warehouse), read_only=True) as con:
        con.execute(f"attach '{database}' as tpcds (read_only)")
        own = con.execute("select current_database()").fetchone()
        totals = []
        for path in sorted((HERE / "kpis").glob("*.sql")):
            source, marts = path.read_text(encoding="utf-8").removeprefix("-- source\n").split("-- marts\n")
            con.execute("use tpcds")
            by_hand = con.execute(source).fetchall()
            con.execute(f"use {own[0] if own else ''}")
            totals.append(
                Total(path.stem[3:].replace("_", " "), _plain(by_hand), _plain(con.execute(marts).fetchall()))
            )
        return totals, {feed: _explained(con, home, feed) for feed in MONEY}


def _explained(con: duckdb.DuckDBPyConnection, home: Path, feed: str) -> tuple[Decimal, int, Decimal]:
    extract = f"read_parquet('{home}/landing/tpcds/{feed}/*.parquet', file_row_number = true)"
    kept_aside = (
        f"select coalesce(sum({MONEY[feed]}), 0), count(*) from {extract} as extract inner join "
        f"(select distinct line from quarantine.tpcds_{feed}) as aside on extract.file_row_number + 1 = aside.line"
    )
    (aside, lines) = con.execute(kept_aside).fetchone() or (Decimal(0), 0)
    (whole,) = con.execute(f"select sum({MONEY[feed]}) from tpcds.{feed}").fetchone() or (Decimal(0),)
    (counted,) = con.execute(
        "select sum(net_amount) from marts.fct_sales where source_file_id in "
        "(select file_id from ops.file_ledger where source || '_' || feed = ?)",
        [f"tpcds_{feed}"],
    ).fetchone() or (Decimal(0),)
    return aside, lines, whole - counted - aside


def _plain(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Make 5 and 5.00 one number: a count and a quantity have different types."""
    return [tuple(Decimal(cell) if isinstance(cell, int | Decimal) else cell for cell in row) for row in rows]


if __name__ == "__main__":
    night(Path(sys.argv[2]))
