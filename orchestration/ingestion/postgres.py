"""Reads a PostgreSQL table or query by its watermark; what is new since the last reading lands as a Parquet extract.

From there on it is a file like any other: ledger, declaration, quarantine, rebuild of older nights. The connection
string comes from the environment (or a file that only its owner may read) and is never printed.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp

from orchestration.ingestion.declarations import SourceFeed
from orchestration.ingestion.refusals import FileRefusedError
from orchestration.ingestion.shape import Database
from orchestration.sql import literal, quoted

FILE_SUFFIX = "_FILE"


def pull(con: duckdb.DuckDBPyConnection, feed: SourceFeed, landing: Path, run_id: str) -> str | None:
    """Write rows above the last watermark to `landing/<source>/<feed>/pull-<n>.parquet`; returns what was done.

    con: the warehouse, which keeps the last watermark in `ops.watermarks`. The file is complete before it has its name;
    a pull that is cut short is read again, and rows that come twice are exact duplicates.

    Raises:
        FileRefusedError: no connection string, no server, a query that is none; the connection string is not shown.
    """
    database = feed.database
    if database is None:
        return None
    con.execute(
        "create table if not exists ops.watermarks (source varchar, feed varchar, declaration varchar, "
        "watermark varchar, run_id varchar)"
    )
    row = con.execute(
        "select watermark from ops.watermarks where source = ? and feed = ? and declaration = ?",
        [feed.source, feed.feed, feed.version],
    ).fetchone()
    secret = connection_string(database.connection)
    folder = feed.folder(landing)
    folder.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(p.stem.removeprefix("pull-")) for p in folder.glob("pull-*.parquet")), default=0)
    target = folder / f"pull-{number:06d}.parquet"
    try:
        highest, rows = _copy(database, secret, row[0] if row else None, target)
    except duckdb.Error as error:
        target.with_suffix(".part").unlink(missing_ok=True)
        reason = _without_secret(str(error).splitlines()[0], secret)
        raise FileRefusedError(
            f"cannot be read from {database.connection} — {reason} — see that the server runs and that the variable "
            "holds its connection string; earlier data is kept"
        ) from None
    if not rows:
        return f"{feed.name}: nothing new in the database"
    con.execute("delete from ops.watermarks where source = ? and feed = ?", [feed.source, feed.feed])
    con.execute(
        "insert into ops.watermarks values (?, ?, ?, ?, ?)", [feed.source, feed.feed, feed.version, highest, run_id]
    )
    return f"{feed.name}: {rows:,} rows read from the database up to {database.watermark} {highest}"


def connection_string(variable: str) -> str:
    """Return the connection string of an environment variable, or of the file that `<variable>_FILE` names.

    Raises:
        FileRefusedError: neither is set, or others may read the file.
    """
    if value := os.environ.get(variable):
        return value
    name = os.environ.get(variable + FILE_SUFFIX)
    if not name:
        raise FileRefusedError(
            f"needs the environment variable {variable} with a connection string (host=… dbname=… user=… password=…), "
            f"or {variable}{FILE_SUFFIX} with the path of a file that holds it"
        )
    path = Path(name)
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise FileRefusedError(f"{path} may be read by others — chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise FileRefusedError(f"{path} cannot be read ({error.strerror})") from None


def source_query(database: Database) -> str:
    """Return the SELECT that a declaration names, for PostgreSQL.

    Raises:
        FileRefusedError: the query is not one SELECT.
    """
    if database.table is not None:
        return "select * from " + ".".join(quoted(part) for part in database.table.split("."))
    try:
        trees = sqlglot.parse(database.query or "", dialect="postgres")
    except sqlglot.errors.SqlglotError as error:
        raise FileRefusedError(f"has a query that cannot be read ({str(error).splitlines()[0]})") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Select | exp.SetOperation):
        raise FileRefusedError("has a query that is not one SELECT — nothing else is run on a source's database")
    return (database.query or "").strip().rstrip(";")


def _copy(database: Database, secret: str, last: str | None, target: Path) -> tuple[str, int]:
    """Copy rows of (last - overlap, highest] to a file; returns the highest watermark and the number of rows."""
    # imported here: it registers DuckDB extensions found among the installed packages
    from duckdb_extensions import import_extension

    query, mark = source_query(database), quoted(database.watermark)
    overlap = f" - interval '{int(database.overlap.total_seconds())} seconds'" if database.overlap else ""
    with duckdb.connect() as source:
        import_extension("postgres_scanner", con=source)
        source.execute(f"attach {literal(secret)} as erp (type postgres, read_only)")
        highest = _one(source, f"select max({mark})::text from ({query}) as extract")
        if highest is None or (highest == last and not overlap):
            return last or "", 0
        above = f"{mark} > {literal(last)}{overlap and f'::timestamptz{overlap}'} and " if last is not None else ""
        rows = f"select * from ({query}) as extract where {above}{mark} <= {literal(highest)} order by {mark}"
        part = target.with_suffix(".part")
        source.execute(
            f"copy (select * from postgres_query('erp', {literal(rows)})) to {literal(str(part))} "
            "(format parquet, compression zstd)"
        )
        count = source.execute(f"select count(*) from read_parquet({literal(str(part))})").fetchone()
    found = int(count[0]) if count else 0
    if found:
        part.rename(target)
    else:
        part.unlink()
    return highest, found


def _one(source: duckdb.DuckDBPyConnection, query: str) -> str | None:
    row = source.execute(f"select * from postgres_query('erp', {literal(query)})").fetchone()
    return row[0] if row else None


def _without_secret(text: str, secret: str) -> str:
    """Take the connection string and its parts out of a message."""
    words = {"host", "port", "user", "dbname", "password", "postgresql", ""}
    parts = {secret, *re.split(r"[\s=:/@?&]+", secret)} - words
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "…") if len(part) > 2 else text
    return text
