"""Where the aggregates, which show season and trend, meet the series, which show the mix.

What belongs here: forecasts of aggregates, and scaling the series towards them with a weight per horizon band. What
does not: fitting Prophet (models/prophet.py) and choosing source and weight (evaluation/weights.py).

The series are multiplied by (aggregate forecast / their sum) ** weight: first department by department, then place by
place (the mix only: this step keeps the total), then for the total. Weight 0 leaves the series as they are.

Two sources, and their mean: Prophet, and the seasonal level (last 8 blocks times the season of past years to the
power 0.75). In the benchmark, 26 weeks, all series, weekly WRMSSE after d_1395 / d_1486 / d_1577: LightGBM alone 1.10
1.26 1.42; scaled by department to Prophet 1.18 1.14 1.15, to the seasonal level 1.05 0.97 1.06 (of 13 blocks 1.08
1.02 1.08; with the full season 1.04 1.05 1.10). In weeks 1-4 half weight was better than full (13 blocks: 0.72 0.70
0.78 against 0.86 0.77 0.87).
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.contract import BANDS, HORIZON_BLOCKS
from ml.forecasting.features import YEAR, log_ratio
from ml.forecasting.models.prophet import Aggregate
from ml.forecasting.panel import BLOCK_DAYS, Panel, sum_groups
from ml.forecasting.settings import ForecastSettings

LEVELS = ("department", "location", "total")  # in the order in which they are applied; places move the mix only
MAX_GROUPS = 30  # levels with more groups are left out: an aggregate costs Prophet about 0.5 s on a core
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
PROPHET, SEASONAL, BOTH = "prophet", "seasonal_level", "mean_of_both"
SOURCES = (SEASONAL, BOTH, PROPHET)
LEVEL_BLOCKS = 8
SEASON_POWER = 0.75

Targets = dict[tuple[str, str], np.ndarray]  # (level, source) -> (groups, HORIZON_BLOCKS), NaN = no forecast
Weights = dict[tuple[str, str], tuple[str, float]]  # (level, band) -> (source, weight)


def aggregate_tasks(history: pl.DataFrame, panel: Panel, settings: ForecastSettings) -> list[Aggregate]:
    """The aggregates to forecast at the panel's cut-off: levels of few groups, groups with two years of days."""
    known = history.filter(pl.col("date") <= panel.cutoff)
    if known.height == 0:
        return []
    first_day = known["date"].min()
    assert isinstance(first_day, date)
    days = (panel.cutoff - first_day).days + 1
    if days < settings.prophet_min_days:
        return []
    column = known.select((pl.col("date") - pl.lit(first_day)).dt.total_days().cast(pl.Int64)).to_series().to_numpy()
    row = known["series_id"].to_numpy().astype(np.int64) - 1
    quantity = known["quantity"].to_numpy()
    tasks = []
    for level in LEVELS:
        codes = panel.codes[level].astype(np.int64)
        groups = int(codes.max()) + 1
        if groups > MAX_GROUPS or (level != "total" and groups == 1):
            continue
        flat = np.bincount(codes[row] * days + column, weights=quantity, minlength=groups * days)
        for group, values in enumerate(flat.reshape(groups, days)):
            start = int(np.argmax(values > 0))
            if not values.any() or days - start < settings.prophet_min_days:
                continue
            tasks.append(
                Aggregate(
                    f"{level}/{group}",
                    first_day + timedelta(days=start),
                    values[start:],
                    HORIZON_BLOCKS * BLOCK_DAYS,
                    settings.holiday_country,
                    settings.seed,
                )
            )
    return tasks


def make_targets(forecasts: dict[str, np.ndarray | str], panel: Panel) -> Targets:
    """Forecasts of the aggregates by block, from every source.

    forecasts: Prophet's daily means by name of the task, or why there are none; such groups are NaN and keep, in the
    mean of both, the seasonal level.
    """
    targets: Targets = {}
    for level in LEVELS:
        if int(panel.codes[level].max(initial=0)) < MAX_GROUPS:
            targets[(level, SEASONAL)] = seasonal_level(panel, level)
    for name, daily in forecasts.items():
        if isinstance(daily, str):
            continue
        level, group = name.split("/")
        if (level, PROPHET) not in targets:
            targets[(level, PROPHET)] = np.full(targets[(level, SEASONAL)].shape, np.nan)
        targets[(level, PROPHET)][int(group)] = daily.reshape(HORIZON_BLOCKS, BLOCK_DAYS).sum(axis=1)
    for level in LEVELS:
        if (level, PROPHET) in targets:
            one, two = targets[(level, PROPHET)], targets[(level, SEASONAL)]
            targets[(level, BOTH)] = np.where(np.isfinite(one), (one + two) / 2, two)
    return targets


def seasonal_level(panel: Panel, level: str) -> np.ndarray:
    """Mean of the group's last 8 blocks times its season: (groups, HORIZON_BLOCKS).

    The season is the group's demand around the target block n years ago over its 13 blocks before the cut-off then,
    mean of the logarithms over up to three years known, to the power 0.75; 1 with less than a year of history.
    """
    groups = sum_groups(panel.demand, panel.codes[level])
    base = groups[:, -LEVEL_BLOCKS:].mean(axis=1, keepdims=True)
    seasons = []
    for years in (1, 2, 3):
        then = panel.blocks - YEAR * years
        if then < 8:
            continue
        before = groups[:, max(then - 13, 0) : then].mean(axis=1, keepdims=True)
        around = np.lib.stride_tricks.sliding_window_view(groups[:, then - 1 :], 3, axis=1).mean(axis=2)
        seasons.append(log_ratio(around[:, :HORIZON_BLOCKS], before))
    if not seasons:
        return np.repeat(base, HORIZON_BLOCKS, axis=1)
    return base * np.exp(SEASON_POWER * np.mean(seasons, axis=0))


def reconcile(blocks: np.ndarray, targets: Targets, weights: Weights, codes: dict[str, np.ndarray]) -> np.ndarray:
    """Block means of the series, drawn towards the aggregates: float32 (series, blocks ahead)."""
    result = blocks.astype(np.float32, copy=True)
    ahead = result.shape[1]
    for level in LEVELS:
        chosen = [weights.get((level, band_of(block)), (SEASONAL, 0.0)) for block in range(1, ahead + 1)]
        weight = np.array([amount for _, amount in chosen])
        if (level, SEASONAL) not in targets or not weight.any():
            continue
        spare = targets[(level, SEASONAL)]
        target = np.stack([targets.get((level, source), spare)[:, k] for k, (source, _) in enumerate(chosen)], axis=1)
        result *= _factors(result, target, weight, codes[level], keep_total=level == "location")
    return result


def band_of(block: int) -> str:
    """Name of the horizon band that a block ahead (1 = the first) lies in."""
    return next(name for name, first, last in BANDS if first <= block <= last)


def _factors(
    blocks: np.ndarray, target: np.ndarray, weight: np.ndarray, codes: np.ndarray, keep_total: bool
) -> np.ndarray:
    """Factor of each series and block, within 1/2 … 2; 1 where the aggregate has no forecast or no demand."""
    sums = sum_groups(blocks, codes)
    usable = np.isfinite(target) & (target > 0) & (sums > 0)
    ratio = np.where(usable, np.clip(np.where(usable, target, 1.0) / np.where(usable, sums, 1.0), 0.5, 2.0), 1.0)
    factor = ratio**weight
    if keep_total:
        after = (sums * factor).sum(axis=0)
        factor = factor * np.divide(sums.sum(axis=0), after, out=np.ones_like(after), where=after > 0)
    return factor[codes].astype(np.float32)
