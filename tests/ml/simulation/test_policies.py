"""Rules by hand-computed levels."""

from __future__ import annotations

import numpy as np
import pytest

from ml.simulation.policies import EmpiricalQuantile, MinMax, NormalSafetyStock, PlannedLevels
from ml.simulation.replay import Known


def known(sold: list[list[float]], day: int = 0) -> Known:
    return Known(day, np.array(sold, dtype=float), np.zeros(len(sold)))


def test_min_and_max_are_days_of_the_average():
    low, high = MinMax(cover_days=10, window_days=4, order_days=3).levels(known([[9, 1, 2, 3, 2], [9, 0, 0, 0, 0]]))
    assert high.tolist() == [20, 0]
    assert low.tolist() == [14, 0]


def test_min_max_without_order_days_fills_up_at_every_review():
    low, high = MinMax(cover_days=2, window_days=2).levels(known([[1, 1]]))
    assert high[0] == 2
    assert 1.99 < low[0] < 2


def test_normal_safety_stock_of_row_20():
    # weekly N(2500, 500): two values with that mean and standard deviation
    sold = [[2500 - 500 / np.sqrt(2), 2500 + 500 / np.sqrt(2)]]
    level, same = NormalSafetyStock(0.9, protection_days=6, lead_time_sd_days=0, window_days=2).levels(known(sold))
    assert level[0] == same[0] == pytest.approx(16569.57, abs=1)


def test_the_quantile_of_past_sums_looks_at_every_window():
    # sums of two days: 3, 5, 7, 9; the middle one of four, interpolated, rounded up
    level, _ = EmpiricalQuantile(0.5, protection_days=2, window_days=4).levels(known([[0, 1, 2, 3, 4, 5]]))
    assert level[0] == 6


def test_planned_levels_are_those_of_the_review():
    rule = PlannedLevels(np.array([[35.0, 20.0]]), np.array([0, 1]))
    assert [rule.levels(known([[0]], day))[0].tolist() for day in (0, 1)] == [[35], [20]]
