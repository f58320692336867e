"""Rows that were refused, kept with file, line, column, value and reason, so that nothing is lost.

`quarantine.<source>_<feed>` has one row a refused record. Its raw text is the record's own values as JSON.
"""

from __future__ import annotations

import duckdb

from orchestration.ingestion.casting import EXPECTED
from orchestration.ingestion.declarations import SourceFeed
from orchestration.ingestion.readers import OpenExtract
from orchestration.sql import literal, quoted

EXAMPLES = 3
NOT_A_RECORD = "(record)"


def keep(
    con: duckdb.DuckDBPyConnection,
    feed: SourceFeed,
    file_name: str,
    file_id: int,
    run_id: str,
    extract: OpenExtract,
    cast_query: str,
) -> list[str]:
    """Store the refused records of one file; returns messages for the first few of each bad column."""
    table = f"quarantine.{feed.table}"
    con.execute(
        f"create table if not exists {table} (file_id bigint, file_name varchar, line bigint, column_name varchar, "
        "value varchar, reason varchar, raw_text varchar, run_id varchar)"
    )
    columns = {c.name: c for c in feed.into.columns if c.name in extract.columns}
    value = (
        "case _bad_column "
        + " ".join(f"when {literal(n)} then {quoted('file_' + n)}::varchar" for n in columns)
        + " end"
    )
    reason = (
        "case _bad_column "
        + " ".join(
            f"when {literal(n)} then case when trim({quoted('file_' + n)}::varchar) <> '' then "
            f"{literal('is not ' + EXPECTED[c.type])} else 'is empty, but required' end"
            for n, c in columns.items()
        )
        + " end"
    )
    record = "to_json({" + ", ".join(f"{literal(n)}: {quoted('file_' + n)}" for n in columns) + "})::varchar"
    con.execute(
        f"insert into {table} select {file_id}, {literal(file_name)}, _line, _bad_column, {value}, {reason}, {record}, "
        f"{literal(run_id)} from ({cast_query}) where _bad_column is not null order by _line"
    )
    for line, text, why in extract.rejected:
        con.execute(
            f"insert into {table} values (?, ?, ?, ?, ?, ?, ?, ?)",
            [file_id, file_name, line, NOT_A_RECORD, None, why, text, run_id],
        )
    return _messages(con, feed, table, file_name, file_id)


def forget(con: duckdb.DuckDBPyConnection, table: str, file_id: int) -> None:
    """Drop the refused records of a file that was delivered again."""
    found = con.execute("select 1 from duckdb_tables() where schema_name = 'quarantine' and table_name = ?", [table])
    if found.fetchone():
        con.execute(f"delete from quarantine.{table} where file_id = ?", [file_id])


def _messages(con: duckdb.DuckDBPyConnection, feed: SourceFeed, table: str, file_name: str, file_id: int) -> list[str]:
    """Word refusals as `SOURCE file:line:column value — reason — what to do`, a few a column and then the count."""
    messages = []
    counts = con.execute(
        f"select column_name, count(*) from {table} where file_id = ? group by column_name order by column_name",
        [file_id],
    ).fetchall()
    for column, count in counts:
        rows = con.execute(
            f"select line, value, reason from {table} where file_id = ? and column_name = ? order by line limit ?",
            [file_id, column, EXAMPLES],
        ).fetchall()
        for line, value, reason in rows:
            shown = "" if value is None else f" {value!r}"
            messages.append(
                f"{feed.name} {file_name}:{line}:{column}{shown} — {reason} — row kept in {table}; correct it at the "
                "source and deliver the file again under the same name"
            )
        if count > EXAMPLES:
            messages.append(f"{feed.name} {file_name}: {count - EXAMPLES:,} more rows like these in column {column}")
    return messages
