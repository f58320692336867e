"""Metrics against the vectors of design/numbers.md section 1."""

import numpy as np
import pytest

from ml.forecasting import metrics

TRAIN = np.array([0, 0, 3, 0, 2, 5, 0, 4.0])
ACTUAL = np.array([1, 0, 6.0])
FORECAST = np.array([2, 1, 3.0])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (metrics.rmsse(ACTUAL, FORECAST, TRAIN), 0.539449),
        (metrics.mase(ACTUAL, FORECAST, TRAIN), 0.490196),
        (metrics.wmape(ACTUAL, FORECAST), 0.714286),
        (metrics.bias(ACTUAL, FORECAST), -0.142857),
        (metrics.vn1(ACTUAL, FORECAST), 0.857143),
        (metrics.pinball(ACTUAL, FORECAST, 0.025), 0.675),
        (metrics.pinball(ACTUAL, FORECAST, 0.5), 0.833333),
        (metrics.pinball(ACTUAL, FORECAST, 0.9), 0.966667),
        (metrics.scaled_pinball(ACTUAL, FORECAST, 0.025, TRAIN), 0.198529),
        (metrics.scaled_pinball(ACTUAL, FORECAST, 0.5, TRAIN), 0.245098),
        (metrics.scaled_pinball(ACTUAL, FORECAST, 0.9, TRAIN), 0.284314),
        (metrics.coverage(ACTUAL, FORECAST), 2 / 3),
    ],
)
def test_vectors(value: float, expected: float) -> None:
    assert value == pytest.approx(expected, rel=1e-4)


def test_without_demand_the_ratios_are_not_numbers() -> None:
    nothing = np.zeros(3)
    assert np.isnan(metrics.wmape(nothing, FORECAST))
    assert np.isnan(metrics.rmsse(ACTUAL, FORECAST, np.zeros(8)))


def test_demand_classes() -> None:
    rng = np.random.default_rng(0)
    demand = np.zeros((7, 52))
    demand[0] = rng.integers(9, 12, 52)
    demand[1] = rng.choice([1, 40], 52)
    demand[2, ::3] = 5
    demand[3, ::3] = rng.choice([1, 60], 18)
    demand[4, [3, 30]] = 1
    demand[5, 48:] = 2
    born = np.array([0, 0, 0, 0, 3, 48, 52])
    expected = ["smooth", "erratic", "intermittent", "lumpy", "rare", "new", "unsold"]
    assert metrics.demand_classes(demand, born).tolist() == expected
