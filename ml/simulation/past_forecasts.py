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

from ml.forecasting.distribution import DemandDistribution
from ml.forecasting.evaluation.backtest import look_ahead
from ml.forecasting.metrics import demand_classes
from ml.forecasting.panel import BLOCK_DAYS
from ml.forecasting.reconciliation import reconcile
from ml.forecasting.selection import combine
from ml.forecasting.settings import ForecastSettings
from ml.forecasting.training import make_night, train


@dataclass(frozen=True)
class PastForecasts:
    """Mean demand by block of seven days, float32 (weeks, series, blocks), and its distribution.

    segments: demand classes of that week, int64 (weeks, series), as codes of `demand`.

    blocks[w] was made at the close of the day 7 w days after the first; its first block is the seven days after it.
    """

    blocks: np.ndarray
    segments: np.ndarray
    demand: DemandDistribution

    def of(self, rows: np.ndarray) -> PastForecasts:
        """Return the forecasts of some series (indices or a mask)."""
        return PastForecasts(self.blocks[:, rows], self.segments[:, rows], self.demand)


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
    last = first + timedelta(days=BLOCK_DAYS * (weeks - 1))
    panel = make_night(series, history, last, events).panel
    trained = train(make_night(series, history, first, events), None, settings, say)
    rows = np.arange(panel.series) if asked is None else asked

    def ask(week: int) -> tuple[np.ndarray, np.ndarray]:
        past = panel.earlier(weeks - 1 - week)
        segments = demand_classes(past.demand, past.born)
        sold = rows[segments[rows] != "unsold"]
        outlook = look_ahead(
            past, history, segments, sold, trained.model, settings, say, has_prophet=False, blocks=blocks
        )
        combined = combine(outlook, trained.choice, trained.factors)[0]
        made = reconcile(combined, outlook.targets, trained.learned.weights).astype(np.float32)
        return made, demand.codes(segments)

    demand = DemandDistribution.from_frame(trained.dispersion)
    made, classes = zip(*(ask(week) for week in range(weeks)), strict=True)
    return PastForecasts(np.stack(made), np.stack(classes), demand)
