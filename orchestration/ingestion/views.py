"""The views in schema `feeds`, one a canonical feed: the rows that count for a run, of all sources; dbt reads them.

Which files count stands in the ledger, which row of a repeated key in its load mode; raw keeps everything.
"""

from __future__ import annotations

import duckdb

from orchestration.ingestion import ledger
from orchestration.ingestion.catalogue import CanonicalFeed, canonical_feeds
from orchestration.ingestion.declarations import SourceFeed
from orchestration.ingestion.keys import key_hash, live
from orchestration.sql import literal, quoted
from orchestration.warehouse import table_exists


def refresh(con: duckdb.DuckDBPyConnection, feeds: list[SourceFeed], run_id: str) -> None:
    """(Re)create the views as a run knows them: the newest run everything, an older one what had arrived by then."""
    ledger.show_as_known(con, run_id)
    for canonical in canonical_feeds().values():
        queries = [
            _query(con, feed, run_id)
            for feed in feeds
            if feed.into == canonical and table_exists(con, f"raw.{feed.table}")
        ]
        body = " union all by name ".join(queries) if queries else _empty(canonical)
        con.execute(f"create or replace view feeds.{canonical.table} as {body}")


def _query(con: duckdb.DuckDBPyConnection, feed: SourceFeed, run_id: str) -> str:
    names = [quoted(name) for name, _ in feed.into.stored_columns]
    select = (
        f"select {', '.join(names)}, _source, _file_id, _line from raw.{feed.table} where {live(con, feed, run_id)}"
    )
    if feed.load == "snapshot":
        newest = f"select max(file_id) from ops.file_ledger where state = '{ledger.LOADED}' and source = "
        newest += f"{literal(feed.source)} and feed = {literal(feed.feed)}"
        return f"{select} and _file_id = ({newest})"
    found = con.execute("select 1 from ops.repeated_keys where table_name = ? limit 1", [feed.table]).fetchone()
    if not found:
        # unique keys need no window over the whole feed each time the view is read (8 million stock rows: 5 s)
        return select
    repeated = f"(select key_hash from ops.repeated_keys where table_name = {literal(feed.table)})"
    key = ", ".join(map(quoted, feed.into.key))
    newest = f"row_number() over (partition by {key} order by _file_id desc, _line desc) = 1"
    picked = f"{select} and {key_hash(feed)} in {repeated} qualify {newest}"
    return f"({select} and {key_hash(feed)} not in {repeated} union all {picked})"


def _empty(feed: CanonicalFeed) -> str:
    columns = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in feed.stored_columns)
    return f"select {columns}, null::varchar as _source, null::bigint as _file_id, null::bigint as _line where false"
