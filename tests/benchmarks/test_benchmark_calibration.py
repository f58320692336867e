"""Coverage by hand, and of draws from the very distribution that is measured."""

import numpy as np
import polars as pl
import pytest

from benchmarks.calibration import ALL, LEVELS, Window, below, misses, windows
from ml.forecasting.distribution import DISPERSION_SCHEMA, DemandDistribution


def flat(alpha: float) -> DemandDistribution:
    row = {"family": "negative_binomial", "segment": ALL, "lead_days": 0, "window_days": 7, "rate_per_day": 1.0}
    frame = pl.DataFrame([row | {"alpha": alpha, "idle_share": 0.0, "windows": 100}])
    return DemandDistribution.from_frame(frame.select(name for name in DISPERSION_SCHEMA if name in frame.columns))


def test_weeks_by_lead_and_sums_from_the_cutoff() -> None:
    mean = np.arange(12.0).reshape(2, 6)
    found = list(windows(mean, mean + 1))
    assert [w.kind for w in found] == ["weeks"] * 6 + ["7 days", "14 days", "28 days", "42 days"]
    assert [w.lead_days for w in found[:6]] == [0, 7, 14, 21, 28, 35]
    assert found[7].mean.tolist() == [1.0, 13.0]
    assert found[7].actual.tolist() == [3.0, 15.0]


def test_a_count_is_ranked_between_less_than_it_and_at_most_it() -> None:
    window = Window("weeks", 7, 0, np.array([0.5]), np.array([0.0]))
    # Poisson of 0.5: nothing with 0.6065, so its rank is even over 0 to 0.6065
    shares = below(flat(1e-6), window, np.array([0]), np.array([0]))[0]
    np.testing.assert_allclose(shares[:3], [0.1 / 0.60653, 0.5 / 0.60653, 1.0], rtol=1e-3)


def test_draws_of_the_distribution_are_calibrated_and_a_forecast_too_low_is_not() -> None:
    draw = np.random.default_rng(1)
    came = draw.poisson(draw.gamma(1 / 0.5, 0.5 * 6.0, 20_000)).astype(float)
    rows, segment = np.arange(len(came)), np.zeros(len(came), dtype=np.int64)

    def counted(mean: float) -> pl.DataFrame:
        shares = below(flat(0.5), Window("weeks", 7, 0, np.full(len(came), mean), came), rows, segment)
        totals = {f"p{level * 100:02.0f}": [total] for level, total in zip(LEVELS, shares.sum(axis=0), strict=True)}
        return pl.DataFrame({"windows": ["weeks"], "segment": [ALL], **totals, "series": [float(len(came))]})

    assert misses(counted(6.0)) == []
    assert any("p50" in line and "-" in line for line in misses(counted(5.0)))


@pytest.mark.parametrize(("segment", "count"), [(ALL, 1), ("lumpy", 0)])
def test_a_class_may_be_twice_as_far_off(segment: str, count: int) -> None:
    shares = {f"p{level * 100:02.0f}": [level * 100.0] for level in LEVELS} | {"p50": [53.0]}
    frame = pl.DataFrame({"windows": ["weeks"], "segment": [segment], **shares, "series": [100.0]})
    assert len(misses(frame)) == count
