"""What a home must not be: open to others. It holds names and phone numbers, and decides what is ordered."""

from __future__ import annotations

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
