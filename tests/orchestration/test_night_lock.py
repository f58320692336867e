"""One night at a time: a second start waits, then says who is at work; a killed run holds nobody up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from orchestration import night_lock
from orchestration.errors import WarehouseBusyError
from orchestration.settings import load_settings
from orchestration.warehouse import connect

HOLDER = """
import sys, time
from pathlib import Path
from orchestration import night_lock
night_lock.hold(Path(sys.argv[1]), "nightly of the schedule", print)
print("held", flush=True)
time.sleep(60)
"""
WRITER = """
import sys, time, duckdb
con = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def start():
    """Start a script in a process of its own and wait for its word; all are ended after the test."""
    started = []

    def run(script: str, argument: str) -> subprocess.Popen:
        process = subprocess.Popen([sys.executable, "-c", script, argument], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def test_a_second_start_waits_and_then_names_the_holder(tmp_path, start):
    holder = start(HOLDER, str(tmp_path))
    said: list[str] = []
    with pytest.raises(WarehouseBusyError, match=rf"nightly of the schedule, process {holder.pid}, since 20"):
        night_lock.hold(tmp_path, "mine", said.append, wait_seconds=0.2)
    assert said == [f"waiting for another run to end: {str(said[0]).split(': ', 1)[1]}"]


def test_a_killed_run_lets_go(tmp_path, start):
    holder = start(HOLDER, str(tmp_path))
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with night_lock.held(tmp_path, "mine", print, wait_seconds=0.0):
        assert not night_lock.hold(tmp_path, "mine", print), "this process holds it already"
    assert night_lock.hold(tmp_path, "again", print, wait_seconds=0.0)
    night_lock.release(tmp_path)


def test_a_warehouse_held_by_an_analyst_is_said_with_the_process(tmp_path, start):
    settings = load_settings(tmp_path)
    with connect(settings):
        pass
    writer = start(WRITER, str(settings.warehouse))
    with pytest.raises(WarehouseBusyError, match=str(writer.pid)), connect(settings, wait_seconds=0.2):
        pass
    writer.kill()
    writer.wait()
    with connect(settings, wait_seconds=5.0) as con:
        assert con.execute("select 1").fetchone() == (1,)
