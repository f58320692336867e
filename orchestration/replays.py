"""The newest replay of the company's history, kept between nights.

What belongs here: its tables in the warehouse, and why it is absent. What does not: the replay (ml/simulation), the
step that runs it (defs/assets/replay.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import polars as pl

from ml.simulation.advice import PREVIOUS_SCHEMA
from orchestration import notes
from orchestration.errors import ShelfcastError
from orchestration.warehouse import read_frame, replace_table, table_exists

RESULTS, TUNING = "ml.policy_replay", "ml.service_tuning"
REPORT = "ml.tuning_report"
PUBLISHED = {"mart_policy_replay": RESULTS, "mart_service_tuning": TUNING}
NO_REPLAY = (
    "no replay of the company's history that passed its checks yet: `shelfcast replay` makes one (the job `replay` "
    "does so weekly)"
)
NO_REPORT = "no tuning report yet: the job `tuning` makes one every quarter, `shelfcast replay --report` at once"


def keep_replay(
    con: duckdb.DuckDBPyConnection, results: pl.DataFrame, tuning: pl.DataFrame, warnings: Sequence[str]
) -> None:
    """Replace the tables of the replay, and what it says of them, by a newer one's."""
    replace_table(con, RESULTS, results)
    replace_table(con, TUNING, tuning)
    notes.keep(con, "replay", warnings)


def discard_replay(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the tables of a replay that its gate refused: the next night has none to publish."""
    for table in (RESULTS, TUNING):
        con.execute(f"drop table if exists {table}")
    notes.keep(con, "replay")


def absent_replay(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the published names of the tables of replay and report with the reason, where there was none yet."""
    absent = {name: NO_REPLAY for name, table in PUBLISHED.items() if not table_exists(con, table)}
    return absent | ({} if table_exists(con, REPORT) else {"tuning_report": NO_REPORT})


def first_replayed_day(con: duckdb.DuckDBPyConnection) -> date:
    """Return the first day of the newest replay. Raises ShelfcastError: there is none."""
    row = con.execute(f"select min(first_day) from {RESULTS}").fetchone() if table_exists(con, RESULTS) else None
    if not row or row[0] is None:
        raise ShelfcastError(f"nothing to report: {NO_REPLAY}")
    first: date = row[0]
    return first


def previous_targets(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return what the report before the newest replay tuned by group: ml.simulation.advice.PREVIOUS_SCHEMA."""
    if not table_exists(con, REPORT):
        return pl.DataFrame(schema=PREVIOUS_SCHEMA)
    # a report made again for the same replay compares with what that one compared with
    return read_frame(
        con,
        f"select r.service_group, if(is_again, r.previous_as_of, r.as_of) as previous_as_of, "
        f"if(is_again, r.previous_tuned_target, r.tuned_target) as previous_tuned_target from {REPORT} as r "
        f"cross join (select max(as_of) as newest from {TUNING}) "
        "cross join lateral (select r.as_of = newest as is_again) order by 1",
    )


def tuned_targets(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Return the target to ask for by group of service, as the newest replay tuned it; empty without a replay."""
    if not table_exists(con, TUNING):
        return {}
    frame = read_frame(con, f"select service_group, tuned_target from {TUNING} order by service_group")
    return dict(frame.iter_rows())
