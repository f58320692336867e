"""A small plausible warehouse and nights published from it; the traps of real text stand in its product names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.publishing.night import Night, OutputTable
from orchestration.publishing.publication import publish
from orchestration.publishing.settings import PublishingSettings

WAREHOUSE_SQL = Path(__file__).parent / "warehouse.sql"
AS_OF = date(2024, 3, 5)  # a Tuesday: the first forecast week is already under way
QUANTILES = {"p05": 0.3, "p10": 0.4, "p25": 0.7, "p50": 1.0, "p75": 1.2, "p90": 1.6, "p95": 1.9, "p99": 2.6}

SERIES = ("sku_id", "location_id")
OUTPUTS = (
    OutputTable("forecast_daily", "ml.forecast_daily", (*SERIES, "date"), False, "Daily forecast", "28 days."),
    OutputTable(
        "forecast_weekly", "ml.forecast_weekly", (*SERIES, "week_start"), False, "Weekly forecast", "26 weeks."
    ),
    OutputTable(
        "forecast_monthly", "ml.forecast_monthly", (*SERIES, "month_start"), False, "Monthly forecast", "6 months."
    ),
    OutputTable(
        "forecast_accuracy", "ml.forecast_accuracy", ("level", "horizon_band", "step"), False, "Accuracy", "Backtest."
    ),
    OutputTable(
        "replenishment_orders", "ml.replenishment_orders", SERIES, True, "Order lines", "What to order tonight."
    ),
    OutputTable(
        "mart_policy_replay",
        "ml.policy_replay",
        ("policy", "dial", "abc_class", "location_id"),
        False,
        "Replay",
        "Rules side by side.",
    ),
    OutputTable("mart_service_tuning", "ml.service_tuning", ("service_group",), False, "Targets", "Tuned and proved."),
    OutputTable("tuning_report", "ml.tuning_report", ("service_group",), False, "Tuning report", "What to change."),
    OutputTable("data_quality", "ops.data_quality", ("gate", "check_name"), False, "Data quality", "Every check."),
)
ROWS = ("rows_physical", "rows_loaded", "rows_quarantined", "rows_excluded", "rows_duplicate", "rows_superseded")


def build_warehouse(
    path: Path, *, products: int = 12, places: int = 4, departments: int = 3, history_days: int = 400
) -> Path:
    """Write a warehouse file, the same at every call."""
    quantiles = ", ".join(f"mean * {factor} as {name}" for name, factor in QUANTILES.items())
    sql = WAREHOUSE_SQL.read_text(encoding="utf-8").format(
        as_of=AS_OF,
        products=products,
        places=places,
        departments=departments,
        history_days=history_days,
        quantiles=quantiles,
    )
    with duckdb.connect(str(path)) as con:
        con.execute(sql)
    return path


def input_file(feed: str, *rows: int) -> dict[str, Any]:
    """Describe one file that a night read; rows: physical, loaded, quarantined, excluded, duplicate, superseded."""
    return {"name": f"{feed}.csv", "feed": feed, "sha256": "ab" * 32, **dict(zip(ROWS, rows, strict=True))}


def night_of(run_id: str = "run-00001", **changes: Any) -> Night:
    """Describe a night; keyword arguments replace fields."""
    fields: dict[str, Any] = {
        "run_id": run_id,
        "as_of": AS_OF,
        "company": "Söhne & Co <Berlin>",
        "currency": "EUR",
        "code_version": "0.1.0",
        "settings_hash": "0123456789abcdef",
        "inputs": [input_file("pos/sales", 1000, 990, 4, 3, 2, 1), input_file("erp/inventory", 48, 48, 0, 0, 0, 0)],
        "models": [{"name": "lightgbm", "series": 48}],
        "warnings": ["4 rows are quarantined: <b>see</b> the list"],
        "absent": {"transfer_orders": "erp/lanes was not delivered"},
        "simulated_feeds": ("erp/inventory",),
        "data_docs": None,
    }
    return Night(**{**fields, **changes})


def quietly(line: str) -> None:
    """Hear what a publication says, and say nothing."""


@pytest.fixture(scope="session")
def warehouse_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small warehouse, built once; tests only read it."""
    return build_warehouse(tmp_path_factory.mktemp("warehouse") / "shelfcast.duckdb")


@pytest.fixture
def con(warehouse_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the small warehouse, with two threads like a night's."""
    with duckdb.connect(str(warehouse_file), read_only=True, config={"threads": 2}) as connection:
        yield connection


@pytest.fixture
def published_dir(tmp_path: Path) -> Path:
    """Where run_night publishes."""
    return tmp_path / "home" / "published"


@pytest.fixture
def run_night(con: duckdb.DuckDBPyConnection, published_dir: Path) -> Callable[..., Path]:
    """Publish a night into published_dir; further keyword arguments replace fields of the night."""

    def run(
        run_id: str = "run-00001",
        outputs: tuple[OutputTable, ...] = OUTPUTS[-1:],
        keep_runs: int = 14,
        **changes: Any,
    ) -> Path:
        settings = PublishingSettings(keep_runs=keep_runs)
        night = night_of(run_id, **changes)
        return publish(con, night, outputs, published_dir=published_dir, settings=settings, say=quietly)

    return run


@pytest.fixture(scope="session")
def night_folder(warehouse_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whole published night that tests only read."""
    home = tmp_path_factory.mktemp("home")
    docs = home / "docs"
    docs.mkdir()
    (docs / "index.html").write_text("<!doctype html><title>reports</title>", encoding="utf-8")
    with duckdb.connect(str(warehouse_file), read_only=True, config={"threads": 2}) as connection:
        return publish(
            connection,
            night_of(data_docs=docs),
            OUTPUTS,
            published_dir=home / "published",
            settings=PublishingSettings(top_lines=30),  # every hostile name is among the lines of the first screen
            say=quietly,
        )
