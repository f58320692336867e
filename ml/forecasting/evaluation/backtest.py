"""Rolling-origin backtest: what each method would have forecast on earlier days, with what was known then.

What belongs here: cut-offs, and the forecasts of every method at them. What does not: metrics, choices (accuracy.py,
selection.py, weights.py, dispersion.py read what this module makes).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.features import FeatureStore
from ml.forecasting.metrics import demand_classes
from ml.forecasting.models import baselines, lightgbm
from ml.forecasting.models.lightgbm import BlockModel
from ml.forecasting.models.prophet import forecast_aggregates
from ml.forecasting.panel import Panel
from ml.forecasting.reconciliation import Targets, aggregate_tasks, make_targets
from ml.forecasting.settings import ForecastSettings

Say = Callable[[str], None]
LIGHTGBM = "lightgbm"
NAIVE = "naive_seasonal"
BASELINES: dict[str, Callable[[Panel], np.ndarray]] = {  # from the simplest: ties go to the earlier one
    "moving_average": baselines.moving_average,
    NAIVE: baselines.seasonal_naive,
    "rate_table": baselines.rate_table,
}
METHODS = (*BASELINES, LIGHTGBM)
MIN_BLOCKS = 16  # known blocks below which a cut-off says nothing of the night's forecast


@dataclass(frozen=True)
class Outlook:
    """Forecasts of all methods at one cut-off. A row of LightGBM is NaN where it was not asked."""

    panel: Panel
    segments: np.ndarray
    forecasts: dict[str, np.ndarray]
    targets: Targets
    models: list[dict[str, object]] = field(default_factory=list)
    fallbacks: dict[str, int] = field(default_factory=dict)

    @property
    def cutoff(self) -> date:
        """Last day known."""
        return self.panel.cutoff


@dataclass(frozen=True)
class Trial:
    """An outlook of the past and what came: actual (series, blocks since), HORIZON_BLOCKS at most."""

    outlook: Outlook
    actual: np.ndarray

    @property
    def ahead(self) -> int:
        """Blocks that can be scored."""
        return self.actual.shape[1]


def cutoffs(panel: Panel, settings: ForecastSettings) -> list[int]:
    """Blocks back from as_of of each cut-off that leaves enough history; a short one is found for short histories."""
    usable = [weeks for weeks in settings.backtest_weeks if panel.blocks - weeks >= MIN_BLOCKS]
    if usable or panel.blocks < 6:
        return usable
    return [min(13, panel.blocks // 3)]


def run_backtest(panel: Panel, history: pl.DataFrame, settings: ForecastSettings, say: Say) -> list[Trial]:
    """One trial a cut-off, oldest first. The next is fitted while the one before forecasts."""
    back = sorted(cutoffs(panel, settings), reverse=True)
    pasts = [panel.earlier(weeks) for weeks in back]
    segments = [demand_classes(past.demand, past.born) for past in pasts]
    asked = [_asked(own, settings) for own in segments]
    trials = []
    with ThreadPoolExecutor(1) as beside:
        fits = [
            beside.submit(fit_model, past, own, settings, settings.backtest_rows, say)
            for past, own in zip(pasts, asked, strict=True)
        ]
        for weeks, past, own, classes, fit in zip(back, pasts, asked, segments, fits, strict=True):
            model, failed = fit.result()
            outlook = look_ahead(past, history, classes, own, model, settings, say)
            outlook.fallbacks.update(failed)
            trials.append(Trial(outlook, panel.demand[:, past.blocks : past.blocks + min(weeks, HORIZON_BLOCKS)]))
    return trials


def fit_model(
    panel: Panel, asked: np.ndarray, settings: ForecastSettings, rows: int, say: Say
) -> tuple[BlockModel | None, dict[str, int]]:
    """(LightGBM fitted on what the panel knows, fallbacks); None where no series asks for it or it cannot be fitted."""
    if not len(asked):
        return None, {}
    try:
        model = lightgbm.fit(FeatureStore(panel, settings.holiday_country), settings, rows)
    except Exception as error:  # whatever LightGBM raises: the night goes on with the baselines
        say(f"{panel.cutoff}: LightGBM not fitted ({error}), baselines serve")
        return None, {f"lightgbm not fitted: {type(error).__name__}": 1}
    say(f"{panel.cutoff}: LightGBM on {model.facts['rows']:,} rows")
    return model, {}


def look_ahead(
    panel: Panel,
    history: pl.DataFrame,
    segments: np.ndarray,
    asked: np.ndarray,
    model: BlockModel | None,
    settings: ForecastSettings,
    say: Say,
    has_prophet: bool = True,
    blocks: int = HORIZON_BLOCKS,
) -> Outlook:
    """Forecasts of every method, `blocks` ahead of the panel's cut-off. asked: series (indices) that LightGBM predicts.

    A forecast that cannot be made is left out and counted in fallbacks; nothing is raised. has_prophet: False where no
    horizon band uses Prophet's aggregates.
    """
    targets, aggregates, failed = _forecast_aggregates(panel, history, settings, say, has_prophet)
    forecasts = {name: method(panel)[:, :blocks] for name, method in BASELINES.items()}
    outlook = Outlook(panel, segments, forecasts, targets, aggregates, failed)
    if model is None or not len(asked):
        return outlook
    try:
        store = FeatureStore(panel, settings.holiday_country, model.code_labels)
        predicted = np.full((panel.series, blocks), np.nan, dtype=np.float32)
        predicted[asked] = model.predict(store, asked, settings.threads, blocks)
        broken = asked[~np.isfinite(predicted[asked]).all(axis=1)]
        if len(broken) == len(asked):
            raise ValueError("no forecast is finite")
        if len(broken):
            predicted[broken] = np.nan
            outlook.fallbacks["series whose LightGBM forecast is not finite"] = len(broken)
    except Exception as error:  # as above
        outlook.fallbacks[f"lightgbm without forecasts: {type(error).__name__}"] = 1
        say(f"{panel.cutoff}: no forecasts of LightGBM ({error}), baselines serve")
        return outlook
    outlook.forecasts[LIGHTGBM] = predicted
    outlook.models.append(model.facts)
    say(f"{panel.cutoff}: LightGBM's forecasts of {len(asked):,} series")
    return outlook


def _forecast_aggregates(
    panel: Panel, history: pl.DataFrame, settings: ForecastSettings, say: Say, has_prophet: bool
) -> tuple[Targets, list[dict[str, object]], dict[str, int]]:
    """(targets, what the manifest says of Prophet, fallbacks)."""
    tasks = aggregate_tasks(history, panel, settings) if has_prophet else []
    forecasts = forecast_aggregates(tasks, settings.threads, settings.prophet_timeout_seconds)
    targets = make_targets(forecasts, panel, settings.holiday_country)
    if not tasks:
        return targets, [], {}
    failed = sum(isinstance(answer, str) for answer in forecasts.values())
    facts: dict[str, object] = {
        "name": "prophet",
        "cutoff": panel.cutoff.isoformat(),
        "aggregates": len(tasks),
        "failed": failed,
        "seed": settings.seed,
        "country": settings.holiday_country,
    }
    say(f"{panel.cutoff}: Prophet on {len(tasks)} aggregates, {failed} failed")
    return targets, [facts], {"prophet aggregate not fitted": failed} if failed else {}


def _asked(segments: np.ndarray, settings: ForecastSettings) -> np.ndarray:
    """All series but the unsold; of the rare ones a seeded sample."""
    rare = np.flatnonzero(segments == "rare")
    if len(rare) > settings.rare_sample:
        rare = np.random.default_rng(settings.seed).choice(rare, settings.rare_sample, replace=False)
    return np.sort(np.concatenate([np.flatnonzero(~np.isin(segments, ("rare", "unsold"))), rare]))
