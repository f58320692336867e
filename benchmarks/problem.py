"""One forecasting problem made from M5: what every contender is given, what it must forecast, and how it is scored.

Belongs here: cutting days to weeks, the train and test window, the score sheet of one contender. Not here: formulas
(metrics.py), contenders (peers.py, project.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks import metrics
from benchmarks.m5 import M5, cut, known_prices, money
from ml.forecasting.metrics import bias, wmape

WEIGHT_DAYS = 28  # M5 weighs by the money of the last 28 training days


@dataclass(frozen=True)
class Task:
    """What to forecast: `horizon` periods of `period` ('day' or 'week') after the close of day d_cutoff."""

    period: str
    horizon: int
    season: int
    cutoff: int

    @property
    def name(self) -> str:
        """Return a name for files: daily28_d1731."""
        return f"{'daily' if self.period == 'day' else 'weekly'}{self.horizon}_d{self.cutoff}"

    @property
    def days(self) -> int:
        """Return the days that the horizon spans."""
        return self.horizon * (7 if self.period == "week" else 1)


def daily(cutoff: int) -> Task:
    """Return the competition's task: 28 days, season of a week."""
    return Task("day", 28, 7, cutoff)


def weekly(cutoff: int) -> Task:
    """Return the planner's task: 26 weeks from Monday, season of a year."""
    return Task("week", 26, 52, cutoff)


@dataclass(frozen=True)
class Given:
    """What a contender sees: nothing of it dates from after the cut-off, save the calendar.

    train: int32 (series, periods). starts: first date of each period, trained and to forecast. For days also prices,
    float32 (series, periods + horizon), the last known one carried on, NaN before the first.
    """

    task: Task
    series: pl.DataFrame
    train: np.ndarray
    starts: list[date]
    calendar: pl.DataFrame
    prices: np.ndarray

    def write(self, folder: Path) -> None:
        """Write it for a contender in another process."""
        folder.mkdir(parents=True, exist_ok=True)
        self.series.write_parquet(folder / "series.parquet")
        self.calendar.write_parquet(folder / "calendar.parquet")
        pl.DataFrame({"start": self.starts}).write_parquet(folder / "starts.parquet")
        np.save(folder / "train.npy", self.train)
        np.save(folder / "prices.npy", self.prices)
        (folder / "task.json").write_text(json.dumps(self.task.__dict__))

    @staticmethod
    def read(folder: Path) -> Given:
        """Read what `write` wrote; the arrays are mapped, so that a contender pays only for what it uses."""
        return Given(
            Task(**json.loads((folder / "task.json").read_text())),
            pl.read_parquet(folder / "series.parquet"),
            np.load(folder / "train.npy", mmap_mode="r"),
            pl.read_parquet(folder / "starts.parquet")["start"].to_list(),
            pl.read_parquet(folder / "calendar.parquet"),
            np.load(folder / "prices.npy", mmap_mode="r"),
        )


@dataclass(frozen=True)
class Forecast:
    """What a contender returns: mean (series, horizon) and, where it has them, quantiles by name, of the same shape."""

    mean: np.ndarray
    quantiles: dict[str, np.ndarray]

    def write(self, path: Path) -> None:
        """Write it as one .npz file."""
        np.savez(path, allow_pickle=False, mean=self.mean, **self.quantiles)

    @staticmethod
    def read(path: Path) -> Forecast:
        """Read what `write` wrote."""
        with np.load(path) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        return Forecast(found.pop("mean"), found)


@dataclass(frozen=True)
class Problem:
    """What is given, what came (`actual`, (series, horizon)) and the money of each series, by which errors weigh."""

    given: Given
    actual: np.ndarray
    money: np.ndarray

    @cached_property
    def hierarchy(self) -> list[metrics.Level]:
        """Return the 12 levels with weights and scales."""
        return metrics.levels(self.given.series, self.given.train, self.money)

    def score(self, forecast: Forecast) -> dict[str, Any]:
        """Return the score sheet of a forecast: wrmsse, levels, wmape and bias (weeks: by band too), wspl, coverage.

        WMAPE, bias, SPL and coverage are at item by store, in the task's period; WSPL is that level's.

        Raises:
            ValueError: the forecast has another shape than the actuals, or holds something that is not a number.
        """
        for name, values in {"mean": forecast.mean, **forecast.quantiles}.items():
            if values.shape != self.actual.shape or not np.isfinite(values).all():
                raise ValueError(f"{name}: shape {values.shape}, expected {self.actual.shape} and only finite numbers")
        by_level = metrics.wrmsse(self.hierarchy, self.actual, forecast.mean)
        sheet: dict[str, Any] = {
            "wrmsse": float(np.mean(list(by_level.values()))),
            "levels": by_level,
            "wmape": wmape(self.actual, forecast.mean),
            "bias": bias(self.actual, forecast.mean),
        }
        if self.given.task.period == "week":
            sheet["bands"] = {name: self._band(forecast, first, last) for name, first, last in metrics.BANDS}
        if forecast.quantiles:
            sheet |= self._quantile_scores(forecast)
        return sheet

    def _band(self, forecast: Forecast, first: int, last: int) -> dict[str, float]:
        actual, mean = (values[:, first - 1 : last] for values in (self.actual, forecast.mean))
        return {"wmape": wmape(actual, mean), "bias": bias(actual, mean)}

    def _quantile_scores(self, forecast: Forecast) -> dict[str, Any]:
        _, scale = metrics.scales(self.given.train)
        losses = {
            name: metrics.spl(scale, self.actual, values, metrics.QUANTILES[name])
            for name, values in forecast.quantiles.items()
        }
        return {
            "wspl": float(np.mean([metrics.weighted_mean(loss, self.money) for loss in losses.values()])),
            "spl": float(np.mean([np.nanmean(loss) for loss in losses.values()])),
            "coverage": {name: metrics.coverage(self.actual, q) for name, q in forecast.quantiles.items()},
        }


def pose(m5: M5, task: Task, price_plan_weeks: int = 0) -> Problem:
    """Make the problem: what was known at the cut-off, and what came after.

    Raises:
        ValueError: the data end before the horizon does, or weeks are asked for and the cut-off is not a Sunday.
    """
    until, end = task.cutoff, task.cutoff + task.days
    if end > m5.days:
        raise ValueError(f"{task.name}: needs sales up to d_{end}, the files end at d_{m5.days}")
    known = cut(m5, until, price_plan_weeks)
    starts = m5.calendar["date"].head(end).to_list()
    train, actual = m5.units[:, :until].astype(np.int32), m5.units[:, until:end].astype(np.float64)
    prices = known_prices(known, end) if task.period == "day" else np.empty((0, 0), np.float32)
    if task.period == "week":
        if starts[until].isoweekday() != 1:
            raise ValueError(f"{task.name}: d_{until} is {starts[until - 1]:%A}, weeks from Monday need a Sunday")
        skipped = until % 7  # the days before the first whole week
        starts, train, actual = starts[skipped::7], _to_weeks(train[:, skipped:]), _to_weeks(actual)
    given = Given(task, known.series, train, starts, m5.calendar, prices)
    return Problem(given, actual, money(known, max(until - WEIGHT_DAYS, 0) + 1, until).sum(axis=1))


def _to_weeks(days: np.ndarray) -> np.ndarray:
    return days.reshape(len(days), -1, 7).sum(axis=2, dtype=days.dtype)


def last_day(m5: M5, cutoff: int) -> date:
    """Return the date of day d_cutoff."""
    first: date = m5.dates[0]
    return first + timedelta(days=cutoff - 1)
