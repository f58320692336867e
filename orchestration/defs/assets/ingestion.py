"""Stage 1: extracts in `landing/` become typed rows; opens the run and fixes its business day."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import duckdb
from pydantic import Field

from orchestration import alerts, failpoints, night_lock, recovery, runs
from orchestration.defs.resources import Company
from orchestration.defs.steps import POOL, retrying_io, table_specs
from orchestration.errors import InputRefusedError
from orchestration.ingestion import views
from orchestration.ingestion.catalogue import canonical_feeds
from orchestration.ingestion.declarations import source_feeds
from orchestration.ingestion.loading import ingest
from orchestration.ingestion.run import IngestionReport
from orchestration.settings import Settings
from orchestration.warehouse import connect


class NightConfig(dg.Config):
    """What may be asked of one night."""

    as_of: str | None = Field(None, description="Business day to close, YYYY-MM-DD; default: the last with sales.")
    rebuild: str | None = Field(None, description="An older run to make again with what was known then; reads no file.")
    keeps_latest: bool = Field(False, description="`latest` stays where it is of a newer business day: a past night.")


TABLES = {
    f"feeds.{feed.table}": f"{feed.about} All sources that deliver `{feed.name}`, typed, with each row's file and line."
    for feed in canonical_feeds().values()
} | {"ops.file_ledger": "What became of every file ever met: its hash, and its rows loaded, kept aside or repeated."}


@dg.multi_asset(
    name="ingest",
    specs=table_specs(TABLES, (), "ingestion", {"duckdb", "python"}),
    pool=POOL,
)
def ingest_extracts(
    context: dg.AssetExecutionContext, config: NightConfig, company: Company
) -> Iterator[dg.MaterializeResult]:
    """Load what is new in `landing/`, file by file, and renew the views that dbt reads."""
    settings = company.settings()
    # a run of the schedule or the UI has a process of its own, whose end lets go of the lock; the command line holds it
    with retrying_io():  # between two tries the step gives its place in the pool to the run that holds the lock
        night_lock.hold(settings.home, f"{context.job_name}, Dagster run {context.run_id}", context.log.info, 0.0)
    feeds = source_feeds(settings.home)
    recovery.require_room(settings)
    if done := recovery.set_aside_broken(settings):
        context.log.warning(done)
    with retrying_io(), connect(settings) as con:
        asked = config.as_of
        for lost in runs.left_open(con):
            alert = alerts.Alert(
                lost, alerts.INTERRUPTED, context.job_name, lost, "the run was killed, or the power cut"
            )
            for trouble in alerts.raise_alert(settings.home, settings.alerts, settings.company, alert):
                context.log.warning(trouble)
        if config.rebuild:
            older = runs.find(con, config.rebuild)
            run_id = runs.begin(con, settings, older.run_id)
            context.log.info(f"{run_id}: making {older.run_id} again, with what was known then")
            views.refresh(con, feeds, older.run_id)
            report, asked = IngestionReport(), asked or older.as_of.isoformat()
        else:
            run_id = runs.begin(con, settings)
            context.log.info(f"{run_id}: reading {settings.landing}")
            pct = settings.max_quarantined_pct
            report = ingest(con, feeds, settings.landing, run_id, pct, context.log.info, settings.ingestion)
        for warning in report.warnings:
            context.log.warning(warning)
        as_of = _business_day(con, settings, asked, report)
        if report.errors or as_of is None:
            runs.end(con, run_id, runs.REFUSED, "\n".join(report.errors))
            raise dg.Failure(description="\n".join(report.errors), allow_retries=False) from InputRefusedError(
                report.errors
            )
        runs.set_as_of(con, run_id, as_of)
        failpoints.reached("after_ingest")
        context.log.info(f"business day {as_of}, {_summary(report)}")
        yield dg.MaterializeResult(asset_key=["ops", "file_ledger"], metadata={"files": dict(report.files)})
        for feed in canonical_feeds().values():
            row = con.execute(f"select count(*) from feeds.{feed.table}").fetchone()
            yield dg.MaterializeResult(
                asset_key=["feeds", feed.table], metadata={"dagster/row_count": row[0] if row else 0}
            )


def _business_day(
    con: duckdb.DuckDBPyConnection, settings: Settings, asked: str | None, report: IngestionReport
) -> date | None:
    """Return the day asked for, else the last local business date of `pos/sales`; None adds an error to the report."""
    newest = con.execute(
        "select max(case when s.sold_at_utc is null then s.sold_at "
        "else timezone(coalesce(l.timezone, ?), timezone('UTC', s.sold_at_utc)) end)::date "
        "from feeds.pos_sales s left join feeds.erp_locations l using (location_id)",
        [settings.timezone],
    ).fetchone()
    last = newest[0] if newest else None
    if asked is None:
        return last
    day = date.fromisoformat(asked)
    if last is not None and day > last:
        report.errors.append(
            f"--as-of {day} is later than the last business day in pos/sales, {last} — the day cannot be closed yet; "
            f"deliver its sales, or ask for {last} or earlier"
        )
    return day


def _summary(report: IngestionReport) -> str:
    files = ", ".join(f"{count} {state}" for state, count in sorted(report.files.items()))
    return f"files: {files or 'none'}; rows: {report.rows_loaded:,} loaded, {report.rows_quarantined:,} quarantined"
