"""Demand over a window: textbook vectors, properties, calibration on generated demand."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from scipy import stats

from ml.forecasting.distribution import (
    ALL,
    COUNT,
    DISPERSION_SCHEMA,
    LEVELS,
    MEASURE,
    DemandDistribution,
    cdf,
    expected_shortage,
    quantile,
    table_quantiles,
)


def frame(family: str = COUNT, alpha: float | None = None) -> pl.DataFrame:
    rows = [
        (family, ALL, lead, window, rate, alpha or 0.5 / (1 + rate) + 1.0 / window + lead / 300, 0.0, 10)
        for lead in (0, 28)
        for window in (1, 7, 28)
        for rate in (0.01, 0.1, 1.0, 10.0)
    ]
    return pl.DataFrame(rows, schema=DISPERSION_SCHEMA, orient="row")


def test_textbook_losses() -> None:
    """design/numbers.md section 3, rows 15 and 25."""
    alpha = (8**2 - 23) / 23**2
    assert expected_shortage(23.0, alpha, 14.0) == pytest.approx(9.326460, rel=1e-5)
    assert expected_shortage(15.0, 0.0, 18.0) == pytest.approx(0.517610, rel=1e-5)
    assert expected_shortage(6.0, 0.5, 4.0, MEASURE) == pytest.approx(2.635971, rel=1e-5)
    assert cdf(6.0, 0.0, 8.0) == pytest.approx(0.847237, rel=1e-5)
    assert cdf(6.0, 0.0, 9.0) == pytest.approx(0.916076, rel=1e-5)
    assert expected_shortage(6.0, 0.0, 8.0) == pytest.approx(0.314021, rel=1e-5)


@limits(max_examples=60, deadline=None)
@given(
    mean=st.floats(0.001, 5000),
    alpha=st.floats(0.001, 50),
    level=st.floats(0.01, 0.995),
    family=st.sampled_from([COUNT, MEASURE]),
)
def test_quantile_is_the_smallest_that_covers(mean: float, alpha: float, level: float, family: str) -> None:
    q = float(quantile(mean, alpha, level, family))
    assert q >= 0
    assert cdf(mean, alpha, q, family) >= level - 1e-6
    if family == COUNT and q > 0:
        assert cdf(mean, alpha, q - 1, family) < level + 1e-6


@limits(max_examples=60, deadline=None)
@given(mean=st.floats(0.01, 500), alpha=st.floats(0.01, 20), stock=st.floats(0, 800), more=st.floats(0.1, 50))
def test_shortage_falls_with_stock_and_is_mean_without(mean: float, alpha: float, stock: float, more: float) -> None:
    for family in (COUNT, MEASURE):
        short = float(expected_shortage(mean, alpha, stock, family))
        assert 0 <= short <= mean * (1 + 1e-9)
        assert float(expected_shortage(mean, alpha, stock + more, family)) <= short + 1e-9 * mean
        assert float(expected_shortage(mean, alpha, 0.0, family)) == pytest.approx(mean, rel=1e-6)


def test_shortage_against_sums_of_the_probabilities() -> None:
    mean, alpha, stock = 7.3, 0.8, 9.4
    demand = np.arange(2000)
    mass = stats.nbinom.pmf(demand, 1 / alpha, 1 / (1 + alpha * mean))
    expected = (np.maximum(demand - stock, 0) * mass).sum()
    assert expected_shortage(mean, alpha, stock) == pytest.approx(expected, rel=1e-6)


@limits(max_examples=40, deadline=None)
@given(
    mean=st.lists(st.floats(0, 1e6), min_size=1, max_size=20),
    alpha=st.floats(1e-5, 1e4),
    family=st.sampled_from([COUNT, MEASURE]),
)
def test_published_quantiles_never_cross_and_are_never_negative(mean: list[float], alpha: float, family: str) -> None:
    quantiles = table_quantiles(np.array(mean), np.full(len(mean), alpha), family, np.zeros(len(mean)))
    assert np.isfinite(quantiles).all()
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()


def test_table_is_near_the_exact_quantiles() -> None:
    rng = np.random.default_rng(3)
    mean, alpha = np.exp(rng.uniform(-4, 8, 500)), np.exp(rng.uniform(-3, 2, 500))
    exact = np.stack([quantile(mean, alpha, level) for level in LEVELS], axis=1)
    off = np.abs(table_quantiles(mean, alpha, COUNT, np.zeros(len(mean))) - exact)
    assert (off <= 1 + 0.06 * exact + 0.01 * mean[:, None]).all()


@pytest.mark.parametrize("family", [COUNT, MEASURE])
def test_calibration_on_generated_demand(family: str) -> None:
    rng = np.random.default_rng(1)
    mean, alpha = np.exp(rng.uniform(0, 4, 40_000)), 0.6
    rate = rng.gamma(1 / alpha, alpha * mean)
    demand = rng.poisson(rate) if family == COUNT else rate
    quantiles = table_quantiles(mean, np.full(len(mean), alpha), family, np.zeros(len(mean)))
    for level, column in zip(LEVELS, quantiles.T, strict=True):
        below, at = (demand < column).mean(), (demand == column).mean()
        assert below - 0.01 <= level <= below + at + 0.01


def test_alpha_is_read_at_the_nodes_and_between_them() -> None:
    demand = DemandDistribution.from_frame(frame())
    at_node = demand.alpha(np.array([7.0]), 7)[0]
    assert at_node == pytest.approx(0.5 / 2 + 1 / 7)
    assert demand.alpha(np.array([1.0]), 1)[0] > demand.alpha(np.array([3.0]), 3)[0] > at_node
    assert demand.alpha(np.array([7.0]), 7, lead_days=28)[0] > at_node
    assert demand.alpha(np.array([1e9]), 7)[0] == pytest.approx(demand.alpha(np.array([70.0]), 7)[0])


def test_a_demand_class_has_its_own_dispersion_and_unknown_ones_that_of_all() -> None:
    lumpy = frame(alpha=3.0).with_columns(segment=pl.lit("lumpy"), idle_share=pl.lit(0.2))
    demand = DemandDistribution.from_frame(pl.concat([frame(alpha=0.5), lumpy]))
    codes = demand.codes(pl.Series(["lumpy", "smooth", None]))
    means = np.full(3, 7.0)
    assert demand.alpha(means, 7, segment=codes) == pytest.approx([3.0, 0.5, 0.5])
    several = demand.published_quantiles(means, 7, segment=codes)
    assert (several[1] == several[2]).all()
    assert several[0, -1] > several[1, -1], "a wider class has a higher p99"
    assert several[0, 0] == several[0, 1] == 0, "p05 and p10 lie within the share in which nothing sells"


def test_the_share_in_which_nothing_sells_against_draws() -> None:
    idle, alpha, mean = 0.2, 0.7, 6.0
    table = frame(alpha=alpha).with_columns(idle_share=pl.lit(idle))
    demand = DemandDistribution.from_frame(table)
    rng = np.random.default_rng(5)
    count = 400_000
    drawn = rng.poisson(rng.gamma(1 / alpha, alpha * mean / (1 - idle), count)) * (rng.random(count) > idle)
    assert drawn.mean() == pytest.approx(mean, rel=0.01)
    one = np.array([mean])
    assert demand.variance(one, 7)[0] == pytest.approx(drawn.var(), rel=0.02)
    for stock in (-2.0, 0.0, 3.0, 20.0):
        at = np.array([stock])
        assert demand.expected_shortage(one, 7, at)[0] == pytest.approx(np.maximum(drawn - stock, 0).mean(), rel=0.02)
        assert demand.probability_covered(one, 7, at)[0] == pytest.approx((drawn <= stock).mean(), abs=0.005)
    for level in (0.1, 0.5, 0.95):
        found = demand.quantile(one, 7, level)[0]
        assert (drawn < found).mean() - 0.005 <= level <= (drawn <= found).mean() + 0.005


def test_more_service_and_more_variance_need_more_stock() -> None:
    demand = DemandDistribution.from_frame(frame())
    mean = pl.Series([0.0, 0.5, 5.0, 50.0])
    levels = [demand.quantile(mean, 14, level) for level in (0.5, 0.9, 0.99)]
    assert all((low <= high).all() for low, high in pairwise(levels))
    assert levels[0][0] == 0
    assert (demand.quantile(mean, 14, 0.95, extra_variance=25.0)[2:] > demand.quantile(mean, 14, 0.95)[2:]).all()
    stock = demand.quantile(mean, 14, 0.95)
    assert (demand.probability_covered(mean, 14, stock) >= 0.95 - 1e-9).all()
    assert (demand.expected_shortage(mean, 14, stock) <= mean.to_numpy()).all()


@pytest.mark.parametrize(
    "broken",
    [
        frame().head(5),
        frame().head(0),
        pl.concat([frame(COUNT), frame(MEASURE)]),
        frame().with_columns(segment=pl.lit("smooth")),
    ],
    ids=["incomplete", "empty", "mixed", "no segment of all"],
)
def test_a_broken_table_is_refused(broken: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="forecast_dispersion"):
        DemandDistribution.from_frame(broken)


@pytest.mark.parametrize("alpha", [0.0, 1e-4, 0.05, 0.7, 5.0, 200.0])
@pytest.mark.parametrize("mean", [0.02, 0.9, 14.0, 300.0])
def test_the_loss_function_is_the_sum_over_the_tail(mean, alpha):
    """E[(D - s)+] = sum of P(D > k) for k >= s, summed until nothing is left: the short form against the long one."""
    size = 1 / max(alpha, 1e-9)
    demand = stats.poisson(mean) if alpha == 0 else stats.nbinom(size, size / (size + mean))
    top = int(demand.isf(1e-13)) + 2
    tails = demand.sf(np.arange(top))
    for stock in (0, 1, 2, int(mean), int(3 * mean) + 5):
        found = expected_shortage(np.array(mean), np.array(alpha), np.array(float(stock)))
        assert float(found) == pytest.approx(tails[stock:].sum(), rel=1e-7, abs=1e-9), stock
