"""Prophet for aggregates, in worker processes that may crash or hang without taking the night along.

What belongs here: fitting many daily aggregates side by side. What does not: which aggregates, and what is done with
their forecasts (reconciliation.py).

Processes, not threads: the optimiser is a program of its own that has been seen to hang for ever (facebook/prophet
#248, #888, #2524). Every worker leads a process group; when its answer is late, the whole group is killed.
"""

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing.connection import Connection, wait

import numpy as np


@dataclass(frozen=True)
class Aggregate:
    """One daily series to forecast: `values[k]` is the demand of the day `first_day + k`."""

    name: str
    first_day: date
    values: np.ndarray
    days_ahead: int
    country: str | None
    seed: int


def fit_aggregate(task: Aggregate) -> np.ndarray:
    """Forecast means of the days after the last one, never negative. Multiplicative seasons, public holidays."""
    logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)  # it reports missing plotly as an error
    import cmdstanpy
    import pandas as pd
    from prophet import Prophet

    logging.getLogger("prophet").setLevel(logging.ERROR)
    cmdstanpy.utils.get_logger().setLevel(logging.ERROR)  # after the import, which sets its own level
    np.random.seed(task.seed)
    frame = pd.DataFrame({"ds": pd.date_range(task.first_day, periods=len(task.values)), "y": task.values})
    model = Prophet(
        seasonality_mode="multiplicative",
        yearly_seasonality=True,
        weekly_seasonality=True,
        daily_seasonality=False,
        uncertainty_samples=0,
    )
    if task.country:
        model.add_country_holidays(task.country)
    model.fit(frame, seed=task.seed)
    ahead = pd.DataFrame(
        {"ds": pd.date_range(task.first_day + timedelta(days=len(task.values)), periods=task.days_ahead)}
    )
    return np.maximum(model.predict(ahead)["yhat"].to_numpy(), 0.0)


def forecast_aggregates(
    tasks: list[Aggregate],
    workers: int,
    timeout_seconds: float,
    fit: Callable[[Aggregate], np.ndarray] = fit_aggregate,
) -> dict[str, np.ndarray | str]:
    """Forecast each aggregate; per name the daily means, or in words why there are none (crash, hang, not finite).

    timeout_seconds: for one aggregate; the first of a worker includes starting Python and importing Prophet (about 4
    s). `fit` must be importable by name: workers are spawned. The result does not depend on the number of workers.
    """
    results: dict[str, np.ndarray | str] = {}
    waiting = list(reversed(tasks))
    pool: list[_Worker] = []
    try:
        while waiting or any(worker.task for worker in pool):
            while waiting and len(pool) < min(workers, len(tasks)):
                pool.append(_Worker(fit))
            for worker in pool:
                if worker.task is None and waiting:
                    worker.give(waiting.pop())
            wait([worker.pipe for worker in pool if worker.task], timeout=0.2)
            for worker in list(pool):
                outcome = worker.outcome(timeout_seconds)
                if outcome is not None:
                    name, value = outcome
                    results[name] = value
                if not worker.is_usable:
                    pool.remove(worker)
    finally:
        for worker in pool:
            worker.kill()
    return {task.name: results[task.name] for task in tasks}


class _Worker:
    """A spawned process that answers one task at a time."""

    def __init__(self, fit: Callable[[Aggregate], np.ndarray]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, fit), daemon=True)
        self.process.start()
        theirs.close()
        self.task: Aggregate | None = None
        self.given = 0.0
        self.is_usable = True

    def give(self, task: Aggregate) -> None:
        """Hand over a task; the clock starts."""
        self.task, self.given = task, time.monotonic()
        try:
            self.pipe.send(task)
        except OSError:
            self.is_usable = False

    def outcome(self, timeout_seconds: float) -> tuple[str, np.ndarray | str] | None:
        """(name, forecast or reason) once the task is answered, broken or late; None while it is under way."""
        if self.task is None:
            return None
        name = self.task.name
        answer: np.ndarray | str | None = None
        if self.pipe.poll():
            try:
                answer = self.pipe.recv()
            except (EOFError, OSError):
                answer = "the worker crashed"
                self.kill()
        elif not self.process.is_alive() or not self.is_usable:
            answer = "the worker crashed"
            self.kill()
        elif time.monotonic() - self.given > timeout_seconds:
            answer = f"no answer within {timeout_seconds:g} s"
            self.kill()
        if answer is None:
            return None
        self.task = None
        if isinstance(answer, np.ndarray) and not np.isfinite(answer).all():
            answer = "the forecast is not finite"
        return name, answer

    def kill(self) -> None:
        """End the process and the optimiser it started."""
        self.is_usable = False
        if self.process.pid is not None and self.process.is_alive():
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self.process.kill()
        self.process.join(timeout=5)
        self.pipe.close()


def _serve(pipe: Connection, fit: Callable[[Aggregate], np.ndarray]) -> None:
    """Body of a worker: answer tasks until the pipe closes."""
    os.setsid()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            answer: np.ndarray | str = fit(task)
        except Exception as error:  # whatever Prophet or its optimiser raises becomes a counted fallback
            answer = f"{type(error).__name__}: {error}"
        pipe.send(answer)
