"""The registry of forecasting models, `home/models/`: plain files, each with its hash, and which of them is in use.

    models/champion.json         the nights whose models may forecast later ones, newest last
    models/<run_id>/card.json    what was trained: business day, why, settings, code, data window, features, backtest
    models/<run_id>/trained.json, lightgbm_….txt    the models themselves (ml.forecasting.trained), named in the card

Belongs here: where model files lie, their hashes, which night's models serve which night. Not here: what is in them,
and when training is due (ml.forecasting.training).

Models become champion when their night is published, so what a gate refused never forecasts another night. A night may
only use models that had seen nothing after its own business day. Every model is kept: a night made again with
`shelfcast rebuild` reads the very files that it was made with.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import ml.forecasting
import ml.workers
from orchestration.errors import ShelfcastError

CARD, CHAMPIONS = "card.json", "champion.json"
_WRITING = ".writing-"


class ModelRefusedError(ShelfcastError):
    """A model's files are not as they were written, or not there."""


@dataclass(frozen=True)
class Champion:
    """Models in use: the run that trained them, the last day they have seen, the hash of the code that did."""

    run_id: str
    cutoff: date
    code_digest: str


@cache
def code_digest() -> str:
    """Return a hash of the forecaster's source: models are trained anew by another version of it."""
    digest = hashlib.sha256()
    for folder in (*ml.forecasting.__path__, *ml.workers.__path__):
        for path in sorted(Path(folder).rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def save(models_dir: Path, run_id: str, files: Mapping[str, bytes], facts: Mapping[str, object]) -> dict[str, object]:
    """Write what a run trained, complete or not at all; returns its card. A run that trains twice keeps the second.

    facts: what the card says beside the hashes; `cutoff` (date) is needed.
    """
    models_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    building = models_dir / f"{_WRITING}{run_id}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    card = {
        "run_id": run_id,
        "code_digest": code_digest(),
        **facts,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    for name, content in files.items():
        _write(building / name, content)
    _write(building / CARD, _json(card))
    final = models_dir / run_id
    shutil.rmtree(final, ignore_errors=True)
    building.rename(final)
    return card


def load(models_dir: Path, run_id: str) -> dict[str, bytes]:
    """Return the files that a run trained, by name.

    Raises:
        ModelRefusedError: a file is missing, or its hash is not that of the card.
    """
    folder = models_dir / run_id
    advice = f"bring the file back from a backup, or remove {folder}: the next night then trains anew"
    files = {}
    for name, expected in card_of(models_dir, run_id)["files"].items():
        path = folder / name
        if not path.is_file():
            raise ModelRefusedError(f"{path}: the model file is missing — {advice}")
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            raise ModelRefusedError(
                f"{path}: the file was changed after it was written (sha256 {found[:16]}…, {CARD} says "
                f"{expected[:16]}…) and is not used — {advice}"
            )
        files[name] = content
    return files


def card_of(models_dir: Path, run_id: str) -> dict:
    """Return the card of a run's models.

    Raises:
        ModelRefusedError: it cannot be read.
    """
    path = models_dir / run_id / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        card["files"].items()
        return card
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelRefusedError(
            f"{path}: cannot be read ({error}) — bring it back from a backup, or remove {path.parent}: the next night "
            "then trains anew"
        ) from None


def has(models_dir: Path, run_id: str) -> bool:
    """Say whether a run's models are there."""
    return (models_dir / run_id).is_dir()


def crown(models_dir: Path, run_id: str) -> None:
    """Let a run's models forecast later nights."""
    card = card_of(models_dir, run_id)
    entries = [entry for entry in _entries(models_dir) if entry["run_id"] != run_id]
    entries.append({"run_id": run_id, "cutoff": card["cutoff"], "code_digest": card["code_digest"]})
    _write(models_dir / f"{_WRITING}{CHAMPIONS}", _json({"champions": entries}))
    (models_dir / f"{_WRITING}{CHAMPIONS}").replace(models_dir / CHAMPIONS)  # os.replace: atomic


def champion(models_dir: Path, as_of: date) -> Champion | None:
    """Return the newest models that have seen nothing after as_of and are still there; of one day the last crowned."""
    known = [
        Champion(entry["run_id"], date.fromisoformat(entry["cutoff"]), entry["code_digest"])
        for entry in _entries(models_dir)
        if has(models_dir, entry["run_id"])
    ]
    usable = [each for each in known if each.cutoff <= as_of]
    return max(enumerate(usable), key=lambda item: (item[1].cutoff, item[0]))[1] if usable else None


def _entries(models_dir: Path) -> list[dict[str, str]]:
    path = models_dir / CHAMPIONS
    if not path.exists():
        return []
    try:
        return [{key: str(entry[key]) for key in ("run_id", "cutoff", "code_digest")} for entry in _champions(path)]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefusedError(
            f"{path}: cannot be read ({error}) — bring it back from a backup, or remove it: the next night then trains"
        ) from None


def _champions(path: Path) -> list[dict[str, str]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["champions"])


def _json(content: Mapping[str, object]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
