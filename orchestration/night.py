"""One night, or one replay, from the command line: the job in this process, and what it came to.

Belongs here: setting up Dagster's instance, running the job, reading the outcome. Not here: words for the terminal
(cli.py) and what the steps do (defs/).
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from orchestration import runs
from orchestration.progress import ProgressDisplay
from orchestration.settings import HOME_VARIABLE, Settings
from orchestration.warehouse import connect


@dataclass(frozen=True)
class Outcome:
    """How a night ended; `run` is None when it did not get as far as opening the warehouse."""

    is_published: bool
    run: runs.Run | None
    errors: tuple[str, ...]


def prepare_instance(settings: Settings) -> Path:
    """Point this process at the company's home and Dagster's instance inside it; returns DAGSTER_HOME."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(Path(__file__).parent / "dagster.yaml", folder / "dagster.yaml")
    os.environ[HOME_VARIABLE] = str(settings.home)
    os.environ["DAGSTER_HOME"] = str(folder)
    # LightGBM's waiting threads would spin, and take the processor from the step's other work
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return folder


def run_night(settings: Settings, as_of: str | None, console: Console, rebuild: str | None = None) -> Outcome:
    """Run the nightly job to its end, with a progress display on `console`; rebuild: an older run to make again."""
    prepare_instance(settings)
    from orchestration.defs.jobs import NIGHTLY

    asked = {key: value for key, value in (("as_of", as_of), ("rebuild", rebuild)) if value}
    is_done, errors = _run(NIGHTLY, {"ops": {"ingest": {"config": asked}}} if asked else {}, console)
    with connect(settings) as con:
        newest = runs.recent(con, 1)
        if newest and not is_done:
            runs.end(con, newest[0].run_id, runs.FAILED, "\n".join(errors))
            newest = runs.recent(con, 1)
    return Outcome(is_done, newest[0] if newest else None, errors)


def run_replay(settings: Settings, console: Console) -> tuple[str, ...]:
    """Run the job that replays the past; returns why it failed, nothing where it did not."""
    prepare_instance(settings)
    from orchestration.defs.jobs import REPLAY

    is_done, errors = _run(REPLAY, {}, console)
    return () if is_done else errors


def _run(name: str, config: dict[str, Any], console: Console) -> tuple[bool, tuple[str, ...]]:
    """Run a job in this process, with a progress display: whether it came to its end, and why not."""
    # Dagster takes 3 s to import: only a run pays for it
    import dagster as dg

    from orchestration.definitions import defs
    from orchestration.defs.loggers import NIGHT_LOGGER

    job = defs().resolve_job_def(name)
    logger = logging.getLogger("shelfcast.night")
    with ProgressDisplay(console) as display, dg.DagsterInstance.get() as instance:
        logger.addHandler(display)
        try:
            result = job.execute_in_process(
                instance=instance, run_config={"loggers": {NIGHT_LOGGER: {}}} | config, raise_on_error=False
            )
        finally:
            logger.removeHandler(display)
    failures = [event for event in result.all_events if event.is_step_failure]
    return result.success, tuple(_reason(event.step_failure_data) for event in failures)


def _reason(data: object) -> str:
    """Return the message of the innermost cause of a failed step."""
    failure = getattr(data, "user_failure_data", None)
    if failure is not None and failure.description:
        return str(failure.description)
    error = getattr(data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else "a step failed"
