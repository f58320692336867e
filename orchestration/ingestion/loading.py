"""Load what is new in `landing/`: per file one transaction, each row loaded or kept aside with its reason.

Belongs here: the decision what to do with each file, and the SQL that loads it. The views in schema `feeds`, one a
canonical feed, are what dbt reads.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.ingestion import ledger, quarantine
from orchestration.ingestion.casting import cast_expressions, error_expression
from orchestration.ingestion.catalogue import CanonicalFeed, canonical_feeds
from orchestration.ingestion.declarations import SourceFeed
from orchestration.ingestion.ledger import LedgerEntry
from orchestration.ingestion.readers import FileRefusedError, OpenExtract, open_extract, sha256
from orchestration.sql import literal, quoted

Say = Callable[[str], None]


@dataclass
class IngestionReport:
    """What one run found in `landing/`: `errors` forbid to publish, `warnings` are shown; counts by state of file."""

    files: dict[str, int] = field(default_factory=dict)
    rows_loaded: int = 0
    rows_quarantined: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def count(self, state: str) -> None:
        """Count one file that ended in `state`."""
        self.files[state] = self.files.get(state, 0) + 1


def ingest(
    con: duckdb.DuckDBPyConnection,
    feeds: list[SourceFeed],
    landing: Path,
    run_id: str,
    max_quarantined_pct: float,
    say: Say,
) -> IngestionReport:
    """Load every new or corrected file of every feed, and renew the views that dbt reads.

    A refused file leaves what was loaded before as it was. Rows that do not parse go to `quarantine.<source>_<feed>`.
    """
    ledger.ensure_ledger(con)
    report = IngestionReport()
    for feed in feeds:
        for path in _files(feed.folder(landing), feed.pattern):
            _take(con, feed, path, run_id, max_quarantined_pct, report, say)
    for folder in _undeclared(feeds, landing):
        report.warnings.append(f"{folder}: no declaration reads this folder — its files are left alone")
    refresh_views(con, feeds)
    for feed in feeds:
        if feed.into.is_mandatory and not _row_count(con, f"feeds.{feed.into.table}"):
            report.errors.append(
                f"{feed.into.name}: no rows — every night needs this feed — put its extract into "
                f"{feed.folder(landing)}/"
            )
    return report


def refresh_views(con: duckdb.DuckDBPyConnection, feeds: list[SourceFeed]) -> None:
    """(Re)create `feeds.<feed>` for every canonical feed: the rows that count, resolved by the feed's load mode."""
    for canonical in canonical_feeds().values():
        tables = [f"raw.{f.table}" for f in feeds if f.into == canonical and _table_exists(con, "raw", f.table)]
        con.execute(f"create or replace view feeds.{canonical.table} as {_view_query(con, canonical, tables)}")


def _files(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the extracts of a folder by name; what is still being written carries a dot or `.part` by custom."""
    if not folder.is_dir():
        return []
    skipped = (".part", ".tmp", ".filepart")
    return sorted(p for p in folder.glob(pattern) if p.is_file() and p.name[0] != "." and not p.name.endswith(skipped))


def _undeclared(feeds: list[SourceFeed], landing: Path) -> list[str]:
    known = {feed.folder(landing) for feed in feeds}
    folders = sorted(p for p in landing.glob("*/*") if p.is_dir()) if landing.is_dir() else []
    return [str(folder) for folder in folders if folder not in known and _files(folder)]


def _take(
    con: duckdb.DuckDBPyConnection,
    feed: SourceFeed,
    path: Path,
    run_id: str,
    max_quarantined_pct: float,
    report: IngestionReport,
    say: Say,
) -> None:
    """Decide what to do with one file, and do it in one transaction."""
    digest = sha256(path)
    same = ledger.find_content(con, feed.source, feed.feed, digest)
    if same is not None:
        if same != path.name and not ledger.is_known_duplicate(con, feed.source, feed.feed, path.name, digest):
            _record_duplicate(con, feed, path, digest, same, run_id)
            say(f"{feed.name} {path.name}: same bytes as {same}, not loaded again")
        report.count("unchanged" if same == path.name else ledger.DUPLICATE)
        return
    ledger.forget_refusals(con, feed.source, feed.feed, path.name)
    try:
        extract = open_extract(con, path)
        _check_header(feed.into, extract)
    except FileRefusedError as refusal:
        _refuse(con, feed, path, digest, run_id, refusal, report)
        return
    con.execute("begin")
    try:
        entry, messages = _load(con, feed, path, digest, run_id, extract)
        if entry.rows_physical and 100 * entry.rows_quarantined / entry.rows_physical > max_quarantined_pct:
            raise FileRefusedError(
                f"{entry.rows_quarantined:,} of {entry.rows_physical:,} rows do not parse, more than "
                f"{max_quarantined_pct:g} % (setting max_quarantined_pct), e.g. {'; '.join(messages)}"
            )
        con.execute("commit")
    except FileRefusedError as refusal:
        con.execute("rollback")
        _refuse(con, feed, path, digest, run_id, refusal, report)
        return
    except BaseException:
        con.execute("rollback")
        raise
    report.count(ledger.LOADED)
    report.rows_loaded += entry.rows_loaded
    report.rows_quarantined += entry.rows_quarantined
    report.warnings.extend(messages)
    aside = f", {entry.rows_quarantined:,} quarantined" if entry.rows_quarantined else ""
    aside += f", {entry.rows_duplicate:,} exact duplicates" if entry.rows_duplicate else ""
    say(
        f"{feed.name} {path.name}: {entry.rows_loaded:,} rows loaded{aside}"
        + (f" ({entry.detail})" if entry.detail else "")
    )


def _refuse(
    con: duckdb.DuckDBPyConnection,
    feed: SourceFeed,
    path: Path,
    digest: str,
    run_id: str,
    refusal: FileRefusedError,
    report: IngestionReport,
) -> None:
    ledger.record(con, _entry(con, feed, path, digest, run_id, ledger.REFUSED, detail=str(refusal)))
    report.errors.append(f"{feed.name} {path.name} {refusal}")
    report.count(ledger.REFUSED)


def _entry(
    con: duckdb.DuckDBPyConnection, feed: SourceFeed, path: Path, digest: str, run_id: str, state: str, **counts: object
) -> LedgerEntry:
    identity = (ledger.next_file_id(con), feed.source, feed.feed, path.name, digest, path.stat().st_size, state, run_id)
    return LedgerEntry(*identity, **counts)  # type: ignore[arg-type]


def _record_duplicate(
    con: duckdb.DuckDBPyConnection, feed: SourceFeed, path: Path, digest: str, same: str, run_id: str
) -> None:
    row = con.execute(
        "select rows_physical from ops.file_ledger where source = ? and feed = ? and name = ? and state = ?",
        [feed.source, feed.feed, same, ledger.LOADED],
    ).fetchone()
    rows = int(row[0]) if row else 0
    counts = {"rows_physical": rows, "rows_duplicate": rows, "detail": f"duplicate of {same}"}
    ledger.record(con, _entry(con, feed, path, digest, run_id, ledger.DUPLICATE, **counts))


def _load(
    con: duckdb.DuckDBPyConnection, feed: SourceFeed, path: Path, digest: str, run_id: str, extract: OpenExtract
) -> tuple[LedgerEntry, list[str]]:
    """Load one file inside the caller's transaction; returns its ledger entry and one message a kind of bad value."""
    earlier = ledger.find_loaded(con, feed.source, feed.feed, path.name)
    file_id = ledger.next_file_id(con)
    _create_raw(con, feed)
    if earlier:
        con.execute(f"delete from raw.{feed.table} where _file_id = ?", [earlier[0]])
        quarantine.forget(con, feed.table, earlier[0])
        ledger.set_state(con, earlier[0], ledger.REPLACED, f"replaced by file {file_id}")
    cast = _cast_query(feed.into, extract)
    columns = ", ".join(quoted(name) for name, _ in feed.into.stored_columns)
    con.execute(
        f"insert into raw.{feed.table} ({columns}, _source, _file_id, _line) "
        f"select {columns}, {literal(feed.source)}, {file_id}, _line from ({cast}) where _bad_column is null"
    )
    good = _row_count(con, f"raw.{feed.table} where _file_id = {file_id}")
    bad = extract.physical_rows - good
    messages = quarantine.keep(con, feed, path.name, file_id, run_id, extract, cast) if bad else []
    duplicates = _drop_exact_duplicates(con, feed, file_id)
    first, last = _date_range(con, feed, file_id)
    entry = _entry(
        con,
        feed,
        path,
        digest,
        run_id,
        ledger.LOADED,
        rows_physical=extract.physical_rows,
        rows_loaded=good - duplicates,
        rows_quarantined=bad,
        rows_duplicate=duplicates,
        first_date=first,
        last_date=last,
        detail=f"replaces {earlier[1]:,} rows of the earlier file" if earlier else "",
    )
    ledger.record(con, entry)
    return entry, messages


def _check_header(feed: CanonicalFeed, extract: OpenExtract) -> None:
    missing = [name for name in feed.required if name not in extract.columns]
    if not missing:
        return
    unknown = [name for name in extract.columns if name not in {c.name for c in feed.columns}]
    parts = []
    for name in missing:
        near = difflib.get_close_matches(name, unknown, n=1, cutoff=0.5)
        parts.append(f"{name!r}" + (f" (the file has {near[0]!r}: renamed?)" if near else ""))
    noun, these = ("column", "this column") if len(missing) == 1 else ("columns", "these columns")
    raise FileRefusedError(
        f"lacks required {noun} {', '.join(parts)} — no column is taken by its position — deliver the file with "
        f"{these}; nothing of it was loaded"
    )


def _create_raw(con: duckdb.DuckDBPyConnection, feed: SourceFeed) -> None:
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in feed.into.stored_columns)
    con.execute(
        f"create table if not exists raw.{feed.table} ({columns}, _source varchar, _file_id bigint, _line bigint)"
    )


def _cast_query(feed: CanonicalFeed, extract: OpenExtract) -> str:
    """Return SQL with the stored columns, the file's own values as `file_<name>`, `_line` and `_bad_column`."""
    present = {c.name for c in feed.columns if c.name in extract.columns}
    casts = []
    for column in feed.columns:
        name = column.name if column.name in present else None
        casts += cast_expressions(column, name, extract.columns.get(column.name, "VARCHAR"))
    selected = [f"{sql} as {quoted(name)}" for name, sql in casts]
    selected += [f"{quoted(name)} as {quoted('file_' + name)}" for name in sorted(present)]
    inner = f"select _line, {', '.join(selected)} from {extract.relation}"
    return f"select *, {error_expression(feed, present)} as _bad_column from ({inner})"


def _drop_exact_duplicates(con: duckdb.DuckDBPyConnection, feed: SourceFeed, file_id: int) -> int:
    """Delete rows that repeat another row of the file in every column; returns how many.

    Unique keys prove that there are none: one hash a row (2 s for 23 million) instead of a sort of whole rows.
    """
    key = ", ".join(map(quoted, feed.into.key))
    of_file = f"from raw.{feed.table} where _file_id = {file_id}"
    repeated = con.execute(f"select count(*) - count(distinct hash({key})) {of_file}").fetchone()
    if not repeated or not repeated[0]:
        return 0
    columns = ", ".join(quoted(name) for name, _ in feed.into.stored_columns)
    deleted = con.execute(
        f"delete from raw.{feed.table} where rowid in (select rowid from (select rowid, row_number() over "
        f"(partition by {columns} order by _line) as nth {of_file}) where nth > 1)"
    ).fetchone()
    return int(deleted[0]) if deleted else 0


def _date_range(con: duckdb.DuckDBPyConnection, feed: SourceFeed, file_id: int) -> tuple:
    if not feed.into.date_column:
        return None, None
    column = quoted(feed.into.date_column)
    row = con.execute(
        f"select min({column})::date, max({column})::date from raw.{feed.table} where _file_id = ?", [file_id]
    ).fetchone()
    return row or (None, None)


def _view_query(con: duckdb.DuckDBPyConnection, feed: CanonicalFeed, tables: list[str]) -> str:
    if not tables:
        columns = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in feed.stored_columns)
        empty = "null::varchar as _source, null::bigint as _file_id, null::bigint as _line"
        return f"select {columns}, {empty} where false"
    rows = " union all by name ".join(f"select * from {table}" for table in tables)
    key = ", ".join(map(quoted, feed.key))
    if feed.load == "snapshot":
        return f"select * from ({rows}) qualify _file_id = max(_file_id) over (partition by _source)"
    if feed.load == "append" or not _has_repeated_keys(con, rows, key):
        return rows
    return (
        f"select * from ({rows}) qualify row_number() over (partition by {key} order by _file_id desc, _line desc) = 1"
    )


def _has_repeated_keys(con: duckdb.DuckDBPyConnection, rows: str, key: str) -> bool:
    """Unique keys need no window over the whole feed each time the view is read (8 million stock rows: 5 s)."""
    row = con.execute(f"select count(*) > count(distinct hash({key})) from ({rows})").fetchone()
    return bool(row and row[0])


def _row_count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = con.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0


def _table_exists(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = con.execute("select 1 from duckdb_tables() where schema_name = ? and table_name = ?", [schema, table])
    return found.fetchone() is not None
