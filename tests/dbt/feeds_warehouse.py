"""A small warehouse as ingestion and forecasting leave it, and dbt run on it.

Belongs here: `feeds.*` and `ml.*` tables made of hand-written rows, and the call of dbt's command line. What the rows
are stands in conftest.py, what must come out in the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ml.customers.contract import NEXT_PRODUCTS_SCHEMA, VALUE_SCHEMA
from ml.forecasting.contract import DAILY_SCHEMA, DEMAND_HISTORY_SCHEMA, WEEKLY_SCHEMA
from ml.planning.order_lines import TARGETS_SCHEMA
from ml.watch.contract import ALERTS_SCHEMA
from orchestration import reference
from orchestration.identity import tables
from orchestration.ingestion.catalogue import CanonicalFeed, canonical_feeds
from orchestration.recommendation_history import RECOMMENDATIONS_SCHEMA

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
Row = dict[str, Any]
HOLIDAYS = [
    (date(2024, 3, 29), "Good Friday", "DE", None, None),
    (date(2024, 5, 30), "Corpus Christi", "DE", "BY", "south"),
]
# what the second build reads, in the types that the night writes
ML_TABLES = {
    "customer_value": VALUE_SCHEMA,
    "customer_next_products": NEXT_PRODUCTS_SCHEMA,
    "demand_series": pl.Schema(
        {"series_id": pl.Int32, "sku_id": pl.String, "location_id": pl.String, "is_pooled": pl.Boolean}
    ),
    "demand_history": DEMAND_HISTORY_SCHEMA,
    "forecast_daily": DAILY_SCHEMA,
    "forecast_weekly": WEEKLY_SCHEMA,
    "stock_targets": TARGETS_SCHEMA,
    "watched": ALERTS_SCHEMA,
    "recommendations": RECOMMENDATIONS_SCHEMA,
}


def write_feeds(path: Path, feeds: dict[str, list[Row]]) -> None:
    """(Re)create every canonical feed in the DuckDB file `path`: the rows given by feed name, else none.

    A row names the columns that matter; the others are null. `_line` counts the rows of a feed. Every account is a
    customer of its own, `c` before its id; ids of other feeds are accounts of crm.
    """
    unknown = set(feeds) - set(canonical_feeds())
    assert not unknown, f"no such feed: {unknown}"
    with duckdb.connect(str(path)) as con:
        con.execute("create schema if not exists feeds")
        for name, feed in canonical_feeds().items():
            columns = _columns(feed)
            declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            con.execute(f"create or replace table feeds.{feed.table} ({declared})")
            for line, row in enumerate(feeds.get(name, []), start=1):
                values = {"_source": name.split("/")[0], "_file_id": 1, "_line": line} | row
                names = ", ".join(f'"{column}"' for column in values)
                marks = ", ".join("?" for _ in values)
                con.execute(f"insert into feeds.{feed.table} ({names}) values ({marks})", list(values.values()))
        _write_identity(con)
        _write_holidays(con)


def _write_identity(con: duckdb.DuckDBPyConnection) -> None:
    tables.ensure_tables(con)
    for table in (tables.ACCOUNTS, tables.IDS):
        con.execute(f"delete from {table}")
    con.execute(
        f"insert into {tables.ACCOUNTS} select _source, customer_id, 'c' || customer_id, 1 from feeds.crm_customers"
    )
    named = [feed for feed in canonical_feeds().values() if "customer_id" in _columns(feed)]
    ids = " union ".join(f"select _source, customer_id from feeds.{feed.table}" for feed in named)
    con.execute(
        f"insert into {tables.IDS} select _source, customer_id, 'c' || customer_id, true from ({ids}) "
        "where customer_id is not null and _source <> 'decisions'"
    )


def _write_holidays(con: duckdb.DuckDBPyConnection) -> None:
    """Two holidays as the reference step leaves them: one everywhere, one in one region."""
    con.execute("create schema if not exists reference")
    con.register("holiday_frame", pl.DataFrame(HOLIDAYS, schema=reference.SCHEMA, orient="row").to_arrow())
    con.execute(f"create or replace table {reference.HOLIDAYS} as select * from holiday_frame")
    con.unregister("holiday_frame")


def write_ml(path: Path, tables: dict[str, list[Row]]) -> None:
    """(Re)create the tables of dbt's source `ml`: the rows given by table name, else none."""
    unknown = set(tables) - set(ML_TABLES)
    assert not unknown, f"no such table: {unknown}"
    with duckdb.connect(str(path)) as con:
        con.execute("create schema if not exists ml")
        for name, schema in ML_TABLES.items():
            con.register("rows", pl.DataFrame(tables.get(name, []), schema=schema, orient="row").to_arrow())
            con.execute(f"create or replace table ml.{name} as select * from rows")


def _columns(feed: CanonicalFeed) -> dict[str, str]:
    return dict(feed.stored_columns) | {"_source": "VARCHAR", "_file_id": "BIGINT", "_line": "BIGINT"}


def run_dbt(
    warehouse: Path, target: Path, *arguments: str, variables: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run dbt as the night does, in a process of its own; artefacts and logs go to `target`."""
    environment = os.environ | {
        "SHELFCAST_WAREHOUSE": str(warehouse),
        "SHELFCAST_THREADS": "2",
        "SHELFCAST_MEMORY_LIMIT": "1GB",
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target / "logs"),
        "DBT_USE_COLORS": "0",
    }
    command = [sys.executable, "-m", "dbt.cli.main", *arguments, "--vars", json.dumps(variables)]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=PROJECT)
