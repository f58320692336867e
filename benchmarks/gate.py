"""How long the gates take on 18.5 million sales lines, and in how much memory. Bar: 60 s, 6 GB.

Belongs here: a made-up company of that size, its business tables, and the two gates that look at rows (extracts,
business tables) in a process of their own. Needs no data set. The gates of forecasts and orders see what a night made;
`forecasts` times them.

    python -m benchmarks.run --only gate [--quick]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
from rich.console import Console

from benchmarks import measure
from benchmarks.options import ROOT, Options

AS_OF = date(2025, 6, 29)
PLACES, PRODUCTS, DAYS, QUICK_DAYS = 10, 3_000, 1_900, 190
LINES_PER_MILLE = 325  # of product-location-days, as in M5: 18.5 million lines
BAR_SECONDS, BAR_BYTES = 60.0, 6e9

# what a day sold is a hash of the day: the same rows on every machine
FEEDS = """
insert into feeds.pos_sales by name
select
    'R' || k || '-' || i as transaction_id, j as line_number, $as_of::date - k::integer + interval 12 hour as sold_at,
    'store' as channel, 'P' || i as location_id, 'S' || lpad(j::varchar, 5, '0') as sku_id,
    1 + h // 1000 % 3 as quantity, (1 + h // 1000 % 3) * (1 + j % 20) as net_amount, 1 + j % 20 as unit_price,
    'pos' as _source, 1 as _file_id, 1 as _line
from (
    select i, j, k, hash(i, j, k) as h from range($places) as p (i) cross join range($products) as q (j)
    cross join range($days) as d (k)
)
where h % 1000 < $per_mille;
insert into feeds.erp_products by name
select 'S' || lpad(j::varchar, 5, '0') as sku_id, 'Product ' || j as product_name, 'Department ' || j % 7 as department,
    'Category ' || j % 50 as category, 1 as unit_cost, 'erp' as _source
from range($products) as q (j);
insert into feeds.erp_locations by name
select 'P' || i as location_id, 'Place ' || i as location_name, 'store' as location_type, 'erp' as _source
from range($places) as p (i);
insert into feeds.erp_inventory by name
select $as_of::date - k::integer as snapshot_date, 'P' || i as location_id, 'S' || lpad(j::varchar, 5, '0') as sku_id,
    hash(i, j) % 20 as on_hand_qty, 'erp' as _source
from range($places) as p (i) cross join range($products) as q (j) cross join range(56) as d (k);
insert into feeds.erp_purchase_orders by name
select 'PO' || row_number() over () as po_id, 1 as line_number, 'V' as supplier_id, location_id, sku_id,
    sold_at::date as ordered_on, sold_at::date as received_on, sum(quantity) as ordered_qty, sum(quantity) as
    received_qty, 'erp' as _source
from feeds.pos_sales where sold_at > $as_of::date - 56 group by location_id, sku_id, sold_at::date;
"""


def run(options: Options, console: Console) -> bool:
    """Make the company, build its tables, run the gates; say seconds and peak. False when a bar is missed."""
    home = options.results / "homes" / "gate"
    shutil.rmtree(home, ignore_errors=True)
    lines = _write_company(home, QUICK_DAYS if options.stores else DAYS)
    console.print(f"\ngate: {lines:,} sales lines, building the business tables …", highlight=False)
    log = options.results / "gate.log"
    built = measure.run([sys.executable, "-m", "benchmarks.gate", "build", str(home)], log, ROOT)
    if built.status:
        console.print(f"  the tables could not be built: see {log}", highlight=False)
        return False
    usage = measure.run([sys.executable, "-m", "benchmarks.gate", "gate", str(home)], log, ROOT)
    if usage.status:
        console.print(f"  the gates failed: see {log}", highlight=False)
        return False
    found = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    seconds = sum(gate["seconds"] for gate in found["gates"].values())
    for name, gate in found["gates"].items():
        console.print(f"  {name}: {gate['checks']} checks in {gate['seconds']:.1f} s, {gate['failed']} failed")
    console.print(
        f"  both gates {seconds:.1f} s (bar {BAR_SECONDS:.0f}), the process {usage.seconds:.1f} s with imports, "
        f"{usage.cpu_seconds:.0f} cpu s, peak {usage.peak_bytes / 1e9:.1f} GB (bar {BAR_BYTES / 1e9:.0f}); tables "
        f"built in {built.seconds:.0f} s",
        highlight=False,
    )
    sheet = found | {"lines": lines, "seconds": seconds, "peak_bytes": usage.peak_bytes, **measure.machine()}
    (options.results / "gate.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return seconds <= BAR_SECONDS and usage.peak_bytes <= BAR_BYTES


def _write_company(home: Path, days: int) -> int:
    """Write the feeds of the company into its warehouse, as ingestion leaves them; returns the sales lines."""
    from orchestration.ingestion.catalogue import canonical_feeds
    from orchestration.reference import HOLIDAYS, holidays_between
    from orchestration.settings import load_settings
    from orchestration.warehouse import connect, replace_table

    settings = load_settings(home)
    with connect(settings) as con:
        replace_table(con, HOLIDAYS, holidays_between(settings.calendar, AS_OF, AS_OF))
        for feed in canonical_feeds().values():
            columns = dict(feed.stored_columns) | {"_source": "VARCHAR", "_file_id": "BIGINT", "_line": "BIGINT"}
            con.execute(f"create table feeds.{feed.table} ({', '.join(f'{n} {t}' for n, t in columns.items())})")
        given = {"as_of": AS_OF, "places": PLACES, "products": PRODUCTS, "days": days, "per_mille": LINES_PER_MILLE}
        for statement in FEEDS.split(";")[:-1]:
            con.execute(statement, {name: value for name, value in given.items() if f"${name}" in statement})
        (lines,) = con.execute("select count(*) from feeds.pos_sales").fetchone() or (0,)
    return int(lines)


def _build(home: Path) -> int:
    """Build the business tables before forecasting as a night does, without dbt's own tests."""
    from orchestration import dbt
    from orchestration.settings import load_settings

    settings = load_settings(home)
    arguments = ["run", *dbt.build_arguments(settings, AS_OF)[3:]]
    arguments += ["--exclude", "source:ml+"]
    places = ["--project-dir", str(dbt.PROJECT), "--profiles-dir", str(dbt.PROJECT)]
    places += ["--target-path", str(home / "dbt"), "--log-path", str(home / "dbt")]
    done = subprocess.run(
        [str(dbt.executable()), *arguments, *places], env={**os.environ, **dbt.environment(settings)}, check=False
    )
    return done.returncode


def _gate(home: Path) -> int:
    """Run both gates and print what they took as one line of JSON."""
    from data_quality import gates
    from data_quality.engine import existing_tables, run_gate
    from orchestration.settings import load_settings
    from orchestration.warehouse import configuration

    settings = load_settings(home)
    config = configuration(settings)
    import great_expectations  # noqa: F401 - 9 s once a night, said apart

    found = {}
    for name, declared in ((gates.FEEDS, gates.feeds_checks), (gates.MARTS, gates.marts_checks)):
        began = time.perf_counter()
        checks = declared(settings.quality, AS_OF, existing_tables(settings.warehouse, config))
        results = run_gate(settings.warehouse, checks, settings.data_docs, name, "run-00001", print, config)
        found[name] = {
            "checks": len(results),
            "failed": sum(not result.passed for result in results),
            "seconds": round(time.perf_counter() - began, 2),
        }
    print(json.dumps({"gates": found, "duckdb": duckdb.__version__}))
    return 0


if __name__ == "__main__":
    sys.exit({"build": _build, "gate": _gate}[sys.argv[1]](Path(sys.argv[2])))
