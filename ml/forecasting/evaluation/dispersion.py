"""How far demand falls from its forecast: measured on the backtest, as the table `forecast_dispersion`.

What belongs here: choosing alpha (variance = m + alpha m^2) per demand class, window length, lead and rate, and the
share of windows in which nothing sells per class, window and lead. What does not: the distribution itself
(ml.forecasting.distribution).

Both are the values under which the out-of-sample windows were likeliest; a moment estimate would be ruled by the few
largest errors, so no window counts as less likely than _RAREST: at 1e-2 every share below p10 ... p99 of eight nights
of the benchmark was within 1.7 points of its level, weeks and sums of 7 to 42 days, at 3e-3 p75 of 42 days was 2.2 off,
at 2e-2 p10 of 42 days. With the least pinball loss instead, p50 of sums of 28 and 42 days was covered 2.9 and 1.8
points too rarely after d_1577 (1.7 and 0.8 at 3e-3), 4.8 and 5.7 after d_1703 (4.2 and 4.0), at the same loss.
Without idle share p10 covered 3 points more than it should.
"""

from datetime import timedelta

import numpy as np
import polars as pl

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.daily import DayShares
from ml.forecasting.distribution import ALL, COUNT, DISPERSION_SCHEMA, MEASURE, log_density
from ml.forecasting.evaluation.backtest import Trial
from ml.forecasting.metrics import CLASSES
from ml.forecasting.panel import BLOCK_DAYS
from ml.forecasting.settings import ForecastSettings

LEADS = (0, 28, 91)
WINDOWS = (1, 7, 14, 28, 56, 91, 182)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
MAX_WINDOWS = 2_000  # forecast errors a node, drawn by seed
MIN_WINDOWS = 50  # fewer say nothing: the node takes its neighbour's alpha
TRUST_WINDOWS = 300  # errors of a demand class that weigh as much as those of all
_ALPHAS = np.exp(np.arange(np.log(0.003), np.log(60.0), 0.8))
_FINER = np.exp(np.arange(-0.6, 0.61, 0.2))  # around the best of them
_IDLE_SHARES = (0.0, 0.01, 0.02, 0.03, 0.045, 0.065, 0.09, 0.13, 0.18)
_RAREST = 1e-2  # times the density of an even spread over 0 to the mean
_DEFAULT_ALPHA = 1.0


def measure_dispersion(
    trials: list[Trial],
    forecasts: list[np.ndarray],
    shares: list[DayShares],
    history: pl.DataFrame,
    is_count: bool,
    settings: ForecastSettings,
) -> pl.DataFrame:
    """The table of alpha: every segment x lead x window x rate (DISPERSION_SCHEMA). Without trials a cautious default.

    forecasts: final block means at each trial. shares: how those blocks split into days (windows of one day). The
    alpha of a demand class is drawn to that of all, as if TRUST_WINDOWS more of its errors had shown that (_offset).
    """
    family = COUNT if is_count else MEASURE
    rng = np.random.default_rng(settings.seed)
    segments = (ALL, *CLASSES)
    alpha = np.full((len(segments), len(LEADS), len(WINDOWS), len(RATES)), np.nan)
    count = np.zeros(alpha.shape, dtype=np.int64)
    idle = np.zeros(alpha.shape)
    for lead_index, lead in enumerate(LEADS):
        for window_index, window in enumerate(WINDOWS):
            mean, actual, segment = _windows(trials, forecasts, shares, history, lead, window, rng)
            for index, name in enumerate(segments):
                own = (mean > 0) & ((segment == name) if name != ALL else True)
                errors = _by_rate(mean[own], actual[own], window, rng)
                share, near = best_idle_share(errors, family)
                idle[index, lead_index, window_index, :] = share
                for rate_index, (means, actuals) in errors.items():
                    place = (index, lead_index, window_index, rate_index)
                    alpha[place] = best_alpha(means, actuals, family, share, near[rate_index] * _FINER)
                    count[place] = len(means)
    filled = np.empty(alpha.shape)
    filled[0] = _filled(alpha[0], count[0])
    for index in range(1, len(segments)):
        filled[index] = filled[0] * _offset(alpha[index], count[index], filled[0])
    return _as_frame(filled, idle, count, segments, family)


def _offset(own: np.ndarray, count: np.ndarray, of_all: np.ndarray) -> np.ndarray:
    """How many times the alpha of all that of a class is, at every lead x window x rate.

    A node with few errors is drawn to the class's mean over the rates of its lead and window, that one to 1.
    """
    ratio = np.where(count > 0, np.log(np.where(count > 0, own, 1.0) / of_all), 0.0)
    usual = (count * ratio).sum(axis=-1, keepdims=True) / (count.sum(axis=-1, keepdims=True) + TRUST_WINDOWS)
    weight = count / (count + TRUST_WINDOWS)
    return np.exp(weight * ratio + (1 - weight) * usual)


def _by_rate(
    mean: np.ndarray, actual: np.ndarray, window: int, rng: np.random.Generator
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """(forecast, actual demand) of a sample of the windows of each demand rate that has enough of them."""
    node = nearest_rate(mean / window)
    found = {}
    for rate_index in range(len(RATES)):
        chosen = np.flatnonzero(node == rate_index)
        if len(chosen) >= MIN_WINDOWS:
            chosen = rng.permutation(chosen)[:MAX_WINDOWS]
            found[rate_index] = (mean[chosen], actual[chosen])
    return found


def best_idle_share(errors: dict[int, tuple[np.ndarray, np.ndarray]], family: str) -> tuple[float, dict[int, float]]:
    """The idle share with which the windows of all rates, each rate with its own alpha, were likeliest; those alphas.

    Ties go to the least share.
    """
    best, least, near = 0.0, np.inf, dict[int, float]()
    for share in _IDLE_SHARES if errors else ():
        found = {rate: surprise(*windows, _ALPHAS, family, share) for rate, windows in errors.items()}
        lost = sum(len(errors[rate][0]) * float(each.min()) for rate, each in found.items())
        if lost < least:
            best, least = share, lost
            near = {rate: float(_ALPHAS[each.argmin()]) for rate, each in found.items()}
    return best, near


def best_alpha(
    mean: np.ndarray, actual: np.ndarray, family: str, idle: float = 0.0, alphas: np.ndarray | None = None
) -> float:
    """The alpha under which the windows were likeliest, of those given (None: of all)."""
    if alphas is None:
        alphas = _FINER * _ALPHAS[surprise(mean, actual, _ALPHAS, family, idle).argmin()]
    return float(alphas[surprise(mean, actual, alphas, family, idle).argmin()])


def surprise(mean: np.ndarray, actual: np.ndarray, alphas: np.ndarray, family: str, idle: float = 0.0) -> np.ndarray:
    """Mean over the windows of -log(density of what came), by alpha: (len(alphas),)."""
    inner = mean / (1 - idle)
    density = (1 - idle) * np.exp(log_density(inner, alphas[:, None], actual, family))
    density += idle * (np.rint(actual) == 0)
    return -np.log(np.maximum(density, _RAREST / (1 + inner))).mean(axis=1)


def _windows(
    trials: list[Trial],
    forecasts: list[np.ndarray],
    shares: list[DayShares],
    history: pl.DataFrame,
    lead: int,
    window: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Forecast, actual demand and segment of windows of this length that start `lead` days ahead, over all trials."""
    means, actuals, segments = [np.zeros(0)], [np.zeros(0)], [np.zeros(0, dtype=str)]
    for trial, blocks, share in zip(trials, forecasts, shares, strict=True):
        first = lead // BLOCK_DAYS
        if window < BLOCK_DAYS:
            if trial.ahead > first:
                mean, actual, segment = _one_day(trial, blocks, share, history, first, rng)
                means.append(mean)
                actuals.append(actual)
                segments.append(segment)
            continue
        length = window // BLOCK_DAYS
        starts = range(first, min(trial.ahead - length, first if lead == 0 else HORIZON_BLOCKS) + 1, length)
        for start in starts:
            means.append(blocks[:, start : start + length].sum(axis=1, dtype=np.float64))
            actuals.append(trial.actual[:, start : start + length].sum(axis=1, dtype=np.float64))
            segments.append(trial.outlook.segments)
    return np.concatenate(means), np.concatenate(actuals), np.concatenate(segments)


def _one_day(
    trial: Trial, blocks: np.ndarray, share: DayShares, history: pl.DataFrame, first: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
    return days.ravel(), actual.ravel(), np.repeat(trial.outlook.segments[series], BLOCK_DAYS)


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


def _as_frame(
    alpha: np.ndarray, idle: np.ndarray, count: np.ndarray, segments: tuple[str, ...], family: str
) -> pl.DataFrame:
    axes = np.meshgrid(np.arange(len(segments)), LEADS, WINDOWS, RATES, indexing="ij")
    segment, lead, window, rate = (axis.ravel() for axis in axes)
    return pl.DataFrame(
        {
            "family": [family] * alpha.size,
            "segment": [segments[index] for index in segment],
            "lead_days": lead,
            "window_days": window,
            "rate_per_day": rate,
            "alpha": alpha.ravel(),
            "idle_share": idle.ravel(),
            "windows": count.ravel(),
        },
        schema=DISPERSION_SCHEMA,
    )
