"""Words and rows for results: the table `ops.data_quality`, the manifest's warnings, the message of a refusal.

Belongs here: pure functions of results. Does not: writing them anywhere (orchestration).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from data_quality.results import CheckResult

# column -> DuckDB type, in the order in which the table is written
COLUMNS = {
    "gate": "VARCHAR",
    "table_name": "VARCHAR",
    "check_name": "VARCHAR",
    "description": "VARCHAR",
    "severity": "VARCHAR",
    "passed": "BOOLEAN",
    "failed_rows": "BIGINT",
    "checked_rows": "BIGINT",
    "sample": "VARCHAR",
    "advice": "VARCHAR",
    "docs_link": "VARCHAR",
}
ROWS_IN_A_MESSAGE = 3


def rows(results: Sequence[CheckResult]) -> list[dict[str, Any]]:
    """Return one dict a result with the keys of COLUMNS, sorted by gate, table and check."""
    ordered = sorted(results, key=lambda r: (r.gate, r.table_name, r.check_name))
    return [{column: asdict(result)[column] for column in COLUMNS} for result in ordered]


def is_refused(results: Sequence[CheckResult]) -> bool:
    """Say whether any failed check keeps the night from being published."""
    return any(result.refuses for result in results)


def refusal(results: Sequence[CheckResult]) -> str:
    """Return the message of a refusal: per failed error check its table, name, meaning, some rows and what to do.

    Empty when nothing refuses.
    """
    refusing = [result for result in results if result.refuses]
    if not refusing:
        return ""
    gate = refusing[0].gate
    head = f"gate {gate}: {len(refusing)} of {len(results)} checks refuse the night; what was published before stays"
    return "\n".join([head, *(_sentence(result) for result in refusing)])


def warnings(results: Sequence[CheckResult]) -> list[str]:
    """Return one sentence a failed check that only warns."""
    return [_sentence(result) for result in results if not result.passed and not result.refuses]


def _sentence(result: CheckResult) -> str:
    """Word one failed check as `table check — meaning — rows — what to do`."""
    parts = [f"{result.table_name} {result.check_name}", result.description.rstrip("."), _found(result), result.advice]
    return " — ".join(part for part in parts if part) + f" ({result.docs_link})"


def _found(result: CheckResult) -> str:
    sample = json.loads(result.sample)
    if sample and "error" in sample[0]:
        return f"could not run: {sample[0]['error']}"
    examples = "; ".join(_row(row) for row in sample[:ROWS_IN_A_MESSAGE])
    if result.failed_rows is None:
        return "" if result.checked_rows is None else f"the table has {result.checked_rows:,} rows"
    counted = f"{result.failed_rows:,} found"
    return f"{counted}, such as {examples}" if examples else counted


def _row(row: dict[str, Any]) -> str:
    return ", ".join(f"{column} {'(none)' if value is None else value}" for column, value in row.items())
