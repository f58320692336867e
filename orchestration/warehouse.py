"""The only place that connects to the warehouse: open it briefly, read a frame, replace a table.

DuckDB lets one process write and, while it does, nobody else read; so every connection here is short, and what others
read is a finished copy (`published/latest/marts.duckdb`). Business SQL does not belong here: that is dbt_project.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import polars as pl

from orchestration.errors import WarehouseBusyError
from orchestration.settings import Settings
from orchestration.sql import literal, quoted

SCHEMAS = ("raw", "feeds", "quarantine", "identity", "reference", "ops", "ml")
BUSY_WAIT_SECONDS = 60.0
_spares = False


@contextmanager
def connect(settings: Settings, *, wait_seconds: float = BUSY_WAIT_SECONDS) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for reading and writing, and close it again; made when it is not there.

    Raises:
        WarehouseBusyError: another process holds the file and did not let go within `wait_seconds`.
    """
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    con = _open(settings, wait_seconds)
    try:
        # time stamps with an offset are compared in UTC, whatever the machine's own zone
        con.execute("set timezone = 'UTC'")
        for schema in SCHEMAS:
            con.execute(f"create schema if not exists {schema}")
        yield con
    finally:
        con.close()


def spare_memory(wanted: bool = True) -> bool:
    """Let later connections of this process use one thread, or all again; returns whether they used one already.

    Each thread has buffers of its own, so fewer threads are the one thing that needs less memory and changes no result.
    """
    global _spares  # the rest of a night: what was too much for one step is likely too much for a later one
    before, _spares = _spares, wanted
    return before


def threads(settings: Settings) -> int:
    """Return how many threads the warehouse may use now."""
    return 1 if _spares else settings.threads


def configuration(settings: Settings) -> dict[str, str | bool | int | float | list[str]]:
    """Return DuckDB's settings for every connection to the warehouse, the gates' included."""
    return {
        "threads": threads(settings),
        "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.warehouse.parent / "spill"),
    }


def _open(settings: Settings, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return duckdb.connect(str(settings.warehouse), config=configuration(settings))
        except duckdb.IOException as error:
            if not is_locked(error):
                raise
            if time.monotonic() > deadline:
                raise WarehouseBusyError(
                    f"{settings.warehouse}: held by another process — {_first_line(error)} — "
                    "wait for that run to end, or end it, and start again"
                ) from None
            time.sleep(0.5)


def is_locked(error: duckdb.Error) -> bool:
    """Say whether another process holds the file. A corrupt `block` has no lock in its message but these letters."""
    return "could not set lock" in str(error).lower()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def read_frame(
    con: duckdb.DuckDBPyConnection, query: str, parameters: list[object] | dict[str, object] | None = None
) -> pl.DataFrame:
    """Run a query and return its rows as a polars frame."""
    return con.execute(query, parameters or []).pl()


def append_frame(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Append a frame to `schema.table`, column by column name."""
    _from_frame(con, f"insert into {name} by name select * from incoming_frame", frame)


def replace_table(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> int:
    """Replace `schema.table` by a frame, in one statement; returns the number of rows."""
    _from_frame(con, f"create or replace table {name} as select * from incoming_frame", frame)
    return frame.height


def _from_frame(con: duckdb.DuckDBPyConnection, statement: str, frame: pl.DataFrame) -> None:
    con.register("incoming_frame", frame.to_arrow())
    try:
        con.execute(statement)
    finally:
        con.unregister("incoming_frame")


def table_exists(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Say whether `schema.table` is a table or view of the warehouse."""
    schema, table = name.split(".")
    found = con.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    )
    return found.fetchone() is not None


def comment_tables(con: duckdb.DuckDBPyConnection, about: Mapping[str, tuple[str, Mapping[str, str]]]) -> None:
    """Write what tables and columns mean into the warehouse: `schema.table` -> (text, column -> text).

    Tables and columns that are not there are left out. One transaction for all: each comment by itself is a write to
    the disk (a hundred took 6 s).
    """
    kinds = {
        f"{schema}.{name}": "view" if kind == "VIEW" else "table"
        for schema, name, kind in con.execute(
            "select table_schema, table_name, table_type from information_schema.tables"
        ).fetchall()
    }
    columns = set(con.execute("select schema_name || '.' || table_name, column_name from duckdb_columns()").fetchall())
    con.begin()
    for table, (text, meanings) in about.items():
        if table not in kinds:
            continue
        con.execute(f"comment on {kinds[table]} {table} is {literal(text)}")
        for column, meaning in meanings.items():
            if (table, column) in columns:
                con.execute(f"comment on column {table}.{quoted(column)} is {literal(meaning)}")
    con.commit()
