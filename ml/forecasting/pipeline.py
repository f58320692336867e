"""One night's forecast, from demand history to published tables: the only module that knows the order of the steps.

    check → panel → train, where it is due → forecast → reconcile → tables

What belongs here: that order, and what is handed from step to step. What does not: any number.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.contract import ForecastResult
from ml.forecasting.daily import learn_day_shares
from ml.forecasting.distribution import DemandDistribution
from ml.forecasting.evaluation.backtest import LIGHTGBM, METHODS, look_ahead
from ml.forecasting.metrics import demand_classes
from ml.forecasting.models.launch import launch_levels
from ml.forecasting.reconciliation import REGRESSION, SEASON_BLOCKS, reconcile
from ml.forecasting.selection import combine, wants_lightgbm
from ml.forecasting.settings import ForecastSettings
from ml.forecasting.tables import Final, publish
from ml.forecasting.trained import Trained, from_files, to_files
from ml.forecasting.training import Night, make_night, train, why_train

LAUNCH = "like_products"


def run(
    series: pl.DataFrame,
    history: pl.DataFrame,
    as_of: date,
    settings: ForecastSettings,
    say: Callable[[str], None],
    events: pl.DataFrame | None = None,
    champion: Mapping[str, bytes] | None = None,
    must_train: str = "",
) -> ForecastResult:
    """Forecast demand of every series from as_of + 1 on, with what was known at the close of as_of.

    series: ml.demand_series (contract.SERIES_COLUMNS, optionally launched_on), series_id 1 … n. history: sparse
    ml.demand_history; a missing day since the first demand is zero demand. events: the company's calendar (date,
    event_name, region), past and to come. champion: files of the models in use (`trained_files` of an earlier night);
    they forecast, unless training is due (training.why_train) or must_train says why it is.

    Raises contract.ContractError when a frame is not as agreed, trained.TrainedFilesError when the champion cannot be
    read; a failing model never stops the run, it is replaced and counted in `fallbacks`.
    """
    night = make_night(series, history, as_of, events)
    panel = night.panel
    say(f"{panel.series:,} series, {night.history.height:,} days with demand, {panel.blocks} weeks of history")
    in_use = from_files(champion) if champion is not None else None
    reason = must_train or why_train(night, in_use, settings, say)
    say(f"training: {reason}" if reason else "no training: the models in use forecast")
    trained = train(night, in_use, settings, say) if reason or in_use is None else in_use
    return predict(night, trained, settings, say, reason)


def predict(
    night: Night, trained: Trained, settings: ForecastSettings, say: Callable[[str], None], reason: str = ""
) -> ForecastResult:
    """The night's tables from trained models; reason: why they were trained this night, empty where they were not."""
    panel = night.panel
    segments = demand_classes(panel.demand, panel.born)
    asked = wants_lightgbm(segments, trained.choice)
    weights = trained.learned.weights
    has_prophet = any(source != REGRESSION and weight > 0 for source, weight in weights.values())
    outlook = look_ahead(panel, night.history, segments, asked, trained.model, settings, say, has_prophet)
    blocks, model = combine(outlook, trained.choice)
    blocks = reconcile(blocks, outlook.targets, weights)
    launch = launch_levels(night.series, panel)
    new = np.flatnonzero(launch > 0)
    blocks[new] = launch[new, None]
    model[new] = len(METHODS)
    daily, weekly, monthly = publish(
        night.series,
        Final(blocks, model, (*METHODS, LAUNCH), segments),
        learn_day_shares(night.history, panel, settings.holiday_country),
        DemandDistribution.from_frame(trained.dispersion),
        night.as_of,
        settings,
    )
    say(f"{daily.height:,} days, {weekly.height:,} weeks, {monthly.height:,} months")
    fallbacks = Counter(trained.fallbacks)
    fallbacks.update(outlook.fallbacks)
    if len(asked) and LIGHTGBM not in outlook.forecasts:
        fallbacks["series on baselines for want of LightGBM"] += len(asked)
    warnings = [*night.warnings, *trained.warnings]
    if panel.blocks < SEASON_BLOCKS:
        warnings.append("history is shorter than two years: aggregates have no yearly season of their own")
    return ForecastResult(
        daily,
        weekly,
        monthly,
        trained.accuracy,
        trained.dispersion,
        [*trained.models, *(facts for facts in outlook.models if facts["name"] != LIGHTGBM)],
        dict(fallbacks),
        warnings,
        to_files(trained) if reason else {},
        reason,
    )
