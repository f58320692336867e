"""Rules under unknown demand against textbook vectors (row numbers: design/numbers.md, section 3)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ml.planning import reorder_points


def close(value):
    return pytest.approx(value, rel=1e-4)


POISSON_6 = stats.poisson(6)


@pytest.mark.parametrize(
    ("demand", "holding", "penalty", "stock", "cost"),
    [
        (stats.norm(50, 8), 0.18, 0.70, 56.603956, 1.997605),
        (stats.norm(250, 8 * np.sqrt(5)), 0.18, 0.70, 264.766894, 4.466781),
        (stats.poisson(50), 0.18, 0.70, 56, 1.797235),
        (POISSON_6, 1, 4, 8, 3.570107),
        (stats.lognorm(s=0.3, scale=np.exp(6)), 1, 0.1765, 295.626645, 29.442544),
    ],
    ids=["row 1", "row 2", "row 3", "row 4", "row 5"],
)
def test_newsvendor_of_rows_1_to_5(demand, holding, penalty, stock, cost):
    best = reorder_points.newsvendor(demand, holding, penalty)
    assert best == close(stock)
    assert reorder_points.newsvendor_cost(demand, holding, penalty, best) == close(cost)


@pytest.mark.parametrize(
    ("demand", "terms", "stock", "cost"),
    [
        (stats.norm(50, 8), (0.18, 0.70), 40, 7.356132),
        (stats.norm(50, 8), (0.18, 0.70), 60, 2.156132),
        (POISSON_6, (1, 4), 5, 6.590296),
    ],
)
def test_what_another_stock_costs(demand, terms, stock, cost):
    assert reorder_points.newsvendor_cost(demand, *terms, stock) == close(cost)


@pytest.mark.parametrize(
    ("demand", "prices", "stock", "profit"),
    [
        (stats.norm(50, 8), (1, 0.3, 0.12), 56.603956, 33.002395),
        (stats.poisson(50), (1, 0.3, 0.12), 56, 33.202765),
        (stats.norm(350, 100), (250, 100, 80), 468.68, 49_146.55),
    ],
    ids=["row 6", "row 6, Poisson", "row 21"],
)
def test_profit_of_rows_6_and_21(demand, prices, stock, profit):
    sell, buy, salvage = prices
    best = reorder_points.newsvendor(demand, buy - salvage, sell - buy)
    assert best == close(stock)
    cost = reorder_points.newsvendor_cost(demand, buy - salvage, sell - buy, best)
    assert (sell - buy) * demand.mean() - cost == close(profit)


def test_reorder_point_and_quantity_of_row_12():
    terms = (0.225, 7.5, 8, 1300 / 12, 150 / np.sqrt(12), 1300)
    assert reorder_points.reorder_point_cost(126.8, 328.5, *terms) == close(78.071163)
    assert reorder_points.reorder_point_quantity(*terms) == close((126.86706, 328.44914, 78.071146))


def test_s_s_of_rows_13_and_14():
    s, level, cost = reorder_points.s_s_policy(POISSON_6, 1, 4, 5)
    assert (s, level) == (4, 10)
    assert cost == close(8.034112)
    assert reorder_points.power_approximation(50, 8, 0.18, 0.70, 2.5) == close((40.194617, 74.290170))


@pytest.mark.parametrize(
    ("demand", "stock", "short"),
    [
        (stats.norm(0, 1), 1.3, 0.045528),
        (stats.norm(15, 3), 18.6, 0.168307),
        (stats.poisson(15), 18, 0.517610),
        (stats.nbinom(23**2 / (64 - 23), 23 / 64), 14, 9.326460),
        (stats.gamma(2, scale=3), 4, 2.635971),
    ],
)
def test_loss_of_row_15(demand, stock, short):
    assert reorder_points.loss(demand, stock) == close(short)


@pytest.mark.parametrize(
    ("fill", "stock"), [(0.975, 66.70), (0.98, 182.97), (0.985, 321.53), (0.99, 499.25), (0.995, 767.05)]
)
def test_safety_stock_for_a_fill_rate_of_row_17(fill, stock):
    sd = 500 * np.sqrt(2)
    assert reorder_points.safety_factor_for_fill_rate(fill, 10_000, sd) * sd == pytest.approx(stock, rel=1e-4, abs=0.01)


def test_mustard_of_rows_22_and_23():
    assert reorder_points.lot_size_reorder_point(2, 25, 50, 100, 25, 200) == pytest.approx((110.77, 142.57), abs=0.01)
    z = reorder_points.safety_factor_for_fill_rate(0.98, 100, 25)
    assert (z, 100 + 25 * z) == close((1.02124, 125.53))
