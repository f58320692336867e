"""Where the aggregates, which show season and growth, meet the series, which show the mix.

What belongs here: the levels of aggregation, their forecasts made to add up, and drawing the series towards them. What
does not: fitting (models/dynamic_regression.py, models/prophet.py) and choosing source and weight
(evaluation/weights.py).

1. Every level, from the total to place x department, is forecast on its own; levels below are drawn to those above.
2. The forecasts are made to add up over the cells (place x department, or coarser where there are too many): the cell
   values nearest to the forecasts of all levels, each gap over the spread of that forecast (weighted least squares).
3. The series of a cell are multiplied by (its target / their sum) ** weight. Weight 0 leaves the series as they are.

In the benchmark, 26 weeks, all series, weekly WRMSSE, mean of the cut-offs d_1213, d_1304, d_1395, d_1486, d_1577:
series as they are 1.141; full weight to Prophet on all levels 1.131, to the level of 8 blocks x season of past years
1.089, to the dynamic regression 0.883, of which three quarters in weeks 1-4 0.880. How the gaps between levels are
shared matters little there (0.882 to 0.884, place x department alone 0.883). Cells must not be too small: on the demo
114 cells of region x department had RMSSE 0.78 over the levels after 2017-07-02, 1,168 of place x department 0.79.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.calendar import block_regressors
from ml.forecasting.contract import BANDS, HORIZON_BLOCKS
from ml.forecasting.features import YEAR
from ml.forecasting.hierarchy import PARENTS, Hierarchy, hierarchy_of
from ml.forecasting.models.dynamic_regression import GroupForecast, forecast_groups
from ml.forecasting.models.prophet import Aggregate
from ml.forecasting.panel import BLOCK_DAYS, Panel, sum_groups
from ml.forecasting.settings import ForecastSettings

PROPHET_LEVELS = ("department", "location", "total")
MAX_PROPHET_GROUPS = 30  # levels with more groups are left out: an aggregate costs Prophet about 0.5 s on a core
REGRESSION, PROPHET, BOTH = "dynamic_regression", "prophet", "mean_of_both"
SOURCES = (REGRESSION, BOTH, PROPHET)
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SEASON_BLOCKS = 2 * YEAR  # history below which the year's season cannot be told from growth
_LEVEL_BLOCKS = 8
_WEAK_SPREAD = 1.0  # of the recent level, which speaks only where no forecast of a level does

Weights = dict[str, tuple[str, float]]  # band -> (source, weight)
Nodes = dict[str, np.ndarray]  # level -> (groups, HORIZON_BLOCKS), NaN = no forecast


@dataclass(frozen=True)
class Targets:
    """Forecasts of the cells that add up at every level, by source: (cells, HORIZON_BLOCKS)."""

    hierarchy: Hierarchy
    by_source: dict[str, np.ndarray]


def regression_nodes(panel: Panel, hierarchy: Hierarchy, country: str | None) -> dict[str, GroupForecast]:
    """Forecast of every group of every level by dynamic regression; the season needs two years of history."""
    blocks = panel.blocks + HORIZON_BLOCKS
    has_season = panel.blocks >= SEASON_BLOCKS
    regressors = block_regressors(panel.block_start(0), BLOCK_DAYS, blocks, country, panel.events, has_season)
    demand = sum_groups(panel.demand, hierarchy.cell_of)
    found: dict[str, GroupForecast] = {}
    for level, of_cell in hierarchy.levels.items():
        above = PARENTS[level]
        parent_effects = None
        if above in found:
            _, member = np.unique(of_cell, return_index=True)
            parent_effects = found[above].effects[hierarchy.levels[above][member]]
        found[level] = forecast_groups(sum_groups(demand, of_cell), regressors, parent_effects)
    return found


def aggregate_tasks(history: pl.DataFrame, panel: Panel, settings: ForecastSettings) -> list[Aggregate]:
    """The aggregates that Prophet forecasts at the panel's cut-off: levels of few groups, groups with two years."""
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
    for level in PROPHET_LEVELS:
        codes = panel.codes[level].astype(np.int64)
        groups = int(codes.max()) + 1
        if groups > MAX_PROPHET_GROUPS or (level != "total" and groups == 1):
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


def make_targets(forecasts: dict[str, np.ndarray | str], panel: Panel, country: str | None) -> Targets:
    """Targets of every source.

    forecasts: Prophet's daily means by name of the task, or why there are none; such groups keep the regression. With
    no forecast of Prophet at all there is one source, the regression.
    """
    hierarchy = hierarchy_of(panel.codes)
    fitted = regression_nodes(panel, hierarchy, country)
    spreads = {level: found.spread for level, found in fitted.items()}
    nodes = {level: found.mean for level, found in fitted.items()}
    prophet, both = dict(nodes), dict(nodes)
    answered = {name: daily for name, daily in forecasts.items() if not isinstance(daily, str)}
    for name, daily in answered.items():
        level, group = name.split("/")[0], int(name.split("/")[1])
        if level not in nodes or not np.isfinite(nodes[level][group]).all():
            continue
        if prophet[level] is nodes[level]:
            prophet[level], both[level] = nodes[level].copy(), nodes[level].copy()
        blocks = np.maximum(daily.reshape(HORIZON_BLOCKS, BLOCK_DAYS).sum(axis=1), 1e-9)
        prophet[level][group] = blocks
        both[level][group] = (blocks + nodes[level][group]) / 2
    recent = sum_groups(panel.demand, hierarchy.cell_of)[:, -_LEVEL_BLOCKS:].mean(axis=1)
    sources = {REGRESSION: nodes, **({BOTH: both, PROPHET: prophet} if answered else {})}
    return Targets(hierarchy, {name: add_up(each, spreads, recent, hierarchy) for name, each in sources.items()})


def add_up(nodes: Nodes, spreads: dict[str, np.ndarray], recent: np.ndarray, hierarchy: Hierarchy) -> np.ndarray:
    """Cell values nearest to the forecasts of all levels: (cells, HORIZON_BLOCKS), not negative.

    A gap counts over spread x mean forecast of its group (weighted least squares, the optimal combination of Hyndman
    and others with a diagonal covariance). recent: level of each cell, which settles what no forecast reaches.
    """
    precision = np.diag(1.0 / np.maximum(_WEAK_SPREAD * recent, 1e-9) ** 2)
    wanted = np.repeat((np.diag(precision) * recent)[:, None], HORIZON_BLOCKS, axis=1)
    for level, of_cell in hierarchy.levels.items():
        mean, spread = nodes[level], spreads[level]
        known = np.isfinite(mean).all(axis=1) & np.isfinite(spread) & (mean.mean(axis=1) > 0)
        sizes = np.where(known, np.maximum(spread, 1e-3) * np.where(known, mean.mean(axis=1), 1.0), np.inf)
        weight = 1.0 / sizes**2
        same = of_cell[:, None] == of_cell[None, :]
        precision += same * weight[of_cell][:, None]
        wanted += (weight[:, None] * np.where(known[:, None], mean, 0.0))[of_cell]
    scale = 1.0 / np.sqrt(np.diag(precision))  # equal diagonals: cells of a unit and of a million solve side by side
    solved = np.linalg.solve(precision * scale[:, None] * scale[None, :], wanted * scale[:, None]) * scale[:, None]
    return _six_digits(np.maximum(solved, 0.0))


def _six_digits(values: np.ndarray) -> np.ndarray:
    """Six significant digits: linear algebra on two threads differs from that on one beyond the tenth."""
    step = 10.0 ** (np.floor(np.log10(np.maximum(values, 1e-30))) - 5)
    return np.round(values / step) * step


def reconcile(blocks: np.ndarray, targets: Targets, weights: Weights) -> np.ndarray:
    """Block means of the series, drawn towards the aggregates: float32 (series, blocks ahead)."""
    ahead = blocks.shape[1]
    chosen = [weights.get(band_of(block), (REGRESSION, 0.0)) for block in range(1, ahead + 1)]
    weight = np.array([amount for _, amount in chosen])
    result = blocks.astype(np.float32, copy=True)
    if not weight.any():
        return result
    usual = targets.by_source[REGRESSION]
    target = np.stack([targets.by_source.get(source, usual)[:, k] for k, (source, _) in enumerate(chosen)], axis=1)
    result *= _factors(result, target, weight, targets.hierarchy.cell_of)
    return result


def band_of(block: int) -> str:
    """Name of the horizon band that a block ahead (1 = the first) lies in."""
    return next(name for name, first, last in BANDS if first <= block <= last)


def _factors(blocks: np.ndarray, target: np.ndarray, weight: np.ndarray, cell_of: np.ndarray) -> np.ndarray:
    """Factor of each series and block, within 1/2 … 2; 1 where the cell has no target or no demand."""
    sums = sum_groups(blocks, cell_of)
    usable = np.isfinite(target) & (target > 0) & (sums > 0)
    ratio = np.where(usable, np.clip(np.where(usable, target, 1.0) / np.where(usable, sums, 1.0), 0.5, 2.0), 1.0)
    return (ratio**weight)[cell_of].astype(np.float32)
