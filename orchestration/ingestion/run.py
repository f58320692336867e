"""What the loading of one run shares, and what it reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from orchestration.ingestion.archives import Limits
from orchestration.ingestion.settings import IngestionSettings

Say = Callable[[str], None]


@dataclass
class IngestionReport:
    """What one run found in `landing/`: `errors` forbid to publish, `warnings` are shown; counts by state of file."""

    files: dict[str, int] = field(default_factory=dict)
    rows_loaded: int = 0
    rows_quarantined: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def count(self, state: str, files: int = 1) -> None:
        """Count files that ended in `state`."""
        self.files[state] = self.files.get(state, 0) + files


@dataclass(frozen=True)
class IngestionRun:
    """What the loading of one run shares."""

    con: duckdb.DuckDBPyConnection
    landing: Path
    run_id: str
    settings: IngestionSettings
    max_quarantined_pct: float
    scratch: Path
    today: date
    report: IngestionReport
    say: Say

    @property
    def limits(self) -> Limits:
        """Return what an archive may unpack to."""
        return Limits(int(self.settings.max_unpacked_gb * (1 << 30)), self.settings.max_unpacked_ratio)
