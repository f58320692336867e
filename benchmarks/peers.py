"""The peers: what anyone could run instead of the project. Each is a function from what is given to a forecast.

    python -m benchmarks.peers NAME FOLDER OUT      (run by run.py, one process a peer)

FOLDER holds a problem.Given, OUT receives a problem.Forecast. A peer sees each series from its first sale on, save the
moving averages and the seasonal naive, which take the last periods as they are. A series that never sold is zero.
To add a peer: a function here and a line in PEERS.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.metrics import QUANTILES
from benchmarks.problem import Forecast, Given

THREADS = 2
Peer = Callable[[Given], Forecast]


def seasonal_naive(given: Given) -> Forecast:
    """Return the last season as it was: the last week for days, the same weeks a year ago for weeks."""
    season, horizon = given.task.season, given.task.horizon
    last = np.asarray(given.train[:, -season:], dtype=np.float64)
    return Forecast(np.tile(last, -(-horizon // season))[:, :horizon], {})


def moving_average(given: Given, periods: int = 13) -> Forecast:
    """Return the mean of the last periods, with their empirical quantiles."""
    return _repeated(given, np.asarray(given.train[:, -periods:], dtype=np.float64)[:, :, None])


def weekday_mean(given: Given, weeks: int = 8) -> Forecast:
    """Return the mean of the same weekday over the last weeks, with its empirical quantiles (days only)."""
    last = np.asarray(given.train[:, -7 * weeks :], dtype=np.float64)
    return _repeated(given, last.reshape(len(last), weeks, 7))


def _repeated(given: Given, past: np.ndarray) -> Forecast:
    """Make a forecast that repeats statistics over axis 1 of `past` (series, observations, cycle)."""
    horizon, cycle = given.task.horizon, past.shape[2]

    def spread(values: np.ndarray) -> np.ndarray:
        return np.tile(values, -(-horizon // cycle))[:, :horizon]

    # inverted_cdf: the smallest value seen that is not exceeded with probability u, a count like the sales
    at = np.quantile(past, list(QUANTILES.values()), axis=1, method="inverted_cdf")
    return Forecast(spread(past.mean(axis=1)), dict(zip(QUANTILES, map(spread, at), strict=True)))


def _statsforecast(model: str, settings: dict[str, Any] | None = None, periods: int = 0) -> Peer:
    """Make a peer of one statsforecast model, fitted to the last `periods`, 0 for all."""

    def peer(given: Given) -> Forecast:
        from statsforecast import StatsForecast, models

        frame = long_frame(np.asarray(given.train[:, -periods:]))
        # HistoricAverage stands in where a model refuses a series that is too short for it
        fitted, instead = getattr(models, model)(alias="mean", **(settings or {})), models.HistoricAverage("mean")
        engine = StatsForecast([fitted], freq=1, n_jobs=THREADS, fallback_model=instead)
        forecast = engine.forecast(df=frame, h=given.task.horizon).sort("unique_id", "ds")
        mean = np.zeros((len(given.train), given.task.horizon))
        rows = frame["unique_id"].unique().sort().to_numpy()
        mean[rows] = forecast["mean"].to_numpy().reshape(len(rows), -1)
        return Forecast(np.maximum(np.nan_to_num(mean), 0), {})  # nobody sells less than nothing

    return peer


def long_frame(train: np.ndarray) -> pl.DataFrame:
    """Return unique_id (row of the series), ds (period, from 0) and y, each series from its first sale on."""
    sold = train != 0
    first = np.where(sold.any(axis=1), sold.argmax(axis=1), train.shape[1])
    row, period = np.nonzero(np.arange(train.shape[1])[None, :] >= first[:, None])
    return pl.DataFrame(
        {
            "unique_id": pl.Series(row, dtype=pl.Int32),
            "ds": pl.Series(period, dtype=pl.Int32),
            "y": pl.Series(train[row, period], dtype=pl.Float32),
        }
    )


def lightgbm_days(given: Given) -> Forecast:
    """Return the forecast of benchmarks/peers_lightgbm.py for days."""
    from benchmarks import peers_lightgbm

    return peers_lightgbm.lightgbm_days(given)


def lightgbm_weeks(given: Given) -> Forecast:
    """Return the forecast of benchmarks/peers_lightgbm.py for weeks."""
    from benchmarks import peers_lightgbm

    return peers_lightgbm.lightgbm_weeks(given)


PEERS: dict[str, dict[str, Peer]] = {
    "day": {
        "seasonal naive": seasonal_naive,
        "mean by weekday of 8 weeks": weekday_mean,
        "SES": _statsforecast("SimpleExponentialSmoothingOptimized"),
        "IMAPA": _statsforecast("IMAPA"),
        "ETS of 364 days": _statsforecast("AutoETS", {"season_length": 7, "model": "ANA"}, periods=364),
        "LightGBM": lightgbm_days,
    },
    "week": {
        "seasonal naive": seasonal_naive,
        "mean of 13 weeks": moving_average,
        "SES": _statsforecast("SimpleExponentialSmoothingOptimized"),
        "IMAPA": _statsforecast("IMAPA"),
        "AutoETS": _statsforecast("AutoETS"),
        "DOT(52)": _statsforecast("DynamicOptimizedTheta", {"season_length": 52}),
        "LightGBM": lightgbm_weeks,
    },
}
SLOW = frozenset({"LightGBM"})


def main(arguments: list[str]) -> None:
    """Run one peer on a problem that lies in a folder."""
    name, folder, out = arguments
    given = Given.read(Path(folder))
    PEERS[given.task.period][name](given).write(Path(out))


if __name__ == "__main__":
    main(sys.argv[1:])
