"""Where the aggregates, which show season and trend, meet the series, which show the mix.

What belongs here: which aggregates are forecast, and scaling the series towards them with a weight per horizon band.
What does not: fitting aggregates (models/prophet.py) and choosing the weights (evaluation/weights.py).

The series are multiplied by (aggregate forecast / their sum) ** weight: first for the total, then for the mix of
places, then of departments (mix only: those steps keep the total). Weight 0 leaves the series as they are. On M5, 26
weeks, scaling to the total turned a weekly WRMSSE of 1.34 into 1.02; over 28 days it hurt: hence weights, per band,
by backtest.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.contract import BANDS, HORIZON_BLOCKS
from ml.forecasting.models.prophet import Aggregate
from ml.forecasting.panel import BLOCK_DAYS, Panel, sum_groups
from ml.forecasting.settings import ForecastSettings

LEVELS = ("total", "location", "department")  # in the order in which they are applied
MAX_GROUPS = 30  # levels with more groups are left out: an aggregate costs about 0.5 s on a core
LEVEL_BLOCKS = 8
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)

Targets = dict[str, np.ndarray]  # level -> forecast of each group and block (groups, HORIZON_BLOCKS), NaN = none
Weights = dict[tuple[str, str], float]  # (level, band) -> weight


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


def level_targets(panel: Panel) -> Targets:
    """Flat targets for histories too short for Prophet: total and departments keep the mean of their last eight blocks.

    Series forecasts alone lost the level of the demo's total (one year of history) by 6 % in the first four weeks.
    """
    recent = panel.demand[:, -LEVEL_BLOCKS:]
    return {
        level: np.repeat(sum_groups(recent, panel.codes[level]).mean(axis=1, keepdims=True), HORIZON_BLOCKS, axis=1)
        for level in ("total", "department")
    }


def block_targets(forecasts: dict[str, np.ndarray | str], panel: Panel) -> Targets:
    """Daily aggregate forecasts summed to blocks; groups without a forecast are NaN, levels without any are absent."""
    targets: Targets = {}
    for name, daily in forecasts.items():
        if isinstance(daily, str):
            continue
        level, group = name.split("/")
        if level not in targets:
            targets[level] = np.full((int(panel.codes[level].max()) + 1, HORIZON_BLOCKS), np.nan)
        targets[level][int(group)] = daily.reshape(HORIZON_BLOCKS, BLOCK_DAYS).sum(axis=1)
    return targets


def reconcile(blocks: np.ndarray, targets: Targets, weights: Weights, codes: dict[str, np.ndarray]) -> np.ndarray:
    """Block means of the series, drawn towards the aggregates: float32 (series, blocks ahead)."""
    result = blocks.astype(np.float32, copy=True)
    ahead = result.shape[1]
    for level in LEVELS:
        if level not in targets:
            continue
        weight = np.array([weights.get((level, band_of(block)), 0.0) for block in range(1, ahead + 1)])
        if not weight.any():
            continue
        result *= _factors(result, targets[level][:, :ahead], weight, codes[level], keep_total=level != "total")
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
