"""Problems and their score sheets on a hand-made M5."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import m5, problem
from benchmarks.metrics import QUANTILES


@pytest.fixture(scope="module")
def data(mini: Path) -> m5.M5:
    return m5.load(mini)


WEEKS = problem.Task("week", 1, 1, 30)  # d_30 is the Sunday 2011-02-27
DAYS = problem.Task("day", 5, 7, 30)


def test_weeks_run_from_monday_and_end_at_the_cutoff(data: m5.M5) -> None:
    posed = problem.pose(data, WEEKS)
    assert posed.given.train.shape == (10, 4)  # d_1 and d_2 belong to no whole week
    assert posed.given.starts == [date(2011, 1, 31), *(date(2011, 2, day) for day in (7, 14, 21, 28))]
    np.testing.assert_array_equal(posed.given.train[:, -1], data.units[:, 23:30].sum(axis=1))
    np.testing.assert_array_equal(posed.actual[:, 0], data.units[:, 30:37].sum(axis=1))
    np.testing.assert_allclose(posed.money, m5.money(data, 3, 30).sum(axis=1))


def test_a_cutoff_within_a_week_and_one_too_late_are_refused(data: m5.M5) -> None:
    with pytest.raises(ValueError, match="Monday, weeks from Monday need a Sunday"):
        problem.pose(data, problem.Task("week", 1, 1, 31))
    with pytest.raises(ValueError, match="needs sales up to d_44, the files end at d_40"):
        problem.pose(data, problem.Task("week", 2, 1, 30))


def test_what_is_given_holds_nothing_of_later_days(data: m5.M5) -> None:
    given = problem.pose(data, DAYS).given
    assert given.train.shape == (10, 30)
    assert given.prices.shape == (10, 35)
    np.testing.assert_array_equal(given.prices[:, 30:], np.repeat(given.prices[:, 29:30], 5, axis=1))


def test_given_and_forecast_survive_the_way_to_another_process(data: m5.M5, tmp_path: Path) -> None:
    given = problem.pose(data, DAYS).given
    given.write(tmp_path)
    back = problem.Given.read(tmp_path)
    assert back.task == given.task
    assert back.starts == given.starts
    np.testing.assert_array_equal(back.train, given.train)
    forecast = problem.Forecast(np.ones((2, 3)), {"p50": np.zeros((2, 3))})
    forecast.write(tmp_path / "f.npz")
    assert problem.Forecast.read(tmp_path / "f.npz").quantiles.keys() == {"p50"}


@pytest.mark.parametrize("task", [WEEKS, DAYS])
def test_a_perfect_forecast_scores_zero_and_a_worse_one_more(data: m5.M5, task: problem.Task) -> None:
    posed = problem.pose(data, task)
    perfect = posed.score(problem.Forecast(posed.actual, dict.fromkeys(QUANTILES, posed.actual)))
    assert perfect["wrmsse"] == perfect["wmape"] == perfect["bias"] == perfect["wspl"] == 0
    assert perfect["coverage"]["p90"] == (0, 1)
    high = posed.score(problem.Forecast(posed.actual * 1.1, {}))
    assert high["bias"] == pytest.approx(0.1)
    assert high["wmape"] == pytest.approx(0.1)
    assert high["wrmsse"] == pytest.approx(np.mean(list(high["levels"].values())))
    assert "wspl" not in high


def test_bands_of_the_long_horizon() -> None:
    series = pl.DataFrame([dict.fromkeys(m5.KEYS, "A")])
    given = problem.Given(problem.weekly(1577), series, np.array([[1, 2] * 30]), [], series, np.empty((0, 0)))
    posed = problem.Problem(given, np.ones((1, 26)), np.ones(1))
    mean = np.ones((1, 26))
    mean[0, 4] = 10  # week 5, one of nine in its band
    bands = posed.score(problem.Forecast(mean, {}))["bands"]
    assert bands["1-4"] == {"wmape": 0, "bias": 0}
    assert bands["5-13"] == {"wmape": 1, "bias": 1}
    assert bands["14-26"] == {"wmape": 0, "bias": 0}


def test_forecasts_of_another_shape_or_with_gaps_are_refused(data: m5.M5) -> None:
    posed = problem.pose(data, DAYS)
    with pytest.raises(ValueError, match=r"mean: shape \(10, 4\)"):
        posed.score(problem.Forecast(posed.actual[:, :4], {}))
    with pytest.raises(ValueError, match="p50"):
        posed.score(problem.Forecast(posed.actual, {"p50": posed.actual * np.nan}))
