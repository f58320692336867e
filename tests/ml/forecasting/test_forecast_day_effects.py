"""What the calendar does to days: known effects are found again, closures teach nothing, the young take from above."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF, make_series

from ml.forecasting.calendar import Events, day_regressors
from ml.forecasting.daily import HORIZON_DAYS, learn_day_shares
from ml.forecasting.hierarchy import hierarchy_of
from ml.forecasting.models.day_effects import MIN_DAYS, calendar_factor, closed_days, day_effects, without_closed_days
from ml.forecasting.panel import Panel, build_panel

COUNT, DAYS = 12, 1092
DATES = [AS_OF - timedelta(days=DAYS - 1 - k) for k in range(DAYS)]
AHEAD = [AS_OF + timedelta(days=k + 1) for k in range(HORIZON_DAYS)]
FAIR = frozenset(AS_OF + timedelta(days=k) for k in range(-1050, HORIZON_DAYS, 35))  # on the same weekday each time


def company(factor: dict[date, float], regional: str | None = None, days: int = DAYS) -> tuple[pl.DataFrame, Panel]:
    """Poisson demand of 30 a day, Saturdays half as much again, times the factor of the day (in a region)."""
    rng = np.random.default_rng(4)
    series = make_series(COUNT)
    usual = np.array([30 * (1.5 if day.weekday() == 5 else 1.0) for day in DATES[-days:]])
    moved = np.array([factor.get(day, 1.0) for day in DATES[-days:]])
    here = np.array([regional in (None, region) for region in series["region"]])
    quantity = rng.poisson(usual * np.where(here[:, None], moved, 1.0)).astype(float)
    row, column = np.nonzero(quantity)
    history = pl.DataFrame(
        {"series_id": row + 1, "date": [DATES[-days:][k] for k in column], "quantity": quantity[row, column]},
        schema={"series_id": pl.Int32, "date": pl.Date, "quantity": pl.Float64},
    )
    return history, build_panel(series, history, AS_OF, {regional or "": {"fair": FAIR}})


def factor_of(history: pl.DataFrame, panel: Panel) -> np.ndarray:
    return calendar_factor(history, panel, hierarchy_of(panel.codes), HORIZON_DAYS, None)


def test_the_day_of_the_month_is_learned_and_moves_days_within_their_block() -> None:
    early = {day: 1.3 if day.day <= 10 else 0.85 for day in DATES}
    history, panel = company(early)
    factor = factor_of(history, panel)
    first = [k for k, day in enumerate(AHEAD) if day.day <= 10]
    later = [k for k, day in enumerate(AHEAD) if 12 <= day.day <= 28]
    assert factor[:, first].mean() / factor[:, later].mean() == pytest.approx(1.3 / 0.85, rel=0.05)
    shares = learn_day_shares(history, panel, None)
    blocks = np.full((COUNT, 27), 210.0)
    days = shares.split(blocks, slice(None))
    np.testing.assert_allclose(days.reshape(COUNT, 27, 7).sum(axis=2), blocks)
    over = [days[:, k].mean() for k, d in enumerate(AHEAD) if d.day in (8, 9, 10) and d.weekday() < 5]
    under = [days[:, k].mean() for k, d in enumerate(AHEAD) if d.day in (12, 13, 14) and d.weekday() < 5]
    assert np.mean(over) > 1.15 * np.mean(under)


def test_an_event_of_one_region_moves_that_region_and_the_day_before_is_told_apart() -> None:
    moved = dict.fromkeys(FAIR, 1.8) | {day - timedelta(days=1): 1.2 for day in FAIR}
    history, panel = company(moved, regional="north")
    factor = factor_of(history, panel)
    hierarchy = hierarchy_of(panel.codes)
    north = hierarchy.levels["region"] == panel.labels["region"].index("north")
    fair = [k for k, day in enumerate(AHEAD) if day in FAIR]
    before = [k - 1 for k in fair if k > 0]
    usual = [k for k, day in enumerate(AHEAD) if not any(day + timedelta(days=n) in FAIR for n in range(-2, 3))]
    assert len(fair) >= 4
    level = factor[:, usual].mean(axis=1, keepdims=True)
    assert (factor / level)[np.ix_(north, fair)].mean() == pytest.approx(1.8, rel=0.08)
    assert (factor / level)[np.ix_(north, before)].mean() == pytest.approx(1.2, rel=0.05)
    assert (factor / level)[np.ix_(~north, fair)].mean() == pytest.approx(1.0, abs=0.06)


def test_a_closed_day_teaches_nothing_about_its_day_of_the_month() -> None:
    closed = {day: 0.0 for day in DATES if (day.month, day.day) in ((12, 25), (5, 25), (8, 25))}
    history, panel = company(closed)
    factor = factor_of(history, panel)
    on_25th = [k for k, day in enumerate(AHEAD) if day.day == 25]
    assert factor[:, on_25th].mean() == pytest.approx(1.0, abs=0.03)
    demand = np.full((2, 30), 10.0)
    demand[:, 12] = 0.0
    assert (without_closed_days(demand) == 10.0).all()
    demand[0, 20] = 0.0  # one place closed, the other open: a day like any other
    assert without_closed_days(demand)[0, 20] == 0.0


def test_a_closed_day_has_under_a_twentieth_of_the_median_of_the_two_weeks_around() -> None:
    sold = np.full(40, 100.0)
    sold[[0, 20, 21, 39]] = 0.0, 4.9, 5.0, 1.0
    assert np.flatnonzero(closed_days(sold)).tolist() == [0, 20, 39]
    sold[13:28] = 0.0  # closed for two weeks: in their middle nothing around says what is usual
    assert 20 not in np.flatnonzero(closed_days(sold))
    assert closed_days(np.array([0.0])).tolist() == [False]


def test_short_histories_have_no_effects_and_young_groups_take_those_above() -> None:
    history, panel = company({}, days=MIN_DAYS - 7)
    assert (factor_of(history, panel) == 1.0).all()
    regressors = day_regressors(DATES[0], DAYS, None, {"fair": FAIR}, [])
    parent = np.full((3, len(regressors.names)), 0.1)
    demand = np.random.default_rng(2).poisson(50.0, (3, DAYS)).astype(float)
    demand[1, : DAYS - 100] = 0.0
    demand[2] = 5.0  # never moves
    found = day_effects(demand, regressors, parent)
    np.testing.assert_array_equal(found[1:], parent[1:])
    assert np.abs(found[0]).mean() < 0.08  # a group in which nothing happens goes its own way
    assert (day_effects(demand[2:], regressors) == 0.0).all()


def test_regressors_of_days_worked_by_hand() -> None:
    fair: Events = {"fair": frozenset({date(2024, 3, 8)})}
    found = day_regressors(date(2024, 3, 3), 7, "US", {}, [(fair, 0.25)])  # Sunday 3 to Saturday 9 March
    column = dict(zip(found.names, found.values.T.tolist(), strict=True))
    assert column["weekday 1"] == [-1, 1, 0, 0, 0, 0, 0]
    assert column["day 5"] == [0, 0, 1, 0, 0, 0, 0]
    assert column["fair +0"] == [0, 0, 0, 0, 0, 0.25, 0]
    assert column["fair -2"] == [0, 0, 0, 0.25, 0, 0, 0]
    assert column["fair +1"] == [0, 0, 0, 0, 0, 0, 0.25]
    assert found.is_weekday.sum() == 6
