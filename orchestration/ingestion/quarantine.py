"""Rows that do not count, kept with file, line, column, value and reason, so that nothing is lost.

`quarantine.<source>_<feed>` has one row a record: `kind` quarantined (refused), excluded (by the declaration) or
superseded (by a later row of its key). Columns that tell who a customer is are never in it.
"""

from __future__ import annotations

from collections import defaultdict

import duckdb
import pyarrow as pa

from orchestration.ingestion.casting import EXPECTED, SCIENTIFIC
from orchestration.ingestion.catalogue import Column
from orchestration.ingestion.declarations import SourceFeed
from orchestration.ingestion.extracts import Rejected
from orchestration.ingestion.ledger import LedgerEntry, among
from orchestration.ingestion.mapping import has_personal
from orchestration.sql import literal, quoted
from orchestration.warehouse import table_exists

EXAMPLES = 3
NOT_A_RECORD = "(record)"
ROUNDED = "is a number that a spreadsheet rounded"
_TYPES = (
    "file_id bigint, file_name varchar, line bigint, kind varchar, column_name varchar, value varchar, reason varchar, "
    "raw_text varchar, run_id varchar"
)


def keep(
    con: duckdb.DuckDBPyConnection,
    feed: SourceFeed,
    entries: list[LedgerEntry],
    run_id: str,
    source: str,
    file_id: str,
    rejected: list[Rejected],
) -> None:
    """Store the records of a batch that are no rows. source: cast rows with `_problem`; file_id: SQL of its file."""
    table = _create(con, feed)
    names = _names(entries)
    exclusions = " ".join(f"when {n} then {literal(rule.reason)}" for n, rule in enumerate(feed.exclude))
    excluded = f"case (_problem ->> 'exclusion')::integer {exclusions} end" if exclusions else "null"
    con.execute(
        f"insert into {table} select {file_id} as file_id, {names}[{file_id}], _line, (_problem ->> 'kind'), "
        f"(_problem ->> 'column'), (_problem ->> 'value'), case (_problem ->> 'kind') when 'excluded' then {excluded} "
        f"else {_reason(feed)} end, (_problem ->> 'record'), {literal(run_id)} from {source} "
        "where _problem is not null order by file_id, _line"
    )
    hidden = "(not kept: the feed holds personal columns)"
    if not rejected:
        return
    of = [entries[reject.file_index] for reject in rejected]
    con.register(
        "rejected",
        pa.table(
            {
                "file_id": [entry.file_id for entry in of],
                "file_name": [entry.name for entry in of],
                "line": [reject.line for reject in rejected],
                "reason": [reject.reason for reject in rejected],
                "raw_text": [hidden if has_personal(feed) else reject.text for reject in rejected],
            }
        ),
    )
    con.execute(
        f"insert into {table} select file_id, file_name, line, 'quarantined', {literal(NOT_A_RECORD)}, null, reason, "
        f"raw_text, {literal(run_id)} from rejected"
    )
    con.unregister("rejected")


def move(
    con: duckdb.DuckDBPyConnection,
    feed: SourceFeed,
    entries: list[LedgerEntry],
    run_id: str,
    kind: str,
    column: str,
    reason: str,
    rows: str,
    value: str = "null",
) -> None:
    """Move loaded rows to quarantine. rows: a table of them, `row` is the rowid in raw; reason, value: SQL on it."""
    table = _create(con, feed)
    fields = ", ".join(
        f"{literal(c.name)}: " + (literal("(personal)") if c.is_personal else f"{quoted(c.name)}::varchar")
        for c in feed.into.columns
    )
    con.execute(
        f"insert into {table} select _file_id, {_names(entries)}[_file_id], _line, {literal(kind)}, {literal(column)}, "
        f"({value})::varchar, {reason}, to_json({{{fields}}})::varchar, {literal(run_id)} from {rows} order by 1, 3"
    )
    con.execute(f"delete from raw.{feed.table} where rowid in (select row from {rows})")


def counts(con: duckdb.DuckDBPyConnection, feed: SourceFeed, ids: list[int]) -> dict[int, dict[str, int]]:
    """Return how many records of each file are kept aside, by kind."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    if not table_exists(con, f"quarantine.{feed.table}"):
        return found
    for file_id, kind, count in con.execute(
        f"select file_id, kind, count(*) from quarantine.{feed.table} where {among('file_id', ids)} group by all"
    ).fetchall():
        found[file_id][kind] = count
    return found


def messages(con: duckdb.DuckDBPyConnection, feed: SourceFeed, ids: list[int]) -> list[str]:
    """Word refusals as `SOURCE file:line:column value — reason — what to do`, a few a column and then the count."""
    if not table_exists(con, f"quarantine.{feed.table}"):
        return []
    table = f"quarantine.{feed.table}"
    of_batch = f"from {table} where kind <> 'excluded' and {among('file_id', ids)}"
    rows = con.execute(
        f"select file_name, line, column_name, value, reason, count(*) over (partition by file_id, column_name), "
        f"row_number() over (partition by file_id, column_name order by line) as nth {of_batch} "
        f"qualify nth <= {EXAMPLES} order by file_id, column_name, line"
    ).fetchall()
    told = []
    for file_name, line, column, value, reason, count, nth in rows:
        shown = "" if value is None else f" {value!r}"
        told.append(
            f"{feed.name} {file_name}:{line}:{column}{shown} — {reason} — row kept in {table}; correct it at the "
            "source and deliver the file again under the same name"
        )
        if nth == EXAMPLES and count > EXAMPLES:
            told.append(f"{feed.name} {file_name}: {count - EXAMPLES:,} more rows like these in column {column}")
    return told


def _reason(feed: SourceFeed) -> str:
    """Return SQL that says why a column's value was refused."""
    cases = " ".join(f"when {literal(c.name)} then {_of_column(feed, c)}" for c in feed.into.columns)
    return f"case (_problem ->> 'column') {cases} end"


def _of_column(feed: SourceFeed, column: Column) -> str:
    value = "(_problem ->> 'value')"
    parts = [f"when {value} is null or trim({value}) = '' then 'is empty, but required'"]
    if column.type == "text":
        if column.may_be_rounded:
            parts.append(f"when regexp_full_match(trim({value}), {literal(SCIENTIFIC)}) then {literal(ROUNDED)}")
        how = (feed.columns or {}).get(column.name)
        refused = "is not in the declaration's map" if how and how.strict else "holds control characters"
        return f"case {' '.join(parts)} else {literal(refused)} end"
    if column.minimum is not None:
        parts.append(f"when try_cast({value} as double) < {column.minimum} then 'is below {column.minimum}'")
    expected = EXPECTED[column.type]
    pattern = _pattern(feed, column)
    if pattern:
        expected = f"a {column.type} like {pattern}"
    elif column.type in ("date", "timestamp"):
        beyond = literal(f"is not {expected}, of 1900 to 2199")
        parts.append(f"when try_cast({value} as timestamp) is not null then {beyond}")
    return f"case {' '.join(parts)} else {literal('is not ' + expected)} end"


def _pattern(feed: SourceFeed, column: Column) -> str | None:
    how = (feed.columns or {}).get(column.name)
    if how and how.format:
        return how.format
    return {"date": feed.format.date, "timestamp": feed.format.timestamp}.get(column.type)


def _names(entries: list[LedgerEntry]) -> str:
    return "map {" + ", ".join(f"{e.file_id}: {literal(e.name)}" for e in entries) + "}"


def _create(con: duckdb.DuckDBPyConnection, feed: SourceFeed) -> str:
    con.execute(f"create table if not exists quarantine.{feed.table} ({_TYPES})")
    return f"quarantine.{feed.table}"
