"""The nightly job, the weekly replay and the quarterly tuning with their schedules.

The same jobs for schedule, UI and command line.
"""

from typing import Any

import dagster as dg

from orchestration.defs.resources import Company
from orchestration.night import purge_records
from orchestration.settings import Settings, load_settings

NIGHTLY, REPLAY, TUNING, PAST, TIDY = "nightly", "replay", "tuning", "past_nights", "tidy"
_REPLAYED = dg.AssetSelection.groups("proof")
_TUNED = dg.AssetSelection.groups("proof", "tuning")

nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all() - _TUNED,
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


tuning = dg.define_asset_job(
    TUNING,
    selection=_TUNED,
    executor_def=dg.in_process_executor,
    description="The replay, and the report of what it tuned and what to change; the next night publishes both.",
)


@dg.op(description="Removes Dagster's records of runs beyond schedule.keep_records_days.")
def remove_old_records(context: dg.OpExecutionContext, company: Company) -> None:
    """Keep Dagster's own database from growing for ever; what a night came to stands in ops.runs."""
    removed = purge_records(context.instance, company.settings().schedule.keep_records_days)
    context.log.info(f"{removed} runs removed from Dagster's records")


@dg.job(name=TIDY, executor_def=dg.in_process_executor, description="Removes old records of runs.")
def tidy() -> None:
    """Remove old records of runs."""
    remove_old_records()


def past_nights(settings: Settings) -> Any:
    """The nightly job by business day, so that the UI can run a range of past nights: its partitions are the days.

    A past night is published beside latest, which stays where it is of a newer business day. (The type of an asset job
    that is not resolved yet has no public name.)
    """
    days = dg.DailyPartitionsDefinition(settings.quality.earliest_date.isoformat(), timezone=settings.timezone)
    config = dg.PartitionedConfig(
        days,
        run_config_for_partition_key_fn=lambda day: {
            "ops": {"ingest": {"config": {"as_of": day, "keeps_latest": True}}}
        },
    )
    return dg.define_asset_job(
        PAST,
        selection=dg.AssetSelection.all() - _TUNED,
        config=config,
        executor_def=dg.in_process_executor,
        description="Past nights by business day: choose a range of days under Backfill; they run one after the other.",
    )


@dg.definitions
def schedules() -> dg.Definitions:
    """Provide the jobs and their schedules at the hours and in the time zone of the settings."""
    settings = load_settings()
    times = settings.schedule

    def schedule(name: str, job: Any, cron: str, about: str) -> dg.ScheduleDefinition:
        return dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone=settings.timezone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=about,
        )

    return dg.Definitions(
        jobs=[nightly, replay, tuning, past_nights(settings), tidy],
        schedules=[
            schedule("every_night", nightly, times.cron, f"Starts the night at {times.at}, {settings.timezone}."),
            schedule(
                "every_week",
                replay,
                times.replay_cron,
                f"Starts the replay at {times.replay_at} on weekday {times.replay_on}.",
            ),
            schedule(
                "every_quarter",
                tuning,
                times.tuning_cron,
                f"Starts the tuning report at {times.tuning_at} on the first day of a quarter.",
            ),
            schedule("every_month", tidy, "0 13 1 * *", "Removes old records of runs on the first of the month."),
        ],
    )
