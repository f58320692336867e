"""Moves and allocation inside a night: the worked lines of docs/stock_decisions.md, and one action a place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_night import AS_OF, cycle, inputs
from scipy import stats

from ml.planning.explain import recompute
from ml.planning.order_lines import Replenishment
from ml.planning.replenishment import ReplenishmentInputs, propose_orders

# alpha at its floor: demand is Poisson for all that matters here
NIGHT = cycle(holding_cost_yearly_pct=20.0)
IDLE = {"location_id": "S1", "rate": 0.2, "on_hand_qty": 14.0}
SHORT = {"location_id": "S2", "rate": 1.0, "on_hand_qty": 2.0}


def lane(source: str, destination: str, unit: float = 0.1, shipment: float = 1.0, days: float = 0.0) -> dict[str, Any]:
    return {
        "from_location_id": source,
        "to_location_id": destination,
        "lead_time_days": days,
        "cost_per_unit": unit,
        "cost_per_shipment": shipment,
    }


def night(*pairs: dict[str, Any], lanes: list[dict[str, Any]] | None = None, **more: Any) -> ReplenishmentInputs:
    frames = inputs(*pairs, alpha=1e-4, **more)
    return replace(frames, lanes=pl.DataFrame(lanes)) if lanes else frames


def fed(place: str, on_hand: float, **more: Any) -> dict[str, Any]:
    return {
        "location_id": place,
        "rate": 1.0,
        "on_hand_qty": on_hand,
        "supplier_id": None,
        "from_location_id": "DC",
    } | more


def with_depot(on_hand: float | None, *pairs: dict[str, Any]) -> ReplenishmentInputs:
    """A night in which DC has so many units, sells none itself and feeds the pairs; None: nobody knows."""
    depot = {"location_id": "DC", "on_hand_qty": on_hand or 0.0, "snapshot_age": None if on_hand is None else 0}
    frames = night(*pairs, depot)
    sells = pl.col("location_id") != "DC"
    return replace(
        frames,
        forecast_daily=frames.forecast_daily.filter(sells),
        forecast_weekly=frames.forecast_weekly.filter(sells),
    )


def line_of(lines: pl.DataFrame, **key: str) -> dict[str, Any]:
    return lines.filter(**key).row(0, named=True)


def shortage(mean: float, stock: int) -> float:
    return float(stats.poisson(mean).sf(range(stock, stock + 200)).sum())


def assert_one_action(result: Replenishment) -> None:
    ordered = result.lines.filter(pl.col("order_qty") > 0).select("sku_id", "location_id")
    moved = result.transfers.select("sku_id", location_id="to_location_id")
    assert ordered.join(moved, on=["sku_id", "location_id"]).is_empty()
    assert recompute(result.lines).to_list() == result.lines["order_qty"].to_list()


def test_the_worked_move():
    """docs/stock_decisions.md, Transfers."""
    result = propose_orders(night(IDLE, SHORT, lanes=[lane("S1", "S2")]), AS_OF, NIGHT)
    move = result.transfers.row(0, named=True)
    assert (move["source_spare_qty"], move["destination_room_qty"], move["qty"]) == (10, 12, 10)
    saved = shortage(9, 2) - shortage(9, 12)
    given_away = shortage(1.8, 4) - shortage(1.8, 14)
    assert move["lost_sales_avoided_amount"] == pytest.approx(1.5 * (saved - given_away), rel=1e-3)
    idle = 2.5 * (0.10 + 0.20 * 9 / 365)
    assert move["idle_cost_avoided_amount"] == pytest.approx(idle * ((10 - given_away) - (10 - saved)), rel=1e-3)
    assert move["cost_amount"] == pytest.approx(10 * 0.1 + 1.0)
    assert move["net_gain_amount"] == pytest.approx(9.75, abs=0.01)
    # the order of 12 comes two days later: what is lost until then it does not save
    avoided = (shortage(9, 2) - shortage(2, 2)) - (shortage(9, 14) - shortage(2, 14))
    holding = 12 * 2.5 * 0.20 * 7 / 365
    assert move["order_gain_amount"] == pytest.approx(1.5 * avoided - holding, rel=1e-3)
    assert move["explanation"] == (
        "Move 10 of Product A from Store S1 to Store S2 on Mon 2018-01-01: Store S1 has 14 for a target of 4, of which "
        "10 may go; Store S2 has 2 for a target of 14 and expects to sell 9 in 9 days; lost sales avoided 10.00, idle "
        "stock avoided 1.75, less 2.00 for moving = 9.75; worth more than ordering it (9.45)."
    )
    assert move["reason_codes"] == "source_kept_at_target;instead_of_order"
    order = line_of(result.lines, location_id="S2")
    assert (order["order_qty"], order["after_smallest_qty"], order["after_arbiter_qty"]) == (0, 12, 0)
    assert order["withheld_reason"] == "units are moved in from another place instead"
    assert order["explanation"] == (
        "No order for Product A at Store S2: 10 are moved in from other places (see transfer_orders), worth 9.75, "
        "against 9.45 for ordering 12. The target over 9 days is 14."
    )
    assert_one_action(result)


def test_the_worked_move_over_a_lane_of_a_day():
    """docs/stock_decisions.md, Transfers, step 6."""
    move = propose_orders(night(IDLE, SHORT, lanes=[lane("S1", "S2", days=1.0)]), AS_OF, NIGHT).transfers.row(
        0, named=True
    )
    assert move["destination_lost_before_arrival_qty"] == pytest.approx(shortage(1, 2), rel=1e-3)
    at_arrival = 2 - 1 + shortage(1, 2)
    assert at_arrival == pytest.approx(1.104, abs=5e-4)
    variance = 8 + stats.poisson(1).cdf(1) * 1
    demand = stats.nbinom(64 / (variance - 8), 8 / variance).pmf(range(200))

    def short(stock: float) -> float:
        return float(sum(max(units - stock, 0) * p for units, p in enumerate(demand)))

    assert move["destination_expected_lost_before_qty"] == pytest.approx(short(at_arrival), rel=1e-3)
    assert move["destination_expected_lost_after_qty"] == pytest.approx(short(at_arrival + 10), rel=5e-3)
    assert (short(at_arrival), short(at_arrival + 10)) == (
        pytest.approx(6.897, abs=5e-4),
        pytest.approx(0.266, abs=5e-4),
    )
    assert move["lost_sales_avoided_amount"] == pytest.approx(9.87, abs=0.005)
    assert "expects to sell 9 in 9 days, 0.1 of them lost before the goods are there;" in move["explanation"]


def test_where_the_order_is_worth_more_nothing_is_moved_and_the_line_says_so():
    result = propose_orders(night(IDLE, SHORT, lanes=[lane("S1", "S2", unit=0.3)]), AS_OF, NIGHT)
    assert result.transfers.is_empty()
    order = line_of(result.lines, location_id="S2")
    assert order["order_qty"] == 12
    assert order["move_in_gain_amount"] < order["order_gain_amount"]
    assert "worth_more_than_moving_in" in order["reason_codes"]
    assert "; worth 9.45, more than moving it in (" in order["explanation"]


def test_without_lanes_nothing_is_moved_and_nothing_competes():
    result = propose_orders(night(IDLE, SHORT), AS_OF, NIGHT)
    assert result.transfers.is_empty()
    assert result.lines["move_in_gain_amount"].to_list() == [None]


def test_stock_of_what_nothing_is_forecast_for_goes_where_it_sells():
    frames = night(IDLE, SHORT, lanes=[lane("S1", "S2")])
    sells = pl.col("location_id") != "S1"
    values = frames.shelves.select("sku_id", "location_id", "price", unit_cost=pl.lit(2.5))
    frames = replace(
        frames,
        forecast_daily=frames.forecast_daily.filter(sells),
        forecast_weekly=frames.forecast_weekly.filter(sells),
        sourcing=frames.sourcing.filter(sells),
        unit_values=values,
    )
    move = propose_orders(frames, AS_OF, NIGHT).transfers.row(0, named=True)
    assert (move["source_target_qty"], move["source_spare_qty"], move["qty"]) == (0, 12, 12), "12 packs at most"
    assert move["reason_codes"].startswith("nothing_forecast_at_source")
    closed = replace(frames, locations=frames.locations.with_columns(is_open=pl.col("location_id") != "S1"))
    assert propose_orders(closed, AS_OF, NIGHT).transfers.is_empty()


def test_a_place_without_a_source_gives_and_takes():
    alone = SHORT | {"is_sourced": False}
    frames = night(IDLE, alone, lanes=[lane("S1", "S2")])
    frames = replace(frames, unit_values=frames.shelves.select("sku_id", "location_id", "price", unit_cost=pl.lit(2.5)))
    result = propose_orders(frames, AS_OF, NIGHT)
    assert result.lines.filter(location_id="S2").is_empty(), "it has nobody to order from"
    move = result.transfers.row(0, named=True)
    # it bridges 7 + 7 days unless set otherwise: Poisson(14) takes 20 with 95 %
    assert (move["destination_protection_days"], move["destination_target_qty"], move["qty"]) == (14, 20, 10)
    assert move["destination_unit_margin"] == 1.5
    assert "destination_has_no_source" in move["reason_codes"]
    assert "from Store S1 to Store S2" in move["explanation"]
    # it bought 40, sells few, and nobody takes them back
    full = IDLE | {"is_sourced": False, "on_hand_qty": 40.0}
    given = propose_orders(replace(night(full, SHORT, lanes=[lane("S1", "S2")])), AS_OF, NIGHT).transfers
    assert given["qty"].to_list() == [12.0]
    for stays in (alone | {"snapshot_age": None}, alone | {"on_hand_qty": 30.0}, alone | {"shelf_capacity_qty": 2.0}):
        none = propose_orders(night(IDLE, stays, lanes=[lane("S1", "S2")]), AS_OF, NIGHT)
        assert none.transfers.is_empty(), stays
    shut = night(IDLE, alone, lanes=[lane("S1", "S2")], closed=["S2"])
    assert propose_orders(shut, AS_OF, NIGHT).transfers.is_empty()


def test_a_stock_record_that_is_not_believed_neither_gives_nor_takes():
    for pair in (IDLE | {"snapshot_age": 9}, IDLE | {"snapshot_age": None}):
        assert propose_orders(night(pair, SHORT, lanes=[lane("S1", "S2")]), AS_OF, NIGHT).transfers.is_empty()
    assert propose_orders(
        night(IDLE, SHORT | {"on_hand_qty": -2.0}, lanes=[lane("S1", "S2")]), AS_OF, NIGHT
    ).transfers.is_empty()


def test_the_worked_allocation():
    """docs/stock_decisions.md, Allocation."""
    result = propose_orders(with_depot(11.0, fed("S1", 1.0, order_multiple=2.0), fed("S2", 6.0)), AS_OF, NIGHT)
    one, two = result.allocation.iter_rows(named=True)
    assert (one["requested_qty"], one["allocated_qty"]) == (14, 8)
    assert (two["requested_qty"], two["allocated_qty"]) == (8, 3)
    # both stand at 9 then; the next unit is worth margin x P(D > 9), a pack of two the mean of P(D > 9) and P(D > 10)
    tail = stats.poisson(9).sf
    assert two["next_unit_value_amount"] == pytest.approx(1.5 * tail(9), rel=1e-3)
    assert one["next_unit_value_amount"] == pytest.approx(1.5 * (tail(9) + tail(10)) / 2, rel=1e-3)
    assert one["explanation"] == (
        "8 of Product A for Store S1 from Store DC: it asks for 14; 22 are asked for in all and 11 are free there; 3 "
        "go to other places; its last unit is worth 0.92; the next one would be worth 0.53."
    )
    order = line_of(result.lines, location_id="S1")
    assert (order["after_arbiter_qty"], order["after_allocation_qty"], order["order_qty"]) == (14, 8, 8)
    assert "; Store DC has 11 for all that it feeds: 8 are allocated;" in order["explanation"]
    assert "cut_to_allocation" in order["reason_codes"]


def test_a_place_that_gets_nothing_is_told_so():
    result = propose_orders(with_depot(1.0, fed("S1", 1.0), fed("S2", 6.0)), AS_OF, NIGHT)
    order = line_of(result.lines, location_id="S2")
    assert order["order_qty"] == 0
    assert order["withheld_reason"] == "the place that feeds it has too little, and others need it more"
    assert order["reason_codes"].startswith("nothing_allocated")


def test_a_source_whose_stock_nobody_knows_is_not_empty():
    result = propose_orders(with_depot(None, fed("S1", 1.0), fed("S2", 6.0)), AS_OF, NIGHT)
    assert result.allocation.is_empty()
    order = line_of(result.lines, location_id="S1")
    assert order["order_qty"] == order["after_smallest_qty"] > 0
    assert "source_stock_unknown" in order["reason_codes"]


def test_ring_fences_and_fair_shares_are_settings():
    frames = with_depot(10.0, fed("S1", 1.0), fed("S2", 6.0))
    fenced = NIGHT.model_copy(update={"allocation_ring_fences": {"S2": 0.5}})
    two = line_of(propose_orders(frames, AS_OF, fenced).allocation, location_id="S2")
    assert (two["ring_fenced_qty"], two["allocated_qty"]) == (5, 5)
    fair = NIGHT.model_copy(update={"allocation_method": "fair_share"})
    lines = propose_orders(frames, AS_OF, fair).allocation
    shares = lines["allocated_qty"] / lines["requested_qty"]
    assert abs(shares[0] - shares[1]) < 1 / 8


pairs = st.tuples(st.floats(0.05, 3), st.integers(0, 40), st.sampled_from([1.0, 2.0, 6.0]), st.floats(2.6, 9))


@settings(max_examples=25, deadline=None)
@given(st.lists(pairs, min_size=2, max_size=4), st.floats(0, 1), st.floats(0, 3))
def test_units_are_conserved_and_no_place_is_ordered_for_and_moved_to(rows, unit, shipment):
    names = [f"S{number}" for number in range(1, len(rows) + 1)]
    places = [
        {"location_id": name, "rate": rate, "on_hand_qty": float(stock), "order_multiple": pack, "price": price}
        for name, (rate, stock, pack, price) in zip(names, rows, strict=True)
    ]
    lanes = [lane(a, b, unit, shipment) for a in names for b in names if a != b]
    result = propose_orders(night(*places, lanes=lanes), AS_OF, NIGHT)
    assert_one_action(result)
    moves = result.transfers
    for name, (_, stock, _, _) in zip(names, rows, strict=True):
        assert moves.filter(from_location_id=name)["qty"].sum() <= stock
    assert (moves["source_position_after_qty"] >= moves["source_target_qty"] - 1e-9).all()
    smallest = min(pack for _, _, pack, _ in rows)
    assert (moves["qty"] % smallest == 0).all()
    earned = moves.group_by("from_location_id", "to_location_id").agg(pl.col("net_gain_amount").sum())
    assert (earned["net_gain_amount"] > 0).all()
