"""The nightly job and the weekly replay with their schedules: the same jobs for schedule, UI and command line."""

import dagster as dg

from orchestration.settings import load_settings

NIGHTLY, REPLAY = "nightly", "replay"
_REPLAYED = dg.AssetSelection.groups("proof")

nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all() - _REPLAYED,
    # one process: DuckDB has one writer, and steps hand each other tables, not memory
    executor_def=dg.in_process_executor,
    description="The whole night: ingest, build, gate, forecast, decide, gate, publish.",
)

replay = dg.define_asset_job(
    REPLAY,
    selection=_REPLAYED,
    executor_def=dg.in_process_executor,
    description="The company's own past under the proposed rule and simple ones; the next night publishes it.",
)


@dg.definitions
def schedules() -> dg.Definitions:
    """Provide the jobs and their schedules at the hours and in the time zone of the settings."""
    settings = load_settings()
    schedule = dg.ScheduleDefinition(
        name="every_night",
        job=nightly,
        cron_schedule=settings.schedule.cron,
        execution_timezone=settings.timezone,
        description=f"Starts the night at {settings.schedule.at}, {settings.timezone}.",
    )
    weekly = dg.ScheduleDefinition(
        name="every_week",
        job=replay,
        cron_schedule=settings.schedule.replay_cron,
        execution_timezone=settings.timezone,
        description=f"Starts the replay at {settings.schedule.replay_at} on weekday {settings.schedule.replay_on}.",
    )
    return dg.Definitions(jobs=[nightly, replay], schedules=[schedule, weekly])
