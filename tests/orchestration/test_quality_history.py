"""Results over the nights: appended, replaced when a gate runs again, bounded; and what Dagster shows of a table."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from data_quality.results import CheckResult
from orchestration import quality_history
from orchestration.defs.checks import _of_table
from orchestration.settings import Settings

DAY = date(2025, 6, 25)


@pytest.fixture
def con():
    with duckdb.connect() as connection:
        connection.execute("create schema ops")
        connection.execute(
            "create table ops.data_quality as select 'marts' as gate, 't' as table_name, "
            "'key_is_unique' as check_name, '' as description, 'error' as severity, true as passed, "
            "0::bigint as failed_rows, 9::bigint as checked_rows"
        )
        yield connection


def kept(con: duckdb.DuckDBPyConnection) -> list[tuple]:
    return con.execute("select run_id, as_of, check_name, passed from marts.mart_data_quality order by all").fetchall()


def test_nights_are_appended_and_a_gate_that_runs_again_replaces_its_results(con) -> None:
    quality_history.keep(con, "run-00001", DAY, "marts", "ops.data_quality", 9)
    con.execute("update ops.data_quality set passed = false")
    quality_history.keep(con, "run-00002", DAY, "marts", "ops.data_quality", 9)
    quality_history.keep(con, "run-00002", DAY, "marts", "ops.data_quality", 9)
    quality_history.keep(con, "run-00002", DAY, "feeds", "ops.data_quality", 9)
    assert kept(con) == [("run-00001", DAY, "key_is_unique", True), ("run-00002", DAY, "key_is_unique", False)]


def test_only_the_newest_nights_are_kept(con) -> None:
    for number in range(1, 6):
        quality_history.keep(con, f"run-{number:05d}", DAY, "marts", "ops.data_quality", 2)
    assert [row[0] for row in kept(con)] == ["run-00004", "run-00005"]


def test_an_asset_check_carries_counts_a_sample_and_the_link() -> None:
    result = CheckResult(
        gate="marts",
        table_name="marts.fct_sales",
        check_name="signs_agree",
        description="Signs agree.",
        severity="warn",
        passed=False,
        failed_rows=3,
        checked_rows=120,
        sample=json.dumps([{"sku_id": "A"}]),
        advice="look",
        docs_link="marts/marts.fct_sales.html",
    )
    shown = _of_table(Settings(home=Path("/company")), "marts", "marts.fct_sales", [result])
    assert (shown.passed, shown.severity.value) == (False, "WARN")
    values = {name: entry.value for name, entry in shown.metadata.items()}
    assert (values["checks"], values["failed"], values["rows"]) == (1, 1, 120)
    assert values["failed checks"] == [{"check": "signs_agree", "rows": 3, "sample": [{"sku_id": "A"}]}]
    assert values["data docs"] == "file:///company/warehouse/data_docs/marts/marts.fct_sales.html"
