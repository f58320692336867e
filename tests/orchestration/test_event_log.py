"""Dagster's events in databases that stay open: the same files and records as Dagster's own, whoever reads them."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage

import orchestration
from orchestration.event_log import OPEN_DATABASES, EventLog


@pytest.fixture
def instance(tmp_path, monkeypatch):
    shutil.copyfile(Path(orchestration.__file__).with_name("dagster.yaml"), tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as opened:
        yield opened


def test_a_run_leaves_what_dagsters_own_log_reads(instance, tmp_path):
    @dg.asset
    def table() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"rows": 3})

    run = dg.materialize([table], instance=instance)
    assert isinstance(instance.event_log_storage, EventLog)
    theirs = SqliteEventLogStorage(str(tmp_path / "history" / "runs"))
    logged = theirs.get_logs_for_run(run.run_id)
    assert logged == instance.all_logs(run.run_id)
    assert DagsterEventType.RUN_SUCCESS in {event.dagster_event_type for event in logged}
    (record,) = theirs.get_latest_materialization_events([table.key]).values()
    assert record.asset_materialization.metadata["rows"].value == 3


def entry(run_id: str, message: str = "") -> EventLogEntry:
    return EventLogEntry(None, 10, message, run_id, time.time())


def test_few_databases_stay_open_and_wait_for_the_disk_seldom(instance):
    log = instance.event_log_storage
    for number in range(OPEN_DATABASES + 3):
        log.store_event(entry(f"run-{number}"))
    assert len(log._open) == OPEN_DATABASES
    assert [len(log.get_logs_for_run(f"run-{number}")) for number in range(OPEN_DATABASES + 3)] == [1] * 7
    with log.run_connection("run-0") as connection:
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 1
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"


def test_what_fails_half_way_is_not_kept(instance):
    log = instance.event_log_storage
    log.store_event(entry("run"))

    def half() -> None:
        with log.run_connection("run") as connection:
            connection.execute(log.prepare_insert_event(entry("run")))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        half()
    log.store_event(entry("run"))
    assert len(log.get_logs_for_run("run")) == 2


def test_someone_who_watches_from_another_process_sees_events_while_the_run_goes_on(instance, tmp_path):
    watched = EventLog(str(tmp_path / "history" / "runs"))  # as the UI's web server has one of its own
    seen, arrived = [], threading.Event()

    def note(event, _cursor) -> None:
        seen.append(event.user_message)
        arrived.set()

    instance.event_log_storage.store_event(entry("run", "before"))
    watched.watch("run", None, note)
    try:
        assert arrived.wait(30)
        arrived.clear()
        instance.event_log_storage.store_event(entry("run", "later"))
        assert arrived.wait(30)
    finally:
        watched.end_watch("run", note)
        watched.dispose()
    assert seen == ["before", "later"]
