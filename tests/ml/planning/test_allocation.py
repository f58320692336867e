"""Splitting what is too little: by value, by share, behind ring-fences; never more than there is."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml.forecasting.distribution import ALL, COUNT, DISPERSION_SCHEMA
from ml.planning.allocation import ALLOCATED_SCHEMA, FENCES_SCHEMA, allocate

# alpha at its floor: demand is Poisson for all that matters here
POISSON = pl.DataFrame([(COUNT, ALL, 0, 7, 1.0, 1e-9, 0.0, 0)], schema=DISPERSION_SCHEMA, orient="row")
NO_FENCE = pl.DataFrame(schema=FENCES_SCHEMA)


def request(
    place: str, quantity: float, *, stock: float = 0, mean: float = 10, margin: float | None = 1, pack=1.0, least=0.0
):
    return {
        "from_location_id": "DC",
        "sku_id": "A",
        "location_id": place,
        "order_qty": float(quantity),
        "order_multiple": pack,
        "min_order_qty": least,
        "inventory_position_qty": float(stock),
        "demand_mean_qty": float(mean),
        "protection_days": 7,
        "segment": ALL,
        "unit_margin": margin,
    }


def supply(quantity: float) -> pl.DataFrame:
    return pl.DataFrame({"from_location_id": ["DC"], "sku_id": ["A"], "available_qty": [float(quantity)]})


def shares(lines: list[dict], quantity: float, fences: pl.DataFrame = NO_FENCE, method="value") -> dict[str, float]:
    found = allocate(pl.DataFrame(lines), supply(quantity), fences, POISSON, method)
    assert found.schema == ALLOCATED_SCHEMA
    assert found["allocated_qty"].to_list() == pytest.approx(rebuilt(found))
    return dict(found.select("location_id", "allocated_qty").iter_rows())


def rebuilt(found: pl.DataFrame) -> list[float]:
    """The allocated quantity of every line from its own columns."""
    rows = []
    for line in found.iter_rows(named=True):
        pack = line["order_multiple"]
        packs = math.floor((line["available_qty"] - line["allocated_to_others_qty"]) / pack + 1e-9)
        smallest = math.ceil(max(line["min_order_qty"], pack) / pack - 1e-9) * pack
        fits = min(line["requested_qty"], packs * pack)
        rows.append(fits if fits >= min(smallest, line["requested_qty"]) else 0.0)
    return rows


def test_units_go_where_the_next_one_is_worth_most():
    # the same demand, another margin: a unit at P earns three times as much, so P is served until its next unit
    # saves a third of what Q's next one does
    found = allocate(
        pl.DataFrame([request("P", 15, margin=3), request("Q", 15, margin=1)]), supply(20), NO_FENCE, POISSON
    )
    p, q = found.iter_rows(named=True)
    assert p["allocated_qty"] + q["allocated_qty"] == 20
    assert p["allocated_qty"] > q["allocated_qty"]
    given_least = min(p["last_unit_value_amount"], q["last_unit_value_amount"])
    missed_most = max(x["next_unit_value_amount"] for x in (p, q))
    assert given_least >= missed_most
    tail = stats.poisson(10).sf(p["allocated_qty"] - 1)
    assert p["last_unit_value_amount"] == pytest.approx(3 * tail, rel=1e-3)
    assert p["expected_lost_before_qty"] == pytest.approx(10)


def test_enough_for_all_is_no_allocation():
    found = allocate(pl.DataFrame([request("P", 5), request("Q", 5)]), supply(10), NO_FENCE, POISSON)
    assert found.is_empty()


def test_what_the_source_does_not_have_is_not_given():
    elsewhere = pl.DataFrame({"from_location_id": ["X"], "sku_id": ["A"], "available_qty": [9.0]})
    found = allocate(pl.DataFrame([request("P", 5)]), elsewhere, NO_FENCE, POISSON)
    assert found.select("allocated_qty", "short_qty").row(0) == (0, 5)


def test_a_place_with_stock_waits():
    assert shares([request("P", 10, stock=0), request("Q", 10, stock=12)], 8) == {"P": 8, "Q": 0}


def test_fair_share_fills_the_same_part_of_each_request():
    assert shares([request("P", 20), request("Q", 10)], 15, method="fair_share") == {"P": 10, "Q": 5}


def test_ring_fenced_units_go_first():
    fence = pl.DataFrame([{"from_location_id": "DC", "sku_id": "A", "location_id": "Q", "ring_fenced_qty": 4.0}])
    lines = [request("P", 10, margin=100), request("Q", 10, margin=1)]
    assert shares(lines, 10) == {"P": 10, "Q": 0}
    assert shares(lines, 10, fence) == {"P": 6, "Q": 4}


def test_a_pack_too_large_for_the_rest_is_passed_over():
    lines = [request("P", 12, mean=30, margin=5, pack=6.0), request("Q", 4, mean=30, margin=1)]
    assert shares(lines, 9) == {"P": 6, "Q": 3}


def test_less_than_the_smallest_order_is_not_given():
    # 7 are there: P's first piece is its minimum of 6, Q's too; the one that is left over fits nobody
    lines = [request("P", 12, margin=5, least=6.0), request("Q", 12, margin=1, least=6.0)]
    assert shares(lines, 7) == {"P": 7, "Q": 0}
    assert shares(lines, 5) == {"P": 0, "Q": 0}
    assert shares(lines, 14) == {"P": 12, "Q": 0}, "2 are left, and Q takes 6 at least"


places = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 20), st.integers(0, 15), st.floats(0.1, 9), st.sampled_from([1, 2, 6])),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(places, st.integers(0, 60), st.sampled_from(["value", "fair_share"]))
def test_never_more_than_there_is_nor_than_was_asked_and_whole_packs(rows, quantity, method):
    lines = [
        request(f"P{i}", packs * size, stock=stock, mean=mean, margin=margin, pack=float(size))
        for i, (packs, mean, stock, margin, size) in enumerate(rows)
    ]
    found = allocate(pl.DataFrame(lines), supply(quantity), NO_FENCE, POISSON, method)
    if found.is_empty():
        assert sum(line["order_qty"] for line in lines) <= quantity
        return
    assert found["allocated_qty"].to_list() == pytest.approx(rebuilt(found))
    assert found["allocated_qty"].sum() <= quantity
    assert (found["allocated_qty"] <= found["requested_qty"]).all()
    assert ((found["allocated_qty"] % found["order_multiple"]) == 0).all()
    smallest = found.filter(pl.col("short_qty") > 0)["order_multiple"].min()
    assert quantity - found["allocated_qty"].sum() < smallest, "what is left is too little for any pack asked for"
