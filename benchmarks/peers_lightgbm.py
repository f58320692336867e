"""The strong peer: one LightGBM over all series through mlforecast, recursive, as a good team would set it up in a day.

Days: the setting that README.md names as the bar (Tweedie 1.1, 600 trees of 255 leaves, rate 0.05, the last 560
days). Weeks: the same idea with lags up to a year. Slow (days, all series: 22 minutes of fitting and 6.4 GB on two
cores), so run.py asks it only with --with-lightgbm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.problem import Forecast, Given

THREADS = 2
IDS = ["item_id", "dept_id", "cat_id", "store_id", "state_id"]
EVENTS = ["event_name_1", "event_type_1", "event_name_2", "event_type_2"]
DAY_PERIODS = 560
WEEK_PERIODS = 156


def lightgbm_days(given: Given) -> Forecast:
    """Return the forecast of 28 days: lags 1, 7, 14, 28, rolling means 7 and 28, calendar, price, events, SNAP, ids."""
    from mlforecast.lag_transforms import RollingMean

    rolling = [RollingMean(7), RollingMean(28)]
    return _forecast(
        given,
        DAY_PERIODS,
        trees={"n_estimators": 600, "num_leaves": 255, "learning_rate": 0.05},
        features={
            "freq": "D",
            "lags": [1, 7, 14, 28],
            "lag_transforms": {1: rolling, 7: rolling, 28: rolling},
            "date_features": ["dayofweek", "month", "day"],
        },
    )


def lightgbm_weeks(given: Given) -> Forecast:
    """Return the forecast of 26 weeks: lags of 1 to 52 weeks, rolling means of 4, 13 and 26, week of the year, ids."""
    from mlforecast.lag_transforms import RollingMean

    return _forecast(
        given,
        WEEK_PERIODS,
        trees={"n_estimators": 300, "num_leaves": 127, "learning_rate": 0.05},
        features={
            "freq": "W-MON",
            "lags": [1, 2, 4, 13, 26, 52],
            "lag_transforms": {1: [RollingMean(4), RollingMean(13), RollingMean(26)]},
            "date_features": [_week_of_year],
        },
    )


def _week_of_year(dates: pd.DatetimeIndex) -> np.ndarray:
    return dates.isocalendar().week.to_numpy().astype(np.int32)


def _forecast(given: Given, periods: int, trees: dict[str, Any], features: dict[str, Any]) -> Forecast:
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast

    model = LGBMRegressor(
        objective="tweedie",
        tweedie_variance_power=1.1,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        num_threads=THREADS,
        seed=1,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
        **trees,
    )
    trained, horizon = given.train.shape[1], given.task.horizon
    engine = MLForecast({"mean": model}, num_threads=THREADS, **features)
    past = _rows(given, range(trained - periods, trained))
    past["y"] = np.asarray(given.train[:, trained - periods :], dtype=np.float32).ravel()
    sold = past.groupby("unique_id")["y"].cumsum() > 0  # from the first sale on
    engine.fit(past[sold], static_features=IDS, dropna=True)
    future = _rows(given, range(trained, trained + horizon)).drop(columns=IDS)
    seen = future[future["unique_id"].isin(past.loc[sold, "unique_id"].unique())]
    dynamic = seen if len(seen.columns) > len(("unique_id", "ds")) else None
    predicted = engine.predict(horizon, X_df=dynamic).sort_values(["unique_id", "ds"])
    mean = np.zeros((len(given.train), horizon))
    mean[predicted["unique_id"].unique()] = predicted["mean"].to_numpy().reshape(-1, horizon)
    return Forecast(np.maximum(mean, 0), {})


def _rows(given: Given, periods: range) -> pd.DataFrame:
    """Return the cells of all series in these periods, sorted by series, with ids as categories and what is known."""
    n = len(given.train)
    columns: dict[str, Any] = {
        "unique_id": np.repeat(np.arange(n, dtype=np.int32), len(periods)),
        "ds": np.tile(pd.to_datetime([given.starts[k] for k in periods]).to_numpy(), n),
    }
    for key in IDS:
        columns[key] = pd.Categorical(given.series[key].to_list()).repeat(len(periods))
    if given.task.period == "day":
        columns["price"] = np.asarray(given.prices[:, periods.start : periods.stop]).ravel()
        for event in EVENTS:
            # categories of the whole calendar, so that past and future rows agree
            named = pd.Categorical(given.calendar[event].fill_null("none").to_list())[periods.start : periods.stop]
            columns[event] = pd.Categorical.from_codes(np.tile(named.codes, n), dtype=named.dtype)
        columns["snap"] = _snap(given, periods)
    return pd.DataFrame(columns)


def _snap(given: Given, periods: range) -> np.ndarray:
    states = given.series["state_id"].to_list()
    by_state = {s: given.calendar[f"snap_{s}"].to_numpy()[periods.start : periods.stop] for s in set(states)}
    return np.concatenate([by_state[s] for s in states]).astype(np.int8)
