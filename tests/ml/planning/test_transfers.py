"""Moves between places: by hand, against every other plan of small networks, and with nothing lost on the way."""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml.forecasting.distribution import ALL, COUNT, DISPERSION_SCHEMA
from ml.planning.arbiter import ACTIONS_SCHEMA
from ml.planning.transfers import NO_FEEDING, NO_RIVALS, TRANSFERS_SCHEMA, TransferRules, propose_transfers

POISSON = pl.DataFrame([(COUNT, ALL, 0, 7, 1.0, 1e-9, 0.0, 0)], schema=DISPERSION_SCHEMA, orient="row")
FREE = TransferRules(min_net_gain_amount=0.01)
AS_OF = date(2025, 3, 2)


def place(
    where: str, position: float, target: float, mean: float, *, sku="A", pack=1.0, margin=2.0, movable=None, idle=0.0
):
    return {
        "sku_id": sku,
        "location_id": where,
        "position_qty": float(position),
        "movable_qty": float(position if movable is None else movable),
        "target_qty": float(target),
        "most_qty": float("inf"),
        "demand_mean_qty": float(mean),
        "protection_days": 7.0,
        "segment": ALL,
        "unit_margin": margin,
        "idle_unit_amount": idle,
        "order_multiple": pack,
    }


def lane(source: str, destination: str, unit=0.1, shipment=0.0, days=0.0):
    return {
        "from_location_id": source,
        "to_location_id": destination,
        "lead_time_days": days,
        "cost_per_unit": unit,
        "cost_per_shipment": shipment,
    }


def plan(places, lanes, rules=FREE, feeding=NO_FEEDING, rivals=NO_RIVALS) -> pl.DataFrame:
    found = propose_transfers(pl.DataFrame(places), pl.DataFrame(lanes), POISSON, rules, AS_OF, feeding, rivals).lines
    assert found.schema == TRANSFERS_SCHEMA
    assert_rebuilt(found)
    return found


def assert_rebuilt(lines: pl.DataFrame) -> None:
    """Quantity and money of every line follow from its own columns."""
    qty = lines["qty"].to_numpy()
    left = np.minimum(
        lines["source_spare_qty"] - lines["source_to_others_qty"],
        lines["destination_room_qty"] - lines["destination_from_others_qty"],
    )
    assert qty == pytest.approx(left - lines["unprofitable_qty"].to_numpy())
    amounts = {"lost": np.zeros(len(qty)), "idle": np.zeros(len(qty))}
    for side, sign, others in (("destination", 1, "from_others"), ("source", -1, "to_others")):
        units = qty + lines[f"{side}_{others}_qty"].to_numpy()
        saved = (lines[f"{side}_expected_lost_before_qty"] - lines[f"{side}_expected_lost_after_qty"]).to_numpy()
        share = qty / units
        amounts["lost"] += saved * lines[f"{side}_unit_margin"].to_numpy() * share
        amounts["idle"] -= (sign * units - saved) * lines[f"{side}_idle_unit_amount"].to_numpy() * share
        moved = lines[f"{side}_position_after_qty"] - lines[f"{side}_position_before_qty"]
        assert moved.to_numpy() == pytest.approx(sign * units)
    assert lines["lost_sales_avoided_amount"].to_numpy() == pytest.approx(amounts["lost"])
    assert lines["idle_cost_avoided_amount"].to_numpy() == pytest.approx(amounts["idle"])
    cost = qty * lines["cost_per_unit"].to_numpy()
    cost += lines["cost_per_shipment"].to_numpy() * qty / lines["shipment_units_qty"].to_numpy()
    net = amounts["lost"] + amounts["idle"] - cost
    assert lines["net_gain_amount"].to_numpy() == pytest.approx(net)


def quantities(found: pl.DataFrame) -> dict[tuple[str, str], float]:
    return {(a, b): q for a, b, q in found.select("from_location_id", "to_location_id", "qty").iter_rows()}


def shortage(mean: float, stock: float) -> float:
    k = np.arange(int(stock), int(stock) + 400)
    return float(stats.poisson(mean).sf(k).sum())


def test_units_move_from_idle_to_wanted_until_the_next_one_does_not_pay():
    found = plan([place("P", 40, 12, 8), place("Q", 0, 12, 8)], [lane("P", "Q", unit=1.0)])
    moved = found["qty"][0]
    # margin 2 x P(demand > k) must exceed the cost of 1: units up to the median of Poisson(8)
    assert moved == 8
    assert found["lost_sales_avoided_amount"][0] == pytest.approx(2 * (shortage(8, 0) - shortage(8, 8)), rel=1e-3)
    assert found["cost_amount"][0] == 8
    assert found.select("source_position_after_qty", "destination_position_after_qty").row(0) == (32, 8)
    assert found["destination_cover_days_after"][0] == pytest.approx(7)


def test_the_source_keeps_its_own_coverage_and_only_what_lies_there_can_go():
    assert quantities(plan([place("P", 15, 12, 8), place("Q", 0, 12, 8)], [lane("P", "Q")])) == {("P", "Q"): 3}
    assert quantities(plan([place("P", 40, 12, 8, movable=2), place("Q", 0, 12, 8)], [lane("P", "Q")])) == {
        ("P", "Q"): 2
    }


def test_whole_packs_only():
    found = plan([place("P", 30, 12, 8, pack=6.0), place("Q", 0, 12, 8, pack=6.0)], [lane("P", "Q")])
    assert quantities(found) == {("P", "Q"): 12}


def test_only_over_allowed_lanes_and_the_cheaper_one_first():
    places = [place("P", 20, 10, 8), place("R", 20, 10, 8), place("Q", 0, 10, 8)]
    assert plan(places, [lane("Q", "P")]).is_empty()
    found = quantities(plan(places, [lane("P", "Q", unit=0.5), lane("R", "Q", unit=0.1)]))
    assert found == {("R", "Q"): 10}


def test_a_shipment_must_be_earned_by_all_that_is_on_it():
    places = [place("P", 20, 10, 8), place("Q", 6, 10, 8)]
    gain = 2 * (shortage(8, 6) - shortage(8, 10))
    assert not plan(places, [lane("P", "Q", unit=0, shipment=gain * 0.9)]).is_empty()
    assert plan(places, [lane("P", "Q", unit=0, shipment=gain * 1.1)]).is_empty()
    two = [*places, place("P", 20, 10, 8, sku="B"), place("Q", 6, 10, 8, sku="B")]
    shared = plan(two, [lane("P", "Q", unit=0, shipment=gain * 1.1)])
    assert shared["sku_id"].to_list() == ["A", "B"]
    assert shared["cost_amount"].sum() == pytest.approx(gain * 1.1)


def test_a_closed_lane_lets_another_one_carry_its_units():
    places = [place("P", 20, 10, 8), place("R", 20, 10, 8), place("Q", 0, 10, 8)]
    found = quantities(plan(places, [lane("P", "Q", unit=0.1, shipment=500), lane("R", "Q", unit=0.15)]))
    assert found == {("R", "Q"): 10}


def test_small_gains_are_not_worth_the_handling():
    places = [place("P", 20, 10, 8), place("Q", 9, 10, 8)]
    assert not plan(places, [lane("P", "Q")]).is_empty()
    assert plan(places, [lane("P", "Q")], TransferRules(5.0)).is_empty()


def test_idle_units_are_worth_moving_where_they_sell():
    # the destination hardly needs them, but the source never will
    def stores(idle: float) -> list[dict]:
        return [place("P", 12, 0, 0.01, margin=0.0, idle=idle), place("Q", 4, 10, 9, margin=0.0, idle=idle)]

    assert plan(stores(0.0), [lane("P", "Q", unit=0.3)]).is_empty()
    found = plan(stores(0.5), [lane("P", "Q", unit=0.3)])
    assert found["idle_cost_avoided_amount"][0] > 0
    assert found["lost_sales_avoided_amount"][0] == 0


def test_what_is_not_known_is_not_moved():
    unknown = place("P", 40, 12, 8) | {"target_qty": None}
    schema = {"target_qty": pl.Float64}
    frame = pl.DataFrame([unknown, place("Q", 0, 12, 8)], schema_overrides=schema)
    assert propose_transfers(frame, pl.DataFrame([lane("P", "Q")]), POISSON, FREE, AS_OF).lines.is_empty()


def test_what_a_place_orders_from_the_one_that_feeds_it_is_no_transfer():
    places = [place("P", 40, 12, 8), place("Q", 0, 12, 8)]
    fed = pl.DataFrame([("P", "Q", "A")], schema=NO_FEEDING.schema, orient="row")
    assert plan(places, [lane("P", "Q")], feeding=fed).is_empty()
    elsewhere = fed.with_columns(sku_id=pl.lit("B"))
    assert not plan(places, [lane("P", "Q")], feeding=elsewhere).is_empty()


def test_a_shelf_takes_no_more_than_it_holds():
    full = place("Q", 0, 12, 8) | {"most_qty": 3.0}
    assert quantities(plan([place("P", 40, 12, 8), full], [lane("P", "Q")])) == {("P", "Q"): 3}


def test_what_the_order_is_worth_more_for_is_not_moved_and_the_units_go_elsewhere():
    # the nearer Q would take all three; its order is worth more, so R gets them
    places = [place("P", 15, 12, 8), place("Q", 0, 12, 8), place("R", 6, 12, 8)]
    lanes = [lane("P", "Q"), lane("P", "R")]
    assert quantities(plan(places, lanes)) == {("P", "Q"): 3}
    worth = plan(places, lanes)["net_gain_amount"][0]

    def order(value: float) -> pl.DataFrame:
        return pl.DataFrame([("A", "Q", "order", value)], schema=ACTIONS_SCHEMA, orient="row")

    assert quantities(plan(places, lanes, rivals=order(worth + 0.01))) == {("P", "R"): 3}
    kept = plan(places, lanes, rivals=order(worth - 0.01))
    assert quantities(kept) == {("P", "Q"): 3}
    assert kept["order_gain_amount"].to_list() == [worth - 0.01]
    found = propose_transfers(
        pl.DataFrame(places), pl.DataFrame(lanes), POISSON, FREE, AS_OF, NO_FEEDING, order(worth + 0.01)
    )
    assert found.beaten.rows() == [("A", "Q", pytest.approx(worth))]


def test_what_is_lost_while_the_units_are_on_the_lane_is_not_avoided():
    places = [place("P", 40, 12, 8), place("Q", 0, 12, 7, margin=2.0)]
    found = plan(places, [lane("P", "Q", unit=0.5, days=2.0)])
    # 1 a day and nothing there: 2 of 7 are lost before the van comes
    assert found["destination_lost_before_arrival_qty"].to_list() == pytest.approx([2.0])
    moved = int(found["qty"][0])
    saved = shortage(5, 0) - shortage(5, moved)
    kept = shortage(8, 40 - moved) - shortage(8, 40)
    assert found["lost_sales_avoided_amount"][0] == pytest.approx(2 * (saved - kept), rel=1e-3)
    assert moved < plan(places, [lane("P", "Q", unit=0.5)])["qty"][0]
    assert found["arrives_on"].to_list() == [date(2025, 3, 5)]


def test_over_a_lane_as_long_as_the_days_to_bridge_nothing_is_moved():
    places = [place("P", 40, 12, 8), place("Q", 0, 12, 8)]
    assert not plan(places, [lane("P", "Q", days=6.2 - 1)]).is_empty()
    assert plan(places, [lane("P", "Q", days=6.2)]).is_empty()


def test_the_later_lane_is_taken_where_it_is_cheaper_by_more_than_it_loses():
    places = [place("P", 40, 10, 8), place("R", 40, 10, 8), place("Q", 0, 10, 8)]

    def taken(dearer: float) -> dict[tuple[str, str], float]:
        return quantities(plan(places, [lane("P", "Q", unit=0.1 + dearer), lane("R", "Q", 0.1, days=3.0)]))

    assert taken(0.0) == {("P", "Q"): 10}
    # 3 of 7 days later 8 x 4 / 7 = 4.57 are still to be sold: 2 x P(D > 7) = 0.19 pays, 2 x P(D > 8) = 0.09 does not
    assert taken(1.8) == {("R", "Q"): 8}


def test_what_comes_to_a_place_comes_on_one_day():
    # P alone cannot fill it, and both would pay
    places = [place("P", 15, 10, 8), place("R", 14, 10, 8), place("Q", 0, 10, 8)]
    lanes = [lane("P", "Q", unit=0.1), lane("R", "Q", unit=0.1, days=1.0)]
    assert quantities(plan(places, lanes)) == {("P", "Q"): 5}
    same = [lane("P", "Q", unit=0.1, days=1.0), lane("R", "Q", unit=0.1, days=1.0)]
    assert quantities(plan(places, same)) == {("P", "Q"): 5, ("R", "Q"): 4}


@pytest.mark.parametrize("rate", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("days", [1, 2, 5])
def test_the_units_saved_are_those_of_lost_sales_day_by_day(rate: float, days: int):
    """Against the exact expectation over demand before and after the arrival, with 9 days to bridge."""
    first, rest = (stats.poisson(rate * n).pmf(np.arange(80)) for n in (days, 9 - days))
    early, late = np.meshgrid(np.arange(80), np.arange(80), indexing="ij")
    for stock in (0, 1, 4):
        for moved in (1, 4, 8):
            left = np.maximum(stock - early, 0)
            exact = float(first @ (np.maximum(late - left, 0) - np.maximum(late - left - moved, 0)) @ rest)
            # a van that brings so many units and no others
            here = place("Q", stock, stock + moved, 9 * rate) | {"protection_days": 9.0}
            there = place("P", 99, 0, 0.001, margin=0.0, pack=float(moved)) | {"protection_days": 9.0}
            here["order_multiple"] = float(moved)
            found = plan([there, here], [lane("P", "Q", unit=0.0, days=days)], TransferRules(-1e9))
            before, after = (found[f"destination_expected_lost_{when}_qty"][0] for when in ("before", "after"))
            assert before - after == pytest.approx(exact, abs=0.15), (stock, moved)


stores = st.tuples(st.integers(0, 9), st.integers(0, 6), st.floats(0.2, 6), st.floats(0.5, 5))


@settings(max_examples=25, deadline=None)
@given(st.lists(stores, min_size=3, max_size=3), st.lists(st.floats(0, 2), min_size=6, max_size=6))
def test_no_other_plan_of_three_places_is_better_and_units_are_conserved(rows, costs):
    names = ["P", "Q", "R"]
    places = [place(n, p, t, m, margin=g) for n, (p, t, m, g) in zip(names, rows, strict=True)]
    pairs = list(itertools.permutations(names, 2))
    lanes = [lane(a, b, unit=c) for (a, b), c in zip(pairs, costs, strict=True)]
    found = plan(places, lanes, TransferRules(-1e9))
    by_name = {p["location_id"]: p for p in places}

    def worth(moved: dict[tuple[str, str], float]) -> float:
        total = 0.0
        for (a, b), quantity in moved.items():
            total -= quantity * costs[pairs.index((a, b))]
        for name, p in by_name.items():
            change = sum(q for (a, b), q in moved.items() if b == name) - sum(
                q for (a, b), q in moved.items() if a == name
            )
            before, after = p["position_qty"], p["position_qty"] + change
            total += p["unit_margin"] * (shortage(p["demand_mean_qty"], before) - shortage(p["demand_mean_qty"], after))
        return total

    spare = {n: max(p["position_qty"] - p["target_qty"], 0) for n, p in by_name.items()}
    room = {n: max(p["target_qty"] - p["position_qty"], 0) for n, p in by_name.items()}
    best = 0.0
    possible = [pair for pair in pairs if spare[pair[0]] and room[pair[1]]]
    for moves in itertools.product(*(range(int(min(spare[a], room[b])) + 1) for a, b in possible)):
        moved = {pair: float(q) for pair, q in zip(possible, moves, strict=True) if q}
        if all(sum(q for (a, _), q in moved.items() if a == n) <= spare[n] for n in names) and all(
            sum(q for (_, b), q in moved.items() if b == n) <= room[n] for n in names
        ):
            best = max(best, worth(moved))
    assert worth(quantities(found)) == pytest.approx(best, rel=1e-3, abs=1e-3)
    assert found["net_gain_amount"].sum() == pytest.approx(best, rel=1e-3, abs=1e-3)
