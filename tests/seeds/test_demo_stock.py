"""The simulated year: stock adds up, no real sale is contradicted, whatever the terms are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seeds.demo.stock import Ledger, Terms, simulate

DAYS, SHUT = 60, 30


def random_terms(rng: np.random.Generator, count: int, is_supplied: np.ndarray) -> Terms:
    low = rng.integers(0, 4, count)
    multiple = rng.choice([1, 4, 6, 12], count)
    order_days = rng.random((7, count)) < 0.4
    return Terms(
        first_day=np.where(rng.random(count) < 0.3, rng.integers(0, 20, count), 0),
        low=low,
        high=low + rng.integers(1, 9, count),
        multiple=multiple,
        minimum=multiple * rng.integers(1, 3, count),
        lead_days=rng.integers(1, 9, count).astype(float),
        lead_sd=rng.uniform(0, 3, count),
        order_days=order_days,
        is_supplied=is_supplied,
    )


def random_year(seed: int) -> tuple[Terms, np.ndarray, Terms, np.ndarray, Ledger, Ledger]:
    rng = np.random.default_rng(seed)
    count, houses = 12, 3
    feeder = rng.integers(-1, houses, count)
    stores = random_terms(rng, count, feeder < 0)
    depots = random_terms(rng, houses, np.ones(houses, dtype=bool))
    depots.first_day[:] = 0
    sales = rng.poisson(rng.uniform(0, 1.5, count), (DAYS, count)) * (rng.random((DAYS, count)) < 0.3)
    sales[np.arange(DAYS)[:, None] < stores.first_day] = 0
    sales[SHUT] = 0
    ledgers = simulate(stores, sales, depots, feeder, 6, {SHUT}, seed)
    return stores, sales, depots, feeder, *ledgers


def assert_adds_up(ledger: Ledger) -> None:
    before = np.vstack([ledger.opening, ledger.close[:-1]])
    assert (ledger.close == before + ledger.received - ledger.issued).all()
    assert (ledger.close >= 0).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_stock_adds_up_every_day_and_never_contradicts_a_sale(seed: int) -> None:
    _, sales, _, _, shops, houses = random_year(seed)
    assert_adds_up(shops)
    assert_adds_up(houses)
    assert (shops.issued == sales).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_receipt_has_its_order(seed: int) -> None:
    stores, _, depots, _, shops, houses = random_year(seed)
    for terms, ledger in ((stores, shops), (depots, houses)):
        orders, received = ledger.orders, np.zeros_like(ledger.received)
        here = orders.arrives_day < DAYS
        np.add.at(received, (orders.arrives_day[here], orders.row[here]), orders.received_qty[here])
        assert (received == ledger.received).all()
        assert (orders.ordered_qty % terms.multiple[orders.row] == 0).all()
        assert (orders.received_qty > 0).all()
        assert (orders.received_qty <= orders.ordered_qty).all()
        assert (orders.arrives_day >= orders.ordered_day).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_a_warehouse_issues_is_what_was_shipped_to_its_stores(seed: int) -> None:
    _, _, _, feeder, shops, houses = random_year(seed)
    shipped = np.zeros_like(houses.issued)
    orders = shops.orders
    fed = feeder[orders.row] >= 0
    np.add.at(shipped, (orders.ordered_day[fed], feeder[orders.row[fed]]), orders.received_qty[fed])
    assert (shipped == houses.issued).all()
    assert (orders.received_qty[fed] == orders.ordered_qty[fed]).all()


def test_the_same_seed_gives_the_same_year_and_another_one_another() -> None:
    one, again, other = (random_year(seed)[4].close for seed in (5, 5, 6))
    assert (one == again).all()
    assert (one != other).any()


def test_nothing_is_delivered_to_a_shop_on_a_shut_day() -> None:
    received = sum(random_year(seed)[4].received for seed in range(20))
    assert received[SHUT].sum() == 0
    assert received[SHUT - 1].sum() > 0
    assert received[SHUT + 1].sum() > 0


@pytest.mark.parametrize(("minimum", "ordered"), [(4, 8), (12, 12)])
def test_an_order_fills_up_to_the_level_in_whole_packs_and_no_more(minimum: int, ordered: int) -> None:
    stores = Terms(
        first_day=np.array([0]),
        low=np.array([0]),
        high=np.array([5]),
        multiple=np.array([4]),
        minimum=np.array([minimum]),
        lead_days=np.array([2.0]),
        lead_sd=np.array([0.0]),
        order_days=np.ones((7, 1), dtype=bool),
        is_supplied=np.array([True]),
    )
    sales = np.zeros((DAYS, 1), dtype=int)
    sales[0, 0] = 5  # all of the opening stock, so five are missing: two packs of four
    none = random_terms(np.random.default_rng(0), 0, np.zeros(0, dtype=bool))
    shops, _ = simulate(stores, sales, none, np.array([-1]), 6, set(), 1)
    assert shops.orders.ordered_qty.tolist() == [ordered]
    assert shops.orders.expected_day.tolist() == [2]


def test_a_sale_before_the_listing_is_refused() -> None:
    rng = np.random.default_rng(0)
    stores = random_terms(rng, 1, np.array([True]))
    stores.first_day[:] = 5
    sales = np.zeros((DAYS, 1), dtype=int)
    sales[2, 0] = 1
    with pytest.raises(AssertionError, match="before it is listed"):
        simulate(stores, sales, random_terms(rng, 0, np.zeros(0, dtype=bool)), np.array([-1]), 6, set(), 0)
