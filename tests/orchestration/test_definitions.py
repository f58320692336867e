"""The code location: what the data team sees, and what it must not cost to load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date

import dagster as dg
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
        "customer_next_products",
        "range_lists",
        "watched",
        "recommendations",
        "recommendation_history",
        "orders_gate",
        "prices",
        "prices_gate",
        "dbt_build_marts",
        "results_gate",
        "published__latest",
    }


def test_the_replay_is_a_job_of_its_own_once_a_week(definitions):
    assert set(definitions.resolve_job_def("replay").graph.node_dict) == {"replay_history", "replay_gate"}
    assert definitions.resolve_schedule_def("every_week").cron_schedule == "0 12 * * 0"


def test_the_tuning_report_replays_first_once_a_quarter(definitions):
    job = definitions.resolve_job_def("tuning")
    assert set(job.graph.node_dict) == {"replay_history", "replay_gate", "ml__tuning_report"}
    assert definitions.resolve_schedule_def("every_quarter").cron_schedule == "0 18 1 1,4,7,10 *"


def test_the_schedule_starts_at_two_in_the_company_time_zone(definitions):
    schedule = definitions.resolve_schedule_def("every_night")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "UTC")


def test_past_nights_are_the_nightly_job_by_business_day(definitions):
    past, nightly = definitions.resolve_job_def("past_nights"), definitions.resolve_job_def("nightly")
    assert set(past.graph.node_dict) == set(nightly.graph.node_dict)
    config = past.partitioned_config.get_run_config_for_partition_key("2025-05-31")
    assert config == {"ops": {"ingest": {"config": {"as_of": "2025-05-31", "keeps_latest": True}}}}
    keys = past.partitions_def.get_partition_keys_in_range(dg.PartitionKeyRange("2025-05-30", "2025-06-01"))
    assert keys == ["2025-05-30", "2025-05-31", "2025-06-01"]


def test_what_the_daemon_does_is_on_without_a_click(definitions):
    assert {s.name: s.default_status.value for s in definitions.schedules} == dict.fromkeys(
        ("every_night", "every_week", "every_quarter", "every_month"), "RUNNING"
    )
    assert {s.name: s.default_status.value for s in definitions.sensors} == dict.fromkeys(
        ("late_extracts", "failed_runs"), "RUNNING"
    )


def test_old_records_of_runs_go_and_running_ones_stay():
    from orchestration.night import purge_records

    @dg.op
    def nothing():
        pass

    @dg.job
    def small():
        nothing()

    with dg.DagsterInstance.ephemeral() as instance:
        small.execute_in_process(instance=instance)
        open_run = instance.create_run_for_job(small)
        assert purge_records(instance, 1) == 0
        assert purge_records(instance, -1) == 1
        assert [run.run_id for run in instance.get_runs()] == [open_run.run_id]


def test_every_table_that_a_suite_asks_about_has_its_asset_check():
    settings, day = QualitySettings(), date(2025, 1, 1)
    gated = {table for tables in GATED.values() for table in tables}
    made_by = (gates.feeds_checks, gates.marts_checks, gates.outputs_checks, gates.results_checks)
    declared = {check.table for checks in made_by for check in checks(settings, day, ALL_TABLES)}
    declared |= {check.table for check in gates.replay_checks(day, ALL_TABLES)}
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


def test_the_alert_of_a_failed_run_of_the_daemon_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("SHELFCAST_HOME", str(tmp_path))
    from orchestration.defs.sensors import failed_runs

    @dg.op
    def breaks():
        raise dg.Failure(description="tills.csv lacks required column 'quantity'")

    @dg.job
    def small():
        breaks()

    with dg.DagsterInstance.ephemeral() as instance:
        done = small.execute_in_process(instance=instance, raise_on_error=False)
        (event,) = [event for event in done.all_events if event.event_type_value == "PIPELINE_FAILURE"]
        context = dg.build_run_status_sensor_context("failed_runs", event, instance, done.dagster_run)
        for _ in range(2):
            failed_runs(context.for_run_failure())
    (alert,) = map(json.loads, (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines())
    assert (alert["job"], alert["message"]) == ("small", "tills.csv lacks required column 'quantity'")


def test_a_killed_run_of_the_command_line_keeps_no_place_in_the_pool():
    from orchestration.night import close_killed

    @dg.op(pool="warehouse")
    def nothing():
        pass

    @dg.job
    def small():
        nothing()

    with dg.DagsterInstance.ephemeral(settings={"concurrency": {"pools": {"default_limit": 1}}}) as instance:
        instance.event_log_storage.initialize_concurrency_limit_to_default("warehouse")
        killed = instance.create_run_for_job(small, status=dg.DagsterRunStatus.STARTED)
        claim = instance.event_log_storage.claim_concurrency_slot("warehouse", killed.run_id, "nothing")
        assert claim.is_claimed
        assert close_killed(instance) == 1
        assert instance.event_log_storage.get_concurrency_info("warehouse").claimed_slots == []
        assert instance.get_run_by_id(killed.run_id).status == dg.DagsterRunStatus.FAILURE
        assert small.execute_in_process(instance=instance).success
