"""Extracts that came after the night had read its own: which files of `landing/` the ledger does not know.

Belongs here: the comparison by content. What does not: when it is asked and what is run then (defs/sensors). A file's
time tells only whether it was hashed before; whether it is new the ledger says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from pathlib import Path

from orchestration.files import sha256_of
from orchestration.ingestion import ledger
from orchestration.ingestion.declarations import source_feeds
from orchestration.ingestion.loading import files_of
from orchestration.ingestion.preparation import stamp_of
from orchestration.settings import Settings
from orchestration.warehouse import connect

Seen = dict[str, tuple[int, int, str]]  # path: size, time of change, SHA-256


def look(settings: Settings, seen: Mapping[str, tuple[int, int, str]]) -> tuple[dict[str, str], Seen]:
    """Return (path to SHA-256 of the files that the ledger does not know, what was seen now).

    seen: of the look before. A file that changed since is told only at the next look, when it has kept still between
    two. A refused file is known: it waits for another delivery.

    Raises:
        WarehouseBusyError: a run is under way.
    """
    now: Seen = {}
    still: dict[str, str] = {}
    for feed in source_feeds(settings.home):
        for path in files_of(feed.folder(settings.landing), feed.pattern):
            stamp, before = stamp_of(path), seen.get(str(path))
            if stamp is None or path.is_symlink():
                continue
            if before is not None and tuple(before[:2]) == stamp:
                now[str(path)] = (*stamp, before[2] or sha256_of(path))
                still[str(path)] = now[str(path)][2]
            else:
                now[str(path)] = (*stamp, "")
    with connect(settings, wait_seconds=0.0) as con:
        ledger.ensure_ledger(con)
        known = ledger.digests(con)
    return {path: digest for path, digest in still.items() if digest not in known}, now


def is_time(now: datetime, starts_at: str, until: str) -> bool:
    """Say whether a late file still reruns the night: between its start and `until`, both local HH:MM.

    `until` at or before the start means the next day's. A file that comes later is not late but early: the next night
    reads it.
    """
    start, end = (time.fromisoformat(text) for text in (starts_at, until))
    clock = now.time()
    return start <= clock < end if start < end else clock >= start or clock < end


def night_of(now: datetime, starts_at: str) -> datetime:
    """Return when the night began that a late file belongs to: the last start before `now`, local."""
    start = datetime.combine(now.date(), time.fromisoformat(starts_at), now.tzinfo)
    return start if start <= now else start - timedelta(days=1)


def run_key(files: Mapping[str, str]) -> str:
    """Return a text for a set of files, the same for the same content: Dagster runs a key once."""
    text = "\n".join(f"{Path(path).name} {digest}" for path, digest in sorted(files.items()))
    return "late-" + hashlib.sha256(text.encode()).hexdigest()[:24]
