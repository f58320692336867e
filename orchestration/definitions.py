"""The code location: loads every definition below `defs/` lazily. Nothing runs at import."""

from __future__ import annotations

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Return everything that Dagster knows of Shelfcast."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent / "defs")
