"""The replay of the company's history: a job of its own, weekly, whose newest result every night publishes.

And the tuning report, a job of its own every quarter that replays first. What a replay and its advice are stands in
ml/simulation; here only tables in and out.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration import night_lock, runs
from orchestration.defs.assets.forecasts import EVENTS_QUERY, HISTORY_QUERY, SERIES_QUERY
from orchestration.defs.resources import Company
from orchestration.defs.steps import OWNER, POOL, retrying_io, table_specs
from orchestration.errors import ShelfcastError
from orchestration.replays import REPORT, RESULTS, TUNING, first_replayed_day, keep_replay, previous_targets
from orchestration.warehouse import connect, read_frame, replace_table, table_exists

TABLES = {
    RESULTS: "What the proposed rule and simple ones came to on the company's own past, by class and place.",
    TUNING: "Service targets tuned on one part of the past and proved on another, by group of products.",
}
QUERIES = {
    "series": SERIES_QUERY,
    "history": HISTORY_QUERY,
    "events": EVENTS_QUERY,
    "sourcing": "select * from intermediate.int_sourcing_resolved",
    "suppliers": "select supplier_id, order_weekdays from staging.stg_erp__suppliers",
    "products": "select sku_id, department, abc_class from marts.dim_product",
    "shelves": "select sku_id, location_id, price from intermediate.int_shelf_terms",
}


@dg.multi_asset(
    name="replay_history",
    specs=table_specs(
        TABLES,
        ["ml.demand_history", "intermediate.int_sourcing_resolved", "intermediate.int_shelf_terms"],
        "proof",
        {"python", "polars", "duckdb"},
    ),
    pool=POOL,
)
def replay_history(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Replay the days up to the newest night's business day; without enough to replay it says why and keeps nothing."""
    # LightGBM takes 2 s to import: the graph loads without it
    from ml.simulation.company import ReplayInputs, TooShortError
    from ml.simulation.study import study

    settings = company.settings()
    with retrying_io():  # between two tries the step gives its place in the pool to the run that holds the lock
        night_lock.hold(settings.home, f"{context.job_name}, Dagster run {context.run_id}", context.log.info, 0.0)
    with retrying_io(), connect(settings) as con:
        _, as_of = runs.current(con)
        absent = [query.split(" from ")[1].split()[0] for query in QUERIES.values()]
        absent = [table for table in absent if not table_exists(con, table)]
        if absent:
            raise ShelfcastError(f"nothing to replay: {absent[0]} is not there — run a night first (`shelfcast run`)")
        inputs = ReplayInputs(**{name: read_frame(con, query) for name, query in QUERIES.items()})
    try:
        done = study(inputs, as_of, settings.planning, settings.forecast, settings.simulation, context.log.info)
    except TooShortError as error:
        raise ShelfcastError(f"nothing to replay: {error}") from error
    with retrying_io(), connect(settings) as con:
        keep_replay(con, done.results, done.tuning, done.notes)
    for note in done.notes:
        context.log.warning(note)
    for table, frame in ((RESULTS, done.results), (TUNING, done.tuning)):
        yield dg.MaterializeResult(asset_key=table.split("."), metadata={"dagster/row_count": frame.height})
    context.log.info(f"kept in {RESULTS} and {TUNING}; the next night publishes it")


@dg.asset(
    key=REPORT.split("."),
    deps=[dg.AssetKey(table.split(".")) for table in TABLES],
    group_name="tuning",
    kinds={"python", "polars", "duckdb"},
    owners=[OWNER],
    pool=POOL,
)
def tuning_report(context: dg.AssetExecutionContext, company: Company) -> dg.MaterializeResult:
    """What was tuned by replay, on which days, proved on which others, and what to change in the settings."""
    from ml.simulation.advice import advise

    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        first_day = first_replayed_day(con)
        tuning = read_frame(con, f"from {TUNING}")
        report = advise(tuning, first_day, settings.planning.apply_tuned_targets, previous_targets(con))
        replace_table(con, REPORT, report)
    for sentence in report["explanation"]:
        context.log.info(sentence)
    return dg.MaterializeResult(metadata={"dagster/row_count": report.height})
