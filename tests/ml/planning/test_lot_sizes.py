"""Lot sizes against textbook vectors (row numbers: design/numbers.md, section 3)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.planning import lot_sizes


def close(value):
    return pytest.approx(value, rel=1e-4)


def test_economic_order_quantity_of_row_7():
    assert lot_sizes.economic_order_quantity(8, 0.225, 1300) == close((304.046780, 68.410526))


def test_backorders_of_row_8():
    assert lot_sizes.order_quantity_with_backorders(8, 0.225, 1300, 5) == close((310.812555, 0.043062, 66.921364))


def test_production_and_discounts_of_row_9():
    assert lot_sizes.economic_production_quantity(8, 0.225, 1300, 1700) == close((626.808495, 33.183979))
    assert lot_sizes.all_units_discount(200, 0.20, 1000, [0, 200, 500], [500, 475, 450])[0] == 500
    found = lot_sizes.incremental_discount(150, 0.25, 2400, [0, 300, 600], [100, 90, 80])
    assert found == close((1481.890684, 222_762.813685))


def test_joint_replenishment_of_row_10():
    order, holding = np.array([120.0, 840.0, 300.0]), np.array([160.0, 20.0, 50.0])
    cycle, multiples, cost = lot_sizes.joint_replenishment(600, order, holding, np.ones(3))
    assert (cycle, cost) == close((3.103164, 837.854403))
    assert multiples.tolist() == [1, 3, 1]


def test_known_demand_of_rows_11_and_24():
    assert lot_sizes.wagner_whitin(500, 2, [90, 120, 80, 70]) == ([210, 0, 150, 0], 1380)
    lots = ([48, 0, 47, 0, 20], 310)
    assert (
        lot_sizes.silver_meal(80, 2, [18, 30, 42, 5, 20]) == lots == lot_sizes.wagner_whitin(80, 2, [18, 30, 42, 5, 20])
    )


@given(st.floats(0.8, 1.2), st.floats(1, 500), st.floats(0.01, 10), st.floats(1, 1e5))
def test_a_fifth_off_the_best_quantity_costs_a_fiftieth_or_less(factor, order_cost, holding_cost, demand):
    quantity, best = lot_sizes.economic_order_quantity(order_cost, holding_cost, demand)
    cost = order_cost * demand / (factor * quantity) + holding_cost * factor * quantity / 2
    assert best * (1 - 1e-9) <= cost <= best * 1.0251


@given(st.lists(st.integers(0, 100), min_size=1, max_size=8), st.integers(1, 400), st.floats(0.1, 5))
def test_no_heuristic_beats_the_exact_plan_and_all_serve_every_period(demand, order_cost, holding_cost):
    exact, cost = lot_sizes.wagner_whitin(order_cost, holding_cost, demand)
    heuristic, more = lot_sizes.silver_meal(order_cost, holding_cost, demand)
    assert cost <= more + 1e-9
    for lots in (exact, heuristic):
        assert sum(lots) == sum(demand)
        assert (np.cumsum(lots) >= np.cumsum(demand)).all()
