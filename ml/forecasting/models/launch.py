"""Products without a sale yet: what the same product sells elsewhere, or what like products sold when they came.

What belongs here: the forecast of series with no demand at all. What does not: series that have sold, however little,
and successors, whose history is that of what they replace (dbt's int_demand_daily).

1. Where the product sells elsewhere: its strength there, a series' rate over the mean rate of its department at its
   place, averaged, times the mean rate of the department at the new place.
2. Else like products: the strength of the department's launches of two years in their first 13 weeks, at any place,
   those at a like price first (a Gaussian kernel of width 0.2 on the logarithm of the price), with the department's
   mean at the place as three more of them.
3. The level follows the curve of past launches by week on sale, is nothing before the launch, and falls with every
   week on sale without a sale: half after four (mean of a gamma prior worth four weeks).

`--only launches` of the benchmarks asks at real launches for 13 weeks.
"""

from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.panel import BLOCK_DAYS, Panel

FIRST_BLOCKS = 13
RECENT_DAYS = 182  # a listing older than this that never sold is dead, not new
PATIENCE_WEEKS = 4.0  # after so many weeks without a sale half the expectation is left
_LAUNCH_BLOCKS = 104  # launches looked back on
_OLD_BLOCKS = 4  # on sale for so long, a series counts for its department and its product
_PRICE_WIDTH = 0.2
_TRUST_LAUNCHES = 3.0
_TRUST_CURVE = 100.0  # launches at which a curve counts as much as none
_STEADY = 1.0  # unit a block added to both sides of a strength: a department that sells next to nothing gives no giants


def launch_blocks(series: pl.DataFrame, panel: Panel) -> np.ndarray:
    """Demand a block of each series that has not sold yet and came 182 days ago or later, or comes; 0 for the others.

    series: as the panel's rows; launched_on, the day from which it can sell there (null: unknown, so not new), and
    unit_price (null: unknown), are read where they are delivered. Returns float64 (series, HORIZON_BLOCKS).
    """
    result = np.zeros((panel.series, HORIZON_BLOCKS))
    if "launched_on" not in series.columns:
        return result
    days = np.array([_days_on_sale(day, panel.cutoff) for day in series["launched_on"].to_list()], dtype=np.float64)
    new = np.flatnonzero((panel.born >= panel.blocks) & (days <= RECENT_DAYS))
    if not len(new):
        return result
    level = _levels(series, panel, new) * PATIENCE_WEEKS / (PATIENCE_WEEKS + np.maximum(days[new], 0.0) / BLOCK_DAYS)
    ends = days[new, None] / BLOCK_DAYS + np.arange(1, HORIZON_BLOCKS + 1)  # weeks on sale at the end of each block
    curve = _curve(panel)
    age = np.clip(np.ceil(ends) - 1, 0, len(curve) - 1).astype(np.int64)
    result[new] = level[:, None] * curve[age] * np.clip(ends, 0.0, 1.0)
    return result


def _levels(series: pl.DataFrame, panel: Panel, new: np.ndarray) -> np.ndarray:
    """Demand a block of the new series (indices) in their first 13."""
    alive = np.clip(panel.blocks - panel.born, 0, FIRST_BLOCKS)
    recent = panel.demand[:, max(panel.blocks - FIRST_BLOCKS, 0) :].sum(axis=1, dtype=np.float64)
    rate = recent / np.maximum(alive, 1)
    is_old = panel.blocks - panel.born >= _OLD_BLOCKS
    usual = _usual(panel, rate, is_old)
    strength = rate / (usual + _STEADY)
    sku, known = panel.codes["sku"], np.flatnonzero(panel.born < panel.blocks)
    size = int(sku.max()) + 1
    count = np.bincount(sku[known], minlength=size)
    elsewhere = np.bincount(sku[known], weights=strength[known], minlength=size) / np.maximum(count, 1)
    same = elsewhere[sku[new]] * (usual[new] + _STEADY)
    return np.where(count[sku[new]] > 0, same, _like(series, panel, new, usual))


def _usual(panel: Panel, rate: np.ndarray, is_old: np.ndarray) -> np.ndarray:
    """Mean rate of a series in each one's department at its place; of the department where nothing is known there."""
    found = np.full(panel.series, float(rate[is_old].mean()) if is_old.any() else 0.0)
    for grouping in ("department", "location_department"):
        code = panel.codes[grouping]
        count = np.bincount(code[is_old], minlength=int(code.max()) + 1)
        total = np.bincount(code[is_old], weights=rate[is_old], minlength=len(count))
        found = np.where(count[code] > 0, total[code] / np.maximum(count[code], 1), found)
    return found


def _like(series: pl.DataFrame, panel: Panel, new: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Demand a block as like launches had it."""
    launches, first = _launches(panel, FIRST_BLOCKS)
    strength = first[:, :FIRST_BLOCKS].mean(axis=1) / (usual[launches] + _STEADY)
    price = np.full(panel.series, np.nan)
    if "unit_price" in series.columns:
        price = np.log(series["unit_price"].cast(pl.Float64).fill_null(np.nan).clip(1e-6).to_numpy())
    department = panel.codes["department"]
    level = usual[new].copy()
    for code in np.unique(department[new]):
        rows, like = np.flatnonzero(department[new] == code), np.flatnonzero(department[launches] == code)
        for row in rows:
            gap = (price[launches[like]] - price[new[row]]) / _PRICE_WIDTH
            weight = np.where(np.isfinite(gap), np.exp(-0.5 * np.nan_to_num(gap) ** 2), 0.0)
            if np.isnan(price[new[row]]):
                weight = np.ones(len(like))
            lent = (weight * strength[like]).sum() * (usual[new[row]] + _STEADY)
            level[row] = (lent + _TRUST_LAUNCHES * usual[new[row]]) / (weight.sum() + _TRUST_LAUNCHES)
    return level


def _launches(panel: Panel, blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """(series launched within two years and `blocks` ago or earlier, their first blocks of demand).

    What stands in the first weeks of history was there before.
    """
    since = panel.blocks - panel.born
    chosen = np.flatnonzero((since >= blocks) & (since <= _LAUNCH_BLOCKS + blocks) & (panel.born >= _OLD_BLOCKS))
    columns = panel.born[chosen, None] + np.arange(blocks)
    return chosen, panel.demand[chosen[:, None], columns].astype(np.float64)


def _curve(panel: Panel) -> np.ndarray:
    """Demand by week on sale over that of a week of the first 13, of all launches, drawn to 1: (HORIZON_BLOCKS,).

    A launch is known by its first sale, so its first week always sold: it counts as the second.
    """
    launches, first = _launches(panel, HORIZON_BLOCKS)
    usual = first[:, :FIRST_BLOCKS].sum() / FIRST_BLOCKS
    if usual <= 0:
        return np.ones(HORIZON_BLOCKS)
    curve = first.sum(axis=0) / usual
    curve[0] = curve[1]
    trust = len(launches) / (len(launches) + _TRUST_CURVE)
    return trust * curve + (1 - trust)


def _days_on_sale(day: date | None, cutoff: date) -> float:
    """Days at the close of the cut-off, the launch's own included; below 1 before the launch."""
    return float("inf") if day is None else float((cutoff - day).days + 1)
