"""The folder of published nights: which are complete, which one is `latest`, which ones go.

Belongs here: everything that renames, links or removes inside `published/`. What stands in a night does not. Every
change is one rename, so whoever reads `latest` sees the night before or the night after, never half of one; what a
killed run leaves behind has a name with a leading dot, which nobody reads and the next publication removes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.publishing.night import PublicationError

LATEST = "latest"
MANIFEST = "manifest.json"
_BUILDING, _REMOVING, _LINKING = ".building-", ".removing-", ".linking-"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class PublishedRun:
    """One complete night. sequence: counts publications, so order needs no clock. is_latest: `latest` points here."""

    run_id: str
    as_of: date
    sequence: int
    path: Path
    is_latest: bool


def list_runs(published_dir: Path) -> list[PublishedRun]:
    """Return the complete nights, oldest first. A folder without a readable manifest is not one."""
    if not published_dir.is_dir():
        return []
    latest = latest_run_id(published_dir)
    runs = []
    for folder in published_dir.iterdir():
        if folder.is_symlink() or folder.name.startswith("."):
            continue
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            as_of, sequence = date.fromisoformat(manifest["as_of"]), int(manifest["sequence"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        runs.append(PublishedRun(folder.name, as_of, sequence, folder, folder.name == latest))
    return sorted(runs, key=lambda run: (run.sequence, run.run_id))


def latest_run_id(published_dir: Path) -> str | None:
    """Return the run that `latest` points to, or None before the first publication."""
    link = published_dir / LATEST
    return link.readlink().name if link.is_symlink() else None


def next_sequence(published_dir: Path) -> int:
    """Return the number of the next publication: one more than the highest there is."""
    return max((run.sequence for run in list_runs(published_dir)), default=0) + 1


def point_latest(published_dir: Path, run_id: str) -> None:
    """Make `latest` point to a complete night, in one step for whoever reads it. Rollback is this, with an older run.

    Raises:
        PublicationError: there is no complete night of that name, or `latest` is a real folder.
    """
    runs = [run.run_id for run in list_runs(published_dir)]
    if run_id not in runs:
        known = f"there are: {', '.join(runs[-5:])}" if runs else "nothing has been published yet"
        raise PublicationError(f"{published_dir}: no complete night {run_id!r} — {known}")
    _require_link(published_dir)
    link = published_dir / f"{_LINKING}{run_id}"
    link.unlink(missing_ok=True)
    link.symlink_to(run_id, target_is_directory=True)  # relative: the home may be moved or mounted elsewhere
    link.replace(published_dir / LATEST)  # os.replace: atomic
    _sync(published_dir)


def prune(published_dir: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` nights, never the one that `latest` points to. Returns what was removed."""
    old = [run for run in list_runs(published_dir)[:-keep] if not run.is_latest]
    for run in old:
        away = published_dir / f"{_REMOVING}{run.run_id}"
        run.path.rename(away)  # first out of sight: a reader must not find a night that is half removed
        shutil.rmtree(away)
    return [run.run_id for run in old]


def start_building(published_dir: Path, run_id: str) -> Path:
    """Return a fresh folder to build a night in, after removing what killed runs left behind.

    Only one publication runs at a time (it holds the warehouse), so whatever is left over belongs to a dead one.

    Raises:
        PublicationError: the run id cannot name a folder, the night exists already, or `latest` is a real folder.
    """
    if not _RUN_ID.fullmatch(run_id) or run_id == LATEST:
        raise PublicationError(f"run id {run_id!r} cannot name a folder — letters, digits, '.', '_' and '-' only")
    if (published_dir / run_id).exists():
        raise PublicationError(
            f"{published_dir / run_id}: this night is published already — a night is never overwritten"
        )
    _require_link(published_dir)
    published_dir.mkdir(parents=True, exist_ok=True)
    for left in published_dir.iterdir():
        if left.name.startswith((_BUILDING, _REMOVING, _LINKING)):
            _remove(left)
    building = published_dir / f"{_BUILDING}{run_id}"
    building.mkdir()
    return building


def finish_building(building: Path, published_dir: Path, run_id: str) -> Path:
    """Give a complete night its name, once its bytes are on the disk: no power cut may leave a named, empty file."""
    for folder, _, files in os.walk(building):
        for name in files:
            _sync(Path(folder, name))
        _sync(Path(folder))
    final = published_dir / run_id
    building.rename(final)
    _sync(published_dir)
    return final


def _require_link(published_dir: Path) -> None:
    latest = published_dir / LATEST
    if latest.is_dir() and not latest.is_symlink():
        raise PublicationError(
            f"{latest}: a folder stands where the link to the newest night belongs (a copy made without links?) — "
            "move it away and start again"
        )


def _remove(path: Path) -> None:
    """Remove a file, link or folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Write a file's bytes, or a folder's entries (names, links), to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
