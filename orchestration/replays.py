"""The newest replay of the company's history, kept between nights.

What belongs here: its tables in the warehouse, and why it is absent. What does not: the replay (ml/simulation), the
step that runs it (defs/assets/replay.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import polars as pl

from orchestration import notes
from orchestration.warehouse import read_frame, replace_table, table_exists

RESULTS, TUNING = "ml.policy_replay", "ml.service_tuning"
PUBLISHED = {"mart_policy_replay": RESULTS, "mart_service_tuning": TUNING}
NO_REPLAY = (
    "no replay of the company's history that passed its checks yet: `shelfcast replay` makes one (the job `replay` "
    "does so weekly)"
)


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
    """Return the published names of the replay's tables with the reason, where there was none yet."""
    return {name: NO_REPLAY for name, table in PUBLISHED.items() if not table_exists(con, table)}


def tuned_targets(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Return the target to ask for by group of service, as the newest replay tuned it; empty without a replay."""
    if not table_exists(con, TUNING):
        return {}
    frame = read_frame(con, f"select service_group, tuned_target from {TUNING} order by service_group")
    return dict(frame.iter_rows())
