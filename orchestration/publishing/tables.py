"""Published tables as files: exact Parquet and Excel-safe CSV.

Parquet keeps every value as it is and has the same bytes whenever the content is the same: rows in a total order, row
groups of a fixed length, no time of writing. CSV is for spreadsheets: UTF-8 with BOM, CRLF (RFC 4180), and text that a
spreadsheet would run as a formula has an apostrophe before it. Workbooks are written elsewhere (workbook).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.files import sha256_of
from orchestration.publishing.night import OutputTable, PublicationError, WrittenTable
from orchestration.sql import literal, quoted

# The length of DuckDB's own row groups (60 vectors of 2,048): marts.duckdb takes them over one by one. With 131,072 it
# cut them anew: five million rows took 12.0 s of processor, 1.5 GB and 502 MB on disk, now 5.5 s, 0.4 GB
# and 244 MB. 14 columns of one group are 14 MB, so the memory is the same for any number of rows.
ROW_GROUP_ROWS = 122_880
# Excel opens 1,048,576 lines, the header among them. A longer CSV (forecast_daily of the demo: 5 million rows, 700 MB)
# is cut off silently by the only program that it is for, so it is not written; Parquet and marts.duckdb hold it.
CSV_MAX_ROWS = 1_048_575
# What spreadsheets take for the start of a formula, or skip before looking for one (contracts.md, section 4).
FORMULA_STARTS = r"^[=+\-@\t\r]"
BOM = "\ufeff"


def relation(name: str) -> str:
    """Quote `schema.table` for DuckDB."""
    return ".".join(quoted(part) for part in name.split("."))


def parquet_source(path: Path) -> str:
    """Return SQL that reads one Parquet file as it is, whatever its folder is called ('*', '[', 'a=b' mean nothing)."""
    exact = re.sub(r"([\[*?])", r"[\1]", str(path))
    return f"read_parquet({literal(exact)}, hive_partitioning=false)"


def columns_of(con: duckdb.DuckDBPyConnection, source: str) -> list[tuple[str, str]]:
    """Return name and DuckDB type of each column of `source` (SQL that may follow FROM), in order."""
    return [(row[0], row[1]) for row in con.execute(f"describe select * from {source}").fetchall()]


def write_parquet(con: duckdb.DuckDBPyConnection, table: OutputTable, folder: Path) -> WrittenTable:
    """Write one table as `<name>.parquet` and return what was written.

    Rows are ordered by the grain, and by every further column where the grain does not tell two rows apart, so the
    bytes depend on the content alone. (Five million rows of 14 columns: 2.5 s for sorting by all of them, 1.1 s for
    looking whether the grain is unique in place of that.)

    Raises:
        PublicationError: the relation has no such column as order_by names.
    """
    names = [name for name, _ in columns_of(con, relation(table.relation))]
    unknown = [name for name in table.order_by if name not in names]
    if unknown:
        raise PublicationError(f"{table.relation}: no column {unknown[0]!r} to order {table.name} by — it has {names}")
    order = [*table.order_by, *(name for name in names if name not in table.order_by)]
    # "nulls last" spelt out: the default is a setting of the connection
    query = (
        f"select * from {relation(table.relation)} order by {', '.join(f'{quoted(n)} asc nulls last' for n in order)}"
    )
    reader = con.execute(query).to_arrow_reader(ROW_GROUP_ROWS)
    path, rows = folder / f"{table.name}.parquet", 0
    # A dictionary pays for text and dates; for measured numbers it costs four times the time and a quarter more bytes.
    repeated = [f.name for f in reader.schema if not pa.types.is_floating(f.type)]
    with pq.ParquetWriter(path, reader.schema, compression="zstd", use_dictionary=repeated) as writer:
        for group in _fixed_groups(reader):
            writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
            rows += group.num_rows
    columns = tuple((f.name, str(f.type)) for f in reader.schema)
    return WrittenTable(table, path.name, rows, sha256_of(path), columns)


def _fixed_groups(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Cut a stream into tables of exactly ROW_GROUP_ROWS rows in one chunk, whatever the stream's own batches are."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in reader:
        waiting.append(batch)
        count += batch.num_rows
        while count >= ROW_GROUP_ROWS:
            table = pa.Table.from_batches(waiting, reader.schema)
            yield table.slice(0, ROW_GROUP_ROWS).combine_chunks()
            rest = table.slice(ROW_GROUP_ROWS)
            waiting, count = rest.to_batches(), rest.num_rows
    if count:
        yield pa.Table.from_batches(waiting, reader.schema).combine_chunks()


def csv_refusal(rows: int) -> str | None:
    """Say why a table of so many rows comes without CSV, or None when it comes with one."""
    if rows <= CSV_MAX_ROWS:
        return None
    return f"{rows:,} rows; a spreadsheet opens {CSV_MAX_ROWS:,}. Read the Parquet file or marts.duckdb."


def write_csv(con: duckdb.DuckDBPyConnection, parquet: Path, path: Path) -> None:
    """Write a published Parquet file as CSV, in its order.

    The byte-order mark is written as the beginning of the first column's name, which is where it stands in the file.
    con: any connection that keeps the order of rows (the default).
    """
    source = parquet_source(parquet)
    cells = [
        f"{_cell(field)} as {quoted(field.name if position else BOM + field.name)}"
        for position, field in enumerate(pq.read_schema(parquet))
    ]
    con.execute(
        f"copy (select {', '.join(cells)} from {source}) to {literal(str(path))} "
        rf"""(format csv, header true, delimiter ',', quote '"', escape '"', new_line '\r\n')"""
    )


def _cell(field: pa.Field) -> str:
    """Numbers, dates and truth values as they are; everything else as text that no spreadsheet runs."""
    column, kind = quoted(field.name), field.type
    is_safe = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_temporal,
        pa.types.is_boolean,
    )
    if any(test(kind) for test in is_safe):
        return column
    text = f"{column}::varchar"
    return f"case when regexp_matches({text}, {literal(FORMULA_STARTS)}) then '''' || {text} else {text} end"
