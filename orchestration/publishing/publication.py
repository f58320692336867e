"""Publishes a night: builds every file in a hidden folder, gives it its name in one step, moves `latest`.

Belongs here: the order in which things are written, and what happens when one of them fails (the hidden folder goes,
`latest` stays). How a file is written stands in tables, workbook, marts_file, page and manifest; links and folder names
in runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration import failpoints
from orchestration.publishing import runs
from orchestration.publishing.manifest import manifest_of, write_manifest
from orchestration.publishing.marts_file import build_marts_file
from orchestration.publishing.night import Night, OutputTable, PublicationError, WrittenTable
from orchestration.publishing.page import write_page
from orchestration.publishing.settings import PublishingSettings
from orchestration.publishing.tables import csv_refusal, write_csv, write_parquet
from orchestration.publishing.workbook import write_parts, write_workbook

Say = Callable[[str], None]
DATA_DOCS = "data_docs"


def publish(
    con: duckdb.DuckDBPyConnection,
    night: Night,
    outputs: Sequence[OutputTable],
    *,
    published_dir: Path,
    settings: PublishingSettings,
    say: Say,
    mart_schemas: Sequence[str] = ("marts",),
) -> Path:
    """Publish a night as `published_dir`/<run_id>, point `latest` at it, remove nights beyond settings.keep_runs.

    A night of an earlier business day than that of `latest` is kept beside it.

    con: the warehouse; it is only read. outputs: what to publish, in the order of the manifest; each relation must
    exist. What is not published belongs into night.absent, with the reason. Returns the night's folder.

    Raises:
        PublicationError: the run id is taken or cannot name a folder, a table is both published and absent, two tables
            have one name, a column to order by is missing.
        duckdb.Error, OSError: reading or writing failed. In any case what was published before stays as it was.
    """
    _require_distinct(outputs, night)
    building = runs.start_building(published_dir, night.run_id)
    try:
        written = _write_files(con, night, outputs, mart_schemas, building, settings, say)
        write_manifest(building, manifest_of(night, written, runs.next_sequence(published_dir)))
        failpoints.reached("before_rename")
        final = runs.finish_building(building, published_dir, night.run_id)
    except BaseException:  # an interrupt too: half a night must not stay behind
        shutil.rmtree(building, ignore_errors=True)
        raise
    failpoints.reached("before_swap")
    if not _is_past(published_dir, night):
        runs.point_latest(published_dir, night.run_id)
    failpoints.reached("after_swap")
    removed = runs.prune(published_dir, settings.keep_runs)
    say(f"published {final.name}" + (f", removed {len(removed)} older nights" if removed else ""))
    return final


def _is_past(published_dir: Path, night: Night) -> bool:
    """Whether this is a past night and latest of a later business day: planners stay with that."""
    if not night.keeps_latest:
        return False
    latest = runs.latest_run_id(published_dir)
    return any(run.run_id == latest and run.as_of > night.as_of for run in runs.list_runs(published_dir))


def _require_distinct(outputs: Sequence[OutputTable], night: Night) -> None:
    """Refuse a list of outputs that contradicts itself."""
    names = [output.name for output in outputs]
    for name in names:
        if names.count(name) > 1:
            raise PublicationError(f"output {name!r} is listed twice")
        if name in night.absent:
            raise PublicationError(f"output {name!r} is both published and absent ({night.absent[name]})")


def _write_files(
    con: duckdb.DuckDBPyConnection,
    night: Night,
    outputs: Sequence[OutputTable],
    mart_schemas: Sequence[str],
    folder: Path,
    settings: PublishingSettings,
    say: Say,
) -> list[WrittenTable]:
    """Write everything but the manifest.

    Workbooks are Python's work, the rest is DuckDB's: beside each other, 72 s became 58 s (demo, 2 cores).
    """
    products = _products(con) if settings.buyers else None
    tables, books = [], {}
    beside = ThreadPoolExecutor(1)
    try:
        for table in outputs:
            tables.append(_write_table(con, table, folder, say))
            if table.is_list:
                books[table.name] = beside.submit(_write_workbooks, tables[-1], night, folder, settings, products)
            failpoints.reached("mid_publish")
        names = build_marts_file(con, folder, tables, mart_schemas)
        say(f"marts.duckdb: {len(names)} tables")
        written = [books[each.table.name].result() if each.table.name in books else each for each in tables]
    finally:
        beside.shutdown(cancel_futures=True)
    say(f"workbooks: {sum(1 + len(each.parts) for each in written if each.xlsx)}")
    if night.data_docs is not None:
        shutil.copytree(night.data_docs, folder / DATA_DOCS)
    write_page(folder, night, written, settings, threads=_threads(con), latest=folder.parent / runs.LATEST)
    say(f"index.html: {(folder / 'index.html').stat().st_size / 1e6:.1f} MB")
    return written


def _products(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return what tells whose a product is: sku_id, category, department."""
    return con.execute("select sku_id, category, department from marts.dim_product").to_arrow_table()


def _write_table(con: duckdb.DuckDBPyConnection, table: OutputTable, folder: Path, say: Say) -> WrittenTable:
    """Write one table as Parquet and CSV."""
    written = write_parquet(con, table, folder)
    reason = csv_refusal(written.rows)
    if reason is None:
        written = replace(written, csv=f"{table.name}.csv")
        # a connection of its own: the warehouse's may have been told not to keep the order of rows
        with duckdb.connect(config={"threads": _threads(con)}) as files:
            write_csv(files, folder / written.file, folder / f"{table.name}.csv")
    else:
        written = replace(written, csv_reason=reason)
    say(f"{table.name}: {written.rows:,} rows" + ("" if written.csv else ", too many for CSV"))
    return written


def _write_workbooks(
    written: WrittenTable, night: Night, folder: Path, settings: PublishingSettings, products: pa.Table | None
) -> WrittenTable:
    """Write a list's workbook and those of its parts from its Parquet file."""
    parquet = folder / written.file
    written = replace(written, xlsx=f"{written.table.name}.xlsx")
    write_workbook(parquet, folder / f"{written.table.name}.xlsx", written, night)
    parts = write_parts(parquet, folder, written, night, products, settings.buyers)
    return replace(written, parts=tuple(parts.items()))


def _threads(con: duckdb.DuckDBPyConnection) -> int:
    """Threads that the warehouse may use, for the connections beside it."""
    row = con.execute("select current_setting('threads')").fetchone()
    return int(row[0]) if row else 1
