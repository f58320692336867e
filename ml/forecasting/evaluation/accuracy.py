"""The table `forecast_accuracy`: what each step of the forecast adds, by level, horizon band and segment.

What belongs here: taking metrics of the backtest on the right rows. What does not: the metrics
(ml.forecasting.metrics). Rows are blocks of seven days. Every row of the table carries the seasonal naive on the same
rows as baseline_value.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.forecasting import metrics
from ml.forecasting.contract import ACCURACY_SCHEMA, BANDS
from ml.forecasting.distribution import LEVELS, DemandDistribution
from ml.forecasting.evaluation.backtest import LIGHTGBM, NAIVE, Trial
from ml.forecasting.evaluation.scores import naive_scale, rollup, weighted_rmsse
from ml.forecasting.panel import BLOCK_DAYS

TABLE_LEVELS = ("total", "region", "department", "sku", "sku_location")
LAST, SELECTED, RECONCILED = "naive", "selected", "reconciled"
_QUANTILES = {"p50": LEVELS.index(0.5), "p90": LEVELS.index(0.9)}


@dataclass(frozen=True)
class Scored:
    """A trial with the forecasts of every step, and the distribution that was learned without this trial."""

    trial: Trial
    steps: dict[str, np.ndarray]
    distribution: DemandDistribution


def steps_of(trial: Trial, selected: np.ndarray, reconciled: np.ndarray) -> dict[str, np.ndarray]:
    """Forecasts in the order in which they are made; where LightGBM was not asked the selected method stands in."""
    forecasts = trial.outlook.forecasts
    last = trial.outlook.panel.demand[:, -1:].astype(np.float32)
    steps = {LAST: np.repeat(last, forecasts[NAIVE].shape[1], axis=1)}
    steps |= {NAIVE: forecasts[NAIVE], "moving_average": forecasts["moving_average"]}
    if LIGHTGBM in forecasts:
        steps[LIGHTGBM] = np.where(np.isfinite(forecasts[LIGHTGBM]), forecasts[LIGHTGBM], selected)
    return {**steps, SELECTED: selected, RECONCILED: reconciled}


def accuracy_table(scored: list[Scored]) -> pl.DataFrame:
    """One row a level x band x segment x step x metric (ACCURACY_SCHEMA); empty without trials.

    wmape and bias pool the rows of all cut-offs; rmsse is the mean over cut-offs of the weighted RMSSE of the nodes;
    pinball and coverage are those of weeks at product x place, with a dispersion measured on the other cut-offs.
    """
    rows: list[dict[str, object]] = []
    for band, first, last in BANDS:
        reached = [item for item in scored if item.trial.ahead >= first]
        if not reached:
            continue
        dates = ", ".join(item.trial.outlook.cutoff.isoformat() for item in reached)
        for level in TABLE_LEVELS:
            for segment in ("all", *metrics.CLASSES) if level == "sku_location" else ("all",):
                cells = _cells(reached, level, segment, first, last)
                series = sum(cell.series for cell in cells)
                if series == 0:
                    continue
                for step, metric, value, baseline in _values(cells):
                    rows.append(
                        {
                            "level": level,
                            "horizon_band": band,
                            "segment": segment,
                            "step": step,
                            "metric": metric,
                            "value": value,
                            "baseline_value": baseline,
                            "series": series // len(cells),
                            "cutoffs": dates,
                        }
                    )
    return pl.DataFrame(rows, schema=ACCURACY_SCHEMA)


@dataclass(frozen=True)
class _Cell:
    """One trial's rows of a level, segment and band."""

    actual: np.ndarray
    steps: dict[str, np.ndarray]
    scale: np.ndarray
    weight: np.ndarray
    quantiles: dict[str, np.ndarray]

    @property
    def series(self) -> int:
        return len(self.actual)


def _cells(reached: list[Scored], level: str, segment: str, first: int, last: int) -> list[_Cell]:
    cells = []
    for item in reached:
        panel, end = item.trial.outlook.panel, min(last, item.trial.ahead)
        rows = np.arange(panel.series)
        if segment != "all":
            rows = np.flatnonzero(item.trial.outlook.segments == segment)

        def rolled(values: np.ndarray, chosen: np.ndarray = rows, scored: Scored = item) -> np.ndarray:
            if level == "sku_location":
                return values[chosen].astype(np.float64)
            return rollup(values, level, scored.trial.outlook.panel)

        demand = rolled(panel.demand)
        quantiles = {}
        if level == "sku_location":
            quantiles = _quantiles(item, rows, first, end)
        cells.append(
            _Cell(
                rolled(item.trial.actual[:, first - 1 : end]),
                {name: rolled(blocks[:, first - 1 : end]) for name, blocks in item.steps.items()},
                naive_scale(demand),
                demand[:, -4:].sum(axis=1),
                quantiles,
            )
        )
    return cells


def _quantiles(item: Scored, rows: np.ndarray, first: int, end: int) -> dict[str, np.ndarray]:
    """p50 and p90 of each block of the final forecast: (rows, blocks)."""
    columns = []
    segment = item.distribution.codes(item.trial.outlook.segments[rows])
    for block in range(first, end + 1):
        mean = item.steps[RECONCILED][rows, block - 1].astype(np.float64)
        columns.append(item.distribution.published_quantiles(mean, BLOCK_DAYS, BLOCK_DAYS * (block - 1), segment))
    stacked = np.stack(columns, axis=1)
    return {name: stacked[:, :, index] for name, index in _QUANTILES.items()}


def _values(cells: list[_Cell]) -> list[tuple[str, str, float, float]]:
    """(step, metric, value, value of the seasonal naive) of one level, segment and band."""
    actual = np.concatenate([cell.actual.ravel() for cell in cells])
    naive = np.concatenate([cell.steps[NAIVE].ravel() for cell in cells])
    pooled: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"wmape": metrics.wmape, "bias": metrics.bias}
    baseline = {name: metric(actual, naive) for name, metric in pooled.items()} | {"rmsse": _rmsse(cells, NAIVE)}
    values = []
    for step in cells[0].steps:
        if any(step not in cell.steps for cell in cells):
            continue
        forecast = np.concatenate([cell.steps[step].ravel() for cell in cells])
        for name, metric in pooled.items():
            values.append((step, name, metric(actual, forecast), baseline[name]))
        values.append((step, "rmsse", _rmsse(cells, step), baseline["rmsse"]))
    for name, level in (("p50", 0.5), ("p90", 0.9)):
        if not cells[0].quantiles:
            break
        quantile = np.concatenate([cell.quantiles[name].ravel() for cell in cells])
        both = (metrics.pinball(actual, quantile, level), metrics.pinball(actual, naive, level))
        values.append((RECONCILED, f"pinball_{name}", *both))
        both = (metrics.coverage(actual, quantile), metrics.coverage(actual, naive))
        values.append((RECONCILED, f"coverage_{name}", *both))
    return values


def _rmsse(cells: list[_Cell], step: str) -> float:
    values = [weighted_rmsse(cell.actual, cell.steps[step], cell.scale, cell.weight) for cell in cells]
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
