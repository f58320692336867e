"""Loads files of one shape in one transaction: staged, cast, inserted, counted; what is no row goes to quarantine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import duckdb
import pyarrow as pa

from orchestration import failpoints
from orchestration.ingestion import keys, ledger, quarantine, strays
from orchestration.ingestion.casting import fault_expression, stored_expressions
from orchestration.ingestion.declarations import SourceFeed
from orchestration.ingestion.extracts import (
    Rejected,
    line_numbers,
    parquet_rows,
    refusal_of,
    relation,
    require_whole,
    taken_rejects,
)
from orchestration.ingestion.ledger import LedgerEntry
from orchestration.ingestion.mapping import (
    Columns,
    exclusion_expression,
    numbering_expression,
    record_expression,
    rescued_expression,
    values_of,
)
from orchestration.ingestion.preparation import Prepared, Stamp, stamp_of
from orchestration.ingestion.refusals import FileRefusedError
from orchestration.ingestion.run import IngestionRun
from orchestration.ingestion.shape import Format
from orchestration.sql import literal, quoted


@dataclass(frozen=True)
class Batch:
    """Files with the same columns, and what the ledger will say of each.

    by_name: files of these names from before. stamps: what each name looked like before its bytes were hashed.
    """

    columns: Columns
    added: tuple[str, ...]
    files: list[Prepared]
    entries: list[LedgerEntry]
    by_name: dict[str, LedgerEntry]
    stamps: dict[str, Stamp | None]


def load_batch(
    con: duckdb.DuckDBPyConnection, feed: SourceFeed, batch: Batch, night: IngestionRun
) -> tuple[list[LedgerEntry], list[str]]:
    """Load the files of a batch; returns their ledger entries and the messages about rows that were kept aside.

    Raises:
        FileRefusedError: one of the files cannot be loaded; nothing of the batch was.
    """
    is_csv = batch.files[0].kind == "csv"
    cast = cast_query(feed, batch.columns, batch.files, list(batch.added))
    rejected: list[Rejected] = []
    physical: list[int] = []
    try:
        if is_csv:
            rejected, physical, source = _stage(con, batch, feed.format, cast)
        else:
            physical = [parquet_rows(con, file) for file in batch.files]
            source = f"({cast})"
    except duckdb.Error as error:
        raise refusal_of(error) from None
    if 0 in physical and not feed.allows_empty:
        raise FileRefusedError(
            "has a header, but no rows — deliver the file again; earlier data is kept", is_empty=True
        )
    con.execute("begin")
    try:
        result = _load(con, feed, batch, night, source, rejected, physical)
        changed = [f.original.name for f in batch.files if stamp_of(f.original) != batch.stamps[f.original.name]]
        if changed:
            raise FileRefusedError(f"{changed[0]} was changed or removed while it was read")
        failpoints.reached("mid_load")
        con.execute("commit")
    except duckdb.Error as error:
        con.execute("rollback")
        raise refusal_of(error) from None
    except BaseException:
        con.execute("rollback")
        raise
    finally:
        con.execute("drop table if exists staged_extract; drop table if exists staged_lines")
    return result


def cast_query(feed: SourceFeed, columns: Columns, files: list[Prepared], added: list[str]) -> str:
    """Return SQL with the stored columns, `_rescued`, `_file_index`, `_line` (Parquet) and `_problem`.

    `_problem` is NULL for a good row; else JSON: kind (quarantined, excluded), column, value, number of the exclusion,
    and the record. It is worked out only for rows that have one.
    """
    values = values_of(feed, columns)
    is_plain = files[0].kind == "csv" and files[0].is_ascii and not files[0].has_control
    stored = [pair for value in values for pair in stored_expressions(value, feed.timezone, is_plain)]
    selected = [f"{sql} as {quoted(name)}" for name, sql in stored]
    selected += [f"{v.shown} as {quoted('shown_' + v.column.name)}" for v in values if v.shown]
    selected += [f"({v.fault}) as {quoted('fault_' + v.column.name)}" for v in values if v.fault]
    line = ", _line" if files[0].kind == "parquet" else ""
    # personal columns are named in a message, never shown
    shown = " ".join(
        f"when {literal(v.column.name)} then "
        + (literal("(personal)") if v.column.is_personal else quoted("shown_" + v.column.name))
        for v in values
        if v.shown
    )
    value = f"case _bad_column {shown} end" if shown else "null::varchar"
    record = record_expression(feed, columns)
    names = ", ".join(quoted(name) for name, _ in stored)
    inner = f"select *, {exclusion_expression(feed, columns)} as _exclusion, {', '.join(selected)} from "
    inner += relation(files, feed.format, columns)
    fault = fault_expression(feed.into, values, is_plain)
    judged = f"select *, case when _exclusion is null then {fault} end as _bad_column from ({inner})"
    excluded = f"{{kind: 'excluded', exclusion: _exclusion, record: {record}}}"
    refused = f"{{kind: 'quarantined', \"column\": _bad_column, value: {value}, record: {record}}}"
    return (
        f"select {names}, {rescued_expression(columns, added)} as _rescued, _file_index{line}, "
        f"case when _exclusion is not null then to_json({excluded})::varchar "
        f"when _bad_column is not null then to_json({refused})::varchar end as _problem from ({judged})"
    )


def _stage(
    con: duckdb.DuckDBPyConnection, batch: Batch, wanted: Format, cast: str
) -> tuple[list[Rejected], list[int], str]:
    """Stage CSV records as typed rows in file order; returns rejected records, each file's physical records, and SQL of
    the staged rows with their lines.

    Staged outside of any transaction: its row ids number the records only once they are committed.
    """
    con.execute("drop table if exists staged_extract")
    try:
        con.execute(f"create temp table staged_extract as {cast}")
    except duckdb.Error:
        con.execute("drop table if exists rejected_fields; drop table if exists rejected_scans")
        raise
    rejected = taken_rejects(con, batch.files)
    counts = dict(con.execute("select _file_index, count(*) from staged_extract group by all").fetchall())
    staged = [counts.get(index, 0) for index in range(len(batch.files))]
    physical, gaps = [], []
    for index, file in enumerate(batch.files):
        own = [r for r in rejected if r.file_index == index]
        gaps.append(require_whole(file, staged[index] + len(own), own, wanted))
        physical.append(staged[index] + len(own))
    if not any(gaps):
        first = [sum(staged[:index]) for index in range(len(staged))]
        return rejected, physical, f"(select *, rowid - {first}[_file_index + 1] + 2 as _line from staged_extract)"
    con.register("lines", pa.table({"_line": line_numbers(staged, gaps)}))
    con.execute("create or replace temp table staged_lines as select _line from lines")
    con.unregister("lines")
    return rejected, physical, "(select * from staged_extract positional join staged_lines)"


def _load(
    con: duckdb.DuckDBPyConnection,
    feed: SourceFeed,
    batch: Batch,
    night: IngestionRun,
    source: str,
    rejected: list[Rejected],
    physical: list[int],
) -> tuple[list[LedgerEntry], list[str]]:
    stored = [name for name, _ in feed.into.stored_columns]
    _create_raw(con, feed)
    numbering = numbering_expression(feed)
    if numbering:
        numbered = ", ".join(f"{sql} as {quoted(name)}" for name, sql in numbering)
        source = f"(select * replace ({numbered}) from {source})"
    columns = ", ".join(quoted(name) for name in stored)
    first_id = batch.entries[0].file_id
    ids = [entry.file_id for entry in batch.entries]
    # ids of a batch are consecutive unless a refused file stood between
    file_id = (
        f"{first_id} + _file_index" if ids == list(range(first_id, first_id + len(ids))) else f"{ids}[_file_index + 1]"
    )
    con.execute(
        f"insert into raw.{feed.table} ({columns}, _rescued, _source, _file_id, _line) select {columns}, _rescued, "
        f"{literal(feed.source)}, {file_id}, _line from {source} where _problem is null"
    )
    of_batch = ledger.among("_file_id", ids)
    good = {file_id: rows for file_id, (rows, *_) in _in_raw(con, feed, of_batch).items()}
    aside = sum(physical) - sum(good.values())
    if aside:
        quarantine.keep(con, feed, batch.entries, night.run_id, source, file_id, rejected)
    _require_all_read(batch.entries, physical, good, quarantine.counts(con, feed, ids) if aside else {})
    strays.set_aside(con, feed, batch.entries, of_batch, night.today, night.settings, night.run_id)
    superseded = {} if feed.numbers_rows else _settle_repeats(con, feed, batch.entries, of_batch, night.run_id)
    kinds = quarantine.counts(con, feed, ids)
    loaded = _in_raw(con, feed, of_batch)
    entries = []
    for entry, rows in zip(batch.entries, physical, strict=True):
        own = kinds.get(entry.file_id, {}) | superseded.get(entry.file_id, {})
        kept, first, last = loaded.get(entry.file_id, (0, None, None))
        duplicates = rows - kept - sum(own.values())
        old = batch.by_name.get(entry.name)
        entries.append(
            replace(
                entry,
                state=ledger.LOADED,
                rows_physical=rows,
                rows_loaded=kept,
                rows_duplicate=duplicates,
                rows_quarantined=own.get("quarantined", 0),
                rows_excluded=own.get("excluded", 0),
                rows_superseded=own.get("superseded", 0),
                first_date=first,
                last_date=last,
                detail=_difference(con, feed, old, entry) if old else "",
            )
        )
    messages = quarantine.messages(con, feed, ids)
    for entry in entries:
        _require_mostly_good(entry, night.max_quarantined_pct, messages)
    ledger.replace(con, [old.file_id for e in entries if (old := batch.by_name.get(e.name))], night.run_id)
    ledger.record(con, entries)
    if batch.added:
        messages.append(
            f"{feed.name} {entries[0].name}: column {', '.join(map(repr, batch.added))} is new — nothing reads it; "
            f"kept in raw.{feed.table}._rescued; declare it in home/sources/ where it is of use"
        )
    return entries, messages


def _require_all_read(
    entries: list[LedgerEntry], physical: list[int], good: dict[int, int], aside: dict[int, dict[str, int]]
) -> None:
    """Compare what a file states with what came out of it, before anything is taken for a repeat."""
    for entry, rows in zip(entries, physical, strict=True):
        read = good.get(entry.file_id, 0) + sum(aside.get(entry.file_id, {}).values())
        if read != rows:
            raise FileRefusedError(f"states {rows:,} rows, but {read:,} can be read — deliver the file again")


def _require_mostly_good(entry: LedgerEntry, max_pct: float, messages: list[str]) -> None:
    own = [message for message in messages if f" {entry.name}:" in message]
    rounded = [message for message in own if quarantine.ROUNDED in message]
    if rounded:
        raise FileRefusedError(f"holds keys that a spreadsheet rounded, e.g. {rounded[0]} — export the column as text")
    if entry.rows_physical and 100 * entry.rows_quarantined / entry.rows_physical > max_pct:
        raise FileRefusedError(
            f"{entry.rows_quarantined:,} of {entry.rows_physical:,} rows do not parse, more than {max_pct:g} % "
            f"(setting max_quarantined_pct), e.g. {'; '.join(own)}"
        )


def _create_raw(con: duckdb.DuckDBPyConnection, feed: SourceFeed) -> None:
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in feed.into.stored_columns)
    con.execute(
        f"create table if not exists raw.{feed.table} ({columns}, _rescued varchar, _source varchar, _file_id bigint, "
        "_line bigint)"
    )


def _settle_repeats(
    con: duckdb.DuckDBPyConnection, feed: SourceFeed, entries: list[LedgerEntry], of_batch: str, run_id: str
) -> dict[int, dict[str, int]]:
    """Within a file: drop rows that repeat another in every column; of rows that differ only in what they say, the last
    counts and the others are kept aside, or only counted where the declaration keeps the last row of a key: then every
    line of an export may be one. Returns {file_id: {"superseded": rows}} of rows that were only counted.

    Unique keys prove that there are none, with one hash a row instead of a sort of whole rows.
    """
    key = ", ".join(map(quoted, feed.into.key))
    table = f"raw.{feed.table}"
    if keys.are_unique(con, f"select hash(_file_id, {key}) from {table} where {of_batch}"):
        return {}
    columns = ", ".join(quoted(name) for name, _ in feed.into.stored_columns)
    suspects = (
        f"select rowid, _file_id, _line, {columns} from {table} where {of_batch} and hash(_file_id, {key}) in "
        f"(select hash(_file_id, {key}) from {table} where {of_batch} group by 1 having count(*) > 1)"
    )
    if not feed.keeps_last:
        con.execute(
            f"delete from {table} where rowid in (select rowid from (select rowid, row_number() over "
            f"(partition by _file_id, {columns} order by _line) as nth from ({suspects})) where nth > 1)"
        )
    con.execute(
        f"create or replace temp table outdone as select * exclude (nth) from (select rowid as row, _file_id, _line, "
        f"{columns}, row_number() over (partition by _file_id, {key} order by _line desc) as nth, "
        f"max(_line) over (partition by _file_id, {key}) as by_line from ({suspects})) where nth > 1"
    )
    if feed.keeps_last:
        counted = con.execute("select _file_id, count(*) from outdone group by all").fetchall()
        con.execute(f"delete from {table} where rowid in (select row from outdone)")
        con.execute("drop table outdone")
        return {file_id: {"superseded": rows} for file_id, rows in counted}
    reason = "'has the key of line ' || by_line || ' of the file, which counts'"
    quarantine.move(con, feed, entries, run_id, "superseded", ", ".join(feed.into.key), reason, "outdone")
    con.execute("drop table outdone")
    return {}


def _in_raw(
    con: duckdb.DuckDBPyConnection, feed: SourceFeed, of_batch: str
) -> dict[int, tuple[int, date | None, date | None]]:
    """Return the rows of each file that stand in raw, with their first and last date."""
    dated = f"{quoted(feed.into.date_column)}::date" if feed.into.date_column else "null::date"
    rows = con.execute(
        f"select _file_id, count(*), min({dated}), max({dated}) from raw.{feed.table} where {of_batch} group by all"
    ).fetchall()
    return {file_id: (count, first, last) for file_id, count, first, last in rows}


def _difference(con: duckdb.DuckDBPyConnection, feed: SourceFeed, old: LedgerEntry, new: LedgerEntry) -> str:
    """Say what a corrected file changed, in rows."""
    columns = ", ".join(quoted(name) for name, _ in feed.into.stored_columns)
    of = f"select {columns} from raw.{feed.table} where _file_id = "
    row = con.execute(
        f"select (select count(*) from ({of}{new.file_id} except all {of}{old.file_id})), "
        f"(select count(*) from ({of}{old.file_id} except all {of}{new.file_id}))"
    ).fetchone()
    added, gone = row or (0, 0)
    why = "" if old.sha256 != new.sha256 else ", read again by another declaration"
    return f"replaces {old.rows_loaded:,} rows of the earlier file: {added:,} rows new, {gone:,} gone{why}"
