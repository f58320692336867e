"""Serving open orders: the near and idle place first, splits only where they pay, never more than is there."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.planning.order_sourcing import SHORT, SOURCED_SCHEMA, SPLIT, SourcingRules, distance_km, source_orders

RULES = SourcingRules(
    cost_per_km=0.01,
    cost_per_parcel=4.0,
    split_penalty=3.0,
    other_region_km=500.0,
    nearest_places=5,
)
PLACES = pl.DataFrame(
    [
        ("berlin", "north", 52.52, 13.405),
        ("hamburg", "north", 53.551, 9.994),
        ("munich", "south", 48.137, 11.575),
    ],
    schema=["location_id", "region", "latitude", "longitude"],
    orient="row",
)


def order(number: str, *lines: tuple[str, float], latitude=52.5, longitude=13.4, region=None) -> list[dict]:
    return [
        {
            "source": "shop",
            "order_id": number,
            "line_number": i,
            "sku_id": sku,
            "quantity": float(quantity),
            "region": region,
            "latitude": latitude,
            "longitude": longitude,
        }
        for i, (sku, quantity) in enumerate(lines, start=1)
    ]


def shelf(sku: str, place: str, free: float, keep: float = 0.0) -> dict:
    return {"sku_id": sku, "location_id": place, "free_qty": float(free), "keep_value": keep}


def served(lines: list[dict], stock: list[dict], rules=RULES) -> pl.DataFrame:
    schema = {"region": pl.String, "latitude": pl.Float64, "longitude": pl.Float64}
    found = source_orders(pl.DataFrame(lines, schema_overrides=schema), PLACES, pl.DataFrame(stock), rules)
    assert found.schema == SOURCED_SCHEMA
    assert_rebuilt(found)
    return found


def assert_rebuilt(found: pl.DataFrame) -> None:
    """Quantity and cost of every line follow from its own columns."""
    for row in found.iter_rows(named=True):
        assert row["quantity"] == pytest.approx(row["sourced_qty"] + row["served_elsewhere_qty"] + row["short_qty"])
        if row["location_id"] is None:
            continue
        left = row["free_before_qty"] - row["taken_by_others_qty"] - row["sourced_qty"]
        assert left == pytest.approx(row["free_after_qty"])
        assert left >= 0
        parcel = row["cost_per_parcel"] * row["sourced_qty"] / row["parcel_units_qty"]
        parcel += row["split_penalty"] * (row["parcels"] - 1) * row["sourced_qty"] / row["order_units_qty"]
        way = row["distance_km"] * row["cost_per_km"] + row["keep_value_unit_amount"]
        assert row["landed_cost_amount"] == pytest.approx(row["sourced_qty"] * way + parcel)


def where(found: pl.DataFrame) -> list[tuple]:
    return found.select("order_id", "line_number", "location_id", "sourced_qty").rows()


def test_distance_from_berlin_to_munich():
    frame = pl.DataFrame({"a": [52.52], "b": [13.405], "c": [48.137], "d": [11.575]})
    km = frame.select(distance_km(pl.col("a"), pl.col("b"), pl.col("c"), pl.col("d"))).item()
    assert km == pytest.approx(504.3, abs=0.5)


def test_the_nearest_place_serves():
    found = served(order("o1", ("A", 2)), [shelf("A", "munich", 9), shelf("A", "berlin", 9)])
    assert where(found) == [("o1", 1, "berlin", 2)]
    row = found.row(0, named=True)
    assert row["parcel_amount"] == 4
    assert row["landed_cost_amount"] == pytest.approx(4 + row["transport_amount"])


def test_a_place_that_sells_the_unit_itself_is_spared():
    stock = [shelf("A", "berlin", 3, keep=9.0), shelf("A", "hamburg", 30, keep=0.0)]
    assert where(served(order("o1", ("A", 1)), stock)) == [("o1", 1, "hamburg", 1)]


def test_one_parcel_from_further_away_beats_two():
    stock = [shelf("A", "berlin", 5), shelf("A", "hamburg", 5), shelf("B", "hamburg", 5)]
    assert where(served(order("o1", ("A", 1), ("B", 1)), stock)) == [("o1", 1, "hamburg", 1), ("o1", 2, "hamburg", 1)]


def test_a_split_where_no_place_has_all():
    found = served(order("o1", ("A", 1), ("B", 1)), [shelf("A", "berlin", 5), shelf("B", "munich", 5)])
    assert where(found) == [("o1", 1, "berlin", 1), ("o1", 2, "munich", 1)]
    assert set(found["reason"]) == {SPLIT}
    assert found["parcel_amount"].sum() == 4 + 4 + 3


def test_what_is_nowhere_is_said():
    found = served(order("o1", ("A", 5), ("Z", 1)), [shelf("A", "berlin", 3)])
    assert where(found) == [("o1", 1, "berlin", 3), ("o1", 1, None, 0), ("o1", 2, None, 0)]
    assert found["reason"].to_list()[1:] == [SHORT, SHORT]


def test_orders_share_what_is_scarce_by_cost():
    # both want the last unit of Berlin: the one in Berlin gets it, the other one is as near to Hamburg
    lines = order("near", ("A", 1)) + order("far", ("A", 1), latitude=53.5, longitude=10.0)
    stock = [shelf("A", "berlin", 1), shelf("A", "hamburg", 1)]
    assert where(served(lines, stock)) == [("far", 1, "hamburg", 1), ("near", 1, "berlin", 1)]


def test_two_shops_may_number_their_orders_alike():
    ours = order("o1", ("A", 1))
    theirs = [line | {"source": "app"} for line in order("o1", ("A", 2))]
    found = served(ours + theirs, [shelf("A", "berlin", 9)])
    assert found.select("source", "sourced_qty", "parcels").rows() == [("app", 2, 1), ("shop", 1, 1)]


def test_without_coordinates_the_region_decides():
    lines = order("o1", ("A", 1), latitude=None, longitude=None, region="south")
    assert where(served(lines, [shelf("A", "berlin", 5), shelf("A", "munich", 5)])) == [("o1", 1, "munich", 1)]


quantities = st.integers(1, 3)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.sampled_from("AB"), quantities), min_size=1, max_size=2), min_size=1, max_size=4),
    st.lists(st.integers(0, 4), min_size=6, max_size=6),
)
def test_never_more_than_is_there_and_nothing_is_forgotten(baskets, free):
    lines = list(itertools.chain.from_iterable(order(f"o{i}", *basket) for i, basket in enumerate(baskets)))
    shelves = itertools.product("AB", PLACES["location_id"])
    stock = [shelf(sku, place, quantity) for (sku, place), quantity in zip(shelves, free, strict=True)]
    found = served(lines, stock)
    there = {(s["sku_id"], s["location_id"]): s["free_qty"] for s in stock}
    taken = found.drop_nulls("location_id").group_by("sku_id", "location_id").agg(pl.col("sourced_qty").sum())
    assert all(quantity <= there[sku, place] for sku, place, quantity in taken.iter_rows())
    for sku in "AB":
        wanted = sum(line["quantity"] for line in lines if line["sku_id"] == sku)
        have = sum(quantity for (s, _), quantity in there.items() if s == sku)
        assert found.filter(pl.col("sku_id") == sku)["sourced_qty"].sum() == min(wanted, have)
    assert set(found.select("order_id", "line_number").iter_rows()) == {
        (x["order_id"], x["line_number"]) for x in lines
    }
