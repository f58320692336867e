"""The nightly job and its schedule: the same job for the schedule, the UI and `shelfcast run`."""

import dagster as dg

from orchestration.settings import load_settings

NIGHTLY = "nightly"

nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all(),
    # one process: DuckDB has one writer, and steps hand each other tables, not memory
    executor_def=dg.in_process_executor,
    description="The whole night: ingest, build, gate, forecast, decide, gate, publish.",
)


@dg.definitions
def night_schedule() -> dg.Definitions:
    """Provide the job and its schedule at the hour and in the time zone of the settings."""
    settings = load_settings()
    schedule = dg.ScheduleDefinition(
        name="every_night",
        job=nightly,
        cron_schedule=settings.schedule.cron,
        execution_timezone=settings.timezone,
        description=f"Starts the night at {settings.schedule.at}, {settings.timezone}.",
    )
    return dg.Definitions(jobs=[nightly], schedules=[schedule])
