"""Results by check over the nights: `ops.data_quality_history`, which analysts read as `mart_data_quality`.

Belongs here: appending a gate's results and keeping the table bounded. Does not: tonight's results with samples and
advice (`ops.data_quality`, published as `data_quality`). This one grows with every run, so it stands in marts.duckdb
only: the published Parquet files of two runs on the same landing are the same bytes.
"""

from __future__ import annotations

from datetime import date

import duckdb

from orchestration.warehouse import comment_tables

HISTORY = "ops.data_quality_history"
VIEW = "marts.mart_data_quality"
_COLUMNS = (
    "run_id varchar, as_of date, gate varchar, table_name varchar, check_name varchar, severity varchar, "
    "passed boolean, failed_rows bigint, checked_rows bigint"
)
_MEANING = (
    "One row per run, gate, table and check: did it pass, and how many rows failed; the newest nights, see "
    "quality.history_runs."
)
_COLUMN_MEANINGS = {
    "run_id": "Run whose gate asked.",
    "as_of": "Business day of that run.",
    "gate": "Gate that the check belongs to: feeds, marts, forecasts, orders, results or replay.",
    "table_name": "Table that was checked, schema and name.",
    "check_name": "What must hold, in short; unique within the table.",
    "severity": "What a failed check does: error keeps the night back, warn is shown.",
    "passed": "Whether the check passed.",
    "failed_rows": "Rows that failed the check; empty = the check is not about rows.",
    "checked_rows": "Rows of the table that was checked.",
}


def keep(con: duckdb.DuckDBPyConnection, run_id: str, as_of: date, gate: str, results: str, runs: int) -> None:
    """Append what `results` (schema.table) holds of a gate; a gate that runs again replaces what it found before.

    runs: how many runs are kept, the newest by their id.
    """
    con.execute(f"create table if not exists {HISTORY} ({_COLUMNS})")
    con.execute(f"delete from {HISTORY} where run_id = ? and gate = ?", [run_id, gate])
    con.execute(
        f"insert into {HISTORY} by name select ? as run_id, ?::date as as_of, gate, table_name, check_name, severity, "
        f"passed, failed_rows, checked_rows from {results} where gate = ? order by all",
        [run_id, as_of, gate],
    )
    con.execute(
        f"delete from {HISTORY} where run_id not in "
        f"(select distinct run_id from {HISTORY} order by run_id desc limit {runs})"
    )
    con.execute("create schema if not exists marts")
    con.execute(f"create or replace view {VIEW} as select * from {HISTORY}")
    comment_tables(con, {VIEW: (_MEANING, _COLUMN_MEANINGS)})
