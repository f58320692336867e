"""Forecasts as they would have been made on past days: trained once at the start of a replay, asked anew each week.

What belongs here: what was known when. What does not: how a forecast is made (ml.forecasting) and what is ordered on
it (proposed).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.contract import check_events, check_history, check_series, is_counted
from ml.forecasting.daily import learn_day_shares
from ml.forecasting.distribution import DemandDistribution
from ml.forecasting.evaluation.backtest import BASELINES, LIGHTGBM, Outlook, run_backtest
from ml.forecasting.evaluation.dispersion import measure_dispersion
from ml.forecasting.evaluation.weights import learn_weights
from ml.forecasting.features import FeatureStore
from ml.forecasting.metrics import demand_classes
from ml.forecasting.models import lightgbm
from ml.forecasting.panel import BLOCK_DAYS, Panel, build_panel
from ml.forecasting.reconciliation import Weights, make_targets, reconcile
from ml.forecasting.selection import Choice, choose, combine
from ml.forecasting.settings import ForecastSettings


@dataclass(frozen=True)
class PastForecasts:
    """Mean demand by block of seven days, float32 (weeks, series, blocks), and its distribution.

    blocks[w] was made at the close of the day 7 w days after the first; its first block is the seven days after it.
    """

    blocks: np.ndarray
    demand: DemandDistribution

    def of(self, rows: np.ndarray) -> PastForecasts:
        """Return the forecasts of some series (indices or a mask)."""
        return PastForecasts(self.blocks[:, rows], self.demand)


def forecast_the_past(
    series: pl.DataFrame,
    history: pl.DataFrame,
    first: date,
    weeks: int,
    settings: ForecastSettings,
    say: Callable[[str], None],
    events: pl.DataFrame | None = None,
    *,
    blocks: int = 4,
    asked: np.ndarray | None = None,
) -> PastForecasts:
    """Forecasts made at the close of `first` and every seven days after it, `weeks` in all, `blocks` weeks ahead.

    Methods, weights, dispersion and the LightGBM model are chosen and fitted at `first`, on what was known then; each
    week they are asked with the history up to that week. Prophet's aggregates are left out: they would have to be
    fitted anew each week. series, history, events: as for ml.forecasting.pipeline.run. asked: series (indices) that
    LightGBM predicts, None for all; baselines serve the others, which count in the totals that all are drawn to.

    Raises:
        ContractError: a frame is not as agreed.
    """
    settings = settings.model_copy(update={"prophet_min_days": 10**6})
    series = check_series(series)
    last = first + timedelta(days=BLOCK_DAYS * (weeks - 1))
    known, _ = check_history(history, series, last)
    panel = build_panel(series, known, last, check_events(events))
    start = panel.earlier(weeks - 1)
    before = known.filter(pl.col("date") <= first)
    trials = run_backtest(start, before, settings, say)
    choice = choose(trials, settings)
    selected = [combine(trial.outlook, choice)[0] for trial in trials]
    weights = learn_weights(trials, selected, settings).weights
    final = [reconcile(blocks, trial.outlook.targets, weights) for trial, blocks in zip(trials, selected, strict=True)]
    shares = [learn_day_shares(before, trial.outlook.panel) for trial in trials]
    dispersion = measure_dispersion(trials, final, shares, before, is_counted(before), settings)
    model = _fitted(start, settings, say)
    rows = np.arange(series.height) if asked is None else asked
    made = [
        _ask(panel.earlier(weeks - 1 - week), model, choice, weights, settings, blocks, rows) for week in range(weeks)
    ]
    say(f"forecasts of {weeks} weeks from {first} on")
    return PastForecasts(np.stack(made), DemandDistribution.from_frame(dispersion))


def _fitted(start: Panel, settings: ForecastSettings, say: Callable[[str], None]) -> lightgbm.BlockModel | None:
    try:
        return lightgbm.fit(FeatureStore(start, settings.holiday_country), settings, settings.train_rows)
    except lightgbm.TooFewRows as error:
        say(f"{start.cutoff}: LightGBM not fitted ({error}), baselines serve")
        return None


def _ask(
    panel: Panel,
    model: lightgbm.BlockModel | None,
    choice: Choice,
    weights: Weights,
    settings: ForecastSettings,
    blocks: int,
    asked: np.ndarray,
) -> np.ndarray:
    """The block means of one week, float32 (series, blocks)."""
    segments = demand_classes(panel.demand, panel.born)
    targets = make_targets({}, panel, settings.holiday_country)
    baselines = {name: method(panel)[:, :blocks] for name, method in BASELINES.items()}
    outlook = Outlook(panel, segments, baselines, targets)
    if model is not None:
        rows = asked[segments[asked] != "unsold"]
        predicted = np.full_like(outlook.forecasts["rate_table"], np.nan)
        predicted[rows] = model.predict(FeatureStore(panel, settings.holiday_country), rows, settings.threads, blocks)
        outlook.forecasts[LIGHTGBM] = predicted
    return reconcile(combine(outlook, choice)[0], targets, weights).astype(np.float32)
