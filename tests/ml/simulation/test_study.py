"""A small company's past replayed: the problem as its feeds say, a table that adds up, claims only where they hold."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ml.forecasting.settings import ForecastSettings
from ml.planning.settings import PlanningSettings
from ml.simulation.company import PAST_DAYS, ReplayInputs, TooShortError, past_of
from ml.simulation.settings import SimulationSettings
from ml.simulation.study import ALL, POLICY_REPLAY_SCHEMA, PROPOSED, TUNING_SCHEMA, study

AS_OF = date(2025, 6, 29)  # a Sunday
SETTINGS = SimulationSettings(days=84, warm_up_days=14, draws=100)
QUICK = ForecastSettings(trees=10, leaves=4, min_train_rows=200, train_rows=2_000, backtest_rows=2_000, threads=1)
PLANNING = PlanningSettings(service_type="value", service_target=0.9, service_target_by_class={"A": 0.97})


def company(products: int = 40, days: int = 400, seed: int = 3, silent: tuple[str, ...] = ()) -> ReplayInputs:
    """Two places, V1 with order days on Monday and Thursday for even products, V2 without a calendar for odd ones.

    silent: places that sell nothing in the last 84 days.
    """
    generator = np.random.default_rng(seed)
    pairs = [(f"P{number:02d}", place) for number in range(products) for place in ("S1", "S2")]
    rate = generator.lognormal(-0.5, 1.0, len(pairs))
    units = generator.poisson(rate[:, None], (len(pairs), days))
    units[:, -84:] *= np.array([place not in silent for _, place in pairs])[:, None]
    row, day = np.nonzero(units)
    sku, place = (pl.Series(values) for values in zip(*pairs, strict=True))
    number = np.arange(len(pairs)) // 2
    keys = pl.DataFrame({"sku_id": sku, "location_id": place})
    return ReplayInputs(
        series=keys.with_columns(
            series_id=pl.Series(np.arange(1, len(pairs) + 1), dtype=pl.Int32),
            is_pooled=pl.lit(False),
            region=pl.lit("R"),
            department=pl.lit("Food"),
            category=pl.lit("Tea"),
        ),
        history=pl.DataFrame(
            {
                "series_id": pl.Series(row + 1, dtype=pl.Int32),
                "date": [AS_OF - timedelta(days=int(days - 1 - k)) for k in day],
                "quantity": units[row, day].astype(float),
            }
        ),
        events=pl.DataFrame(schema={"date": pl.Date, "event_name": pl.String, "region": pl.String}),
        sourcing=keys.with_columns(
            supplier_id=pl.Series(np.where(number % 2 == 0, "V1", "V2")),
            from_location_id=pl.lit(None, pl.String),
            lead_time_days=pl.lit(3.0),
            lead_time_sd_days=pl.lit(1.0),
            min_order_qty=pl.lit(0.0),
            order_multiple=pl.Series(np.where(number % 3 == 0, 6.0, 1.0)),
            unit_cost=pl.lit(2.0),
        ),
        suppliers=pl.DataFrame({"supplier_id": ["V1", "V2"], "order_weekdays": ["1,4", None]}),
        products=pl.DataFrame({"sku_id": sku.unique().sort()}).with_columns(
            department=pl.lit("Food"),
            abc_class=pl.when(pl.col("sku_id") < "P10").then(pl.lit("A")).otherwise(pl.lit("C")),
        ),
        shelves=keys.with_columns(price=pl.lit(3.0)),
    )


@pytest.fixture(scope="module")
def done():
    return study(company(), AS_OF, PLANNING, QUICK, SETTINGS, lambda _: None)


def test_the_past_is_as_the_feeds_say():
    inputs = company()
    past = past_of(inputs, AS_OF, PLANNING, SETTINGS)
    assert past.problem.demand.shape == (80, 84)
    assert past.problem.past.shape == (80, PAST_DAYS)
    by_series = inputs.history.filter(pl.col("date") > AS_OF - timedelta(days=84)).group_by("series_id")
    sold = dict(by_series.agg(pl.col("quantity").sum()).iter_rows())
    assert past.problem.demand.sum(axis=1).tolist() == [sold.get(n, 0.0) for n in past.lines["series_id"]]
    assert past.targets == {"all products": 0.9, "class A": 0.97}
    assert np.unique(past.money.unit_margin) == [1.0]
    assert past.money.holding_cost_a_day[0] == pytest.approx(2.0 * 0.2 / 365)


def test_orders_go_out_the_morning_after_a_review_on_the_suppliers_days():
    past = past_of(company(), AS_OF, PLANNING, SETTINGS)
    is_review = past.problem.is_review[past.lines["supplier_id"].to_list().index("V1")]
    placed = [past.first_day + timedelta(days=int(day) + 1) for day in np.flatnonzero(is_review)]
    assert {day.isoweekday() for day in placed} == {1, 4}
    gaps = past.terms.review_days[0][is_review]
    assert set(gaps.tolist()) == {3, 4}
    without = past.lines["supplier_id"].to_list().index("V2")
    assert np.flatnonzero(past.problem.is_review[without]).tolist() == list(range(6, 84, 7))
    assert set(past.terms.review_days[without].tolist()) == {0, 7}


def test_what_cannot_be_replayed_is_counted_not_made_up():
    inputs = company()
    sourcing = inputs.sourcing.with_columns(
        supplier_id=pl.when(pl.col("sku_id") == "P00").then(None).otherwise("supplier_id")
    )
    past = past_of(ReplayInputs(**{**vars(inputs), "sourcing": sourcing}), AS_OF, PLANNING, SETTINGS)
    assert past.lines.height == 78
    assert past.left_out == {"no usable source": 2}
    few = past_of(inputs, AS_OF, PLANNING, SETTINGS.model_copy(update={"max_lines": 10}))
    assert few.lines["sku_id"].n_unique() == 5, "all places of a product or none"


def test_a_short_history_is_not_replayed():
    with pytest.raises(TooShortError, match="needs 266 days of sales up to 2025-06-29; they begin on 2025-01-"):
        past_of(company(days=180), AS_OF, PLANNING, SETTINGS)


def test_the_table_has_every_rule_by_class_and_place(done):
    table = done.results
    assert table.schema == POLICY_REPLAY_SCHEMA
    key = ["policy", "dial", "abc_class", "location_id"]
    assert not table.select(pl.struct(key).is_duplicated().any()).item()
    compared = table.filter("is_compared")
    assert compared.height == 4 * 9, "four rules: all, two classes, two places, four classes at places"
    assert compared["policy"].n_unique() == 4
    whole = compared.filter(pl.col("abc_class") == ALL, pl.col("location_id") == ALL)
    classes = compared.filter(pl.col("abc_class") != ALL, pl.col("location_id") == ALL)
    for name in ("demand_qty", "average_stock_qty", "lost_margin_amount", "total_cost_amount", "cost_saving_amount"):
        summed = classes.group_by("policy").agg(pl.col(name).sum()).sort("policy")[name]
        assert summed.to_list() == pytest.approx(whole.sort("policy")[name].to_list())


def test_a_claim_is_made_only_where_an_interval_leaves_zero(done):
    own = done.results.filter(pl.col("policy") == PROPOSED)
    assert own["claim"].null_count() == own.height
    others = done.results.filter(pl.col("policy") != PROPOSED)
    crosses = (pl.col("fill_rate_gain_low_pct") <= 0) & (pl.col("fill_rate_gain_high_pct") >= 0)
    crosses &= (pl.col("cost_saving_low_amount") <= 0) & (pl.col("cost_saving_high_amount") >= 0)
    assert others.filter(crosses)["claim"].unique().to_list() in ([], ["no claim"])
    assert "no claim" not in others.filter(~crosses)["claim"].to_list()
    assert (others["cost_saving_low_amount"] <= others["cost_saving_high_amount"]).all()


def test_targets_are_tuned_and_proved(done):
    assert done.tuning.schema == TUNING_SCHEMA
    assert done.tuning["service_group"].to_list() == ["all products", "class A"]
    gap = (done.tuning["served_tuned_pct"] / 100 - done.tuning["service_target"]).abs()
    assert gap.max() < 0.05


def test_the_same_past_gives_the_same_table(done):
    again = study(company(), AS_OF, PLANNING, QUICK, SETTINGS, lambda _: None)
    assert again.results.equals(done.results)
    assert again.tuning.equals(done.tuning)


@pytest.mark.parametrize("kind", ["cycle", "fill_rate", "newsvendor"])
def test_any_service_type_can_be_replayed(kind):
    planning = PLANNING.model_copy(update={"service_type": kind})
    table = study(company(12), AS_OF, planning, QUICK, SETTINGS, lambda _: None).results
    own = table.filter(pl.col("policy") == PROPOSED, pl.col("abc_class") == ALL, pl.col("location_id") == ALL)
    fills = own["fill_rate_pct"].to_list()
    assert max(fills) > min(fills), "the dial turns"


def test_a_place_where_nothing_was_wanted_has_no_service_and_no_turnover():
    planning = PlanningSettings(service_type="cycle", service_target=0.9)
    settings = SETTINGS.model_copy(update={"days": 42, "draws": 20})
    results = study(company(12, silent=("S2",)), AS_OF, planning, QUICK, settings, lambda _: None).results
    shares = ["fill_rate_pct", "turnover_days", "fill_rate_gain_pct"]
    nothing = pl.col("demand_qty") == 0
    assert set(results.filter(nothing)["location_id"]) == {"S2"}
    assert results.filter(nothing).select(pl.col(shares).null_count()).row(0) == (results.filter(nothing).height,) * 3
    assert results.filter(~nothing).select(pl.all_horizontal(pl.col(shares).is_finite()).all()).item()
