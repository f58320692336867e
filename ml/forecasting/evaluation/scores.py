"""Scores of block forecasts over the hierarchy, shared by selection, weights and the accuracy table.

What belongs here: errors scaled per node and weighted over a level. What does not: single metrics
(ml.forecasting.metrics).
"""

import numpy as np

from ml.forecasting.panel import Panel, sum_groups

HIERARCHY = ("total", "region", "department", "location", "sku", "sku_location")


def naive_scale(demand: np.ndarray) -> np.ndarray:
    """Mean squared step from block to block since the first demand, per row; NaN with fewer than 4 steps or none.

    The scale of RMSSE, on blocks of seven days.
    """
    blocks = demand.shape[1]
    if blocks < 2:
        return np.full(len(demand), np.nan)
    first = np.where((demand > 0).any(axis=1), (demand > 0).argmax(axis=1), blocks)
    steps = np.diff(demand.astype(np.float64), axis=1) ** 2
    steps[np.arange(blocks - 1)[None, :] < first[:, None]] = 0.0
    count = np.maximum(blocks - 1 - first, 0)
    mean = steps.sum(axis=1) / np.maximum(count, 1)
    return np.where((count >= 4) & (mean > 0), mean, np.nan)


def rollup(values: np.ndarray, level: str, panel: Panel) -> np.ndarray:
    """Values of the series (series, columns) summed to the nodes of a level."""
    return values if level == "sku_location" else sum_groups(values, panel.codes[level])


def weighted_rmsse(actual: np.ndarray, forecast: np.ndarray, scale: np.ndarray, weight: np.ndarray) -> float:
    """Mean over nodes of sqrt(mean squared error / scale), by weight; nodes without a scale are left out."""
    error = np.sqrt(((actual - forecast) ** 2).mean(axis=1) / scale)
    usable = np.isfinite(error) & (weight > 0)
    return float(np.average(error[usable], weights=weight[usable])) if usable.any() else float("nan")


class HierarchyScore:
    """Weighted RMSSE over the levels of one panel; weights are the units of the last four blocks."""

    def __init__(self, panel: Panel, levels: tuple[str, ...] = HIERARCHY) -> None:
        self.panel = panel
        self.levels = levels
        rolled = {level: rollup(panel.demand, level, panel) for level in levels}
        self.scale = {level: naive_scale(values) for level, values in rolled.items()}
        self.weight = {level: values[:, -4:].sum(axis=1) for level, values in rolled.items()}

    def of(self, actual: np.ndarray, forecast: np.ndarray) -> float:
        """Mean over the levels of their weighted RMSSE; columns of actual and forecast are the blocks to score."""
        scores = [
            weighted_rmsse(
                rollup(actual, level, self.panel),
                rollup(forecast, level, self.panel),
                self.scale[level],
                self.weight[level],
            )
            for level in self.levels
        ]
        known = [score for score in scores if np.isfinite(score)]
        return float(np.mean(known)) if known else float("nan")
