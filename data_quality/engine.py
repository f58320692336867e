"""Runs a gate: every check on the warehouse, one result each, and the pages that show them.

Belongs here: the order of things, and the rule that nothing passes silently: a table that is missing and a query that
cannot run are failed checks of severity error. Does not: what GX does (gx), what a page looks like (docs).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_quality.checks import Check, failing_rows
from data_quality.docs import page_link, write_docs
from data_quality.gx import GxWarehouse, Verdict, first_line, open_warehouse, unchecked
from data_quality.results import CheckResult

SAMPLE_ROWS = 5
# The gate shares the machine with nothing, but the process that calls it holds frames of its own.
DEFAULT_CONFIG: Mapping[str, Any] = {"threads": 2, "memory_limit": "2GB"}
COULD_NOT_RUN = (
    "the check could not run, so nothing is known: see the message, and whether the step before made this table"
)


def run_gate(
    database: Path,
    checks: Sequence[Check],
    docs_dir: Path,
    gate: str,
    run_id: str,
    say: Callable[[str], None],
    config: Mapping[str, Any] | None = None,
) -> list[CheckResult]:
    """Run all checks on a DuckDB file and return their results, in the order of the checks.

    The file is opened read-only: nobody may have it open for writing, this process included. Pages go to
    `docs_dir/<gate>/`, replacing what stood there, and to `docs_dir/index.html`. config: DuckDB settings (threads,
    memory_limit, temp_directory …).

    Raises:
        duckdb.IOException: the file is not there, or another process writes to it.
        ValueError: two checks of one table have the same name.
    """
    tables = _by_table(checks)
    say(f"gate {gate}: {len(checks)} checks on {len(tables)} tables")
    results: dict[Check, CheckResult] = {}
    pages: dict[str, list[tuple[CheckResult, Any]]] = {}
    with open_warehouse(database, DEFAULT_CONFIG if config is None else config) as warehouse:
        for table, table_checks in tables.items():
            verdicts = _validate(warehouse, table, table_checks)
            count = _row_count(warehouse, table)
            made = [_result(warehouse, gate, verdict, count) for verdict in verdicts]
            results.update(zip(table_checks, made, strict=True))
            pages[table] = [(result, verdict.validation) for result, verdict in zip(made, verdicts, strict=True)]
            say(_progress(table, made))
    write_docs(docs_dir, gate, run_id, pages)
    return [results[check] for check in checks]


def existing_tables(database: Path, config: Mapping[str, Any] | None = None) -> frozenset[str]:
    """Return the tables and views of a DuckDB file as `schema.table`; a feed without rows counts as not there.

    Every canonical feed has a view, delivered or not: only rows tell.
    """
    import duckdb

    with duckdb.connect(
        str(database), read_only=True, config=dict(DEFAULT_CONFIG if config is None else config)
    ) as con:
        rows = con.execute("select table_schema || '.' || table_name from information_schema.tables").fetchall()
        names = {row[0] for row in rows}
        feeds = {name for name in names if name.startswith("feeds.")}
        return frozenset(
            names - {feed for feed in feeds if not con.execute(f"select 1 from {feed} limit 1").fetchone()}
        )


def _by_table(checks: Sequence[Check]) -> dict[str, list[Check]]:
    tables: dict[str, list[Check]] = {}
    for check in checks:
        siblings = tables.setdefault(check.table, [])
        if any(other.name == check.name for other in siblings):
            raise ValueError(f"{check.table} has two checks called {check.name!r}: rename one")
        siblings.append(check)
    return tables


def _validate(warehouse: GxWarehouse, table: str, checks: Sequence[Check]) -> list[Verdict]:
    try:
        return warehouse.validate(table, checks)
    except Exception as error:  # GX raises a dozen kinds; whatever it is, the checks did not pass
        return [unchecked(check, first_line(str(error))) for check in checks]


def _row_count(warehouse: GxWarehouse, table: str) -> int | None:
    try:
        return int(warehouse.rows(f"select count(*) as n from {table}")[0]["n"])
    except Exception:  # the table is not there: its checks say so
        return None


def _result(warehouse: GxWarehouse, gate: str, verdict: Verdict, checked_rows: int | None) -> CheckResult:
    check, is_error = verdict.check, verdict.error is not None
    return CheckResult(
        gate=gate,
        table_name=check.table,
        check_name=check.name,
        description=check.description,
        severity="error" if is_error else check.severity,
        passed=verdict.passed,
        failed_rows=verdict.failed_rows,
        checked_rows=checked_rows,
        sample=_json([{"error": verdict.error}]) if is_error else _sample(warehouse, verdict),
        advice=COULD_NOT_RUN if is_error else check.advice,
        docs_link=page_link(gate, check.table),
    )


def _sample(warehouse: GxWarehouse, verdict: Verdict) -> str:
    """Return a few failing rows as JSON: the columns that the check allows, in a stable order."""
    query = failing_rows(verdict.check)
    if verdict.passed or query is None or not verdict.check.shown:
        return "[]"
    columns = ", ".join(verdict.check.shown)
    return _json(warehouse.rows(f"select {columns} from ({query}) order by all limit {SAMPLE_ROWS}"))


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, default=str)


def _progress(table: str, results: Sequence[CheckResult]) -> str:
    failed = [result for result in results if not result.passed]
    if not failed:
        return f"{table}: {len(results)} checks passed"
    return f"{table}: {len(failed)} of {len(results)} checks failed: {', '.join(r.check_name for r in failed)}"
