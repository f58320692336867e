"""A small good warehouse, copies of it to break, and a gate run on them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from gate_mutations import AS_OF

from data_quality.checks import Check
from data_quality.engine import existing_tables, run_gate
from data_quality.gates import (
    FEEDS,
    MARTS,
    OUTPUTS,
    REPLAY,
    RESULTS,
    feeds_checks,
    marts_checks,
    outputs_checks,
    replay_checks,
    results_checks,
)
from data_quality.results import CheckResult
from data_quality.settings import QualitySettings
from orchestration.ingestion.catalogue import canonical_feeds


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(Path(__file__).with_name("good_warehouse.sql").read_text(encoding="utf-8"))
        con.execute("create schema feeds")
        for feed in canonical_feeds().values():
            columns = dict(feed.stored_columns) | {"_source": "VARCHAR", "_file_id": "BIGINT", "_line": "BIGINT"}
            con.execute(f"create table feeds.{feed.table} ({', '.join(f'{n} {t}' for n, t in columns.items())})")
        con.execute(Path(__file__).with_name("good_feeds.sql").read_text(encoding="utf-8"))
    return path


@pytest.fixture(scope="session")
def declared(good: Path) -> dict[str, list[Check]]:
    tables = existing_tables(good)
    settings = QualitySettings()
    feeds = feeds_checks(settings, AS_OF, tables)
    return {
        FEEDS: feeds,
        MARTS: marts_checks(settings, AS_OF, tables),
        OUTPUTS: outputs_checks(settings, AS_OF, tables),
        RESULTS: results_checks(settings, AS_OF, tables),
        REPLAY: replay_checks(AS_OF, tables),
    }


@pytest.fixture
def broken(good: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies the good warehouse and runs SQL on the copy."""

    def break_it(sql: str) -> Path:
        copy = tmp_path / "broken.duckdb"
        shutil.copyfile(good, copy)
        with duckdb.connect(str(copy)) as con:
            con.execute(sql)
        return copy

    return break_it


@pytest.fixture
def gate(tmp_path: Path) -> Callable[[Path, Sequence[Check]], list[CheckResult]]:
    """Return a function that runs checks on a warehouse, with pages under tmp_path/docs/marts."""

    def run(database: Path, checks: Sequence[Check]) -> list[CheckResult]:
        return run_gate(database, checks, tmp_path / "docs", MARTS, "run-00001", lambda _: None)

    return run
