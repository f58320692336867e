"""Prophet for aggregates, in worker processes that may crash or hang without taking the night along.

What belongs here: fitting many daily aggregates side by side. What does not: which aggregates, and what is done with
their forecasts (reconciliation.py).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ml.workers.processes import Failed, run_tasks

# starting a worker and importing Prophet costs 3 s of processor, an aggregate 0.3 s: fewer do not repay a second worker
AGGREGATES_A_WORKER = 8


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
    workers = min(workers, -(-len(tasks) // AGGREGATES_A_WORKER))
    answers = run_tasks(fit, ((task.name, task) for task in tasks), workers, timeout_seconds)
    return {name: _checked(answer) for name, answer in answers.items()}


def _checked(answer: np.ndarray | Failed) -> np.ndarray | str:
    if isinstance(answer, Failed):
        return answer.why
    return answer if np.isfinite(answer).all() else "the forecast is not finite"
