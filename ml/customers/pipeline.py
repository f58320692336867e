"""From purchases to value and repurchase probability: measure the contenders on the last quarter, use the best.

Belongs here: the order of the steps and the choice. Not here: how an estimate is made (models.py).
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.customers.contract import ACCURACY_SCHEMA, QUARTER_DAYS, VALUE_SCHEMA, YEAR_DAYS, CustomerResult
from ml.customers.evaluation import DECIDING, REPURCHASE, VALUE, repurchase_scores, value_scores
from ml.customers.features import features, outcomes, prepared
from ml.customers.models import CONTENDERS, LIGHTGBM, NO_MODEL, RECENT_RATE, Estimate, learned, training_origins
from ml.customers.settings import CustomerSettings

LEARNED_YEAR, CARRIED_ON = "learned", "carried_on"


def value_customers(purchases: pl.DataFrame, as_of: date, settings: CustomerSettings) -> CustomerResult:
    """Estimate every customer's next quarter and next 364 days from purchases up to `as_of`.

    purchases: PURCHASES_SCHEMA. Returns VALUE_SCHEMA, one row a customer who ever bought, and ACCURACY_SCHEMA. Without
    customers both are empty.
    """
    purchases = prepared(purchases.filter(pl.col("date") <= as_of))
    known = features(purchases, as_of, ())
    if known.is_empty():
        return CustomerResult(pl.DataFrame(schema=VALUE_SCHEMA), pl.DataFrame(schema=ACCURACY_SCHEMA))
    accuracy, notes = measure(purchases, as_of, settings)
    try:
        chosen, estimates = _estimates(accuracy, purchases, as_of, settings)
    except NO_MODEL as reason:  # a fit that was good a quarter ago may crash today
        notes += (f"customers: no learned model — {reason}",)
        accuracy = _marked(accuracy.filter(pl.col("model") != LIGHTGBM))
        chosen, estimates = _estimates(accuracy, purchases, as_of, settings)
    quarter = np.maximum(estimates[chosen[VALUE]].value, 0.0)
    year, method = _year(purchases, as_of, quarter, chosen[VALUE], settings)
    ids = purchases.select("customer", "customer_id").unique("customer")
    values = (
        known.join(ids, on="customer", maintain_order="left")
        .select(
            "customer_id",
            as_of=pl.lit(as_of),
            repurchase_probability=pl.Series(np.clip(estimates[chosen[REPURCHASE]].probability, 0.0, 1.0)),
            expected_91_days_amount=pl.Series(quarter),
            expected_364_days_amount=pl.Series(year),
            probability_model=pl.lit(chosen[REPURCHASE]),
            value_model=pl.lit(chosen[VALUE]),
            year_method=pl.lit(method),
        )
        .match_to_schema(VALUE_SCHEMA)
    )
    return CustomerResult(values, accuracy, notes)


def measure(purchases: pl.DataFrame, as_of: date, settings: CustomerSettings) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Score every contender on the last quarter, estimated from what was known before it; with notes on who could not.

    purchases: as `prepared`. Empty where nobody had bought before that quarter.
    """
    cutoff = as_of - timedelta(days=QUARTER_DAYS)
    truth = outcomes(purchases, features(purchases, cutoff, ()), cutoff, QUARTER_DAYS)
    rows: list[dict[str, object]] = []
    notes: list[str] = []
    for name, contender in CONTENDERS.items() if truth.height else ():
        try:
            estimate = contender(purchases, cutoff, QUARTER_DAYS, settings)
        except NO_MODEL as reason:
            notes.append(f"customers: no learned model — {reason}")
            continue
        scores = {
            VALUE: value_scores(estimate.value, truth["value"].to_numpy()),
            REPURCHASE: repurchase_scores(estimate.probability, truth["is_back"].to_numpy()),
        }
        shared = {"model": name, "customers": truth.height, "cutoff": cutoff, "is_chosen": False}
        rows += [
            {"target": target, "metric": metric, "value": value, **shared}
            for target, metrics in scores.items()
            for metric, value in metrics.items()
        ]
    return _marked(pl.DataFrame(rows, schema=ACCURACY_SCHEMA)), tuple(notes)


def _marked(accuracy: pl.DataFrame) -> pl.DataFrame:
    """Say of each contender whether it is the one that is used."""
    best = pl.any_horizontal(
        *((pl.col("target") == t) & (pl.col("model") == _chosen(accuracy, t)) for t in (VALUE, REPURCHASE))
    )
    return accuracy.with_columns(is_chosen=best)


def _estimates(
    accuracy: pl.DataFrame, purchases: pl.DataFrame, as_of: date, settings: CustomerSettings
) -> tuple[dict[str, str], dict[str, Estimate]]:
    """Return who is used for which target, and what they expect of the quarter after `as_of`. Raises NO_MODEL."""
    chosen = {target: _chosen(accuracy, target) for target in (VALUE, REPURCHASE)}
    # a set has no order, and the workers should be asked in one
    names = sorted(set(chosen.values()))
    return chosen, {name: CONTENDERS[name](purchases, as_of, QUARTER_DAYS, settings) for name in names}


def _chosen(accuracy: pl.DataFrame, target: str) -> str:
    """Return the contender with the least error; the rule where nothing could be measured."""
    deciding = accuracy.filter((pl.col("target") == target) & (pl.col("metric") == DECIDING[target]))
    return str(deciding.sort("value", "model")["model"][0]) if deciding.height else RECENT_RATE


def _year(
    purchases: pl.DataFrame, as_of: date, quarter: np.ndarray, chosen: str, settings: CustomerSettings
) -> tuple[np.ndarray, str]:
    """Return the value of 364 days: learned where a year of outcomes is known, else the quarter carried on.

    Carried on: each quarter is worth the one before times the share that the same customers' money kept from the first
    to the second quarter after a day half a year ago (at most 1; 1 where the records do not reach back so far).
    """
    if chosen in CONTENDERS and training_origins(purchases, as_of, YEAR_DAYS):
        try:
            return np.maximum(learned(purchases, as_of, YEAR_DAYS, settings).value, quarter), LEARNED_YEAR
        except NO_MODEL:
            pass
    kept = _kept_share(purchases, as_of)
    quarters = YEAR_DAYS // QUARTER_DAYS
    return quarter * sum(kept**number for number in range(quarters)), CARRIED_ON


def _kept_share(purchases: pl.DataFrame, as_of: date) -> float:
    middle, start = (as_of - timedelta(days=QUARTER_DAYS * number) for number in (1, 2))
    known = features(purchases, start, ())
    first, second = (float(outcomes(purchases, known, day, QUARTER_DAYS)["value"].sum()) for day in (start, middle))
    return min(second / first, 1.0) if first > 0 else 1.0
