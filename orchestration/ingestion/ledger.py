"""The ledger: what became of every file, by content. A file is loaded exactly once; corrected bytes replace its rows.

`ops.files` has one row per file and content ever met; `file_id` grows with each, and rows in `raw` carry it. Nothing is
deleted when a file is replaced: the ledger says from which run on a file counts and until which, so that an older night
can be rebuilt with what was known then. `ops.file_ledger` is the ledger as the current night knows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date

import duckdb
import polars as pl

from orchestration.errors import ShelfcastError
from orchestration.sql import literal

LOADED, REPLACED, DUPLICATE, REFUSED = "loaded", "replaced", "duplicate", "refused"

_COLUMNS = """
    file_id bigint, source varchar, feed varchar, name varchar, sha256 varchar, size_bytes bigint, state varchar,
    run_id varchar, declaration varchar, header varchar, rows_physical bigint, rows_loaded bigint,
    rows_quarantined bigint, rows_excluded bigint, rows_duplicate bigint, rows_superseded bigint, first_date date,
    last_date date, detail varchar, is_compared boolean, replaced_run varchar
"""


@dataclass(frozen=True)
class LedgerEntry:
    """One file as the ledger knows it; `rows_physical` is the sum of the other row counts.

    declaration: version of the source declaration that read it. header: its columns as JSON. is_compared: whether its
    keys were compared with those of other files. replaced_run: the run from which on it no longer counts.
    """

    file_id: int
    source: str
    feed: str
    name: str
    sha256: str
    size_bytes: int
    state: str
    run_id: str
    declaration: str = "canonical"
    header: str = "[]"
    rows_physical: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    rows_excluded: int = 0
    rows_duplicate: int = 0
    rows_superseded: int = 0
    first_date: date | None = None
    last_date: date | None = None
    detail: str = ""
    is_compared: bool = False
    replaced_run: str | None = None

    def __post_init__(self) -> None:
        parts = (
            self.rows_loaded + self.rows_quarantined + self.rows_excluded + self.rows_duplicate + self.rows_superseded
        )
        if self.state != REFUSED and parts != self.rows_physical:
            raise AssertionError(
                f"{self.source}/{self.feed}/{self.name}: {self.rows_physical} rows, {parts} accounted for"
            )


def ensure_ledger(con: duckdb.DuckDBPyConnection) -> None:
    """Create the ledger where there is none.

    Raises:
        ShelfcastError: the warehouse was written by a version that kept its ledger otherwise.
    """
    if con.execute("select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'file_ledger'").fetchone():
        raise ShelfcastError(
            "the warehouse was written by an older version — remove the folder warehouse/ of the home and run again: "
            "everything in it is made from landing/"
        )
    con.execute(f"create table if not exists ops.files ({_COLUMNS})")
    con.execute("create table if not exists ops.repeated_keys (table_name varchar, key_hash ubigint)")


def next_file_id(con: duckdb.DuckDBPyConnection) -> int:
    """Return the next number: one above the highest ever given."""
    row = con.execute("select coalesce(max(file_id), 0) + 1 from ops.files").fetchone()
    return int(row[0]) if row else 1


def current_entries(con: duckdb.DuckDBPyConnection, source: str, feed: str) -> list[LedgerEntry]:
    """Return the files of a feed that count now (loaded or known as duplicates), oldest first."""
    return _entries(
        con,
        f"where source = {literal(source)} and feed = {literal(feed)} and replaced_run is null "
        f"and state <> '{REFUSED}'",
    )


def record(con: duckdb.DuckDBPyConnection, entries: Sequence[LedgerEntry]) -> None:
    """Write rows; an earlier refusal of the same file goes."""
    frame = pl.DataFrame(
        [asdict(e) for e in entries],
        schema_overrides={"first_date": pl.Date, "last_date": pl.Date, "replaced_run": pl.String},
        infer_schema_length=None,
    )
    con.register("incoming_entries", frame.to_arrow())
    try:
        con.execute(
            f"delete from ops.files using incoming_entries i where files.state = '{REFUSED}' and "
            "files.source = i.source and files.feed = i.feed and files.name = i.name"
        )
        con.execute("insert into ops.files by name select * from incoming_entries")
    finally:
        con.unregister("incoming_entries")


def replace(con: duckdb.DuckDBPyConnection, file_ids: Sequence[int], run_id: str) -> None:
    """Let files count no longer, from this run on."""
    if file_ids:
        con.execute(
            f"update ops.files set replaced_run = ? where file_id in ({', '.join(map(str, file_ids))})", [run_id]
        )


def show_as_known(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """(Re)create `ops.file_ledger`: the ledger as a run knew it."""
    con.execute(
        f"""create or replace view ops.file_ledger as
            select * replace (case when replaced_run <= {literal(run_id)} then '{REPLACED}' else state end as state)
            from ops.files where run_id <= {literal(run_id)}"""
    )


def among(column: str, file_ids: Sequence[int]) -> str:
    """Return SQL that is true for these files: a range where they follow each other, because DuckDB skips by it.

    Files of another shape may stand in between, so the range alone would take theirs as well.
    """
    if list(file_ids) == list(range(file_ids[0], file_ids[0] + len(file_ids))):
        return f"{column} between {file_ids[0]} and {file_ids[-1]}"
    return f"{column} in ({', '.join(map(str, file_ids))})"


def dead_files(con: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, list[int]]:
    """Return the files whose rows do not count for a run, by `<source>_<feed>`: replaced, or arrived later."""
    rows = con.execute(
        f"select source || '_' || feed, list(file_id order by file_id) from ops.files where state = '{LOADED}' and "
        "(run_id > ? or replaced_run <= ?) group by 1",
        [run_id, run_id],
    ).fetchall()
    return dict(rows)


def known_files(con: duckdb.DuckDBPyConnection) -> list[LedgerEntry]:
    """Return the files that stand in the warehouse or were refused, as the night knows them, by source, feed, name."""
    return _entries(con, f"where state <> '{REPLACED}'", "source, feed, name, file_id", "ops.file_ledger")


def digests(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the SHA-256 of every content that was ever met, refused ones too."""
    return {row[0] for row in con.execute("select distinct sha256 from ops.files").fetchall()}


def manifest_inputs(con: duckdb.DuckDBPyConnection) -> list[Mapping[str, object]]:
    """Return the manifest's `inputs`: every file known to the night, with its row counts."""
    counts = ("rows_physical", "rows_loaded", "rows_quarantined", "rows_excluded", "rows_duplicate", "rows_superseded")
    return [
        {"name": e.name, "feed": f"{e.source}/{e.feed}", "sha256": e.sha256, "state": e.state}
        | {count: getattr(e, count) for count in counts}
        for e in known_files(con)
        if e.state != REFUSED
    ]


def _entries(
    con: duckdb.DuckDBPyConnection, where: str, order: str = "file_id", relation: str = "ops.files"
) -> list[LedgerEntry]:
    names = [f.name for f in fields(LedgerEntry)]
    rows = con.execute(f"select {', '.join(names)} from {relation} {where} order by {order}").fetchall()
    return [LedgerEntry(**dict(zip(names, row, strict=True))) for row in rows]
