"""What came of one check: the noun that engine makes and report words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckResult:
    """One check of one gate.

    gate: its name, such as 'marts'. severity: 'error' refuses the night, 'warn' is shown. failed_rows: rows that fail
    (None where the check counts no rows, or could not run). checked_rows: rows of the table (None where it cannot be
    read). sample: JSON list of a few failing rows, or of one {"error": …}; no personal data. advice: what to do.
    docs_link: page of the table, relative to the folder of the Data Docs. Nothing here depends on the clock or the run.
    """

    gate: str
    table_name: str
    check_name: str
    description: str
    severity: str
    passed: bool
    failed_rows: int | None
    checked_rows: int | None
    sample: str
    advice: str
    docs_link: str

    @property
    def refuses(self) -> bool:
        """Say whether this result alone keeps the night from being published."""
        return not self.passed and self.severity == "error"
