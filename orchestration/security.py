"""What a home must not be: open to others. It holds names and phone numbers, and decides what is ordered."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from orchestration.errors import SettingsError

PRIVATE = ("warehouse", "dagster", "secrets")


def require_private(home: Path, allow_insecure: bool) -> None:
    """Close the folders that the pipeline owns to others; refuse a home that anyone may write to.

    Anyone who may write to the home could change prices, declarations and orders. That others may read it is common
    on a file share (planners open published/), so only the folders with personal data are closed.

    Raises:
        SettingsError: others may write to the home, and that was not allowed.
    """
    if not home.is_dir():
        return
    if stat.S_IMODE(home.stat().st_mode) & stat.S_IWOTH and not allow_insecure:
        raise SettingsError(
            f"{home}: anyone on this machine may write to it — chmod o-w {home}, or pass --allow-insecure where that "
            "is meant"
        )
    for name in PRIVATE:
        folder = home / name
        if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)


def read_secret(home: Path, variable: str, name: str) -> str | None:
    """Return a secret: the environment variable, else the file `secrets/<name>`, None where there is neither.

    Raises:
        SettingsError: others on the machine may read or change the file.
    """
    if (given := os.environ.get(variable)) is not None:
        return given.strip() or None
    path = home / "secrets" / name
    if not path.exists():
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SettingsError(f"{path}: may be read or changed by others (mode {mode:04o}) — run `chmod 600 {path}`")
    return path.read_text(encoding="utf-8").strip() or None
