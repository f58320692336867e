"""Products without a sale yet: what like products sold in their first weeks.

What belongs here: the forecast of series with no demand at all. What does not: series that have sold, however little.
Like products are those of the same department; attributes and launch curves come later.
"""

from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.panel import BLOCK_DAYS, Panel

FIRST_BLOCKS = 8
RECENT_DAYS = 182  # a listing older than this that never sold is dead, not new
PATIENCE_WEEKS = 4.0  # after so many weeks without a sale half the expectation is left


def launch_levels(series: pl.DataFrame, panel: Panel) -> np.ndarray:
    """Demand a block of each series that has not sold yet and was launched in the last 182 days or later; else 0.

    Median, over the series of its department that did sell, of the mean of their first 8 blocks; halved after four
    weeks on sale without one (mean of a gamma prior worth four weeks).
    """
    result = np.zeros(panel.series)
    if "launched_on" not in series.columns:
        return result
    days_on_sale = np.array(
        [_days_since(day, panel.cutoff) for day in series["launched_on"].to_list()], dtype=np.float64
    )
    new = (panel.born >= panel.blocks) & (days_on_sale <= RECENT_DAYS)
    if not new.any():
        return result
    first_blocks = _first_blocks(panel)
    known = np.isfinite(first_blocks)
    overall = float(np.median(first_blocks[known])) if known.any() else 0.0
    for code in np.unique(panel.codes["department"][new]):
        member = panel.codes["department"] == code
        level = float(np.median(first_blocks[member & known])) if (member & known).any() else overall
        chosen = np.flatnonzero(new & member)
        weeks = np.maximum(days_on_sale[chosen], 0.0) / BLOCK_DAYS
        result[chosen] = level * PATIENCE_WEEKS / (PATIENCE_WEEKS + weeks)
    return result


def _first_blocks(panel: Panel) -> np.ndarray:
    """Mean of the first 8 blocks since birth; NaN where fewer are known."""
    running = np.concatenate([np.zeros((panel.series, 1)), np.cumsum(panel.demand, axis=1, dtype=np.float64)], axis=1)
    end = panel.born + FIRST_BLOCKS
    whole = end <= panel.blocks
    rows = np.arange(panel.series)
    total = running[rows, np.minimum(end, panel.blocks)] - running[rows, np.minimum(panel.born, panel.blocks)]
    return np.where(whole, total / FIRST_BLOCKS, np.nan)


def _days_since(day: date | None, cutoff: date) -> float:
    return float("inf") if day is None else float((cutoff - day).days)
