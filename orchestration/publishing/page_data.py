"""What the page shows of the night itself: its feeds, its checks, what is absent; and how the page reads tables.

Belongs here: named queries on the night's own marts.duckdb and the arithmetic on their result, as plain values. Words,
colours and layout stand in charts and templates; orders in page_orders, forecasts in page_forecast. Every query reads
the finished file, so the page shows what analysts can query; where a table is absent the answer is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.publishing.night import Night

Row = dict[str, Any]

ROW_COUNTS = ("rows_loaded", "rows_quarantined", "rows_excluded", "rows_duplicate", "rows_superseded")

# What each part of the page rests on: a part whose feed is simulated says so.
FEEDS_BEHIND = {
    "forecast": ("pos/sales", "erp/inventory", "erp/ranging", "erp/prices", "erp/promotions", "erp/events"),
    "orders": (
        *("pos/sales", "pos/open_orders", "erp/inventory", "erp/suppliers", "erp/sourcing"),
        *("erp/purchase_orders", "erp/transfers", "erp/lots", "erp/ranging"),
    ),
    "prices": (
        *("pos/sales", "erp/prices", "erp/promotions", "erp/inventory", "erp/lots"),
        *("erp/products", "erp/sourcing", "erp/competitor_prices"),
    ),
    "range": ("pos/sales", "crm/customers", "erp/ranging", "erp/products"),
    "lists": (
        *("pos/sales", "pos/open_orders", "erp/inventory", "erp/locations", "erp/lanes", "erp/sourcing"),
        *("erp/purchase_orders", "erp/transfers"),
    ),
}


@dataclass(frozen=True)
class Source:
    """A connection to marts.duckdb and the names of its tables."""

    con: duckdb.DuckDBPyConnection
    tables: frozenset[str]

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """Run a query; one dict a row."""
        result = self.con.execute(sql, list(parameters))
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def source_of(con: duckdb.DuckDBPyConnection) -> Source:
    """Look up which tables there are."""
    found = con.execute("select table_name from information_schema.tables").fetchall()
    return Source(con, frozenset(row[0] for row in found))


def simulated_behind(part: str, night: Night) -> list[str]:
    """Return the simulated feeds that a part of the page (a key of FEEDS_BEHIND) rests on."""
    return [feed for feed in FEEDS_BEHIND[part] if feed in night.simulated_feeds]


def absent_by_reason(night: Night) -> dict[str, list[str]]:
    """Outputs that are absent, by the reason why: most share one."""
    reasons: dict[str, list[str]] = {}
    for name in sorted(night.absent):
        reasons.setdefault(night.absent[name], []).append(name)
    return reasons


def feeds(inputs: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Files and rows by feed: what was read, and what became of it. `adds_up`: nothing is missing."""
    by_feed: dict[str, Row] = {}
    for file in inputs:
        total = by_feed.setdefault(
            file["feed"], {"feed": file["feed"], "files": 0, "rows_physical": 0, **dict.fromkeys(ROW_COUNTS, 0)}
        )
        total["files"] += 1
        for count in ("rows_physical", *ROW_COUNTS):
            total[count] += file.get(count) or 0
    return [_accounted(by_feed[name]) for name in sorted(by_feed, key=lambda name: (name != "pos/sales", name))]


def all_feeds(by_feed: Sequence[Row]) -> Row:
    """The sum over all feeds."""
    names = ("files", "rows_physical", *ROW_COUNTS)
    return _accounted({name: sum(row[name] for row in by_feed) for name in names})


def _accounted(row: Row) -> Row:
    return {**row, "adds_up": row["rows_physical"] == sum(row[count] for count in ROW_COUNTS)}


CHECK_COUNTS = """
select count(*) as total, count(*) filter (passed) as passed, count(*) filter (not passed) as failed,
    count(*) filter (not passed and severity = 'error') as refusing
from data_quality
"""
FAILED_CHECKS = """
select gate, table_name, check_name, description, severity, failed_rows, checked_rows, advice, docs_link
from data_quality
where not passed
order by severity, gate, table_name, check_name
"""


def checks(source: Source) -> Row | None:
    """How many checks passed, and those that did not. refusing: failed ones that should have kept the night back."""
    if "data_quality" not in source.tables:
        return None
    return {**source.rows(CHECK_COUNTS)[0], "rows": source.rows(FAILED_CHECKS)}
