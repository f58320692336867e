"""One night, or one replay, from the command line: the job in this process, and what it came to.

Belongs here: setting up Dagster's instance, running the job, reading the outcome. Not here: words for the terminal
(cli.py) and what the steps do (defs/).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from rich.console import Console
from sqlalchemy.exc import OperationalError

from orchestration import alerts, night_lock, runs
from orchestration.errors import ShelfcastError
from orchestration.progress import ProgressDisplay
from orchestration.settings import HOME_VARIABLE, Settings
from orchestration.warehouse import connect, spare_memory

if TYPE_CHECKING:
    from dagster import DagsterInstance

POSTGRES_VARIABLE = "SHELFCAST_DAGSTER_POSTGRES"


@dataclass(frozen=True)
class Outcome:
    """How a night ended; `run` is None when it did not get as far as opening the warehouse."""

    is_published: bool
    run: runs.Run | None
    errors: tuple[str, ...]


def prepare_instance(settings: Settings) -> Path:
    """Point this process at the company's home and Dagster's instance inside it; returns DAGSTER_HOME.

    Dagster keeps its records in SQLite there, or in the PostgreSQL database that SHELFCAST_DAGSTER_POSTGRES names: the
    address with its password stays in the environment.
    """
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = (Path(__file__).parent / "dagster.yaml").read_text(encoding="utf-8")
    if os.environ.get(POSTGRES_VARIABLE):
        wanted += f"\nstorage:\n  postgres:\n    postgres_url:\n      env: {POSTGRES_VARIABLE}\n"
    (folder / "dagster.yaml").write_text(wanted, encoding="utf-8")
    os.environ[HOME_VARIABLE] = str(settings.home)
    os.environ["DAGSTER_HOME"] = str(folder)
    # LightGBM's waiting threads would spin, and take the processor from the step's other work
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return folder


def run_night(
    settings: Settings, as_of: str | None, console: Console, rebuild: str | None = None, keeps_latest: bool = False
) -> Outcome:
    """Run the nightly job to its end, with a progress display on `console`.

    rebuild: an older run to make again. keeps_latest: `latest` stays where it is of a newer business day.
    """
    prepare_instance(settings)
    from orchestration.defs.jobs import NIGHTLY

    wanted = {"as_of": as_of, "rebuild": rebuild, "keeps_latest": keeps_latest}
    asked = {key: value for key, value in wanted.items() if value}
    with night_lock.held(settings.home, night_lock.command(), console.print), _told_of_disk(settings):
        done = _run(settings, NIGHTLY, {"ops": {"ingest": {"config": asked}}} if asked else {}, console)
        with connect(settings) as con:
            newest = runs.recent(con, 1)
            if newest and not done.is_done:
                runs.end(con, newest[0].run_id, runs.FAILED, "\n".join(done.errors))
                newest = runs.recent(con, 1)
    run = newest[0] if newest else None
    if not done.is_done:
        _tell(settings, console, done, NIGHTLY, run)
    return Outcome(done.is_done, run, done.errors)


def run_past_nights(settings: Settings, first: date, last: date, console: Console) -> list[tuple[date, Outcome]]:
    """Run the nights of a range of business days one after the other; stops at the first that is not published."""
    outcomes = []
    for ahead in range((last - first).days + 1):
        day = first + timedelta(days=ahead)
        outcomes.append((day, run_night(settings, day.isoformat(), console, keeps_latest=True)))
        if not outcomes[-1][1].is_published:
            break
    return outcomes


def run_replay(settings: Settings, console: Console, with_report: bool = False) -> tuple[str, ...]:
    """Run the job that replays the past, or that which reports on it too; returns why it failed, nothing if not."""
    prepare_instance(settings)
    from orchestration.defs.jobs import REPLAY, TUNING

    name = TUNING if with_report else REPLAY
    with night_lock.held(settings.home, night_lock.command(), console.print), _told_of_disk(settings):
        done = _run(settings, name, {}, console)
    if not done.is_done:
        _tell(settings, console, done, name, None)
    return done.errors


@contextmanager
def _told_of_disk(settings: Settings) -> Iterator[None]:
    """Say in a line what could not be read or written outside the steps: Dagster's records, the record of the run.

    The steps retry and tell themselves. Raises ShelfcastError in place of the error of the disk or the databases.
    """
    try:
        yield
    except (OSError, duckdb.Error, OperationalError) as error:
        said = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ShelfcastError(
            f"{settings.home}: the night's records cannot be kept ({said}) — is the disk full, or may this user not "
            "write there? Mend that and start the night again; latest stays as it was"
        ) from error


@dataclass(frozen=True)
class _Done:
    """How a job ended; key: its Dagster run."""

    is_done: bool
    errors: tuple[str, ...]
    key: str


def _tell(settings: Settings, console: Console, done: _Done, job: str, run: runs.Run | None) -> None:
    """Alert of a job that did not come to its end; the daemon's sensor, which sees it as well, finds it told."""
    kind = alerts.REFUSED if run is not None and run.state == runs.REFUSED else alerts.FAILED
    message = (run.message if run else "") or "\n".join(done.errors)
    alert = alerts.Alert(done.key, kind, job, run.run_id if run else None, message)
    for trouble in alerts.raise_alert(settings.home, settings.alerts, settings.company, alert):
        console.print(trouble, style="yellow", markup=False)


def _run(settings: Settings, name: str, config: dict[str, Any], console: Console) -> _Done:
    """Run a job in this process, with a progress display."""
    # Dagster takes 3 s to import: only a run pays for it
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.defs.loggers import NIGHT_LOGGER

    spare_memory(False)  # an earlier night of this process may have met its limit
    job = defs().resolve_job_def(name)
    logger = logging.getLogger("shelfcast.night")
    with ProgressDisplay(console) as display, dg.DagsterInstance.get() as instance:
        close_killed(instance)
        logger.addHandler(display)
        try:
            result = job.execute_in_process(
                instance=instance, run_config={"loggers": {NIGHT_LOGGER: {}}} | config, raise_on_error=False
            )
        finally:
            logger.removeHandler(display)
            purge_records(instance, settings.schedule.keep_records_days)
    failures = [event for event in result.all_events if event.is_step_failure]
    reasons = () if result.success else tuple(reason_of(event.step_failure_data) for event in failures)
    return _Done(result.success, reasons, result.run_id)


def close_killed(instance: DagsterInstance) -> int:
    """Mark runs of the command line that were killed as failed, and free their place in the pool; how many there were.

    To be called by whoever holds the night's lock: no other such run can be alive. Dagster cannot know that they are
    dead, and the next night would wait for their place for ever. Runs of the daemon have an origin; it watches those.
    """
    import dagster as dg

    started = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]))
    dead = [run for run in started if run.remote_job_origin is None]
    for run in dead:
        instance.report_run_failed(run, "the run was killed, or the power cut")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(dead)


def purge_records(instance: DagsterInstance, days: int) -> int:
    """Remove Dagster's records of runs that ended more than `days` days ago; returns how many went."""
    import dagster as dg

    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    before = datetime.now(UTC) - timedelta(days=days)
    old = instance.get_run_ids(dg.RunsFilter(statuses=ended, created_before=before))
    for run_id in old:
        instance.delete_run(run_id)
    return len(old)


def reason_of(data: object) -> str:
    """Return the message of the innermost cause of a failed step."""
    failure = getattr(data, "user_failure_data", None)
    if failure is not None and failure.description:
        return str(failure.description)
    error = getattr(data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else "a step failed"
