"""The code location: what the data team sees, and what it must not cost to load."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date

import pytest

from data_quality import gates
from data_quality.settings import QualitySettings
from orchestration.defs.checks import GATED


@pytest.fixture(scope="module")
def definitions(tmp_path_factory):
    os.environ["SHELFCAST_HOME"] = str(tmp_path_factory.mktemp("home"))
    from orchestration.definitions import defs

    yield defs()
    os.environ.pop("SHELFCAST_HOME")


def test_every_asset_has_group_kinds_owner_and_description(definitions):
    for spec in definitions.resolve_all_asset_specs():
        if spec.key.path[0] == "feeds" and not spec.owners:
            continue  # dbt's source stubs are merged into the ingestion's own specs
        assert spec.group_name, spec.key
        assert spec.kinds, spec.key
        assert spec.owners, spec.key
        assert spec.description, spec.key


def test_asset_keys_are_schema_and_table(definitions):
    schemas = {"feeds", "identity", "reference", "ops", "staging", "intermediate", "marts", "ml", "published"}
    assert {spec.key.path[0] for spec in definitions.resolve_all_asset_specs()} == schemas


def test_the_nightly_job_holds_every_step(definitions):
    job = definitions.resolve_job_def("nightly")
    order = list(job.graph.node_dict)
    assert set(order) == {
        "ingest",
        "feeds_gate",
        "identify_customers",
        "reference__holidays",
        "dbt_build",
        "marts_gate",
        "demand_history",
        "forecasts",
        "forecasts_gate",
        "customer_value",
        "recommendations",
        "recommendation_history",
        "orders_gate",
        "dbt_build_marts",
        "results_gate",
        "published__latest",
    }


def test_the_replay_is_a_job_of_its_own_once_a_week(definitions):
    assert list(definitions.resolve_job_def("replay").graph.node_dict) == ["replay_history"]
    assert definitions.resolve_schedule_def("every_week").cron_schedule == "0 12 * * 0"


def test_the_schedule_starts_at_two_in_the_company_time_zone(definitions):
    schedule = definitions.resolve_schedule_def("every_night")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "UTC")


def test_every_table_that_a_suite_asks_about_has_its_asset_check():
    settings, day = QualitySettings(), date(2025, 1, 1)
    gated = {table for tables in GATED.values() for table in tables}
    made_by = (gates.feeds_checks, gates.marts_checks, gates.outputs_checks, gates.results_checks)
    declared = {check.table for checks in made_by for check in checks(settings, day, ALL_TABLES)}
    assert declared == gated


ALL_TABLES = {table for tables in GATED.values() for table in tables}


def test_loading_the_graph_imports_neither_great_expectations_nor_prophet_nor_splink(tmp_path):
    code = (
        "import sys; from orchestration.definitions import defs; defs(); "
        "print([m for m in ('great_expectations', 'prophet', 'lightgbm', 'cmdstanpy', 'splink') if m in sys.modules])"
    )
    environment = {**os.environ, "SHELFCAST_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
