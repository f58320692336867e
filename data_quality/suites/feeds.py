"""Checks on the extracts as delivered: the rules of feed_rules.py as checks, and whether a feed comes as usual.

Belongs here: how a rule is asked. Does not: which rules there are (feed_rules.py), what only shows in the business
tables (the other suites). A feed without rows is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from data_quality.checks import Check, Severity, Table, day
from data_quality.settings import QualitySettings
from data_quality.suites.feed_rules import FEEDS, Feed


def feed_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on feeds.*, in the order of FEEDS."""
    return [check for feed in FEEDS for check in _checks(feed, settings, as_of)]


def _checks(feed: Feed, settings: QualitySettings, as_of: date) -> Iterator[Check]:
    name = f"feeds.{feed.name}"
    table = Table(name, ("_source", "_file_id", "_line", *feed.shown.split()), needs=(name,))
    yield from table.given(*feed.given.split())
    yield from table.not_negative(*feed.positive.split())
    if feed.key:
        shown = tuple(column for column in feed.key.split() if column in feed.shown.split())
        yield table.unique("_source", *feed.key.split(), shown=("_source", *shown))
    for rule, holds, breaks, columns in feed.rules:
        query = f"select * from {name} where {breaks}"
        besides = [column for column in columns.split() if column not in table.shown]
        yield table.no_rows(rule, holds, query, (*table.shown, *besides), severity="warn")
    for column, other, key in feed.refers:
        yield _has_few_orphans(table, column, other, key, settings)
    if feed.dated:
        yield from _comes_as_usual(table, feed, settings, as_of)


def _has_few_orphans(table: Table, column: str, other: str, key: str, settings: QualitySettings) -> Check:
    limit = settings.warn_orphan_pct
    query = f"""
        with named as (
            select {column}, count(*) as row_count from {table.name}
            where {column} is not null and {column} <> '*' group by {column}
        ),
        orphans as (
            select * from named where {column} not in (select {key} from {other} where {key} is not null)
        )
        select {column}, row_count, round(100.0 * row_count / (select sum(row_count) from named), 3) as pct
        from orphans
        where (select sum(row_count) from orphans) * 100.0 > {limit} * (select sum(row_count) from named)
    """
    return table.no_rows(
        f"{column}_is_known",
        f"At most {limit:g} % of the rows name a {column} that {other} does not have (quality.warn_orphan_pct).",
        query,
        (column, "row_count", "pct"),
        severity="warn",
        needs=(other,),
        advice=f"deliver {other.removeprefix('feeds.').replace('_', '/', 1)} with these, or see why they are named",
    )


def _comes_as_usual(table: Table, feed: Feed, settings: QualitySettings, as_of: date) -> Iterator[Check]:
    """A source that comes daily is not late, and a steady feed brings what it usually brings on that weekday."""
    column = feed.dated
    days = f"""
        days as (
            select _source as source, cast({column} as date) as date, count(*) as row_count
            from {table.name}
            where {column} >= {day(as_of)} - 90 and {column} < {day(as_of)} + 1
            group by all
        ),
        newest as (
            select source, max(date) as newest_date from days group by source
        ),
        daily as (
            select source, newest_date
            from newest inner join days using (source)
            where date > newest_date - 28
            group by all
            having count(*) >= 20
        )
    """
    grades: list[tuple[str, Severity, str, int]] = [("is_not_late", "warn", "warn_late_days", settings.warn_late_days)]
    if settings.max_late_days is not None:
        grades.append(("is_not_too_late", "error", "max_late_days", settings.max_late_days))
    for name, severity, setting, limit in grades:
        yield table.no_rows(
            name,
            f"A source that comes daily has rows no older than {limit} days at {as_of} (quality.{setting}).",
            f"with {days} select source, newest_date from daily where newest_date < {day(as_of)} - {limit}",
            ("source", "newest_date"),
            severity=severity,
            advice="see why the extract did not come; until it does, tables and orders rest on older data",
        )
    if not feed.is_steady:
        return
    low, high = settings.warn_day_volume_low, settings.warn_day_volume_high
    query = f"""
        with {days},
        usual as (
            select source, median(row_count) as usual_row_count
            from daily inner join days using (source)
            where date < newest_date and date >= newest_date - 56 and (newest_date - date) % 7 = 0
            group by source
            having count(*) >= 4
        )
        select source, date, row_count, usual_row_count
        from daily inner join days using (source) inner join usual using (source)
        where date = newest_date and row_count not between {low} * usual_row_count and {high} * usual_row_count
    """
    yield table.no_rows(
        "newest_day_has_its_volume",
        f"The newest day of a daily source has {low:g} to {high:g} times the rows usual for its weekday.",
        query,
        ("source", "date", "row_count", "usual_row_count"),
        severity="warn",
        advice="see whether files of that day are missing or doubled",
    )
