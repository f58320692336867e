"""How far demand of whole nodes (a product, a department, the company) falls from its forecast, measured by backtest.

What belongs here: alpha (variance = mean + alpha mean^2) by level, window, lead and rate. What does not: that of
product x place, which planning reads (dispersion.py), and turning it into quantiles (ml.forecasting.distribution).

A coarse level has few nodes, so few errors: one total gives a handful over all cut-offs. Where a node of the table has
too few for its quantiles to be fitted, alpha is the ratio of summed squared errors (less their Poisson part) to summed
squared forecasts, drawn to that of its level, and that to the next finer level, as if PRIOR_WINDOWS more had been seen:
a level is at least as steady as what it is the sum of, so the prior is cautious.
"""

import numpy as np
import polars as pl

from ml.forecasting.distribution import ALL, COUNT, DISPERSION_SCHEMA, MAX_ALPHA, MEASURE, MIN_ALPHA
from ml.forecasting.evaluation.backtest import Trial
from ml.forecasting.evaluation.dispersion import LEADS, MIN_WINDOWS, RATES, WINDOWS, best_alpha, nearest_rate
from ml.forecasting.evaluation.scores import rollup
from ml.forecasting.panel import BLOCK_DAYS

LEVELS = ("sku", "category", "department", "region", "total")  # from the finest, whose prior is DEFAULT_ALPHA
WHOLE_WINDOWS = tuple(window for window in WINDOWS if window >= BLOCK_DAYS)
PRIOR_WINDOWS = 10
DEFAULT_ALPHA = 1.0
LEVEL_DISPERSION_SCHEMA = pl.Schema([("level", pl.String), *DISPERSION_SCHEMA.items()])


def measure_level_dispersion(
    trials: list[Trial], forecasts: list[np.ndarray], is_count: bool, seed: int
) -> pl.DataFrame:
    """Alpha of every level x lead x window x rate (LEVEL_DISPERSION_SCHEMA). forecasts: final block means a trial."""
    family = COUNT if is_count else MEASURE
    prior = np.full((len(LEADS), len(WHOLE_WINDOWS)), DEFAULT_ALPHA)
    rows: list[dict[str, object]] = []
    for level in LEVELS:
        nodes = [
            (rollup(blocks, level, trial.outlook.panel), rollup(trial.actual, level, trial.outlook.panel))
            for trial, blocks in zip(trials, forecasts, strict=True)
        ]
        pooled = prior.copy()
        for lead_index, lead in enumerate(LEADS):
            for window_index, window in enumerate(WHOLE_WINDOWS):
                mean, actual = _windows(nodes, lead, window)
                own = _alpha(mean, actual, prior[lead_index, window_index], family)
                pooled[lead_index, window_index] = own
                node = nearest_rate(mean / window)
                for rate_index, rate in enumerate(RATES):
                    chosen = np.flatnonzero(node == rate_index)
                    if len(chosen) >= MIN_WINDOWS:
                        drawn = np.random.default_rng(seed).permutation(chosen)[:2_000]
                        alpha = best_alpha(mean[drawn], actual[drawn], family)
                    else:
                        alpha = _alpha(mean[chosen], actual[chosen], own, family)
                    rows.append(
                        {
                            "level": level,
                            "family": family,
                            "segment": ALL,
                            "lead_days": lead,
                            "window_days": window,
                            "rate_per_day": rate,
                            "alpha": alpha,
                            "idle_share": 0.0,  # of a whole department something always sells
                            "windows": len(chosen),
                        }
                    )
        prior = pooled
    return pl.DataFrame(rows, schema=LEVEL_DISPERSION_SCHEMA)


def _windows(nodes: list[tuple[np.ndarray, np.ndarray]], lead: int, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Forecast and demand of windows of so many days that start from this lead on and before the next one."""
    length, first = window // BLOCK_DAYS, lead // BLOCK_DAYS
    later = [other // BLOCK_DAYS for other in LEADS if other > lead]
    means, actuals = [np.zeros(0)], [np.zeros(0)]
    for forecast, actual in nodes:
        ahead = actual.shape[1]
        for start in range(first, min(later[0] if later else ahead, ahead - length + 1), length):
            means.append(forecast[:, start : start + length].sum(axis=1, dtype=np.float64))
            actuals.append(actual[:, start : start + length].sum(axis=1, dtype=np.float64))
    mean, came = np.concatenate(means), np.concatenate(actuals)
    known = mean > 0
    return mean[known], came[known]


def _alpha(mean: np.ndarray, actual: np.ndarray, prior: float, family: str) -> float:
    """Ratio of summed squared errors, less their Poisson part, to summed squared means, drawn to the prior."""
    if not len(mean):
        return float(prior)
    excess = float(((actual - mean) ** 2 - (mean if family == COUNT else 0.0)).sum())
    squares = float((mean**2).sum())
    usual = squares / len(mean) * PRIOR_WINDOWS
    return float(np.clip((excess + prior * usual) / (squares + usual), MIN_ALPHA, MAX_ALPHA))
