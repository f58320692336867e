"""What may be promised: by hand, against a simulation, and never too much."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml.forecasting.distribution import ALL, COUNT, DISPERSION_SCHEMA
from ml.planning.availability import PROMISE_SCHEMA, available_to_promise

AS_OF, DAY = date(2025, 3, 2), date(2025, 3, 9)
POISSON = pl.DataFrame([(COUNT, ALL, 0, 7, 1.0, 1e-9, 0.0, 0)], schema=DISPERSION_SCHEMA, orient="row")
SPREAD = pl.DataFrame([(COUNT, ALL, 0, 7, 1.0, 0.3, 0.0, 0)], schema=DISPERSION_SCHEMA, orient="row")
LATE = pl.DataFrame({"lane": ["sea", "sea", "sea"], "days_late": [0, 2, 10], "share": [0.6, 0.3, 0.1]})
NO_SHIPMENT = pl.DataFrame(
    schema={"pool": pl.String, "sku_id": pl.String, "qty": pl.Float64, "expected_on": pl.Date, "lane": pl.String}
)


def promise(on_hand: float, *, reserved=0.0, owed=0.0, shipments=(), mean=0.0, dispersion=POISSON) -> dict:
    record = {"pool": "own", "sku_id": "A", "on_hand_qty": float(on_hand), "reserved_qty": reserved}
    stock = pl.DataFrame([record | {"open_order_qty": owed}])
    under_way = pl.DataFrame(
        [("own", "A", float(q), on, lane) for q, on, lane in shipments], schema=NO_SHIPMENT.schema, orient="row"
    )
    competing = pl.DataFrame([{"pool": "own", "sku_id": "A", "demand_mean_qty": float(mean)}])
    found = available_to_promise(stock, under_way, LATE, competing, dispersion, AS_OF, DAY)
    assert found.schema == PROMISE_SCHEMA
    row = found.row(0, named=True)
    assert row["free_qty"] == row["on_hand_qty"] - row["reserved_qty"] - row["open_order_qty"]
    balance = row["free_qty"] + row["expected_arrivals_qty"] - row["competing_demand_mean_qty"]
    for risk in ("01", "05", "10"):
        assert row[f"promise_{risk}pct_qty"] == pytest.approx(balance - row[f"cushion_{risk}pct_qty"])
    return row


def test_the_case_of_five_thousand_declared():
    # 4,000 free, 1,500 under way that are surely here, the pool's own customers want about 400: 5,000 may be declared,
    # 4,500 are sold, nothing is oversold
    found = promise(4100, reserved=100.0, shipments=[(1500, date(2025, 3, 5), "road")], mean=400)
    nearly_poisson = stats.nbinom(1e4, 1e4 / (1e4 + 400))  # the smallest spread that a forecast is given
    assert found["promise_01pct_qty"] == 5500 - nearly_poisson.ppf(0.99) >= 5000
    sold = np.random.default_rng(0).poisson(400, 10_000) + 4500
    assert (sold <= 5500).all()


def test_without_competing_demand_what_is_sure_is_promised_whole():
    found = promise(10, reserved=3.0)
    assert [found[f"promise_{r}pct_qty"] for r in ("01", "05", "10")] == [7, 7, 7]


def test_a_shipment_counts_as_far_as_it_can_be_trusted():
    # expected on the day itself: here with 60 %; two days earlier: with 90 %
    assert promise(5, shipments=[(20, DAY, "sea")])["promise_10pct_qty"] == 5
    early = promise(5, shipments=[(20, date(2025, 3, 7), "sea")])
    assert (early["promise_05pct_qty"], early["promise_10pct_qty"]) == (5, 25)
    assert early["expected_arrivals_qty"] == pytest.approx(18)


def test_a_lane_that_was_never_measured_is_on_time():
    assert promise(0, shipments=[(8, DAY, "new lane")])["promise_01pct_qty"] == 8
    assert promise(0, shipments=[(8, date(2025, 3, 10), "new lane")])["promise_10pct_qty"] == 0


def test_what_is_owed_already_is_not_promised_again():
    assert promise(3, reserved=9.0)["promise_10pct_qty"] == 0
    assert promise(9, reserved=2.0, owed=3.0)["promise_01pct_qty"] == 4


def test_what_is_overdue_counts_as_far_as_such_delays_were_seen():
    # expected on 1 March, not there on the 2nd: late by 2 or 10 days, so 0.3 of 0.4; by the 9th it is later than 7
    overdue = promise(0, shipments=[(20, date(2025, 3, 1), "sea")], mean=0)
    assert overdue["expected_arrivals_qty"] == pytest.approx(20 * 0.3 / 0.4)
    # expected on 15 February: later than anything that was measured, not counted on
    assert promise(0, shipments=[(20, date(2025, 2, 15), "sea")])["expected_arrivals_qty"] == 0
    assert promise(0, shipments=[(8, date(2025, 3, 1), "new lane")])["expected_arrivals_qty"] == 0


def test_the_risk_is_what_a_simulation_finds():
    ships = [(12, date(2025, 3, 7), "sea"), (9, DAY, "sea"), (7, date(2025, 3, 8), "sea")]
    found = promise(60, shipments=ships, mean=30, dispersion=SPREAD)
    generator = np.random.default_rng(1)
    n, alpha = 400_000, 0.3
    demand = generator.negative_binomial(1 / alpha, 1 / (1 + alpha * 30), n)
    supply = np.full(n, 60.0)
    for (quantity, _, _), chance in zip(ships, (0.9, 0.6, 0.6), strict=True):
        supply += quantity * (generator.random(n) < chance)
    for risk in (0.01, 0.05, 0.10):
        q = found[f"promise_{round(risk * 100):02d}pct_qty"]
        assert (demand + q > supply).mean() <= risk + 0.001 or q == 0, "nothing is safe: nothing is promised"
        assert (demand + q + 1 > supply).mean() > risk - 0.001 or q == 0


def test_a_date_that_has_passed_is_refused():
    empty = pl.DataFrame(schema={"pool": pl.String, "sku_id": pl.String, "demand_mean_qty": pl.Float64})
    record = {"pool": "own", "sku_id": "A", "on_hand_qty": 1.0, "reserved_qty": 0.0, "open_order_qty": 0.0}
    stock = pl.DataFrame([record])
    with pytest.raises(ValueError, match="after the business day"):
        available_to_promise(stock, NO_SHIPMENT, LATE, empty, POISSON, AS_OF, AS_OF)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 50),
    st.integers(0, 20),
    st.floats(0, 40),
    st.lists(st.tuples(st.integers(1, 30), st.integers(-5, 8)), max_size=8),
)
def test_more_risk_never_promises_less_and_nobody_is_promised_what_cannot_come(on_hand, reserved, mean, ships):
    shipments = [(quantity, date(2025, 3, 9 + offset), "sea") for quantity, offset in ships]
    found = promise(on_hand, reserved=float(reserved), shipments=shipments, mean=mean, dispersion=SPREAD)
    promises = [found[f"promise_{r}pct_qty"] for r in ("01", "05", "10")]
    assert promises == sorted(promises)
    assert 0 <= promises[-1] <= max(on_hand - reserved, 0) + sum(quantity for quantity, _ in ships)
