"""One extract as a relation of DuckDB: its format, its header by name, its records in file order.

A file that cannot be trusted whole is refused here, before a row of it is loaded: no header, a cut gzip, an unknown
format, bytes that are not UTF-8. What a record's values mean is casting.py's business.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.sql import literal, quoted

READ_BYTES = 1 << 20


class FileRefusedError(Exception):
    """The file as a whole cannot be loaded; the message says why and what to do."""


@dataclass(frozen=True)
class OpenExtract:
    """A readable extract: `relation` is SQL to select from, with `_line` first and then the file's own columns.

    `columns` maps each of the file's columns to its DuckDB type; `physical_rows` counts its records without the header;
    `rejected` holds (line, text, reason) of records that are not records at all (wrong number of fields).
    """

    relation: str
    columns: dict[str, str]
    physical_rows: int
    rejected: list[tuple[int, str, str]]


def sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def file_format(path: Path) -> str | None:
    """Return 'csv' or 'parquet' by the file's name, None when it is neither."""
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return "csv"
    return "parquet" if name.endswith(".parquet") else None


def open_extract(con: duckdb.DuckDBPyConnection, path: Path) -> OpenExtract:
    """Make an extract readable for SQL; a CSV is staged in the temporary table `extract` (outside any transaction:
    its row ids number the records only once they are committed).

    Raises:
        FileRefusedError: unknown format, no header, unreadable or cut content.
    """
    kind = file_format(path)
    if kind is None:
        raise FileRefusedError("neither CSV nor Parquet — deliver .csv, .csv.gz or .parquet")
    try:
        return _open_parquet(con, path) if kind == "parquet" else _open_csv(con, path)
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise FileRefusedError(f"cannot be read — {str(error).splitlines()[0]} — deliver the file again") from None


def _open_parquet(con: duckdb.DuckDBPyConnection, path: Path) -> OpenExtract:
    source = f"read_parquet({literal(str(path))}, file_row_number = true)"
    described = con.execute(f"describe select * exclude (file_row_number) from {source}").fetchall()
    rows = con.execute(f"select sum(num_rows) from parquet_file_metadata({literal(str(path))})").fetchone()
    relation = f"(select file_row_number + 1 as _line, * exclude (file_row_number) from {source})"
    return OpenExtract(relation, {name: kind for name, kind, *_ in described}, int(rows[0]) if rows else 0, [])


def _open_csv(con: duckdb.DuckDBPyConnection, path: Path) -> OpenExtract:
    header = _header(path)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    con.execute("drop table if exists extract")
    # every column as text and no sniffing: DuckDB would guess types, and drop what does not fit the guess
    con.execute(
        f"""create temp table extract as select * from read_csv({literal(str(path))}, auto_detect = false,
            header = true, delim = ',', quote = '"', escape = '"', columns = {{{columns}}}, nullstr = '',
            store_rejects = true, rejects_table = 'rejected_fields', rejects_scan = 'rejected_scans',
            rejects_limit = 0)"""
    )
    rejected = con.execute(
        "select line, any_value(csv_line), string_agg(distinct error_message, '; ') from rejected_fields "
        "group by line order by line"
    ).fetchall()
    con.execute("drop table rejected_fields; drop table rejected_scans")
    kept = con.execute("select count(*) from extract").fetchone()
    relation = f"(select {_line_number(rejected)} as _line, {', '.join(map(quoted, header))} from extract)"
    return OpenExtract(
        relation, dict.fromkeys(header, "VARCHAR"), int(kept[0] if kept else 0) + len(rejected), rejected
    )


def _line_number(rejected: list[tuple[int, str, str]]) -> str:
    """Return SQL for a staged record's line: the header is line 1, and rejected lines stand between the records."""
    # the n-th rejected line has line - 2 - n records before it
    before = [line - 2 - n for n, (line, *_) in enumerate(rejected)]
    return f"rowid + 2 + len(list_filter({before}, lambda position: position <= rowid))" if before else "rowid + 2"


def _header(path: Path) -> list[str]:
    """Read the header by name; reading a gzip to its end proves that it was not cut."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
            while opener is gzip.open and file.read(READ_BYTES):
                pass
    except UnicodeDecodeError as error:
        raise FileRefusedError(f"is not UTF-8 (byte {error.start}) — export it as UTF-8") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileRefusedError(f"is a cut or corrupt gzip ({error}) — deliver the file again") from None
    names = [name.strip() for name in header]
    if not any(names):
        raise FileRefusedError("is empty, without a header — deliver the file again; earlier data is kept")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileRefusedError(f"has column {twice[0]!r} twice — name each column once")
    return names
