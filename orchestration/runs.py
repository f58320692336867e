"""The record of nights: which run is under way, for which business day, and how earlier ones ended.

`ops.runs` is the one place that holds wall-clock times; nothing that is published depends on them.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

import duckdb

from orchestration.errors import ShelfcastError
from orchestration.settings import Settings

RUNNING, PUBLISHED, REFUSED, FAILED, INTERRUPTED = "running", "published", "refused", "failed", "interrupted"

_COLUMNS = (
    "run_id varchar, as_of date, state varchar, code_version varchar, settings_hash varchar, "
    "started_at timestamptz, ended_at timestamptz, message varchar"
)
_LATER_COLUMNS = {"rebuild_of": "varchar"}  # a warehouse made by an older version gets them at its next run


@dataclass(frozen=True)
class Run:
    """One night: `as_of` is the business day that it closes; it forecasts from the day after."""

    run_id: str
    as_of: date | None
    state: str
    started_at: datetime
    ended_at: datetime | None
    message: str


@dataclass(frozen=True)
class Closed:
    """A run whose business day is known."""

    run_id: str
    as_of: date


@cache
def code_version() -> str:
    """Return the package's version, with the commit when it runs from a checkout."""
    root = Path(__file__).resolve().parent.parent
    head = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    if not (root / ".git").exists():
        return version("shelfcast")
    found = subprocess.run(head, capture_output=True, text=True, check=False)
    commit = found.stdout.strip()
    return f"{version('shelfcast')}+{commit}" if commit else version("shelfcast")


def begin(con: duckdb.DuckDBPyConnection, settings: Settings, rebuild_of: str | None = None) -> str:
    """Open a new run and return its id; a run that never ended (a kill, a power cut) is marked as interrupted.

    rebuild_of: the older run that is made again.
    """
    con.execute(f"create table if not exists ops.runs ({_COLUMNS})")
    for name, kind in _LATER_COLUMNS.items():
        con.execute(f"alter table ops.runs add column if not exists {name} {kind}")
    con.execute("update ops.runs set state = ?, ended_at = now() where state = ?", [INTERRUPTED, RUNNING])
    known = [row[0] for row in con.execute("select run_id from ops.runs").fetchall()]
    # a warehouse rebuilt from landing must not reuse the id of a night that is still published
    known += [p.name for p in settings.published.glob("run-*")] if settings.published.is_dir() else []
    run_id = f"run-{1 + max((int(k.removeprefix('run-')) for k in known), default=0):05d}"
    con.execute(
        "insert into ops.runs by name select ? as run_id, ? as state, ? as code_version, ? as settings_hash, "
        "now() as started_at, '' as message, ? as rebuild_of",
        [run_id, RUNNING, code_version(), settings.digest, rebuild_of],
    )
    return run_id


def left_open(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the runs that never ended: before a new one begins, those that a kill or a power cut took."""
    return [run.run_id for run in recent(con, 10) if run.state == RUNNING]


def set_as_of(con: duckdb.DuckDBPyConnection, run_id: str, as_of: date) -> None:
    """Fix the business day of a run."""
    con.execute("update ops.runs set as_of = ? where run_id = ?", [as_of, run_id])


def end(con: duckdb.DuckDBPyConnection, run_id: str, state: str, message: str = "") -> None:
    """Close a run; the first ending counts, so that the reason of a refusal is not overwritten by its consequences."""
    con.execute(
        "update ops.runs set state = ?, ended_at = now(), message = ? where run_id = ? and state = ?",
        [state, message, run_id, RUNNING],
    )


def current(con: duckdb.DuckDBPyConnection) -> tuple[str, date]:
    """Return (run_id, as_of) of the newest run whose business day is known.

    Raises:
        ShelfcastError: nothing was ingested yet.
    """
    rows = [run for run in recent(con, 1) if run.as_of]
    if not rows or rows[0].as_of is None:
        raise ShelfcastError("no run has read any extract yet — start with `shelfcast run`, or materialise the feeds")
    return rows[0].run_id, rows[0].as_of


def rebuilt(con: duckdb.DuckDBPyConnection, run_id: str) -> str | None:
    """Return the older run that this one makes again; None of an ordinary night."""
    row = con.execute("select rebuild_of from ops.runs where run_id = ?", [run_id]).fetchone()
    return row[0] if row else None


def note_models(con: duckdb.DuckDBPyConnection, run_id: str, model_run: str) -> None:
    """Remember whose forecasting models a run used: its own, or those of an earlier one."""
    con.execute("create table if not exists ops.forecast_models (run_id varchar primary key, model_run varchar)")
    con.execute("insert or replace into ops.forecast_models values (?, ?)", [run_id, model_run])


def models_used(con: duckdb.DuckDBPyConnection, run_id: str) -> str | None:
    """Return the run whose forecasting models this one used; None where that is not known."""
    there = "select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'forecast_models'"
    if not con.execute(there).fetchone():
        return None
    row = con.execute("select model_run from ops.forecast_models where run_id = ?", [run_id]).fetchone()
    return row[0] if row else None


def find(con: duckdb.DuckDBPyConnection, run_id: str) -> Closed:
    """Return a run that read its extracts, by its id.

    Raises:
        ShelfcastError: there is none, or it never came to a business day.
    """
    known = [run for run in recent(con, 1_000_000) if run.as_of]
    for run in known:
        if run.run_id == run_id and run.as_of:
            return Closed(run.run_id, run.as_of)
    names = ", ".join(run.run_id for run in known[:5]) or "none yet"
    raise ShelfcastError(f"no run {run_id!r} that could be made again — the newest: {names}")


def recent(con: duckdb.DuckDBPyConnection, count: int) -> list[Run]:
    """Return the newest runs, newest first."""
    if not con.execute("select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'runs'").fetchone():
        return []
    rows = con.execute(
        "select run_id, as_of, state, started_at::timestamp, ended_at::timestamp, message from ops.runs "
        f"order by run_id desc limit {count}"
    ).fetchall()
    return [Run(*row) for row in rows]
