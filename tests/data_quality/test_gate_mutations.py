"""Every check passes on good tables and is seen to fail once on broken ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from gate_mutations import BATCHES, MUTATIONS

from data_quality.checks import Check, failing_rows
from data_quality.results import CheckResult

Break = Callable[[str], Path]
Gate = Callable[[Path, Sequence[Check]], list[CheckResult]]


def test_all_checks_pass_on_the_good_warehouse(good: Path, gate: Gate, declared: dict[str, list[Check]]) -> None:
    results = [result for checks in declared.values() for result in gate(good, checks)]
    assert [r for r in results if not r.passed] == []
    assert len(results) == sum(len(checks) for checks in declared.values())
    assert all(r.checked_rows and r.failed_rows in (0, None) and r.sample == "[]" for r in results)


def test_every_declared_check_has_a_mutation(declared: dict[str, list[Check]]) -> None:
    names = {(check.table, check.name) for checks in declared.values() for check in checks}
    assert names == set(MUTATIONS)


@pytest.mark.parametrize("keys", BATCHES.values(), ids=BATCHES)
def test_checks_fail_on_what_they_are_for(
    keys: list[tuple[str, str]], broken: Break, gate: Gate, declared: dict[str, list[Check]]
) -> None:
    by_key = {(check.table, check.name): check for checks in declared.values() for check in checks}
    database = broken(";".join(MUTATIONS[key] for key in keys))
    for result in gate(database, [by_key[key] for key in keys]):
        _assert_seen_to_fail(result, by_key[result.table_name, result.check_name], database)


def _assert_seen_to_fail(result: CheckResult, check: Check, database: Path) -> None:
    assert not result.passed
    assert result.severity == check.severity
    rows = json.loads(result.sample)
    assert all(set(row) == set(check.shown) for row in rows), "a sample shows what the check allows, and ran"
    query = failing_rows(check)
    if query is None:
        assert (result.failed_rows, result.checked_rows, rows) == (None, 0, [])
        return
    with duckdb.connect(str(database), read_only=True) as con:
        (count,) = con.execute(f"select count(*) from ({query})").fetchone() or (0,)
    assert result.failed_rows == count > 0, "what Great Expectations counts is what samples are taken from"
    assert len(rows) == min(count, 5)
