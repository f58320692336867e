"""The lists of one night together: what is owed binds what is ordered, and what may be promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from planning_night import AS_OF, cycle, inputs
from scipy import stats

from ml.planning.explain import recompute
from ml.planning.replenishment import ReplenishmentInputs
from ml.planning.stock_plan import StockPlan, SupplyInputs, plan_stock

NIGHT = cycle(holding_cost_yearly_pct=20.0)
ORDERS = {
    "source": pl.String,
    "order_id": pl.String,
    "line_number": pl.Int64,
    "sku_id": pl.String,
    "quantity": pl.Float64,
    "region": pl.String,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
}
UNDER_WAY = {
    "sku_id": pl.String,
    "location_id": pl.String,
    "qty": pl.Float64,
    "expected_on": pl.Date,
    "lane": pl.String,
}
# three of four on time, the fourth nine days late
LATENESS = pl.DataFrame([("road", 0, 0.75), ("road", 9, 0.25)], schema=["lane", "days_late", "share"], orient="row")


def night(*pairs: dict[str, Any], **more: Any) -> ReplenishmentInputs:
    """A night at places of one region each (named as the place), demand nearly Poisson."""
    frames = inputs(*pairs, alpha=1e-4, **more)
    places = frames.locations.with_columns(
        region=pl.col("location_id"),
        latitude=pl.lit(None, dtype=pl.Float64),
        longitude=pl.lit(None, dtype=pl.Float64),
        ownership=pl.when(pl.col("location_id") == "D1").then(pl.lit("dealer")).otherwise(pl.lit("own")),
    )
    values = frames.shelves.select("sku_id", "location_id", "price", unit_cost=pl.lit(2.5))
    return replace(frames, locations=places, unit_values=values)


def plan(
    frames: ReplenishmentInputs,
    orders: list[tuple[str, int, str, float, str]] | None = None,
    under_way: list[tuple[str, str, float, date | None, str]] = (),
    settings: Any = NIGHT,
) -> StockPlan:
    lines = None
    if orders is not None:
        rows = [
            ("web", order, line, sku, quantity, region, None, None) for order, line, sku, quantity, region in orders
        ]
        lines = pl.DataFrame(rows, schema=ORDERS, orient="row")
    supply = SupplyInputs(lines, pl.DataFrame(under_way, schema=UNDER_WAY, orient="row"), LATENESS)
    return plan_stock(frames, supply, AS_OF, settings)


def promise(found: StockPlan, pool: str = "all", sku: str = "A", days: int = 7) -> dict[str, Any]:
    rows = found.promises.filter(pool=pool, sku_id=sku).sort("promised_for")
    assert rows["promised_for"].to_list() == [date(2018, 1, 7), date(2018, 1, 28)]
    return rows.row(0 if days == 7 else 1, named=True)


def test_what_a_place_is_to_serve_is_missing_from_its_position():
    frames = night({"on_hand_qty": 5.0}, {"location_id": "S2", "on_hand_qty": 5.0})
    before = plan(frames, []).replenishment.lines
    found = plan(frames, [("o1", 1, "A", 3.0, "S2")])
    served = found.order_sourcing.row(0, named=True)
    assert (served["location_id"], served["sourced_qty"], served["free_after_qty"]) == ("S2", 3, 2)
    after = found.replenishment.lines
    assert after.filter(location_id="S2")["backorder_qty"].to_list() == [3]
    change = after["order_qty"] - before["order_qty"]
    assert dict(zip(after["location_id"], change, strict=True)) == {"S1": 0, "S2": 3}
    assert recompute(after).to_list() == after["order_qty"].to_list()


def test_the_worked_open_order():
    """docs/stock_decisions.md, Sourcing of open orders."""
    frames = night({"rate": 0.2, "on_hand_qty": 20.0}, {"location_id": "S2", "rate": 1.0, "on_hand_qty": 2.0})
    found = plan(frames, [("o1", 1, "A", 2.0, "S2")]).order_sourcing.row(0, named=True)
    # S2 would sell its last unit with P(D >= 2) = 0.9988 over 9 days: 1.50; that is cheaper than 500 km
    wanted = stats.poisson(9).sf(1)
    idle = 2.5 * (0.10 + 0.20 * 9 / 365)
    assert found["keep_value_unit_amount"] == pytest.approx(1.5 * wanted - idle * (1 - wanted), abs=1e-3)
    assert found["location_id"] == "S2"
    assert found["landed_cost_amount"] == pytest.approx(2 * found["keep_value_unit_amount"] + 4.0)
    assert found["explanation"] == (
        "Send 2 of Product A for order o1 line 1 from Store S2, 0 km away: 0.00 for the way, 3.00 for what the units "
        "are worth there, 4.00 for the parcel = 7.00; 2 are free there, 0 go to other order lines, 0 are left."
    )
    near = frames.locations.with_columns(region=pl.lit("one"))
    found = plan(replace(frames, locations=near), [("o1", 1, "A", 2.0, "one")]).order_sourcing.row(0, named=True)
    assert found["location_id"] == "S1", "as near, and its units lie idle"
    assert found["keep_value_unit_amount"] == pytest.approx(-idle, rel=1e-2)


def test_units_reserved_for_open_orders_are_taken_off_once():
    frames = night({"on_hand_qty": 10.0, "reserved_qty": 4.0})
    orders = [("o1", 1, "A", 8.0, "S1")]
    apart = plan(frames, orders)
    assert apart.order_sourcing["sourced_qty"].to_list() == [6, 0]
    assert promise(apart)["open_order_qty"] == 6 + 2, "two are owed by nobody in particular"
    held = plan(frames, orders, settings=NIGHT.model_copy(update={"open_orders_are_reserved": True}))
    assert held.order_sourcing["sourced_qty"].to_list() == [8]
    line = held.replenishment.lines.row(0, named=True)
    assert (line["reserved_qty"], line["backorder_qty"]) == (4, 4)
    assert promise(held)["free_qty"] == 10 - 4 - 4


def test_the_worked_promise():
    """docs/stock_decisions.md, Available to promise."""
    frames = night({"on_hand_qty": 40.0, "reserved_qty": 3.0})
    row = promise(plan(frames, [], [("A", "S1", 12.0, date(2018, 1, 5), "road")]))
    assert (row["free_qty"], row["under_way_qty"], row["expected_arrivals_qty"]) == (37, 12, 9)
    assert row["competing_demand_mean_qty"] == pytest.approx(14)
    assert row["balance_mean_qty"] == pytest.approx(32)
    # P(14 and q > 37, or 49 with 3 in 4) <= risk: without the shipment it must hold in one case of four
    demand = stats.poisson(14)
    for risk, name in ((0.01, "01"), (0.05, "05"), (0.10, "10")):
        q = row[f"promise_{name}pct_qty"]
        over = [0.25 * demand.sf(37 - k) + 0.75 * demand.sf(49 - k) for k in (q, q + 1)]
        assert over[0] <= risk + 1e-4 < over[1] + 2e-3
    assert [row[f"promise_{name}pct_qty"] for name in ("01", "05", "10")] == [16, 20, 22]
    assert row["explanation"] == (
        "20 of Product A can be declared for Sun 2018-01-07 at 5 % risk of overselling (16 at 1 %, 22 at 10 %): 40 "
        "on hand at 1 place, 3 reserved, 0 in open orders, 12 under way of which 9 are expected by then; these places "
        "expect to sell 14 until then; 12 are kept back against late arrivals and more demand."
    )


def test_five_thousand_declared_four_and_a_half_thousand_sold_none_oversold():
    # a live stream on stock that the stores sell from as well: 4,100 on hand, 100 reserved, 1,500 surely here in time
    frames = night({"rate": 400 / 7, "on_hand_qty": 4100.0, "reserved_qty": 100.0})
    row = promise(plan(frames, [], [("A", "S1", 1500.0, date(2018, 1, 3), "boat")]))
    assert row["promise_01pct_qty"] >= 5000
    taken = np.random.default_rng(0).poisson(400, 10_000) + 4500
    assert (taken <= 4000 + 1500).all()


def test_a_pool_of_dealers_promises_what_dealers_have():
    frames = night({"rate": 0.1, "on_hand_qty": 10.0}, {"location_id": "D1", "rate": 0.1, "on_hand_qty": 20.0})
    found = plan(frames, [])
    assert [promise(found, pool)["on_hand_qty"] for pool in ("all", "dealer", "own")] == [30, 20, 10]
    closed = replace(frames, locations=frames.locations.with_columns(is_open=pl.col("location_id") != "D1"))
    assert plan(closed, []).promises["pool"].unique().sort().to_list() == ["all", "own"]


def test_stock_that_is_not_believed_promises_nothing_and_says_so():
    frames = night({"on_hand_qty": 10.0}, {"location_id": "S2", "on_hand_qty": 90.0, "snapshot_age": 30})
    row = promise(plan(frames))
    assert (row["on_hand_qty"], row["location_count"], row["unknown_location_count"]) == (10, 1, 1)
    assert row["reason_codes"] == "nothing_safe;some_stock_unknown;open_orders_unknown"


def test_without_sourcing_there_are_promises_and_sourced_orders_all_the_same():
    frames = night({"on_hand_qty": 30.0})
    found = plan(replace(frames, sourcing=frames.sourcing.clear()), [("o1", 1, "A", 2.0, "S1")])
    assert found.replenishment is None
    assert found.order_sourcing["sourced_qty"].to_list() == [2]
    assert promise(found)["free_qty"] == 28
