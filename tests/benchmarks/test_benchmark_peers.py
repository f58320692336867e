"""The peers: the simple ones by hand, those of the benchmark extra where it is installed."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks import m5, peers, problem


def given_weeks(train: list[list[int]], horizon: int = 3, season: int = 2) -> problem.Given:
    starts = [date(2020, 1, 6) + timedelta(weeks=k) for k in range(len(train[0]) + horizon)]
    task = problem.Task("week", horizon, season, 1)
    return problem.Given(task, None, np.array(train), starts, None, np.empty((0, 0)))


def test_seasonal_naive_repeats_the_last_season() -> None:
    assert peers.seasonal_naive(given_weeks([[1, 2, 3, 4]])).mean.tolist() == [[3, 4, 3]]


def test_moving_average_with_the_quantiles_of_what_was_seen() -> None:
    forecast = peers.moving_average(given_weeks([[99, *range(1, 14)]]))
    assert forecast.mean.tolist() == [[7, 7, 7]]
    assert [forecast.quantiles[name][0, 0] for name in ("p05", "p10", "p50", "p90", "p99")] == [1, 2, 7, 12, 13]


def test_weekday_mean_keeps_weekdays_apart() -> None:
    past = np.tile([1, 2, 3, 4, 5, 6, 7], 8)
    past[-7:] += 8  # the last of eight weeks
    forecast = peers.weekday_mean(given_weeks([past.tolist()], horizon=9))
    assert forecast.mean[0].tolist() == [2, 3, 4, 5, 6, 7, 8, 2, 3]
    assert forecast.quantiles["p99"][0, 0] == 9


def test_long_frame_begins_at_the_first_sale() -> None:
    frame = peers.long_frame(np.array([[0, 2, 0], [0, 0, 0], [1, 0, 0]]))
    assert frame.rows() == [(0, 1, 2.0), (0, 2, 0.0), (2, 0, 1.0), (2, 1, 0.0), (2, 2, 0.0)]


@pytest.mark.parametrize("name", ["SES", "IMAPA", "AutoETS"])
def test_statsforecast_peers_answer_every_series(name: str) -> None:
    pytest.importorskip("statsforecast", reason="peers of the benchmark extra are not installed")
    steady, never, new = [10] * 60, [0] * 60, [0] * 59 + [3]
    mean = peers.PEERS["week"][name](given_weeks([never, steady, new])).mean
    assert mean.shape == (3, 3)
    assert np.isfinite(mean).all()
    assert (mean[0] == 0).all()
    np.testing.assert_allclose(mean[1:], [[10] * 3, [3] * 3], rtol=0.05)


def test_lightgbm_peer_sees_the_calendar_of_the_horizon(mini: Path) -> None:
    pytest.importorskip("mlforecast", reason="peers of the benchmark extra are not installed")
    from benchmarks import peers_lightgbm

    given = problem.pose(m5.load(mini), problem.Task("day", 5, 7, 35)).given
    rows = peers_lightgbm._rows(given, range(33, 40))
    assert len(rows) == 10 * 7
    ahead = rows[rows["unique_id"] == 0]
    assert ahead["snap"].tolist() == [1, 0, 0, 0, 0, 0, 0]  # d_34 in California
    past = peers_lightgbm._rows(given, range(33))
    assert past["event_name_1"].cat.categories.equals(rows["event_name_1"].cat.categories)
    assert past.loc[past["ds"] == "2011-02-06", "event_name_1"].unique().tolist() == ["SuperBowl"]
