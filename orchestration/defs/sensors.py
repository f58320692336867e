"""What the daemon watches: extracts that come late, and runs that did not come to their end."""

import json
from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from orchestration import alerts, late_files
from orchestration.defs.jobs import nightly
from orchestration.errors import WarehouseBusyError
from orchestration.night import reason_of
from orchestration.settings import load_settings

_SECONDS = 120  # between two looks: a file is taken when it kept still between them


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reruns the night when an extract comes after it, until schedule.late_until: by content, not by time.",
)
def late_extracts(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for the night again where `landing/` holds content that the ledger does not know.

    What is in the ledger is not read again, and the steps after it work on the whole business day: a late receipt moves
    stock, forecasts and orders, so all that rests on them is affected.
    """
    settings = load_settings()
    now = datetime.now(settings.zone)
    if not late_files.is_time(now, settings.schedule.at, settings.schedule.late_until):
        yield dg.SkipReason(f"late extracts rerun the night until {settings.schedule.late_until}")
        return
    if not settings.warehouse.exists():
        yield dg.SkipReason("no night has run yet")
        return
    seen = {path: tuple(was) for path, was in json.loads(context.cursor or "{}").items()}
    try:
        new, seen_now = late_files.look(settings, seen)
    except WarehouseBusyError:
        yield dg.SkipReason("a run is under way")
        return
    context.update_cursor(json.dumps(seen_now))
    if not new:
        yield dg.SkipReason("the ledger knows every extract")
        return
    night = late_files.night_of(now, settings.schedule.at).date().isoformat()
    yield dg.RunRequest(run_key=f"{night}-{late_files.run_key(new)}", tags={"shelfcast/late_files": str(len(new))})


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    monitor_all_code_locations=True,
    description="Tells of runs that failed or were killed: home/alerts.jsonl, webhook, e-mail.",
)
def failed_runs(context: dg.RunFailureSensorContext) -> None:
    """Alert of a failed run, once, whoever started it."""
    settings = load_settings()
    reasons = [reason_of(event.step_failure_data) for event in context.get_step_failure_events()]
    message = "\n".join(filter(None, reasons)) or context.failure_event.message or "it ended without a word"
    run = context.dagster_run
    alert = alerts.Alert(run.run_id, alerts.FAILED, run.job_name, None, message)
    for trouble in alerts.raise_alert(settings.home, settings.alerts, settings.company, alert):
        context.log.warning(trouble)
