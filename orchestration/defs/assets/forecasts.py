"""Stage 5: forecasts of every series as distributions, and how good such forecasts were on past cut-offs.

Models are trained weekly and kept in the registry; on the nights between they only predict.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date

import dagster as dg
import duckdb
import polars as pl

from orchestration import edit_history, failpoints, model_registry, notes, runs
from orchestration.defs import metadata
from orchestration.defs.resources import Company
from orchestration.defs.steps import POOL, retrying_io, table_specs
from orchestration.settings import Settings
from orchestration.warehouse import connect, read_frame, replace_table

TABLES = {
    "forecast_daily": "Demand by series and day, 28 days ahead: mean and quantiles.",
    "forecast_weekly": "Demand by series and week, 26 weeks ahead: mean and quantiles.",
    "forecast_monthly": "Demand by series and month, 6 months ahead: mean and quantiles.",
    "forecast_accuracy": "How accurate forecasts made on past cut-offs were, beside seasonal naive, by level and band.",
    "forecast_hierarchy": "Demand by node (total, region, channel, department, category, product), week and month.",
    "forecast_drivers": "What drives the next 28 days of each series: amounts that add up to the published mean.",
    "forecast_edits": "Planners' edits, what became of each, and the quantities before and after.",
    "forecast_promotions": "Demand with and without each promotion that is planned or running, by series.",
    "forecast_fallbacks": "How often a simpler method stood in for one that failed, by reason.",
    "forecast_dispersion": "How far demand summed over n days strays from its forecast: what planning sizes safety on.",
}
HISTORY_QUERY = "select * from ml.demand_history order by series_id, date"
SERIES_QUERY = "select * from ml.demand_series order by series_id"
# the mix of the last quarter: long enough for a small place, short enough for a channel that grows
CHANNELS_QUERY = (
    "select location_id, channel, sum(quantity)::double as quantity from marts.fct_sales "
    "where not is_return and sold_on between ?::date - 90 and ?::date group by all order by all"
)
EDITS_QUERY = (
    "select e.level, e.node, e.starts_on, e.ends_on, e.factor, e.quantity::double as quantity, e.owner, e.reason, "
    "e.expires_on, coalesce(f.name, '') as file, e._line as line "
    "from feeds.decisions_forecast_edits as e left join ops.file_ledger as f on e._file_id = f.file_id "
    "order by file, line"
)
PRICES_QUERY = (
    "select series_id, valid_from, valid_to, price from intermediate.int_series_prices order by series_id, valid_from"
)
PROMOTIONS_QUERY = (
    "select series_id, promotion_id, starts_on, ends_on, mechanic, depth, part from intermediate.int_series_promotions "
    "order by series_id, promotion_id"
)
EVENTS_QUERY = "select date, event_name, region from staging.stg_erp__events order by date, event_name"


@dg.multi_asset(
    name="forecasts",
    specs=table_specs(
        {f"ml.{table}": about for table, about in TABLES.items()},
        [
            "ml.demand_series",
            "ml.demand_history",
            "staging.stg_erp__events",
            "marts.fct_sales",
            "intermediate.int_series_prices",
            "intermediate.int_series_promotions",
            "feeds.decisions_forecast_edits",
        ],
        "forecasting",
        {"python", "lightgbm", "duckdb"},
    ),
    pool=POOL,
)
def forecasts(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Forecast with the models in use, or train where that is due; keeps what the manifest says of models."""
    # LightGBM and Prophet take 3 s to import: the graph loads without them
    from ml.forecasting.pipeline import run as forecast

    settings = company.settings()
    with retrying_io():
        with connect(settings) as con:
            run_id, as_of = runs.current(con)
            in_use, must_train = _models_for(con, settings, run_id, as_of)
            series, history = read_frame(con, SERIES_QUERY), read_frame(con, HISTORY_QUERY)
            events, edits = read_frame(con, EVENTS_QUERY), read_frame(con, EDITS_QUERY)
            channels = read_frame(con, CHANNELS_QUERY, [as_of, as_of])
            prices, promotions = read_frame(con, PRICES_QUERY), read_frame(con, PROMOTIONS_QUERY)
            past_edits = edit_history.earlier(con, run_id, as_of)
        champion = model_registry.load(settings.models, in_use) if in_use else None
        result = forecast(
            series,
            history,
            as_of,
            settings.forecast,
            context.log.info,
            events=events,
            champion=champion,
            must_train=must_train,
            edits=edits,
            past_edits=past_edits,
            channel_mix=channels,
            prices=prices,
            promotions=promotions,
        )
        for warning in result.warnings:
            context.log.warning(warning)
        if result.trained_files:
            in_use = run_id
            _keep(settings, run_id, as_of, result.trained_files, result.trained_because, result.models)
        if in_use is None:
            raise RuntimeError("a night without models in use has to train")
        card = _registered(settings, in_use, result.trained_because)
        fallbacks = {"name": "fallbacks", "used": dict(result.fallbacks.select("reason", "used").iter_rows())}
        facts = [*result.models, card, fallbacks]
        models = pl.DataFrame({"model": [json.dumps(each, sort_keys=True, default=str) for each in facts]})
        with connect(settings) as con:
            for table in TABLES:
                replace_table(con, f"ml.{table}", getattr(result, table.removeprefix("forecast_")))
                shown = metadata.of_table(con, f"ml.{table}")
                if table == "forecast_accuracy":
                    shown["accuracy by horizon"] = metadata.accuracy_by_horizon(result.accuracy)
                    shown["calibration"] = metadata.calibration(result.accuracy)
                yield dg.MaterializeResult(asset_key=["ml", table], metadata=shown)
            replace_table(con, "ml.models", models)
            notes.keep(con, "forecasts", result.warnings)
            runs.note_models(con, run_id, in_use)
            edit_history.note(con, run_id, result.edits)
        failpoints.reached("after_forecasts")


def _models_for(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str, as_of: date) -> tuple[str | None, str]:
    """Return (the run whose models forecast this night, why the night has to train without looking at them).

    A night made again uses the models that it was made with, though they may be its own; it trains where they are gone.
    """
    older = runs.rebuilt(con, run_id)
    if older is not None:
        used = runs.models_used(con, older)
        if used is None or not model_registry.has(settings.models, used):
            return None, f"the models of {older} are no longer in {settings.models}"
        by_code = model_registry.card_of(settings.models, used)["code_digest"]
    else:
        champion = model_registry.champion(settings.models, as_of)
        if champion is None:
            return None, ""
        used, by_code = champion.run_id, champion.code_digest
    if by_code != model_registry.code_digest():
        return None, f"the models of {used} were trained by another version of the forecaster"
    return used, ""


def _keep(
    settings: Settings,
    run_id: str,
    as_of: date,
    files: Mapping[str, bytes],
    because: str,
    models: list[dict[str, object]],
) -> None:
    """Write the night's models to the registry, with what their card says."""
    facts = {
        "cutoff": as_of.isoformat(),
        "trained_because": because,
        "code_version": runs.code_version(),
        "settings_digest": settings.forecast.training_digest,
        "models": models,
    }
    model_registry.save(settings.models, run_id, files, facts)


def _registered(settings: Settings, model_run: str, because: str) -> dict[str, object]:
    """Return the manifest's entry on the registry: whose models forecast this night, and the hash of each file."""
    card = model_registry.card_of(settings.models, model_run)
    return {
        "name": "registry",
        "trained_in": model_run,
        "cutoff": card["cutoff"],
        "trained_because": because or f"not this night: {card['trained_because']}",
        "code_digest": card["code_digest"],
        "files": card["files"],
    }
