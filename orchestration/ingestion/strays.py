"""Rows with a date that cannot be meant: after today, or far from all other dates of their file.

A till whose clock was reset writes 2001 among 2026; one such line at the far end would move the night's business day.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise

import duckdb

from orchestration.ingestion import quarantine
from orchestration.ingestion.declarations import SourceFeed
from orchestration.ingestion.ledger import LedgerEntry
from orchestration.ingestion.settings import IngestionSettings
from orchestration.sql import quoted

# a group of dates is stray when all other rows of the file are at least so many times as many
OUTNUMBERED = 20


def set_aside(
    con: duckdb.DuckDBPyConnection,
    feed: SourceFeed,
    entries: list[LedgerEntry],
    of_batch: str,
    today: date,
    settings: IngestionSettings,
    run_id: str,
) -> None:
    """Move rows with stray dates from raw to quarantine; only feeds that come for each day are asked."""
    if not feed.into.is_daily or not feed.into.date_column:
        return
    column, table = quoted(feed.into.date_column), f"raw.{feed.table}"
    days: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for file_id, day, rows in con.execute(
        f"select _file_id, {column}::date, count(*) from {table} where {of_batch} group by all order by 1, 2"
    ).fetchall():
        days[file_id].append((day, rows))
    believed = today + timedelta(days=settings.future_days)
    bounds = {file_id: believed_range(counts, believed, settings) for file_id, counts in days.items()}
    strange = {f: b for f, b in bounds.items() if b[0] > days[f][0][0] or b[1] < days[f][-1][0]}
    if not strange:
        return
    outside = " or ".join(
        f"(_file_id = {f} and {column}::date not between date '{low}' and date '{high}')"
        for f, (low, high) in strange.items()
    )
    con.execute(f"create or replace temp table stray as select rowid as row, * from {table} where {outside}")
    reason = (
        f"case when {column}::date > date '{believed}' then 'lies in the future' "
        "else 'is far from every other date of the file' end"
    )
    quarantine.move(con, feed, entries, run_id, "quarantined", feed.into.date_column, reason, "stray", column)
    con.execute("drop table stray")


def believed_range(counts: list[tuple[date, int]], latest: date, settings: IngestionSettings) -> tuple[date, date]:
    """Return the first and last date of a file that are believed, from its rows by date in order.

    Dates after `latest` are not. Nor is a group of dates at either end that stands more than `stray_days` from the rest
    when the rest has OUTNUMBERED times its rows.
    """
    kept = [(day, rows) for day, rows in counts if day <= latest]
    if not kept:
        return latest, latest
    total = sum(rows for _, rows in kept)
    gap = timedelta(days=settings.stray_days)
    low, high = kept[0][0], kept[-1][0]
    before = 0
    for (day, rows), (following, _) in pairwise(kept):
        before += rows
        if following - day > gap:
            if before * OUTNUMBERED <= total - before:
                low = following
            if (total - before) * OUTNUMBERED <= before:
                high = min(high, day)
    return low, high
