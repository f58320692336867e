"""Value and repurchase of customers: features by hand, the choice of the contender, small companies and none."""

from __future__ import annotations

from datetime import date, timedelta

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest

from ml.customers.contract import ACCURACY_SCHEMA, PURCHASES_SCHEMA, VALUE_SCHEMA
from ml.customers.evaluation import repurchase_scores, value_scores
from ml.customers.features import feature_names, features, outcomes, prepared, windows_within
from ml.customers.models import LIGHTGBM, RECENT_RATE, rate_and_recency, training_origins
from ml.customers.pipeline import CARRIED_ON, LEARNED_YEAR, measure, value_customers
from ml.customers.settings import CustomerSettings
from ml.workers.trees import NotGrown, grown

AS_OF = date(2024, 12, 31)
SETTINGS = CustomerSettings(trees=30)


def purchases(*rows: tuple[str, date, float, bool]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=PURCHASES_SCHEMA, orient="row")


def crowd(customers: int, days: int, seed: int = 1) -> pl.DataFrame:
    """Customers with a rhythm of their own, a third of whom stop for good at some day."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        gap = rng.uniform(4, 40)
        stops = rng.integers(0, days) if number % 3 == 0 else days
        day = rng.exponential(gap)
        while day < stops:
            rows.append((f"c{number:05d}", AS_OF - timedelta(days=days - 1 - int(day)), round(gap * 2, 2), True))
            day += max(rng.exponential(gap), 1)
    return purchases(*rows).unique(["customer_id", "date"], maintain_order=True)


def test_features_of_two_customers_by_hand():
    frame = purchases(
        ("ada", date(2024, 1, 1), 10.0, True),
        ("ada", date(2024, 1, 5), 20.0, True),
        ("ada", date(2024, 1, 15), 30.0, True),
        ("ada", date(2024, 1, 16), -6.0, False),  # a return: money, no purchase
        ("ada", date(2024, 2, 1), 99.0, True),  # after the cut-off
        ("bob", date(2024, 1, 20), 8.0, True),
        ("cy", date(2024, 1, 20), -8.0, False),  # never bought
    )
    found = features(prepared(frame), date(2024, 1, 31), (28,)).to_dicts()
    assert [row["customer"] for row in found] == [0, 1]  # ada and bob, in the order of the ids
    ada = {
        "recency_days": 16,
        "mean_gap_days": 7.0,  # 4 and 10 days
        "max_gap_days": 10,
        "sd_gap_days": pytest.approx(18**0.5),
        "recency_gaps": pytest.approx(16 / 7),
        "last_amount": 30.0,
        "basket_amount": 18.0,  # 54 on 3 days
        "daily_rate": pytest.approx(3 / 31),
        "daily_amount": pytest.approx(54 / 31),
        "amount_28": 44.0,  # from 4 January on
        "days_28": 2,
    }
    assert {name: found[0][name] for name in feature_names((28,))} == ada
    assert found[1]["mean_gap_days"] is None


def test_outcomes_are_what_came_after_and_never_below_zero():
    frame = purchases(
        ("ada", date(2024, 1, 31), 10.0, True),
        ("ada", date(2024, 2, 1), 5.0, True),
        ("ada", date(2024, 2, 10), 7.0, True),
        ("ada", date(2024, 2, 11), 100.0, True),
        ("bob", date(2024, 1, 1), 10.0, True),
        ("bob", date(2024, 2, 2), -10.0, False),
    )
    known = features(prepared(frame), date(2024, 1, 31), ())
    after = outcomes(prepared(frame), known, date(2024, 1, 31), 10)
    assert after.select("value", "is_back").rows() == [(12.0, True), (0.0, False)]


def test_scores_by_hand():
    value = value_scores(np.array([1.0, 3.0]), np.array([0.0, 5.0]))
    assert value == pytest.approx({"rmse": 2.5**0.5, "mae": 1.5, "wmape": 0.6, "bias": -0.2})
    chance = repurchase_scores(np.array([0.5, 0.9]), np.array([False, True]))
    assert chance == pytest.approx({"log_loss": (np.log(2) - np.log(0.9)) / 2, "brier": 0.13, "bias": 0.2})
    assert value_scores(np.array([1.0]), np.array([0.0]))["wmape"] == 0.0


def test_the_learned_model_beats_the_rules_where_there_is_something_to_learn():
    accuracy, notes = measure(prepared(crowd(900, 364)), AS_OF, SETTINGS)
    chosen = accuracy.filter("is_chosen").select("target", "model").unique().sort("target").rows()
    assert chosen == [("repurchase", LIGHTGBM), ("value", LIGHTGBM)]
    assert notes == ()


def test_nothing_of_the_held_out_quarter_is_known_to_the_contenders():
    before = crowd(400, 364)
    quarter = pl.col("date") > AS_OF - timedelta(days=91)
    other = before.with_columns(amount=pl.when(quarter).then(pl.col("amount") * 7).otherwise(pl.col("amount")))
    cutoff = AS_OF - timedelta(days=91)
    ours, theirs = (rate_and_recency(prepared(frame), cutoff, 91, SETTINGS) for frame in (before, other))
    assert np.array_equal(ours.value, theirs.value)
    assert max(training_origins(before, cutoff, 91)) == cutoff - timedelta(days=91)


def test_every_buyer_has_one_row_and_the_order_of_the_rows_does_not_matter():
    frame = crowd(500, 364)
    result = value_customers(frame, AS_OF, SETTINGS)
    assert dict(result.values.schema) == dict(VALUE_SCHEMA)
    assert dict(result.accuracy.schema) == dict(ACCURACY_SCHEMA)
    assert result.values["customer_id"].to_list() == sorted(frame["customer_id"].unique())
    assert result.values["repurchase_probability"].is_between(0, 1).all()
    assert (result.values["expected_364_days_amount"] >= result.values["expected_91_days_amount"]).all()
    shuffled = value_customers(frame.sample(fraction=1.0, shuffle=True, seed=3), AS_OF, SETTINGS)
    assert shuffled.values.equals(result.values)


def test_a_year_is_learned_where_one_is_over_and_carried_on_elsewhere():
    short, long = (value_customers(crowd(400, days), AS_OF, SETTINGS).values for days in (364, 728))
    assert short["year_method"].unique().to_list() == [CARRIED_ON]
    assert long["year_method"].unique().to_list() == [LEARNED_YEAR]


def test_few_customers_get_a_rule_and_the_reason():
    result = value_customers(crowd(20, 364), AS_OF, SETTINGS)
    assert set(result.values["value_model"]) <= {"last_quarter", RECENT_RATE}
    assert result.notes
    assert "too few" in result.notes[0]


def test_a_fit_that_crashes_leaves_the_rules_and_says_so(monkeypatch: pytest.MonkeyPatch):
    """The first fit holds, the one on the newest records crashes: what was measured of it is taken back."""
    frame, fits = crowd(900, 364), []

    def crashes_later(tasks: object, timeout_seconds: float) -> dict[str, lgb.Booster]:
        fits.append(timeout_seconds)
        if len(fits) > 1:
            raise NotGrown("the worker crashed")
        return grown(tasks, timeout_seconds)

    monkeypatch.setattr("ml.customers.models.grown", crashes_later)
    result = value_customers(frame, AS_OF, SETTINGS)
    assert result.notes == ("customers: no learned model — the worker crashed",)
    assert LIGHTGBM not in {*result.values["value_model"], *result.values["probability_model"]}
    assert LIGHTGBM not in result.accuracy["model"]
    assert result.accuracy.filter("is_chosen")["target"].unique().sort().to_list() == ["repurchase", "value"]
    assert result.values.height == frame["customer_id"].n_unique()


def test_a_company_of_one_week_gets_the_rule():
    frame = purchases(("ada", AS_OF - timedelta(days=3), 14.0, True), ("ada", AS_OF, 14.0, True))
    row = value_customers(frame, AS_OF, SETTINGS).values.to_dicts()[0]
    assert row["value_model"] == RECENT_RATE
    assert row["expected_91_days_amount"] == pytest.approx(28 / 4 * 91)
    assert row["expected_364_days_amount"] == pytest.approx(28 / 4 * 364)
    assert row["repurchase_probability"] == 0.5  # nothing is known of who comes back


def test_without_customers_the_tables_are_empty():
    result = value_customers(pl.DataFrame(schema=PURCHASES_SCHEMA), AS_OF, SETTINGS)
    assert result.values.is_empty()
    assert result.accuracy.is_empty()


def test_windows_never_reach_beyond_the_records():
    assert windows_within(100) == (28, 56, 91)
    assert windows_within(10) == ()
