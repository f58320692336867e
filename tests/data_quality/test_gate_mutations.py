"""Every check passes on good tables and is seen to fail once on broken ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from mutations import MUTATIONS

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


@pytest.mark.parametrize(("table", "name"), sorted(MUTATIONS), ids=lambda value: value)
def test_check_fails_on_what_it_is_for(
    table: str, name: str, broken: Break, gate: Gate, declared: dict[str, list[Check]]
) -> None:
    (check,) = [c for checks in declared.values() for c in checks if (c.table, c.name) == (table, name)]
    database = broken(MUTATIONS[table, name])
    (result,) = gate(database, [check])
    assert not result.passed
    assert (result.table_name, result.check_name, result.severity) == (table, name, check.severity)
    rows = json.loads(result.sample)
    assert all(set(row) == set(check.shown) for row in rows), "a sample shows what the check allows, and ran"
    query = failing_rows(check)
    if query is None:
        assert (result.failed_rows, result.checked_rows, rows) == (None, 0, [])
    else:
        with duckdb.connect(str(database), read_only=True) as con:
            (count,) = con.execute(f"select count(*) from ({query})").fetchone() or (0,)
        assert result.failed_rows == count > 0, "what Great Expectations counts is what samples are taken from"
        assert len(rows) == min(count, 5)
