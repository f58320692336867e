"""The ledger: what became of every file, by content. A file is loaded exactly once; corrected bytes replace its rows.

`ops.file_ledger` has one row per file and content ever met. `file_id` grows with each; rows in `raw` carry it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path

import duckdb

LOADED, REPLACED, DUPLICATE, REFUSED = "loaded", "replaced", "duplicate", "refused"

_COLUMNS = """
    file_id bigint, source varchar, feed varchar, name varchar, sha256 varchar, size_bytes bigint, state varchar,
    rows_physical bigint, rows_loaded bigint, rows_quarantined bigint, rows_excluded bigint, rows_duplicate bigint,
    rows_superseded bigint, first_date date, last_date date, run_id varchar, detail varchar
"""


@dataclass(frozen=True)
class LedgerEntry:
    """One file as the ledger knows it; `rows_physical` is the sum of the other row counts."""

    file_id: int
    source: str
    feed: str
    name: str
    sha256: str
    size_bytes: int
    state: str
    run_id: str
    rows_physical: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    rows_excluded: int = 0
    rows_duplicate: int = 0
    rows_superseded: int = 0
    first_date: date | None = None
    last_date: date | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        parts = (
            self.rows_loaded + self.rows_quarantined + self.rows_excluded + self.rows_duplicate + self.rows_superseded
        )
        if self.state != REFUSED and parts != self.rows_physical:
            raise AssertionError(
                f"{self.source}/{self.feed}/{self.name}: {self.rows_physical} rows, {parts} accounted for"
            )


def ensure_ledger(con: duckdb.DuckDBPyConnection) -> None:
    """Create the ledger where there is none."""
    con.execute(f"create table if not exists ops.file_ledger ({_COLUMNS})")


def next_file_id(con: duckdb.DuckDBPyConnection) -> int:
    """Return the next number: one above the highest ever given."""
    row = con.execute("select coalesce(max(file_id), 0) + 1 from ops.file_ledger").fetchone()
    return int(row[0]) if row else 1


def find_content(con: duckdb.DuckDBPyConnection, source: str, feed: str, sha256: str) -> str | None:
    """Return the name of the loaded file of this feed that has these bytes."""
    row = con.execute(
        "select name from ops.file_ledger where source = ? and feed = ? and sha256 = ? and state = ? order by file_id",
        [source, feed, sha256, LOADED],
    ).fetchone()
    return row[0] if row else None


def find_loaded(con: duckdb.DuckDBPyConnection, source: str, feed: str, name: str) -> tuple[int, int] | None:
    """Return (file_id, rows_loaded) of the loaded file of this name, whatever its bytes."""
    row = con.execute(
        "select file_id, rows_loaded from ops.file_ledger where source = ? and feed = ? and name = ? and state = ?",
        [source, feed, name, LOADED],
    ).fetchone()
    return (row[0], row[1]) if row else None


def is_known_duplicate(con: duckdb.DuckDBPyConnection, source: str, feed: str, name: str, sha256: str) -> bool:
    """Say whether this name with these bytes is in the ledger as a duplicate already."""
    found = con.execute(
        "select 1 from ops.file_ledger where source = ? and feed = ? and name = ? and sha256 = ? and state = ?",
        [source, feed, name, sha256, DUPLICATE],
    )
    return found.fetchone() is not None


def forget_refusals(con: duckdb.DuckDBPyConnection, source: str, feed: str, name: str) -> None:
    """Drop earlier refusals of a file that is about to be tried again."""
    con.execute(
        "delete from ops.file_ledger where source = ? and feed = ? and name = ? and state = ?",
        [source, feed, name, REFUSED],
    )


def record(con: duckdb.DuckDBPyConnection, entry: LedgerEntry) -> None:
    """Write one row."""
    values = asdict(entry)
    columns = ", ".join(values)
    con.execute(
        f"insert into ops.file_ledger ({columns}) values ({', '.join('?' * len(values))})", list(values.values())
    )


def set_state(con: duckdb.DuckDBPyConnection, file_id: int, state: str, detail: str) -> None:
    """Change what became of a file."""
    con.execute("update ops.file_ledger set state = ?, detail = ? where file_id = ?", [state, detail, file_id])


def known_files(con: duckdb.DuckDBPyConnection) -> list[LedgerEntry]:
    """Return the files that stand in the warehouse or were refused, ordered by source, feed and name."""
    names = [f.name for f in fields(LedgerEntry)]
    rows = con.execute(
        f"select {', '.join(names)} from ops.file_ledger where state <> ? order by source, feed, name, file_id",
        [REPLACED],
    ).fetchall()
    return [LedgerEntry(**dict(zip(names, row, strict=True))) for row in rows]


def manifest_inputs(con: duckdb.DuckDBPyConnection) -> list[Mapping[str, object]]:
    """Return the manifest's `inputs`: every file known to the night, with its row counts."""
    counts = ("rows_physical", "rows_loaded", "rows_quarantined", "rows_excluded", "rows_duplicate", "rows_superseded")
    return [
        {"name": Path(e.name).name, "feed": f"{e.source}/{e.feed}", "sha256": e.sha256, "state": e.state}
        | {count: getattr(e, count) for count in counts}
        for e in known_files(con)
        if e.state != REFUSED
    ]
