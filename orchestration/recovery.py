"""Before a night: is there room for it on the disk, and can the warehouse be opened at all?

Belongs here: what is looked at before anything is written, and putting a broken warehouse aside. What does not: reading
the extracts again (ingestion): a warehouse that is not there is made anew, with every file of `landing/`.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import duckdb

from orchestration.errors import ShelfcastError
from orchestration.settings import Settings
from orchestration.warehouse import configuration, is_locked

# DuckDB writes changed tables beside the old ones before it lets those go, and sorts spill: the demo's first night
# takes 1.3 GB of warehouse, at most 0.6 GB of spill, and publishes 0.4 GB from 0.2 GB of extracts
SPARE_GB, PER_EXTRACT, PER_WAREHOUSE = 0.5, 8.0, 0.5


class NoRoomError(ShelfcastError):
    """The disk has less room than a night is likely to take."""


def require_room(settings: Settings) -> None:
    """Refuse a night that the disk is likely to stop midway.

    Needed is half of the warehouse, once more what the newest night published, or for a first night eight times the
    extracts; and 0.5 GB.

    Raises:
        NoRoomError: there is less.
    """
    warehouse = settings.warehouse.stat().st_size if settings.warehouse.exists() else 0
    latest = settings.published / "latest"
    grown = PER_WAREHOUSE * warehouse + _size(latest.resolve()) if latest.exists() else 0.0
    first = PER_EXTRACT * _size(settings.landing) if warehouse < 10_000_000 else 0.0
    needed, free = SPARE_GB + max(grown, first) / 1e9, shutil.disk_usage(settings.home).free / 1e9
    if free < needed:
        raise NoRoomError(
            f"{settings.home}: a night needs about {needed:.1f} GB of free disk, there are {free:.1f} GB — free "
            f"{needed - free:.1f} GB (publishing.keep_runs keeps fewer nights), or move the home to a larger disk; "
            "nothing was changed"
        )


def set_aside_broken(settings: Settings) -> str | None:
    """Move a warehouse that cannot be opened out of the way; returns what was done, None where it opens.

    One that is locked, or needs more memory than its limit, is not broken. Everything in it is made from `landing/`, so
    the night that follows rebuilds it.

    Raises:
        ShelfcastError: it cannot be rebuilt, because extracts that it was made from are no longer in `landing/`.
    """
    path = settings.warehouse
    if not path.exists():
        return None
    try:
        duckdb.connect(str(path), config=configuration(settings)).close()
    except duckdb.Error as error:
        if is_locked(error) or isinstance(error, duckdb.OutOfMemoryException):
            return None
        reason = str(error).splitlines()[0]
    else:
        return None
    if missing := _gone_extracts(settings):
        raise ShelfcastError(
            f"{path}: cannot be opened ({reason}; DuckDB {duckdb.__version__}), and cannot be rebuilt: landing/ lacks "
            f"{len(missing)} of the files that it was made from, {missing[0]} first — restore a backup "
            "(docs/runbook.md), or put them back"
        )
    aside = _free_name(path.parent)
    aside.mkdir(mode=0o700)
    for part in (path, path.with_name(path.name + ".wal")):
        if part.exists():
            part.rename(aside / part.name)
    return (
        f"{path}: cannot be opened ({reason}; DuckDB {duckdb.__version__}) — put aside in {aside} and built anew from "
        "landing/; remove that folder when you need it no longer"
    )


def _gone_extracts(settings: Settings) -> list[str]:
    """The files that the newest published night rests on and that are not in `landing/` any more."""
    manifest = settings.published / "latest" / "manifest.json"
    if not manifest.exists():
        return []
    inputs = json.loads(manifest.read_text(encoding="utf-8"))["inputs"]
    named = sorted({f"{entry['feed']}/{entry['name']}" for entry in inputs})
    return [name for name in named if not (settings.landing / name).exists()]


def _free_name(folder: Path) -> Path:
    number = 1
    while (folder / f"broken-{number}").exists():
        number += 1
    return folder / f"broken-{number}"


def _size(folder: Path) -> int:
    return sum(Path(where, name).lstat().st_size for where, _, names in os.walk(folder) for name in names)
