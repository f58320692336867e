"""One night at a time: the lock that a run holds from its first step to its end, and who holds it.

The warehouse file is locked only while a step has it open; between two steps a second run could slip in and mix two
nights. This lock lasts for the whole run. It is the kernel's (flock): a killed run lets go of it, nothing is stale.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from orchestration.errors import WarehouseBusyError

FILE_NAME = "night.lock"
# the demo's night takes 5.5 minutes: a start that meets one outlasts it, one that meets a longer one says so
WAIT_SECONDS = 600.0
_POLL_SECONDS = 1.0
_held: dict[Path, IO[str]] = {}


def hold(home: Path, what: str, say: Callable[[str], None], wait_seconds: float = WAIT_SECONDS) -> bool:
    """Take the lock for this process until `release` or its end; False: this process holds it already.

    Raises:
        WarehouseBusyError: another process holds it and did not let go in time; it is named.
    """
    path = home / "warehouse" / FILE_NAME
    if path in _held:
        return False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = path.open("a+", encoding="utf-8")
    deadline, is_told = time.monotonic() + wait_seconds, False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            holder = _holder(file)
            if time.monotonic() >= deadline:
                file.close()
                raise WarehouseBusyError(
                    f"{home}: another run is under way — {holder} — wait for it to end, or end it, and start again"
                ) from None
            if not is_told:
                say(f"waiting for another run to end: {holder}")
                is_told = True
            time.sleep(min(_POLL_SECONDS, max(deadline - time.monotonic(), 0.01)))
    file.seek(0)
    file.truncate()
    json.dump({"pid": os.getpid(), "what": what, "since": datetime.now(UTC).isoformat(timespec="seconds")}, file)
    file.flush()
    _held[path] = file
    return True


def release(home: Path) -> None:
    """Let go of the lock, where this process holds it."""
    file = _held.pop(home / "warehouse" / FILE_NAME, None)
    if file is not None:
        file.seek(0)
        file.truncate()
        file.close()


@contextlib.contextmanager
def held(home: Path, what: str, say: Callable[[str], None], wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock for a block of code; as `hold`. Inside another such block of this process nothing changes."""
    is_ours = hold(home, what, say, wait_seconds)
    try:
        yield
    finally:
        if is_ours:
            release(home)


def _holder(file: IO[str]) -> str:
    """Who holds the lock, in words: what runs, its process and since when."""
    file.seek(0)
    try:
        said = json.loads(file.read())
        return f"{said['what']}, process {said['pid']}, since {said['since']}"
    except (ValueError, KeyError, TypeError):
        return f"a process that has not said who it is (`fuser {file.name}` tells)"


def command() -> str:
    """Return the command that this process was started with, short: what the lock says of a run."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:4]])
