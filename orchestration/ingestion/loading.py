"""Load what is new in `landing/`: each row loaded, or kept aside with its reason; each file whole or not at all.

Belongs here: the decision what to do with each file, and in which order. How a file is read stands in preparation and
extracts, what its columns become in mapping and casting, how equal keys of several files are settled in keys.
"""

from __future__ import annotations

import errno
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from orchestration.files import sha256_of
from orchestration.ingestion import keys, ledger, views
from orchestration.ingestion.batch import Batch, load_batch
from orchestration.ingestion.casting import prepare_connection
from orchestration.ingestion.declarations import DECISIONS, SourceFeed
from orchestration.ingestion.extracts import columns_of
from orchestration.ingestion.ledger import LedgerEntry
from orchestration.ingestion.mapping import added_headers, require_headers
from orchestration.ingestion.postgres import pull
from orchestration.ingestion.preparation import Stamp, prepare, shown_name, stamp_of
from orchestration.ingestion.refusals import FileRefusedError
from orchestration.ingestion.run import IngestionReport, IngestionRun, Say
from orchestration.ingestion.settings import IngestionSettings
from orchestration.warehouse import table_exists

# files read together: enough that 10,000 small ones cost few statements, few enough that a batch fits its memory
BATCH_FILES, BATCH_BYTES = 2_000, 256 << 20
# beyond this many files a feed is told in sums
FILES_TOLD = 20
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")


def ingest(
    con: duckdb.DuckDBPyConnection,
    feeds: list[SourceFeed],
    landing: Path,
    run_id: str,
    max_quarantined_pct: float,
    say: Say,
    settings: IngestionSettings | None = None,
    scratch: Path | None = None,
) -> IngestionReport:
    """Load every new or corrected file of every feed, and renew the views that dbt reads.

    A refused file leaves what was loaded before as it was. Rows that do not parse go to `quarantine.<source>_<feed>`.
    scratch: a folder for unpacked copies, emptied before and after (default: beside `landing/`).
    """
    ledger.ensure_ledger(con)
    prepare_connection(con)
    scratch = scratch or landing.parent / "warehouse" / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, mode=0o700)
    report = IngestionReport()
    night = IngestionRun(
        con, landing, run_id, settings or IngestionSettings(), max_quarantined_pct, scratch, date.today(), report, say
    )
    for feed in feeds:
        _pull(night, feed)
    # a database is read by an extension, which closed doors would keep out when this connection ingests again
    if not any(feed.database for feed in feeds):
        _close_doors(con, {landing, landing.parent / DECISIONS, scratch})
    growing = _still_growing(feeds, landing, night.settings)
    try:
        for feed in feeds:
            _load_feed(night, feed, growing)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for folder in _undeclared(feeds, landing):
        report.warnings.append(f"{folder}: no declaration reads this folder — its files are left alone")
    views.refresh(con, feeds, run_id)
    # whichever source delivers it; the built-in one comes first, and its folder is named
    mandatory = {feed.into.name: feed for feed in reversed(feeds) if feed.into.is_mandatory}
    for feed in reversed(mandatory.values()):
        if not _has_rows(con, f"feeds.{feed.into.table}"):
            report.errors.append(
                f"{feed.into.name}: no rows — every night needs this feed — put its extract into "
                f"{feed.folder(landing)}/"
            )
    report.errors += keys.lost_zeros(con)
    return report


def _close_doors(con: duckdb.DuckDBPyConnection, kept: set[Path]) -> None:
    """From here on SQL of this connection reads files of the folders `kept`, and nothing else.

    Names of files and columns, and the expressions of declarations, become part of SQL: what slipped through their own
    checks (expressions, sql.quoted) could otherwise read any file of the machine, load an extension or ask a web
    address. The spill folder was given before. DuckDB does not let the doors be opened again.
    """
    row = con.execute("select current_setting('enable_external_access')").fetchone()
    if row and row[0]:
        folders = sorted({str(path) for folder in kept for path in (folder, folder.resolve())})
        con.execute("set allowed_directories = ?", [folders])
        con.execute("set enable_external_access = false")


def _pull(night: IngestionRun, feed: SourceFeed) -> None:
    """Let a database's new rows land as a file; a database that cannot be read is an error like a refused file."""
    try:
        done = pull(night.con, feed, night.landing, night.run_id)
    except FileRefusedError as refusal:
        night.report.errors.append(f"{feed.name} {refusal}")
        return
    if done:
        night.say(done)


def _load_feed(night: IngestionRun, feed: SourceFeed, growing: set[Path]) -> None:
    """Load the new files of one feed, in batches, then settle keys that come in several of its files."""
    started = time.monotonic()
    before = night.report.rows_loaded
    paths = []
    for path in files_of(feed.folder(night.landing), feed.pattern):
        if path not in growing:
            paths.append(path)
            continue
        night.report.count("waiting")
        night.report.warnings.append(
            f"{feed.name} {shown_name(path)} is not stable: it still grew after {night.settings.wait_seconds:g} s — "
            "left for the next run; deliver under another name and rename when it is whole"
        )
    told = len(paths) <= FILES_TOLD
    loaded: list[LedgerEntry] = []
    for batch in _batches(night, feed, paths) if paths else ():
        entries = _load_whole(night, feed, batch)
        loaded += entries
        for entry in entries if told else []:
            night.say(_told(feed, entry))
        if not told and entries:
            night.say(
                f"{feed.name}: {len(loaded):,} of {len(paths):,} files, {night.report.rows_loaded - before:,} rows"
            )
    if not table_exists(night.con, f"raw.{feed.table}"):
        return
    for message in keys.compare(night.con, feed, night.run_id):
        night.report.warnings.append(message)
    seconds = time.monotonic() - started
    if loaded and not told:
        night.say(f"{feed.name}: {len(loaded):,} files loaded in {seconds:.1f} s")


def _load_whole(night: IngestionRun, feed: SourceFeed, batch: Batch) -> list[LedgerEntry]:
    """Load a batch; where something in it is refused, its halves are tried, until only the bad file waits."""
    try:
        entries, messages = load_batch(night.con, feed, batch, night)
    except FileRefusedError as refusal:
        if len(batch.files) > 1:
            middle = len(batch.files) // 2
            parts = (slice(None, middle), slice(middle, None))
            halves = [replace(batch, files=batch.files[part], entries=batch.entries[part]) for part in parts]
            return [entry for half in halves for entry in _load_whole(night, feed, half)]
        path = batch.files[0].original
        _refuse_or_leave(night, feed, path, batch.stamps[path.name], batch.entries[0], refusal)
        return []
    report = night.report
    report.count(ledger.LOADED, len(entries))
    report.rows_loaded += sum(entry.rows_loaded for entry in entries)
    report.rows_quarantined += sum(entry.rows_quarantined for entry in entries)
    report.warnings += messages
    return entries


def _batches(night: IngestionRun, feed: SourceFeed, paths: list[Path]) -> Iterator[Batch]:
    """Decide what to do with each file; yield those to load, files of one shape together."""
    entries = ledger.current_entries(night.con, feed.source, feed.feed)
    by_name = {e.name: e for e in entries if e.state == ledger.LOADED}
    first = [json.loads(e.header) for e in by_name.values()]
    earlier_header = tuple(first[0]) if first else ()
    stamps = {path.name: stamp_of(path) for path in paths}
    digests = _digests(night, feed, paths)
    # bytes that count: of files that are not about to be replaced by other bytes
    content = {
        e.sha256: e
        for e in by_name.values()
        if digests.get(e.name, e.sha256) == e.sha256 and e.declaration == feed.version
    }
    duplicates = {(e.name, e.sha256) for e in entries if e.state == ledger.DUPLICATE}
    file_id = ledger.next_file_id(night.con)
    noted: list[LedgerEntry] = []
    pending: dict[tuple, Batch] = {}
    taken: dict[str, str] = {}
    last_taken = ""
    newest = max((e.file_id for e in by_name.values()), default=0)
    for path in paths:
        if path.name not in digests:
            continue
        digest = digests[path.name]
        own = by_name.get(path.name)
        if own and own.sha256 == digest and own.declaration == feed.version:
            night.report.count("unchanged")
            continue
        same = content.get(digest)
        if feed.load != "append":
            # where the newest counts, bytes that come back after others have come are news
            same = same if same and same.file_id == newest and not taken else None
            taken = {key: name for key, name in taken.items() if name == last_taken}
        if same or digest in taken:
            of = same.name if same else taken[digest]
            if (shown_name(path), digest) in duplicates:
                night.report.count(ledger.DUPLICATE)
                continue
            copy = LedgerEntry(
                file_id,
                feed.source,
                feed.feed,
                shown_name(path),
                digest,
                0,
                ledger.DUPLICATE,
                night.run_id,
                feed.version,
                detail=f"duplicate of {of}",
            )
            noted.append(copy)
            file_id += 1
            continue
        stamp = stamps[path.name]
        entry = LedgerEntry(
            file_id,
            feed.source,
            feed.feed,
            shown_name(path),
            digest,
            stamp[0] if stamp else 0,
            ledger.REFUSED,
            night.run_id,
            feed.version,
        )
        file_id += 1
        try:
            file = prepare(path, feed.format, night.scratch, night.limits, digest)
            columns = columns_of(night.con, file)
            header = tuple(columns.names)
            require_headers(feed, file.header or header, feed.format.delimiter)
        except (FileRefusedError, OSError) as error:
            _refuse_or_leave(night, feed, path, stamp, entry, error)
            continue
        taken[digest] = last_taken = path.name
        added = added_headers(feed, header, earlier_header)
        entry = replace(entry, header=json.dumps(header, ensure_ascii=False))
        shape = (file.shape, tuple(columns.names.items()))
        batch = pending.get(shape)
        if batch is None:
            batch = pending[shape] = Batch(columns, tuple(added), [], [], by_name, stamps)
        batch.files.append(file)
        batch.entries.append(entry)
        if len(batch.files) >= BATCH_FILES or sum(f.size_bytes for f in batch.files) >= BATCH_BYTES:
            yield pending.pop(shape)
    yield from pending.values()
    current = ledger.current_entries(night.con, feed.source, feed.feed)
    _forget_corrected(night, feed, _note_repeats(night, feed, noted, current), digests)


def _note_repeats(
    night: IngestionRun, feed: SourceFeed, noted: list[LedgerEntry], current: list[LedgerEntry]
) -> list[LedgerEntry]:
    """Record files with the bytes of another one, which may have been loaded in this very run, or refused; returns the
    feed's files as they stand then."""
    loaded = {e.sha256: e for e in current if e.state == ledger.LOADED}
    known = []
    for entry in noted:
        original = loaded.get(entry.sha256)
        if original is None:
            of = entry.detail.removeprefix("duplicate of ")
            refusal = FileRefusedError(f"has the same bytes as {of}, which was not loaded — deliver both again")
            _refuse(night, feed, replace(entry, state=ledger.REFUSED), refusal)
            continue
        rows = original.rows_physical
        known.append(replace(entry, size_bytes=original.size_bytes, rows_physical=rows, rows_duplicate=rows))
        night.report.count(ledger.DUPLICATE)
        night.say(f"{feed.name} {entry.name}: same bytes as {original.name}, not loaded again")
    if not known:
        return current
    ledger.record(night.con, known)
    return ledger.current_entries(night.con, feed.source, feed.feed)


def _forget_corrected(
    night: IngestionRun, feed: SourceFeed, current: list[LedgerEntry], digests: dict[str, str]
) -> None:
    """Let what a name stood for no longer count once its present bytes do: they may be those of another file."""
    present = {(e.name, e.sha256) for e in current}
    loaded = [e for e in current if e.state == ledger.LOADED and e.declaration == feed.version]
    names, contents = {(e.name, e.sha256) for e in loaded}, {e.sha256 for e in loaded}
    stale = []
    for e in current:
        digest = digests.get(e.name, e.sha256)
        is_corrected = digest != e.sha256 and (e.name, digest) in present
        # read by an earlier declaration, and now again under the name of its copy
        is_read_again = e.state == ledger.LOADED and e.declaration != feed.version and e.sha256 in contents
        is_its_own_copy = e.state == ledger.DUPLICATE and (e.name, e.sha256) in names
        if is_corrected or is_read_again or is_its_own_copy:
            stale.append(e.file_id)
    ledger.replace(night.con, stale, night.run_id)


def _still_growing(feeds: list[SourceFeed], landing: Path, settings: IngestionSettings) -> set[Path]:
    """Return the files that are being written: young ones are looked at again, once for all feeds, within limits."""
    started = time.time()
    paths = {path for feed in feeds for path in files_of(feed.folder(landing), feed.pattern)}
    stamps = {path: stamp for path in paths if (stamp := stamp_of(path))}
    seen = {p: stamp for p, stamp in stamps.items() if abs(started - stamp[1] / 1e9) < settings.quiet_seconds}
    deadline = time.monotonic() + settings.wait_seconds
    while seen:
        time.sleep(settings.quiet_seconds)
        seen = {path: now for path, before in seen.items() if (now := stamp_of(path)) and now != before}
        if time.monotonic() > deadline:
            break
    return set(seen)


def _digests(night: IngestionRun, feed: SourceFeed, paths: list[Path]) -> dict[str, str]:
    """Return the hash of every file by its name; a link has none, and what cannot be read is not among them."""
    digests = {}
    for path in paths:
        try:
            digests[path.name] = "" if path.is_symlink() else sha256_of(path)
        except OSError as error:
            _leave(night, feed, path, error)
    return digests


def _leave(night: IngestionRun, feed: SourceFeed, path: Path, error: OSError | None = None) -> None:
    """Leave a file to the next run; only one that is there and cannot be read is an error."""
    night.report.count("waiting")
    is_there = stamp_of(path) is not None
    why = "was changed while it was read" if is_there else "was removed while it was read"
    if error and is_there:
        message = f"{feed.name} {shown_name(path)} cannot be read ({error.strerror or error}) — let the pipeline's user"
        night.report.errors.append(f"{message} read it; it is tried again in the next run, earlier data is kept")
        return
    night.report.warnings.append(
        f"{feed.name} {shown_name(path)} {why} — left for the next run, earlier data is kept; deliver under another "
        "name and rename when it is whole"
    )


def _refuse_or_leave(
    night: IngestionRun,
    feed: SourceFeed,
    path: Path,
    stamp: Stamp | None,
    entry: LedgerEntry,
    error: FileRefusedError | OSError,
) -> None:
    """Refuse a file for what it is, unless it is being written to: then its next state counts. A full disk ends the
    night, being no fault of the file."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        raise error
    if stamp_of(path) != stamp:
        _leave(night, feed, path)
    elif isinstance(error, OSError):
        _leave(night, feed, path, error)
    else:
        _refuse(night, feed, entry, error)


def _refuse(night: IngestionRun, feed: SourceFeed, entry: LedgerEntry, refusal: FileRefusedError) -> None:
    """Note a refused file; an empty one of a feed that no night needs only warns."""
    ledger.record(night.con, [replace(entry, detail=str(refusal))])
    message = f"{feed.name} {entry.name} {refusal}"
    only_warns = refusal.is_empty and not feed.into.is_mandatory
    (night.report.warnings if only_warns else night.report.errors).append(message)
    night.report.count(ledger.REFUSED)


def _told(feed: SourceFeed, entry: LedgerEntry) -> str:
    parts = [f"{entry.rows_loaded:,} rows loaded"]
    for count, word in (
        (entry.rows_quarantined, "quarantined"),
        (entry.rows_excluded, "excluded"),
        (entry.rows_duplicate, "exact duplicates"),
        (entry.rows_superseded, "superseded"),
    ):
        parts += [f"{count:,} {word}"] if count else []
    detail = f" ({entry.detail})" if entry.detail else ""
    return f"{feed.name} {entry.name}: {', '.join(parts)}{detail}"


def files_of(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the extracts of a folder by name; what is still being written carries a dot or `.part` by custom."""
    if not folder.is_dir():
        return []
    return sorted(
        p
        for p in folder.glob(pattern)
        if (p.is_file() or p.is_symlink()) and p.name[0] != "." and not p.name.endswith(UNFINISHED)
    )


def _undeclared(feeds: list[SourceFeed], landing: Path) -> list[str]:
    known = {feed.folder(landing) for feed in feeds}
    folders = sorted(p for p in landing.glob("*/*") if p.is_dir()) if landing.is_dir() else []
    return [str(folder) for folder in folders if folder not in known and files_of(folder)]


def _has_rows(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    return con.execute(f"select 1 from {relation} limit 1").fetchone() is not None
