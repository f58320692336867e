"""Equal keys in several files, and keys that lost their leading zeros on the way.

Within a file repeats are settled when it is loaded (batch.py). Here files are compared with each other: an exact repeat
is counted as a duplicate, of other values the newest file counts. Both rows stay in raw, because a file may be replaced
later; the views pick the row that counts, and `ops.repeated_keys` tells them which keys need picking.
"""

from __future__ import annotations

import duckdb
import numpy as np

from orchestration.ingestion import ledger
from orchestration.ingestion.declarations import SourceFeed
from orchestration.sql import literal, quoted

EXAMPLES = 3


def key_hash(feed: SourceFeed) -> str:
    """Return SQL of a row's key as one number."""
    return f"hash({', '.join(map(quoted, feed.into.key))})"


def are_unique(con: duckdb.DuckDBPyConnection, hashes: str) -> bool:
    """Say whether a query's one column of hashes has each once: sorted outside, 0.3 s for 10 million where counting
    them apart takes 1.5 s."""
    found = con.execute(hashes).fetchnumpy()
    (values,) = found.values()
    ordered = np.sort(values)
    return not bool((ordered[1:] == ordered[:-1]).any())


def compare(con: duckdb.DuckDBPyConnection, feed: SourceFeed, run_id: str) -> list[str]:
    """Compare the keys of files that are new with all others; returns messages. One transaction, safe to repeat."""
    new = [
        e.file_id
        for e in ledger.current_entries(con, feed.source, feed.feed)
        if e.state == ledger.LOADED and not e.is_compared
    ]
    if not new:
        return []
    messages: list[str] = []
    con.execute("begin")
    try:
        if feed.load != "snapshot" and _repeats(con, feed, new, run_id):
            messages = _settle(con, feed, new, run_id)
        con.execute(f"update ops.files set is_compared = true where file_id in ({', '.join(map(str, new))})")
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return messages


def live(con: duckdb.DuckDBPyConnection, feed: SourceFeed, run_id: str) -> str:
    """Return SQL that is true for rows of files that count for a run."""
    dead = ledger.dead_files(con, run_id).get(feed.table)
    return f"_file_id not in ({', '.join(map(str, dead))})" if dead else "true"


def _repeats(con: duckdb.DuckDBPyConnection, feed: SourceFeed, new: list[int], run_id: str) -> bool:
    """Say whether a key of a new file comes in another file; most nights none does, and one hash a row proves it."""
    table, key, counts = f"raw.{feed.table}", key_hash(feed), live(con, feed, run_id)
    is_new = f"_file_id >= {min(new)} and {counts}"
    if len(new) > 1 and not are_unique(con, f"select {key} from {table} where {is_new}"):
        return True
    is_old = f"_file_id < {min(new)} and {counts}"
    if not con.execute(f"select 1 from {table} where {is_old} limit 1").fetchone():
        return False
    found = con.execute(
        f"select 1 from {table} where {is_old} and {key} in (select {key} from {table} where {is_new}) limit 1"
    ).fetchone()
    return found is not None


def _settle(con: duckdb.DuckDBPyConnection, feed: SourceFeed, new: list[int], run_id: str) -> list[str]:
    table, key, counts = f"raw.{feed.table}", key_hash(feed), live(con, feed, run_id)
    con.execute(
        f"create or replace temp table repeated as select {key} as key_hash from {table} where {counts} group by 1 "
        "having count(*) > 1"
    )
    con.execute(
        f"insert into ops.repeated_keys select {literal(feed.table)}, key_hash from repeated where key_hash not in "
        f"(select key_hash from ops.repeated_keys where table_name = {literal(feed.table)})"
    )
    messages = _count_repeats(con, feed, new, counts) if feed.load == "append" else []
    con.execute("drop table repeated")
    return messages


def _count_repeats(con: duckdb.DuckDBPyConnection, feed: SourceFeed, new: list[int], counts: str) -> list[str]:
    """Move exact repeats of earlier files from loaded to duplicate in the ledger; say what differs."""
    columns = ", ".join(quoted(name) for name, _ in feed.into.stored_columns)
    key = ", ".join(map(quoted, feed.into.key))
    rows = con.execute(
        f"""select _file_id, count(*) filter (same > 1), count(*) filter (same = 1), min(_line) filter (same = 1)
            from (
                select _file_id, _line, row_number() over (partition by {columns} order by _file_id) as same,
                    row_number() over (partition by {key} order by _file_id) as nth
                from raw.{feed.table} where {counts} and {key_hash(feed)} in (select key_hash from repeated)
            ) where nth > 1 and _file_id in ({", ".join(map(str, new))}) group by all order by 1"""
    ).fetchall()
    names = {e.file_id: e.name for e in ledger.current_entries(con, feed.source, feed.feed)}
    messages = []
    for file_id, exact, other, line in rows:
        con.execute(
            "update ops.files set rows_loaded = rows_loaded - ?, rows_duplicate = rows_duplicate + ? where file_id = ?",
            [exact, exact, file_id],
        )
        if other:
            messages.append(
                f"{feed.name} {names[file_id]}:{line}: {other:,} rows have the key of a row in an earlier file, with "
                f"other values ({', '.join(feed.into.key)}) — the newest file counts; both stay in raw.{feed.table}"
            )
    return messages


def lost_zeros(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return errors about keys that are unknown as they stand, but known with leading zeros.

    A spreadsheet makes 123 of 00123; such rows would otherwise be sales of products that nobody knows.
    """
    errors = []
    for column, master in (("sku_id", "erp_products"), ("location_id", "erp_locations")):
        for feed in ("pos_sales", "erp_inventory"):
            rows = con.execute(
                f"""with known as (select distinct {column} as id from feeds.{master}),
                        used as (select {column} as id, min(_file_id) as file_id, min(_line) as line
                                 from feeds.{feed} group by all)
                    select used.id, known.id, f.name, used.line from used
                    join known on ltrim(used.id, '0') = ltrim(known.id, '0') and used.id <> known.id
                    left join ops.files f on f.file_id = used.file_id
                    where exists (select 1 from known k where k.id like '0%') and used.id not in (select id from known)
                    order by 1, 2"""
            ).fetchall()
            if rows:
                shown = "; ".join(
                    f"{name}:{line}:{column} {used!r} is unknown, but {known!r} is known"
                    for used, known, name, line in rows[:EXAMPLES]
                )
                errors.append(
                    f"{feed.replace('_', '/', 1)} {shown} — {len(rows):,} keys lost their leading zeros, or gained "
                    "some — export the column as text and deliver the file again under the same name"
                )
    return errors
