"""Stage 5: forecasts of every series as distributions, and how good such forecasts were on past cut-offs."""

import json
from collections.abc import Iterator

import dagster as dg
import polars as pl

from orchestration import runs
from orchestration.defs.resources import Company
from orchestration.defs.steps import OWNER, POOL, retrying_io
from orchestration.warehouse import connect, read_frame, replace_table

TABLES = {
    "forecast_daily": "Demand by series and day, 28 days ahead: mean and quantiles.",
    "forecast_weekly": "Demand by series and week, 26 weeks ahead: mean and quantiles.",
    "forecast_monthly": "Demand by series and month, 6 months ahead: mean and quantiles.",
    "forecast_accuracy": "How accurate forecasts made on past cut-offs were, beside seasonal naive, by level and band.",
    "forecast_dispersion": "How far demand summed over n days strays from its forecast: what planning sizes safety on.",
}
HISTORY_QUERY = "select * from ml.demand_history order by series_id, date"
SERIES_QUERY = "select * from ml.demand_series order by series_id"
EVENTS_QUERY = "select date, event_name, region from staging.stg_erp__events order by date, event_name"


@dg.multi_asset(
    name="forecasts",
    specs=[
        dg.AssetSpec(
            ["ml", table],
            deps=[
                dg.AssetKey(["ml", "demand_series"]),
                dg.AssetKey(["ml", "demand_history"]),
                dg.AssetKey(["staging", "stg_erp__events"]),
            ],
            group_name="forecasting",
            kinds={"python", "lightgbm", "duckdb"},
            owners=[OWNER],
            description=about,
        )
        for table, about in TABLES.items()
    ],
    pool=POOL,
)
def forecasts(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Backtest, fit and forecast; keeps the models' description for the manifest."""
    # LightGBM and Prophet take 3 s to import: the graph loads without them
    from ml.forecasting.pipeline import run as forecast

    settings = company.settings()
    with retrying_io():
        with connect(settings) as con:
            _, as_of = runs.current(con)
            series, history = read_frame(con, SERIES_QUERY), read_frame(con, HISTORY_QUERY)
            events = read_frame(con, EVENTS_QUERY)
        result = forecast(series, history, as_of, settings.forecast, context.log.info, events)
        for warning in result.warnings:
            context.log.warning(warning)
        models = pl.DataFrame({"model": [json.dumps(m, sort_keys=True, default=str) for m in result.models]})
        with connect(settings) as con:
            for table in TABLES:
                rows = replace_table(con, f"ml.{table}", getattr(result, table.removeprefix("forecast_")))
                yield dg.MaterializeResult(asset_key=["ml", table], metadata={"dagster/row_count": rows})
            replace_table(con, "ml.models", models)
            replace_table(
                con, "ml.forecast_warnings", pl.DataFrame({"warning": result.warnings}, {"warning": pl.String})
            )
