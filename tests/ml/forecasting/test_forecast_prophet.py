"""Aggregates in worker processes: forecasts, crashes and hangs."""

import os
import time
from datetime import date

import numpy as np
import pytest

from ml.forecasting.models.prophet import AGGREGATES_A_WORKER, Aggregate, fit_aggregate, forecast_aggregates


def task(name: str, days: int = 800) -> Aggregate:
    day = np.arange(days)
    noise = np.random.default_rng(0).normal(1, 0.05, days)
    values = 100 * (1 + 0.3 * np.sin(2 * np.pi * day / 365.25)) * (1 + 0.2 * (day % 7 == 5)) * noise
    return Aggregate(name, date(2022, 1, 1), values, 189, "US", 1)


def moody(task: Aggregate) -> np.ndarray:
    """A stand-in for Prophet that behaves as its task is named."""
    if task.name == "crash":
        os._exit(3)
    if task.name == "hang":
        time.sleep(600)
    if task.name == "raise":
        raise ValueError("bad luck")
    if task.name == "nan":
        return np.full(task.days_ahead, np.nan)
    return np.full(task.days_ahead, task.values.mean())


def test_prophet_learns_season_and_weekday() -> None:
    forecast = fit_aggregate(task("total", 1200))
    later = np.arange(1200, 1389)
    expected = 100 * (1 + 0.3 * np.sin(2 * np.pi * later / 365.25)) * (1 + 0.2 * (later % 7 == 5))
    assert np.abs(forecast / expected - 1).mean() < 0.05


def test_failures_are_named_and_the_rest_is_forecast() -> None:
    # enough of them for a second worker
    names = ["fine", "crash", "raise", "nan", "also fine", *(f"filler {k}" for k in range(AGGREGATES_A_WORKER))]
    results = forecast_aggregates([task(name, 10) for name in names], 2, 120.0, moody)
    assert list(results) == names
    for name in ("fine", "also fine"):
        assert isinstance(results[name], np.ndarray)
    assert results["crash"] == "the worker crashed"
    assert results["raise"] == "ValueError: bad luck"
    assert results["nan"] == "the forecast is not finite"


def test_a_hanging_worker_is_ended() -> None:
    results = forecast_aggregates([task("hang", 10)], 1, 1.0, moody)
    assert results == {"hang": "no answer within 1 s"}


def test_nothing_to_do() -> None:
    assert forecast_aggregates([], 2, 1.0, moody) == {}


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_workers_gives_the_same(workers: int) -> None:
    tasks = [task(f"t{k}", 10 + k) for k in range(2 * AGGREGATES_A_WORKER + 1)]
    results = forecast_aggregates(tasks, workers, 60.0, moody)
    assert [float(results[t.name][0]) for t in tasks] == [t.values.mean() for t in tasks]
