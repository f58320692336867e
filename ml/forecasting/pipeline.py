"""One night's forecast, from demand history to published tables: the only module that knows the order of the steps.

    check → panel → train, where it is due → forecast → reconcile → tables

What belongs here: that order, and what is handed from step to step. What does not: any number.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.contract import FALLBACKS_SCHEMA, ForecastResult
from ml.forecasting.daily import DayShares, learn_day_shares
from ml.forecasting.distribution import DemandDistribution
from ml.forecasting.drivers import DAYS as DRIVER_DAYS
from ml.forecasting.drivers import drivers_of_methods, drivers_table
from ml.forecasting.edits import APPLIED, EXPIRED, EditLayer, apply_edits, check_edits
from ml.forecasting.evaluation.backtest import LIGHTGBM, METHODS, Outlook, look_ahead
from ml.forecasting.evaluation.edits import edit_worth, worth_in_words
from ml.forecasting.features import PRICE, PROMOTION
from ml.forecasting.hierarchy_table import PeriodMeans, hierarchy_table
from ml.forecasting.metrics import demand_classes
from ml.forecasting.models.launch import launch_blocks
from ml.forecasting.offer_layer import offer_layer, promotions_table
from ml.forecasting.panel import Panel
from ml.forecasting.reconciliation import REGRESSION, SEASON_BLOCKS, reconcile
from ml.forecasting.selection import combine, wants_lightgbm
from ml.forecasting.settings import ForecastSettings
from ml.forecasting.tables import Final, months, publish, weeks
from ml.forecasting.trained import Trained, from_files, is_of_this_form, to_files
from ml.forecasting.training import Night, make_night, train, why_train

LAUNCH = "like_products"
SIMPLER = "series forecast by a simpler method than the backtest chose"


def run(
    series: pl.DataFrame,
    history: pl.DataFrame,
    as_of: date,
    settings: ForecastSettings,
    say: Callable[[str], None],
    events: pl.DataFrame | None = None,
    champion: Mapping[str, bytes] | None = None,
    must_train: str = "",
    edits: pl.DataFrame | None = None,
    past_edits: pl.DataFrame | None = None,
    channel_mix: pl.DataFrame | None = None,
    prices: pl.DataFrame | None = None,
    promotions: pl.DataFrame | None = None,
) -> ForecastResult:
    """Forecast demand of every series from as_of + 1 on, with what was known at the close of as_of.

    series: ml.demand_series (contract.SERIES_COLUMNS, optionally launched_on and unit_price), series_id 1 … n. history:
    sparse ml.demand_history; a missing day since the first demand is zero demand. events: the company's calendar (date,
    event_name, region), past and to come. champion: files of the models in use (`trained_files` of an earlier night);
    they forecast, unless training is due (training.why_train) or must_train says why it is. edits: planners' edits
    (edits.EDIT_COLUMNS); past_edits: those that earlier nights applied (edits.EDITS_SCHEMA), to be scored.
    channel_mix: units by place and channel of late (hierarchy.MIX_COLUMNS). prices, promotions: by series, past and
    planned (offers.PRICES_SCHEMA, PROMOTIONS_SCHEMA).

    Raises contract.ContractError when a frame is not as agreed, edits.EditsError when an edit cannot be followed,
    trained.TrainedFilesError when the champion cannot be read; a failing model never stops the run, it is replaced and
    counted in `fallbacks`.
    """
    night = make_night(series, history, as_of, events, prices, promotions)
    check_edits(edits, night.series)  # before minutes are spent on training
    panel = night.panel
    say(f"{panel.series:,} series, {night.history.height:,} days with demand, {panel.blocks} weeks of history")
    in_use = from_files(champion) if champion is not None and is_of_this_form(champion) else None
    reason = must_train or why_train(night, in_use, settings, say)
    say(f"training: {reason}" if reason else "no training: the models in use forecast")
    trained = train(night, in_use, settings, say) if reason or in_use is None else in_use
    return predict(night, trained, settings, say, reason, edits, past_edits, channel_mix)


def predict(
    night: Night,
    trained: Trained,
    settings: ForecastSettings,
    say: Callable[[str], None],
    reason: str = "",
    edits: pl.DataFrame | None = None,
    past_edits: pl.DataFrame | None = None,
    channel_mix: pl.DataFrame | None = None,
) -> ForecastResult:
    """The night's tables from trained models; reason: why they were trained this night, empty where they were not."""
    panel = night.panel
    segments = demand_classes(panel.demand, panel.born)
    asked = wants_lightgbm(segments, trained.choice)
    weights = trained.learned.weights
    has_prophet = any(source != REGRESSION and weight > 0 for source, weight in weights.values())
    outlook = look_ahead(panel, night.history, segments, asked, trained.model, settings, say, has_prophet)
    selected, model = combine(outlook, trained.choice, trained.factors)
    launch = launch_blocks(night.series, panel)
    new = np.flatnonzero((launch > 0).any(axis=1))
    blocks = reconcile(selected, outlook.targets, weights)
    selected[new], blocks[new] = launch[new], launch[new]  # no aggregate knows of what has not sold yet
    model[new] = len(METHODS)
    shares = learn_day_shares(night.history, panel, settings.holiday_country)
    offers = offer_layer(panel, night.offers, trained.offer_weights)
    layer = apply_edits(
        check_edits(edits, night.series),
        night.series,
        night.as_of,
        lambda rows: offers.apply(shares.split(blocks[rows].astype(np.float64), rows), rows),
        settings.chunk_series,
    )
    final = Final(blocks, model, (*METHODS, LAUNCH), segments, offers, layer)
    distribution = DemandDistribution.from_frame(trained.dispersion)
    daily, weekly, monthly = publish(night.series, final, shares, distribution, night.as_of, settings)
    say(f"{daily.height:,} days, {weekly.height:,} weeks, {monthly.height:,} months")
    fallbacks = _fallbacks(trained, outlook, asked, panel)
    worth = edit_worth(past_edits, night.series, night.history, night.as_of)
    warnings = [*night.warnings, *trained.warnings, *_edit_warnings(layer), *worth_in_words(worth)]
    if panel.blocks < SEASON_BLOCKS:
        warnings.append("history is shorter than two years: aggregates have no yearly season of their own")
    return ForecastResult(
        daily,
        weekly,
        monthly,
        pl.concat([trained.accuracy, worth]),
        trained.dispersion,
        _hierarchy(night, trained, weekly, monthly, channel_mix, settings),
        _drivers(night, trained, outlook, selected, model, final, shares, settings),
        layer.listed,
        promotions_table(night.series, night.offers, offers, blocks, shares, layer, night.as_of),
        [*trained.models, *(facts for facts in outlook.models if facts["name"] != LIGHTGBM)],
        fallbacks,
        warnings,
        to_files(trained) if reason else {},
        reason,
    )


def _hierarchy(
    night: Night,
    trained: Trained,
    weekly: pl.DataFrame,
    monthly: pl.DataFrame,
    channel_mix: pl.DataFrame | None,
    settings: ForecastSettings,
) -> pl.DataFrame:
    layouts = (("week", weeks(night.as_of, settings), weekly), ("month", months(night.as_of, settings), monthly))
    parts = [
        PeriodMeans(name, periods, table["mean"].to_numpy().reshape(night.panel.series, len(periods)))
        for name, periods, table in layouts
    ]
    return hierarchy_table(night.series, parts, trained.level_dispersion, channel_mix, night.as_of)


def _drivers(
    night: Night,
    trained: Trained,
    outlook: Outlook,
    selected: np.ndarray,
    model: np.ndarray,
    final: Final,
    shares: DayShares,
    settings: ForecastSettings,
) -> pl.DataFrame:
    names = np.array(final.model_names)[model[:, 0]]
    amounts = drivers_of_methods(outlook, names, selected, trained.model, settings.holiday_country, settings.threads)
    reconciled, priced, unedited, published = (np.zeros(len(names)) for _ in range(4))
    for start in range(0, len(names), settings.chunk_series):
        chunk = np.arange(start, min(start + settings.chunk_series, len(names)))
        means = shares.split(final.blocks[chunk].astype(np.float64), chunk)
        reconciled[chunk] = means[:, :DRIVER_DAYS].sum(axis=1)
        priced[chunk] = final.offers.priced(means, chunk)[:, :DRIVER_DAYS].sum(axis=1)
        means = final.offers.apply(means, chunk)
        unedited[chunk] = means[:, :DRIVER_DAYS].sum(axis=1)
        published[chunk] = final.edits.apply(means, chunk)[:, :DRIVER_DAYS].sum(axis=1)
    amounts[PRICE] += priced - reconciled
    amounts[PROMOTION] += unedited - priced
    return drivers_table(night.series, amounts, unedited, published, night.as_of)


def _fallbacks(trained: Trained, outlook: Outlook, asked: np.ndarray, panel: Panel) -> pl.DataFrame:
    """How often a simpler method stood in: in training, this night, and for how many series of all."""
    counted = Counter(trained.fallbacks)
    counted.update(outlook.fallbacks)
    served = outlook.forecasts.get(LIGHTGBM)
    missing = len(asked) if served is None else int(np.isnan(served[asked]).any(axis=1).sum())
    rows = [{"reason": reason, "used": used, "of_all": None} for reason, used in sorted(counted.items())]
    rows.append({"reason": SIMPLER, "used": missing, "of_all": panel.series})
    return pl.DataFrame(rows, schema=FALLBACKS_SCHEMA)


def _edit_warnings(layer: EditLayer) -> list[str]:
    """Edits that changed nothing are said, never dropped in silence."""
    idle = layer.listed.filter(pl.col("state") != APPLIED)
    return [
        f"edit of {row['owner']} on {row['level']} {row['node']}, {row['starts_on']} to {row['ends_on']}, changed "
        f"nothing: {row['state']}" + (f" on {row['expires_on']}" if row["state"] == EXPIRED else "")
        for row in idle.iter_rows(named=True)
    ]
