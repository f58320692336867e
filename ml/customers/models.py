"""The contenders: a learned model and the rules that it has to beat. Each estimates value and repurchase.

Belongs here: how an estimate is made from the purchases known at a cut-off. Not here: which is used (pipeline.py).

The learned model is LightGBM on recency, rhythm and money, trained on the company's own past: what customers did in
the quarter after earlier days. Beside it BG/NBD with Gamma-Gamma was measured on the same held-out quarter: worse in
value and probability, and half a minute to fit where this takes half a second (docs/decisions/0010-customer-value.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.customers.contract import QUARTER_DAYS
from ml.customers.features import feature_names, features, outcomes, windows_within
from ml.customers.settings import CustomerSettings
from ml.workers.trees import NotGrown, Trees, grown

LIGHTGBM, LAST_QUARTER, RECENT_RATE = "lightgbm", "last_quarter", "rate_and_recency"
# days of origin from which the model learns: the last whose outcome is known, and so many steps of 28 days back
ORIGINS, STEP_DAYS = 3, 28
# a gap so many times the usual one, and at least so many days, makes a customer inactive (the rule)
INACTIVE_GAPS, INACTIVE_DAYS = 3.0, 28


class TooLittleHistory(ValueError):
    """The records are too short, or too few customers have a known outcome; the message says what there is."""


# why there is no learned model: a rule is used, and the reason said
NO_MODEL = (TooLittleHistory, NotGrown)


@dataclass(frozen=True)
class Estimate:
    """What a contender expects of each customer of `features(cutoff)`, in the same order."""

    value: np.ndarray
    probability: np.ndarray


Contender = Callable[[pl.DataFrame, date, int, CustomerSettings], Estimate]


def last_quarter_again(purchases: pl.DataFrame, cutoff: date, horizon_days: int, _: CustomerSettings) -> Estimate:
    """Value: the last `horizon_days` again; repurchase: the share that came back of those who bought in them."""
    start = cutoff - timedelta(days=horizon_days)
    known = features(purchases, cutoff, ())
    again = outcomes(purchases, known, start, horizon_days)
    return Estimate(again["value"].to_numpy(), _shares(purchases, cutoff, horizon_days, known, _bought_lately))


def rate_and_recency(purchases: pl.DataFrame, cutoff: date, horizon_days: int, _: CustomerSettings) -> Estimate:
    """Value: the daily amount since the first purchase, none for the inactive; repurchase: their group's share."""
    known = features(purchases, cutoff, ())
    active = _is_active(known)
    value = np.maximum(known["daily_amount"].to_numpy(), 0.0) * horizon_days * active
    shares = _shares(purchases, cutoff, horizon_days, known, lambda frame, *_: _is_active(frame))
    return Estimate(value, shares)


def learned(purchases: pl.DataFrame, cutoff: date, horizon_days: int, settings: CustomerSettings) -> Estimate:
    """LightGBM: Tweedie for value (many zeros, a long tail), log loss for repurchase.

    Raises TooLittleHistory without a quarter of records before the first origin, or with too few customers; NotGrown
    where a fit raised, crashed or hung.
    """
    origins = training_origins(purchases, cutoff, horizon_days)
    if not origins:
        raise TooLittleHistory(f"records of {_record_days(purchases, cutoff)} days are too short to learn from")
    windows = windows_within(_record_days(purchases, origins[-1]))
    rows = pl.concat([outcomes(purchases, features(purchases, day, windows), day, horizon_days) for day in origins])
    # no draw: every n-th row, of customers in the order of their ids
    rows = rows.gather_every(-(-rows.height // settings.train_rows))
    back = int(rows["is_back"].sum())
    if rows.height < settings.min_customers or back in (0, rows.height):
        raise TooLittleHistory(f"{rows.height} outcomes of which {back} came back are too few to learn from")
    names = feature_names(windows)
    train, known = _matrix(rows, names), _matrix(features(purchases, cutoff, windows), names)
    fits: dict[str, tuple[dict[str, object], np.ndarray]] = {
        "value": ({"objective": "tweedie", "tweedie_variance_power": 1.3}, rows["value"].to_numpy()),
        "chance": ({"objective": "binary"}, rows["is_back"].to_numpy().astype(float)),
    }
    fixed = parameters(settings) | {"learning_rate": settings.learning_rate, "min_data_in_leaf": 40}
    tasks = [
        (name, Trees(train, names, target, fixed | objective, settings.trees))
        for name, (objective, target) in fits.items()
    ]
    models = grown(tasks, settings.lightgbm_timeout_seconds)
    return Estimate(*(np.asarray(models[name].predict(known)) for name in fits))


CONTENDERS: dict[str, Contender] = {
    LIGHTGBM: learned,
    LAST_QUARTER: last_quarter_again,
    RECENT_RATE: rate_and_recency,
}


def training_origins(purchases: pl.DataFrame, cutoff: date, horizon_days: int) -> list[date]:
    """Return the days whose outcome is known at `cutoff` and before which a quarter is recorded, newest first."""
    days = [cutoff - timedelta(days=horizon_days + STEP_DAYS * step) for step in range(ORIGINS)]
    return [day for day in days if _record_days(purchases, day) >= QUARTER_DAYS]


def _record_days(purchases: pl.DataFrame, until: date) -> int:
    first = purchases["date"].min()
    return (until - first).days + 1 if isinstance(first, date) else 0


def parameters(settings: CustomerSettings) -> dict[str, object]:
    """Return what all models of customers ask of LightGBM."""
    return {
        "num_leaves": settings.leaves,
        "feature_fraction": 0.8,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": settings.seed,
        # small trees on few rows: two threads that wait for each other took 29 s instead of 1 s on a busy machine
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }


def _matrix(frame: pl.DataFrame, names: list[str]) -> np.ndarray:
    return frame.select(pl.col(names).cast(pl.Float64)).to_numpy()


def _is_active(known: pl.DataFrame) -> np.ndarray:
    """Say who bought within INACTIVE_GAPS of their own gaps; one purchase alone has a quarter."""
    usual = known["mean_gap_days"].fill_null(QUARTER_DAYS / INACTIVE_GAPS).to_numpy()
    return known["recency_days"].to_numpy() <= np.maximum(INACTIVE_GAPS * usual, INACTIVE_DAYS)


def _bought_lately(known: pl.DataFrame, horizon_days: int) -> np.ndarray:
    return known["recency_days"].to_numpy() < horizon_days


def _shares(
    purchases: pl.DataFrame,
    cutoff: date,
    horizon_days: int,
    known: pl.DataFrame,
    is_in_group: Callable[[pl.DataFrame, int], np.ndarray],
) -> np.ndarray:
    """Return the share that came back of each customer's group, as measured one horizon earlier; 1/2 when unknown."""
    origin = cutoff - timedelta(days=horizon_days)
    earlier = outcomes(purchases, features(purchases, origin, ()), origin, horizon_days)
    group, back = is_in_group(earlier, horizon_days), earlier["is_back"].to_numpy()
    # one more on each side: a group of a few is no certainty
    share = {flag: (back[group == flag].sum() + 1) / ((group == flag).sum() + 2) for flag in (True, False)}
    return np.where(is_in_group(known, horizon_days), share[True], share[False])
