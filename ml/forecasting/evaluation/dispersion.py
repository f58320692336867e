"""How far demand falls from its forecast: measured on the backtest, as the table `forecast_dispersion`.

What belongs here: choosing alpha (variance = mean + alpha mean^2) per window length, lead and demand rate. What does
not: the distribution itself (ml.forecasting.distribution).

alpha is the value whose quantiles lose least (pinball at .5 to .99) on out-of-sample windows: quantiles are what is
published, and a moment estimate would be ruled by the few largest errors.
"""

from datetime import timedelta

import numpy as np
import polars as pl

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.daily import DayShares
from ml.forecasting.distribution import COUNT, DISPERSION_SCHEMA, LEVELS, MEASURE, table_quantiles
from ml.forecasting.evaluation.backtest import Trial
from ml.forecasting.panel import BLOCK_DAYS
from ml.forecasting.settings import ForecastSettings

LEADS = (0, 28, 91)
WINDOWS = (1, 7, 14, 28, 56, 91, 182)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
MAX_WINDOWS = 4_000  # forecast errors a node, drawn by seed
MIN_WINDOWS = 50  # fewer say nothing: the node takes its neighbour's alpha
_ALPHAS = np.exp(np.arange(np.log(0.003), np.log(60.0), 0.2))
_FIT_LEVELS = tuple(LEVELS.index(level) for level in (0.5, 0.75, 0.9, 0.95, 0.99))
_DEFAULT_ALPHA = 1.0


def measure_dispersion(
    trials: list[Trial],
    forecasts: list[np.ndarray],
    shares: list[DayShares],
    history: pl.DataFrame,
    is_count: bool,
    settings: ForecastSettings,
) -> pl.DataFrame:
    """The table of alpha: every lead x window x rate (DISPERSION_SCHEMA). Without trials a cautious default.

    forecasts: final block means at each trial. shares: how those blocks split into days (windows of one day).
    """
    family = COUNT if is_count else MEASURE
    rng = np.random.default_rng(settings.seed)
    alpha = np.full((len(LEADS), len(WINDOWS), len(RATES)), np.nan)
    count = np.zeros(alpha.shape, dtype=np.int64)
    for lead_index, lead in enumerate(LEADS):
        for window_index, window in enumerate(WINDOWS):
            mean, actual = _windows(trials, forecasts, shares, history, lead, window, rng)
            node = nearest_rate(mean / window)
            for rate_index in range(len(RATES)):
                chosen = np.flatnonzero((node == rate_index) & (mean > 0))
                if len(chosen) < MIN_WINDOWS:
                    continue
                chosen = rng.permutation(chosen)[:MAX_WINDOWS]
                alpha[lead_index, window_index, rate_index] = best_alpha(mean[chosen], actual[chosen], family)
                count[lead_index, window_index, rate_index] = len(chosen)
    return _as_frame(_filled(alpha, count), count, family)


def _windows(
    trials: list[Trial],
    forecasts: list[np.ndarray],
    shares: list[DayShares],
    history: pl.DataFrame,
    lead: int,
    window: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Forecast and actual demand of windows of this length that start `lead` days ahead, over all trials."""
    means, actuals = [np.zeros(0)], [np.zeros(0)]
    for trial, blocks, share in zip(trials, forecasts, shares, strict=True):
        first = lead // BLOCK_DAYS
        if window < BLOCK_DAYS:
            if trial.ahead > first:
                mean, actual = _one_day(trial, blocks, share, history, first, rng)
                means.append(mean)
                actuals.append(actual)
            continue
        length = window // BLOCK_DAYS
        starts = range(first, min(trial.ahead - length, first if lead == 0 else HORIZON_BLOCKS) + 1, length)
        for start in starts:
            means.append(blocks[:, start : start + length].sum(axis=1, dtype=np.float64))
            actuals.append(trial.actual[:, start : start + length].sum(axis=1, dtype=np.float64))
    return np.concatenate(means), np.concatenate(actuals)


def _one_day(
    trial: Trial, blocks: np.ndarray, share: DayShares, history: pl.DataFrame, first: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Days of the first block at or after `first`, for a sample of series spread over the demand rates."""
    rate = blocks[:, first].astype(np.float64) / BLOCK_DAYS
    node = nearest_rate(rate)
    sample = [rng.permutation(np.flatnonzero((node == k) & (rate > 0)))[: MAX_WINDOWS // 4] for k in range(len(RATES))]
    series = np.sort(np.concatenate(sample))
    days = share.split(blocks[series], series)[:, first * BLOCK_DAYS : (first + 1) * BLOCK_DAYS]
    start = trial.outlook.cutoff + timedelta(days=1 + first * BLOCK_DAYS)
    known = history.filter(
        pl.col("date").is_between(start, start + timedelta(days=BLOCK_DAYS - 1)),
        pl.col("series_id").is_in((series + 1).tolist()),
    )
    actual = np.zeros(days.shape)
    column = known.select((pl.col("date") - pl.lit(start)).dt.total_days().cast(pl.Int64)).to_series().to_numpy()
    actual[np.searchsorted(series, known["series_id"].to_numpy() - 1), column] = known["quantity"].to_numpy()
    return days.ravel(), actual.ravel()


def best_alpha(mean: np.ndarray, actual: np.ndarray, family: str) -> float:
    """Middle (in logarithms) of the alphas whose loss is the least; many tie where nearly every window is zero."""
    losses = np.array([_loss(mean, actual, float(alpha), family) for alpha in _ALPHAS])
    best = losses <= losses.min() * 1.0005
    return float(np.exp(np.log(_ALPHAS[best]).mean()))


def _loss(mean: np.ndarray, actual: np.ndarray, alpha: float, family: str) -> float:
    quantiles = table_quantiles(mean, np.full(len(mean), alpha), family)
    total = 0.0
    for index in _FIT_LEVELS:
        level, off = LEVELS[index], actual - quantiles[:, index]
        total += float((np.maximum(level * off, (level - 1) * off) / mean).mean())
    return total


def nearest_rate(rate: np.ndarray) -> np.ndarray:
    """Index in RATES of the nearest demand rate a day, in logarithms."""
    edges = np.sqrt(np.array(RATES[:-1]) * np.array(RATES[1:]))
    return np.searchsorted(edges, rate)


def _filled(alpha: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Nodes without enough windows take the nearest measured rate, then window, then lead; smoothed along the rate."""
    smooth = alpha.copy()
    for lead in range(alpha.shape[0]):
        for window in range(alpha.shape[1]):
            smooth[lead, window] = _smoothed(alpha[lead, window], count[lead, window])
    for lead in range(alpha.shape[0]):
        smooth[lead] = _nearest_rows(smooth[lead])
    for window in range(alpha.shape[1]):
        smooth[:, window] = _nearest_rows(smooth[:, window])
    return np.where(np.isfinite(smooth), smooth, _DEFAULT_ALPHA)


def _smoothed(alpha: np.ndarray, count: np.ndarray) -> np.ndarray:
    known = np.flatnonzero(np.isfinite(alpha))
    if not len(known):
        return alpha
    position = np.arange(len(alpha))
    log_alpha = np.interp(position, known, np.log(alpha[known]))
    weight = np.exp(-0.5 * (position[:, None] - position[None, :]) ** 2 / 0.6**2) * (count[None, :] + 1.0)
    return np.exp((weight * log_alpha[None, :]).sum(axis=1) / weight.sum(axis=1))


def _nearest_rows(rows: np.ndarray) -> np.ndarray:
    known = np.flatnonzero(np.isfinite(rows[:, 0]))
    if not len(known):
        return rows
    nearest = known[np.abs(np.arange(len(rows))[:, None] - known[None, :]).argmin(axis=1)]
    return rows[nearest]


def _as_frame(alpha: np.ndarray, count: np.ndarray, family: str) -> pl.DataFrame:
    lead, window, rate = (axis.ravel() for axis in np.meshgrid(LEADS, WINDOWS, RATES, indexing="ij"))
    return pl.DataFrame(
        {
            "family": [family] * alpha.size,
            "lead_days": lead,
            "window_days": window,
            "rate_per_day": rate,
            "alpha": alpha.ravel(),
            "windows": count.ravel(),
        },
        schema=DISPERSION_SCHEMA,
    )
