"""Prepared files of one shape as one relation of DuckDB: their records in file order, every column by its header.

Reads several files at once, because 10,000 small files must not cost 10,000 statements. What the columns become is
mapping.py's and casting.py's business; what becomes of the rows, loading.py's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb
import numpy as np

from orchestration.ingestion.expressions import header_name
from orchestration.ingestion.mapping import Columns
from orchestration.ingestion.preparation import Prepared, count_precisely
from orchestration.ingestion.refusals import FileRefusedError
from orchestration.ingestion.shape import Format
from orchestration.sql import literal, quoted

# a record longer than this is an unclosed quote, not a record
MAX_RECORD_BYTES = 16 << 20
# else DuckDB takes 16 times the longest record for each buffer, 256 MB
BUFFER_BYTES = 32 << 20
# what the reader itself adds to the columns of a Parquet file
_OWN_NAMES = ("file_row_number", "file_index")
_NOT_THE_FILES = (
    duckdb.OutOfMemoryException,
    duckdb.InternalException,
    duckdb.FatalException,
    duckdb.InterruptException,
    duckdb.TransactionException,
)


@dataclass(frozen=True)
class Rejected:
    """A record that is none: not as many fields as the header, or quotes that do not fit. line: header is line 1."""

    file_index: int
    line: int
    text: str
    reason: str


def columns_of(con: duckdb.DuckDBPyConnection, file: Prepared) -> Columns:
    """Return the columns of a prepared file, headers trimmed and NFKC.

    Raises:
        FileRefusedError: a Parquet file that cannot be read.
    """
    if file.kind == "csv":
        # a name that comes twice is refused where the feed uses it; what nothing uses is kept, each by itself
        first = {name: n for n, name in reversed(list(enumerate(file.header)))}
        unique = [name if first[name] == n else f"{name} ({n + 1})" for n, name in enumerate(file.header)]
        named = zip(unique, file.header, strict=True)
        return Columns({own: (f"c{n}", "VARCHAR") for n, (own, name) in enumerate(named) if name})
    try:
        described = con.execute(f"describe select * from read_parquet({literal(str(file.path))})").fetchall()
    except duckdb.Error as error:
        raise refusal_of(error) from None
    taken = [name for name, *_ in described if name.lower() in _OWN_NAMES]
    if taken:
        raise FileRefusedError(f"has a column {taken[0]!r}, a name that reading needs for itself — rename the column")
    return Columns(
        {header_name(name): (f"c{n}", kind) for n, (name, kind, *_) in enumerate(described)},
        tuple(name for name, *_ in described),
    )


def parquet_rows(con: duckdb.DuckDBPyConnection, file: Prepared) -> int:
    """Return the rows that a Parquet file states."""
    found = con.execute(
        f"select coalesce(sum(num_rows), 0) from parquet_file_metadata({literal(str(file.path))})"
    ).fetchone()
    return int(found[0]) if found else 0


def relation(files: list[Prepared], wanted: Format, columns: Columns) -> str:
    """Return SQL for the files' records: their columns, `_file_index` (from 0, in the given order).

    Parquet has `_line` (from 1) as well; a CSV's lines are numbered once its records are staged, in file order.
    """
    paths = ", ".join(literal(str(file.path)) for file in files)
    if files[0].kind == "parquet":
        source = f"read_parquet([{paths}], file_row_number = true)"
        named = ", ".join(f"{quoted(name)} as c{n}" for n, name in enumerate(columns.stored))
        return f"(select {named}, file_row_number + 1 as _line, file_index::integer as _file_index from {source})"
    names = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(len(files[0].header)))
    delimiter, quote = _signs(files[0], wanted)
    # every column as text and no sniffing: DuckDB would guess types, and drop what does not fit the guess
    return (
        f"(select *, file_index::integer as _file_index from read_csv([{paths}], auto_detect = false, header = true, "
        f"delim = {literal(delimiter)}, quote = {literal(quote)}, escape = {literal(quote)}, columns = {{{names}}}, "
        f"nullstr = '', max_line_size = {MAX_RECORD_BYTES}, buffer_size = {BUFFER_BYTES}, "
        "store_rejects = true, rejects_table = 'rejected_fields', rejects_scan = 'rejected_scans', rejects_limit = 0))"
    )


def taken_rejects(con: duckdb.DuckDBPyConnection, files: list[Prepared]) -> list[Rejected]:
    """Return the rejected records of the last CSV scan, by file and line, and forget them."""
    rows = con.execute(
        "select s.file_path, f.line, any_value(f.csv_line), string_agg(distinct f.error_message, '; ') "
        "from rejected_fields f join rejected_scans s using (scan_id, file_id) group by all order by 1, 2"
    ).fetchall()
    con.execute("drop table rejected_fields; drop table rejected_scans")
    index = {str(file.path): n for n, file in enumerate(files)}
    return [Rejected(index[path], line, text or "", _reason(errors)) for path, line, text, errors in rows]


def _reason(errors: str) -> str:
    """Word what DuckDB says of a record; of one with too few fields it names each that is missing."""
    found = [int(number) for number in re.findall(r"Found: (\d+)", errors)]
    expected = re.search(r"Expected Number of Columns: (\d+)", errors)
    if not found or not expected:
        return errors.splitlines()[0]
    fields = min(found) if min(found) < int(expected[1]) else max(found)
    return f"has {fields} fields, the header has {expected[1]}"


def line_numbers(counts: list[int], gaps: list[list[int]]) -> np.ndarray:
    """Return the lines of staged records, file by file: the header is line 1, a line end within quotes is none.

    counts: staged records of each file. gaps: for each its lines that hold no staged record (rejected or empty ones),
    in order: the n-th of them has line - 2 - n records of its file before it.
    """
    lines = []
    for count, own in zip(counts, gaps, strict=True):
        position = np.arange(count)
        before = np.array([line - 2 - n for n, line in enumerate(own)], dtype=np.int64)
        lines.append(position + 2 + np.searchsorted(before, position, side="right"))
    return np.concatenate(lines)


def _signs(file: Prepared, wanted: Format) -> tuple[str, str]:
    """Return delimiter and quote of a readable CSV; a worksheet's is ours."""
    is_workbook = file.original.name.lower().endswith(".xlsx")
    return (",", '"') if is_workbook else (wanted.delimiter, wanted.quote)


def require_whole(file: Prepared, parsed: int, rejected: list[Rejected], wanted: Format) -> list[int]:
    """Compare the records that were parsed with what a CSV's bytes hold; returns its lines that hold no staged record.

    Raises:
        FileRefusedError: records are missing, or the last one is cut.
    """
    last = rejected[-1] if rejected else None
    if last and not file.ends_whole and last.line >= file.records + 1:
        raise FileRefusedError(
            f"ends in the middle of line {last.line} ({last.reason}) — it was cut; deliver the file again"
        )
    delimiter, _ = _signs(file, wanted)
    for reject in rejected if len(file.header) > 1 else ():
        # several whole records within one that is none: a stray quote opened it, and another one closed it
        swallowed = sum(line.count(delimiter) >= len(file.header) - 1 for line in reject.text.splitlines())
        if swallowed > 1:
            raise FileRefusedError(
                f"has a stray quote: from line {reject.line} on, {swallowed:,} records are one — nothing of it was "
                "loaded; deliver the file again"
            )
    empty: list[int] = []
    if parsed != file.records:
        counted, empty = count_precisely(file.path, *_signs(file, wanted))
        if parsed != counted:
            raise FileRefusedError(
                f"has {counted:,} records, but only {parsed:,} can be told apart — quotes or line ends do not fit; "
                "nothing of it was loaded; deliver the file again"
            )
    return sorted([*(reject.line for reject in rejected), *empty])


def refusal_of(error: duckdb.Error) -> FileRefusedError:
    """Return the refusal of a file that DuckDB could not read; what is not the file's fault is raised again.

    A damaged Parquet file gives errors of many types, half of them of none (`TProtocolException`, `Out of buffer`).
    """
    if isinstance(error, _NOT_THE_FILES) or "No space left" in str(error):
        raise error
    first = str(error).splitlines()[0].split(' "')[0]
    return FileRefusedError(f"cannot be read — {first} — deliver the file again")
