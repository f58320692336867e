"""What the calendar does to a single day: day of the month, holidays, events of the company and of its regions.

What belongs here: those effects, by group of series. What does not: the weekday of a series and the sum of a block
(ml.forecasting.daily), seasons and growth, which move weeks (models/dynamic_regression.py).

    log demand of a day = level that wanders + weekday + effects of the day

As in the regression of blocks, effects are fitted on differences, here from day to day and smoothed (a random walk with
noise: (1 - B) / (1 - SMOOTHING B)), by ridge regression, and drawn to those of the level above. How far they are drawn
follows from the noise of the group: penalty = its variance / SIZE**2, so that departments which sell a few units a day
take their days from the region or the company.

Measured on the benchmark, shape of 28 days of the 70 cells (true sums of blocks, WRMSSE of the nine levels from the
total to place x department, mean of 20 cut-offs four weeks apart): weekdays alone 0.487, with the day of the month by
place and department as ratios 0.443, with these effects 0.388. Nothing is sharp: half or twice SIZE, twice CHILD_SIZE,
SMOOTHING 0.95, a season or 800 days of history each move it by less than 0.004.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import lfilter

from ml.forecasting.calendar import DayRegressors, day_regressors
from ml.forecasting.hierarchy import PARENTS, Hierarchy
from ml.forecasting.panel import BLOCK_DAYS, Panel, sum_groups

SMOOTHING = 0.7
SIZE = 0.15  # a usual effect of an event, in logarithms; the others are told relative to it (calendar.day_regressors)
CHILD_SIZE = 0.045  # how far a group usually differs from the level above in it
MIN_DAYS = 182  # history of a group below which it takes the effects of the level above
_FLOOR = 0.1  # of the mean day of the last year: an empty day is a small number, not minus infinity
_STILL = 1e-9  # noise below which a group never moved: it says nothing of days, and no penalty would keep it solvable
_START_STEP = 28  # groups that began within so many days of each other share the first day, and the matrices
_CLOSED = 0.05  # of the median of the two weeks around: below it the company was closed
_AROUND = 7  # days before and after
_COMPANY_LEVELS = ("total", "department")  # their groups reach over regions
_COMPANY = -1  # in place of the code of a region


def calendar_factor(
    history: pl.DataFrame, panel: Panel, hierarchy: Hierarchy, ahead: int, country: str | None
) -> np.ndarray:
    """Factor of the calendar on each of the `ahead` days after the cut-off, weekdays aside: (cells, ahead), around 1.

    history: sparse (series_id, date, quantity). country: whose public holidays count (ISO code), None for none. Levels
    are fitted from the total down. All 1 with less than MIN_DAYS of history.
    """
    days = BLOCK_DAYS * panel.blocks
    if days < MIN_DAYS:
        return np.ones((hierarchy.cells, ahead))
    demand = without_closed_days(_daily_cells(history, panel, hierarchy, days))
    regressors = _regressors(panel, panel.cutoff - timedelta(days=days - 1), days + ahead, country)
    effects: dict[str, np.ndarray] = {}
    for level, of_cell in hierarchy.levels.items():
        _, member = np.unique(of_cell, return_index=True)
        above, region = PARENTS[level], _regions(level, hierarchy)[member]
        parent = effects[above][hierarchy.levels[above][member]] if above in effects else None
        sold = sum_groups(demand, of_cell)
        effects[level] = np.empty((len(member), len(regressors[_COMPANY].names)))
        for code in np.unique(region):
            rows = np.flatnonzero(region == code)
            effects[level][rows] = day_effects(sold[rows], regressors[code], None if parent is None else parent[rows])
    finest = next(reversed(hierarchy.levels))
    result = np.empty((hierarchy.cells, ahead))
    for cell, code in enumerate(_regions(finest, hierarchy)):
        counted = ~regressors[code].is_weekday
        own = effects[finest][hierarchy.levels[finest][cell]]
        result[cell] = regressors[code].values[days:, counted] @ own[counted]
    return np.exp(result)


def day_effects(demand: np.ndarray, regressors: DayRegressors, parent: np.ndarray | None = None) -> np.ndarray:
    """Coefficients of the regressors for each group: (groups, regressors), in logarithms.

    demand: (groups, days), ending on the cut-off; days without any demand must not be days of closure (see
    `without_closed_days`). regressors: of those days at least. parent: coefficients of each group's level above,
    (groups, regressors). Groups with less than MIN_DAYS of demand, or that never move, take the parent's, or nothing.
    """
    groups, days = demand.shape
    prior = np.zeros((groups, len(regressors.names))) if parent is None else parent
    size = SIZE if parent is None else CHILD_SIZE
    effects = prior.copy()
    logs, start = _logs(demand)
    for first in np.unique(start[days - start >= MIN_DAYS]):
        chosen = np.flatnonzero(start == first)
        design = _smoothed(regressors.values[first:days])
        rises = _smoothed(logs[chosen, first:].T)
        noise = _noise(design[:, regressors.is_weekday], rises)
        normal, gap = design.T @ design, design.T @ (rises - design @ prior[chosen].T)
        for column, group in enumerate(chosen):
            if noise[column] < _STILL:
                continue
            penalty = regressors.penalty * noise[column] / size**2
            effects[group] = prior[group] + np.linalg.solve(normal + np.diag(penalty), gap[:, column])
    return np.round(effects, 6)  # linear algebra on two threads differs from that on one beyond the tenth digit


def closed_days(sold: np.ndarray) -> np.ndarray:
    """Which days the company was closed: (days,), from what it sold in all on consecutive days.

    Closed: under 5 % of the median day of the two weeks around it, of those of them that are known at either end.
    """
    if len(sold) < 2:
        return np.zeros(len(sold), dtype=bool)
    padded = np.pad(sold.astype(np.float64), _AROUND, constant_values=np.nan)
    around = np.delete(sliding_window_view(padded, 2 * _AROUND + 1), _AROUND, axis=1)
    return sold < _CLOSED * np.nanmedian(around, axis=1)


def without_closed_days(demand: np.ndarray) -> np.ndarray:
    """Demand (groups, days); days on which next to nothing was sold anywhere are filled from a week before and after.

    A closure is known to the calendar of closed days (ml.forecasting.daily); left in, 25 December would teach the
    regression that a 25th is a bad day.
    """
    total = demand.sum(axis=0)
    days = len(total)
    closed = np.flatnonzero(closed_days(total))
    filled = demand.copy()
    for day in closed:
        near = [other for other in (day - 7, day + 7) if 0 <= other < days and other not in closed]
        if near:
            filled[:, day] = demand[:, near].mean(axis=1)
    return filled


def _logs(demand: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(log of demand, not below a floor; first day that counts, rounded up to _START_STEP)."""
    days = demand.shape[1]
    floor = np.maximum(_FLOOR * demand[:, -364:].mean(axis=1), 1e-9)
    alive = demand > floor[:, None]
    start = np.where(alive.any(axis=1), alive.argmax(axis=1), days)
    return np.log(np.maximum(demand, floor[:, None])), -(-start // _START_STEP) * _START_STEP


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Differences from row to row plus SMOOTHING times the last result: white where a level wanders under noise."""
    return lfilter([1.0], [1.0, -SMOOTHING], np.diff(values, axis=0), axis=0)


def _noise(weekdays: np.ndarray, rises: np.ndarray) -> np.ndarray:
    """Variance of each column of rises that the weekday leaves."""
    fitted, *_ = np.linalg.lstsq(weekdays, rises, rcond=None)
    return (rises - weekdays @ fitted).var(axis=0)


def _daily_cells(history: pl.DataFrame, panel: Panel, hierarchy: Hierarchy, days: int) -> np.ndarray:
    """Demand of each cell on each of the `days` days up to the cut-off: (cells, days)."""
    first = panel.cutoff - timedelta(days=days - 1)
    known = history.filter(pl.col("date").is_between(first, panel.cutoff))
    day = known.select((pl.col("date") - pl.lit(first)).dt.total_days().cast(pl.Int64)).to_series().to_numpy()
    cell = hierarchy.cell_of[known["series_id"].to_numpy() - 1].astype(np.int64)
    flat = np.bincount(cell * days + day, weights=known["quantity"].to_numpy(), minlength=hierarchy.cells * days)
    return flat.reshape(hierarchy.cells, days)


def _regressors(panel: Panel, first: date, days: int, country: str | None) -> dict[int, DayRegressors]:
    """Regressors of groups of the whole company (_COMPANY) and of each region; names are the same in all.

    Events of a region count for the company with its share of the demand of the last year.
    """
    sold = sum_groups(panel.demand[:, -52:], panel.codes["region"]).sum(axis=1)
    share = sold / max(float(sold.sum()), 1e-9)

    def of(region: int) -> DayRegressors:
        regional = [
            (events, float(share[code]) if region == _COMPANY else float(code == region))
            for code, events in sorted(panel.regional_events.items())
        ]
        return day_regressors(first, days, country, panel.events, regional)

    if not panel.regional_events:
        return dict.fromkeys((_COMPANY, *range(len(share))), of(_COMPANY))
    return {code: of(code) for code in (_COMPANY, *range(len(share)))}


def _regions(level: str, hierarchy: Hierarchy) -> np.ndarray:
    """Region of each cell, _COMPANY where the groups of the level reach over regions, or a place has several."""
    if level in _COMPANY_LEVELS or "region" not in hierarchy.levels:
        return np.full(hierarchy.cells, _COMPANY)
    return hierarchy.levels["region"]
