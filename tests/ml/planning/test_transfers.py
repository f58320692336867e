"""Moves between places: by hand, against every other plan of small networks, and with nothing lost on the way."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml.forecasting.distribution import COUNT, DISPERSION_SCHEMA
from ml.planning.transfers import TRANSFERS_SCHEMA, TransferRules, propose_transfers

POISSON = pl.DataFrame([(COUNT, 0, 7, 1.0, 1e-9, 0)], schema=DISPERSION_SCHEMA, orient="row")
FREE = TransferRules(idle_cost_share=0.0, min_net_gain_amount=0.01)


def place(where: str, position: float, target: float, mean: float, *, sku="A", pack=1.0, margin=2.0, movable=None):
    return {
        "sku_id": sku,
        "location_id": where,
        "position_qty": float(position),
        "movable_qty": float(position if movable is None else movable),
        "target_qty": float(target),
        "demand_mean_qty": float(mean),
        "protection_days": 7,
        "unit_margin": margin,
        "unit_cost": 1.0,
        "order_multiple": pack,
    }


def lane(source: str, destination: str, unit=0.1, shipment=0.0):
    return {
        "from_location_id": source,
        "to_location_id": destination,
        "lead_time_days": 1.0,
        "cost_per_unit": unit,
        "cost_per_shipment": shipment,
    }


def plan(places, lanes, rules=FREE) -> pl.DataFrame:
    found = propose_transfers(pl.DataFrame(places), pl.DataFrame(lanes), POISSON, rules)
    assert found.schema == TRANSFERS_SCHEMA
    return found


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
    assert plan(places, [lane("P", "Q")], TransferRules(0.0, 5.0)).is_empty()


def test_idle_units_are_worth_moving_where_they_sell():
    # the destination hardly needs them, but the source never will
    places = [place("P", 12, 0, 0.01, margin=0.0), place("Q", 4, 10, 9, margin=0.0)]
    assert plan(places, [lane("P", "Q", unit=0.3)]).is_empty()
    found = plan(places, [lane("P", "Q", unit=0.3)], TransferRules(0.5, 0.01))
    assert found["idle_cost_avoided_amount"][0] > 0
    assert found["lost_sales_avoided_amount"][0] == 0


def test_what_is_not_known_is_not_moved():
    unknown = place("P", 40, 12, 8) | {"target_qty": None}
    schema = {"target_qty": pl.Float64}
    frame = pl.DataFrame([unknown, place("Q", 0, 12, 8)], schema_overrides=schema)
    assert propose_transfers(frame, pl.DataFrame([lane("P", "Q")]), POISSON, FREE).is_empty()


stores = st.tuples(st.integers(0, 9), st.integers(0, 6), st.floats(0.2, 6), st.floats(0.5, 5))


@settings(max_examples=25, deadline=None)
@given(st.lists(stores, min_size=3, max_size=3), st.lists(st.floats(0, 2), min_size=6, max_size=6))
def test_no_other_plan_of_three_places_is_better_and_units_are_conserved(rows, costs):
    names = ["P", "Q", "R"]
    places = [place(n, p, t, m, margin=g) for n, (p, t, m, g) in zip(names, rows, strict=True)]
    pairs = list(itertools.permutations(names, 2))
    lanes = [lane(a, b, unit=c) for (a, b), c in zip(pairs, costs, strict=True)]
    found = plan(places, lanes, TransferRules(0.0, -1e9))
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
