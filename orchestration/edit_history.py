"""Planners' edits that nights applied, kept until the demand they spoke about has come and they can be scored.

Belongs here: one table of the warehouse, `ops.forecast_edits_applied`. Not here: what an edit does and what it was
worth (ml.forecasting).
"""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from orchestration import runs
from orchestration.warehouse import append_frame, read_frame, table_exists

TABLE = "ops.forecast_edits_applied"


def note(con: duckdb.DuckDBPyConnection, run_id: str, edits: pl.DataFrame) -> None:
    """Remember what a run applied; a run that forecasts twice keeps the second."""
    applied = edits.filter(pl.col("state") == "applied").with_columns(run_id=pl.lit(run_id))
    if not table_exists(con, TABLE):
        con.register("incoming_frame", applied.clear().to_arrow())
        con.execute(f"create table {TABLE} as select * from incoming_frame")
        con.unregister("incoming_frame")
    con.execute(f"delete from {TABLE} where run_id = ?", [run_id])
    append_frame(con, TABLE, applied)


def earlier(con: duckdb.DuckDBPyConnection, run_id: str, as_of: date) -> pl.DataFrame | None:
    """Return what published nights before this run applied and can be scored by as_of; None before the first.

    Of several runs of a business day the last counts. A night made again sees what the older run saw.
    """
    if not table_exists(con, TABLE):
        return None
    before = runs.rebuilt(con, run_id) or run_id
    return read_frame(
        con,
        f"select e.* exclude (run_id) from {TABLE} as e inner join ops.runs as r using (run_id) "
        "where r.state = ? and e.run_id < ? and e.covers_to <= ? "
        "qualify e.run_id = max(e.run_id) over (partition by e.as_of) order by all",
        [runs.PUBLISHED, before, as_of],
    )
