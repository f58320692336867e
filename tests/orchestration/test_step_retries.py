"""What every step shares: what is tried again, with what, and what is said when it does not help."""

from __future__ import annotations

import sqlite3

import dagster as dg
import duckdb
import pytest
from dagster_dbt.errors import DagsterDbtCliRuntimeError
from sqlalchemy.exc import OperationalError

from orchestration import dbt, recovery
from orchestration.defs.checks import require_memory
from orchestration.defs.steps import MemoryLimitError, retrying_io
from orchestration.errors import ShelfcastError
from orchestration.night import _told_of_disk
from orchestration.settings import load_settings
from orchestration.warehouse import configuration, connect, spare_memory


@pytest.fixture(autouse=True)
def all_threads():
    spare_memory(False)
    yield
    spare_memory(False)


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "shelfcast.yml").write_text("memory_limit: 50MB\nthreads: 2\n", encoding="utf-8")
    return load_settings(tmp_path)


def exceed(settings) -> None:
    """Ask for more than the limit: a list of all rows must be held at once."""
    with connect(settings) as con:
        con.execute("create or replace table ops.x as select list(i) as all_of_them from range(20_000_000) as t (i)")


def test_the_memory_limit_is_tried_again_with_one_thread_then_said(settings):
    assert configuration(settings)["threads"] == 2
    with pytest.raises(dg.RetryRequested) as asked, retrying_io():
        exceed(settings)
    assert asked.value.seconds_to_wait == 0
    assert isinstance(asked.value.__cause__, duckdb.OutOfMemoryException)
    assert configuration(settings)["threads"] == 1
    assert dbt.environment(settings)["SHELFCAST_THREADS"] == "1", "dbt's process too"
    said = r"with one thread too — Out of Memory Error.* — raise memory_limit"
    with pytest.raises(MemoryLimitError, match=said), retrying_io():
        exceed(settings)


def test_a_step_that_needs_the_second_attempt_comes_through(settings):
    threads = []

    @dg.op
    def step() -> None:
        with retrying_io():
            threads.append(configuration(settings)["threads"])
            if len(threads) == 1:
                exceed(settings)

    @dg.job
    def night() -> None:
        step()

    assert night.execute_in_process().success
    assert threads == [2, 1]


def test_dbts_memory_is_the_warehouses_and_its_other_errors_are_not():
    said = "Errors parsed from dbt logs:\n\nRuntime Error in model fct_x\n  Out of Memory Error: failed to pin block"
    with pytest.raises(dg.RetryRequested), retrying_io():
        raise DagsterDbtCliRuntimeError(description=said)
    with pytest.raises(MemoryLimitError, match="Out of Memory Error: failed to pin block"), retrying_io():
        raise DagsterDbtCliRuntimeError(description=said)
    with pytest.raises(DagsterDbtCliRuntimeError), retrying_io():
        raise DagsterDbtCliRuntimeError(description="Compilation Error in model fct_sales")


def test_a_check_that_met_the_limit_refuses_no_night(result):
    failed = result(passed=False, sample='[{"sku_id": "S1"}]')
    require_memory([failed, result(passed=True, sample="[]")])
    with pytest.raises(MemoryError, match="fct_sales"):
        require_memory([failed, result(passed=False, sample='[{"error": "Out of Memory Error: failed to allocate"}]')])


@pytest.fixture
def result():
    from data_quality.results import CheckResult

    def make(passed: bool, sample: str) -> CheckResult:
        return CheckResult("marts", "marts.fct_sales", "a_check", "", "error", passed, 1, 5, sample, "", "")

    return make


def test_a_warehouse_that_needs_more_memory_to_open_is_not_broken(settings, monkeypatch):
    with connect(settings):
        pass

    def refuse(*_: object, **__: object) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block")

    monkeypatch.setattr(recovery.duckdb, "connect", refuse)
    assert recovery.set_aside_broken(settings) is None
    assert settings.warehouse.exists()


def test_what_the_disk_refuses_outside_the_steps_is_one_line(settings):
    full = sqlite3.OperationalError("disk I/O error")
    for error in (OSError(28, "No space left on device"), OperationalError("commit", None, full)):
        said = r"records cannot be kept \(.*(No space left|disk I/O error)"
        with pytest.raises(ShelfcastError, match=said), _told_of_disk(settings):
            raise error
