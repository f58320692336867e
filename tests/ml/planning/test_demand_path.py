from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.planning.demand_path import DemandPath

MONDAY = date(2018, 1, 1)
LINES = pl.DataFrame({"sku_id": ["A"], "location_id": ["S1"]})


def forecasts(per_day: list[float], as_of: date, daily_days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Daily and weekly frames of one series whose demand on each day ahead is known; weeks start on Mondays."""
    days = [as_of + timedelta(days=n + 1) for n in range(len(per_day))]
    frame = pl.DataFrame({"sku_id": "A", "location_id": "S1", "date": days, "mean": per_day})
    week = pl.col("date").dt.truncate("1w").alias("week_start")
    weekly = frame.group_by("sku_id", "location_id", week).agg(pl.col("mean").sum()).sort("week_start")
    return frame.head(daily_days), weekly


@given(
    weekday=st.integers(0, 6),
    values=st.lists(st.floats(0, 9), min_size=28, max_size=28),
    rates=st.lists(st.floats(0, 9), min_size=6, max_size=6),
    stock=st.floats(-2, 300) | st.sampled_from([-1.0, 0.0, 5.0]),
)
@settings(max_examples=60)
def test_any_number_of_days_is_the_sum_over_them(weekday, values, rates, stock):
    """Beyond the daily horizon demand is even within a week, so the truth is known day by day."""
    as_of = MONDAY + timedelta(days=weekday)
    to_week_end = (6 - (weekday + 28)) % 7
    per_day = values + [rates[0]] * to_week_end + [rate for rate in rates[1:] for _ in range(7)]
    daily, weekly = forecasts(per_day, as_of, 28)
    path = DemandPath.from_forecasts(LINES, daily.sample(fraction=1, shuffle=True, seed=1), weekly, as_of)
    cumulated = np.cumsum(per_day)
    for days in (1, 14, 27, 28, 29, 31, 35, 40, len(per_day)):
        assert path.demand(np.array([days]))[0] == pytest.approx(cumulated[days - 1], abs=1e-9)
    assert np.isnan(path.demand(np.array([len(per_day) + 1]))[0])
    found = path.first_day_exceeding(np.array([stock]))[0]
    over = np.flatnonzero(cumulated > stock + 1e-6)  # within the tolerance of floats either day is right
    surely = np.flatnonzero(cumulated > stock - 1e-6)
    if over.size == 0:
        assert np.isnan(found) or found - 1 in surely
    else:
        assert surely[0] + 1 <= found <= over[0] + 1


def test_stock_that_is_used_up_exactly_lasts_the_day():
    daily, weekly = forecasts([2.0] * 56, MONDAY, 28)
    path = DemandPath.from_forecasts(LINES, daily, weekly, MONDAY)
    assert path.first_day_exceeding(np.array([10.0]))[0] == 6
    assert path.first_day_exceeding(np.array([9.9]))[0] == 5
    assert path.first_day_exceeding(np.array([0.0]))[0] == 1
    assert path.first_day_exceeding(np.array([-3.0]))[0] == 1
    assert path.first_day_exceeding(np.array([60.0]))[0] == 31
    assert np.isnan(path.first_day_exceeding(np.array([112.0]))[0])


def test_a_gap_makes_everything_behind_it_unknown():
    daily, weekly = forecasts([1.0] * 56, MONDAY, 28)
    path = DemandPath.from_forecasts(LINES, daily.filter(pl.col("date") != date(2018, 1, 12)), weekly, MONDAY)
    assert path.demand(np.array([10]))[0] == 10
    assert np.isnan(path.demand(np.array([11]))[0])


def test_daily_forecast_alone_is_enough_for_short_periods():
    daily, weekly = forecasts([1.0] * 56, MONDAY, 28)
    path = DemandPath.from_forecasts(LINES, daily, weekly.clear(), MONDAY)
    assert path.demand(np.array([28]))[0] == 28
    assert np.isnan(path.demand(np.array([29]))[0])


def test_wrong_forecasts_are_refused():
    daily, weekly = forecasts([1.0] * 56, MONDAY, 28)
    with pytest.raises(ValueError, match="day after as_of 2018-01-03"):
        DemandPath.from_forecasts(LINES, daily, weekly, date(2018, 1, 3))
    with pytest.raises(ValueError, match="forecast_daily holds a series twice"):
        DemandPath.from_forecasts(LINES, pl.concat([daily, daily.head(1)]), weekly, MONDAY)
    with pytest.raises(ValueError, match="forecast_weekly holds a series twice"):
        DemandPath.from_forecasts(LINES, daily, pl.concat([weekly, weekly.tail(1)]), MONDAY)
    with pytest.raises(ValueError, match="uncovered"):
        DemandPath.from_forecasts(LINES, daily, weekly.filter(pl.col("week_start") != date(2018, 2, 5)), MONDAY)
