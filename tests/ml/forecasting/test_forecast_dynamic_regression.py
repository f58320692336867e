"""The regression on the calendar: what it must find in made-up demand, and what it must leave alone."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF

from ml.forecasting.calendar import MONTH_PARTS, Regressors, block_regressors, named_holidays
from ml.forecasting.contract import HORIZON_BLOCKS, ContractError, check_events
from ml.forecasting.models.dynamic_regression import forecast_groups
from ml.forecasting.panel import BLOCK_DAYS

BLOCKS = 220


def regressors(blocks: int, country: str | None = "US", has_season: bool = True) -> Regressors:
    first = AS_OF - timedelta(days=BLOCK_DAYS * blocks - 1)
    return block_regressors(first, BLOCK_DAYS, blocks + HORIZON_BLOCKS, country, {}, has_season)


def column(found: Regressors, name: str) -> np.ndarray:
    return found.values[:, found.names.index(name)]


def test_season_holiday_and_pay_days_are_found_under_a_wandering_level() -> None:
    calendar = regressors(BLOCKS)
    rng = np.random.default_rng(0)
    truth = 0.2 * column(calendar, "season_sin1") + 0.3 * column(calendar, "days 1 to 5")
    truth += 0.15 * column(calendar, "Thanksgiving Day")
    noise = rng.normal(0, 0.02, (20, BLOCKS)) + np.cumsum(rng.normal(0, 0.01, (20, BLOCKS)), axis=1)
    demand = 1000 * np.exp(truth[:BLOCKS] + noise)
    found = forecast_groups(demand, calendar)
    effect = dict(zip(calendar.names, found.effects.mean(axis=0), strict=True))
    assert effect["season_sin1"] == pytest.approx(0.2, abs=0.03)
    assert effect["days 1 to 5"] == pytest.approx(0.3, abs=0.04)
    assert effect["Thanksgiving Day"] == pytest.approx(0.15, abs=0.04)
    assert abs(effect["before Labor Day"]) < 0.03
    # what is left to forecast errors is where the level wanders to
    expected = 1000 * np.exp(truth[BLOCKS:] + noise[:, -6:].mean(axis=1, keepdims=True))
    assert np.abs(np.log(found.mean / expected)).mean() < 0.05
    assert found.spread.mean() == pytest.approx(np.sqrt(2 * 0.02**2 + 0.01**2), rel=0.15)


def test_a_season_is_not_taken_for_growth_nor_growth_for_a_season() -> None:
    calendar = regressors(130)
    season = np.exp(0.3 * column(calendar, "season_cos1"))
    found = forecast_groups(500 * season[None, :130], calendar)
    np.testing.assert_allclose(found.mean[0], 500 * season[130:], rtol=0.06)
    steady = forecast_groups(np.full((1, 130), 80.0), calendar)
    np.testing.assert_allclose(steady.mean[0], 80.0, rtol=1e-6)
    assert steady.spread[0] == pytest.approx(0, abs=1e-9)


def test_growth_is_carried_on_by_the_share_that_its_history_can_prove() -> None:
    calendar = regressors(BLOCKS, None)
    growing = 100 * np.exp(0.004 * np.arange(BLOCKS))[None]
    rise = np.log(forecast_groups(growing, calendar).mean[0, -1] / growing[0, -1]) / HORIZON_BLOCKS
    assert 0.0007 < rise < 0.002  # 219 steps against a penalty of 500: less than a third


def test_effects_of_a_short_group_are_those_of_its_parent() -> None:
    calendar = regressors(BLOCKS)
    season = np.exp(0.4 * column(calendar, "season_sin1"))
    parent = forecast_groups(9000 * season[None, :BLOCKS], calendar)
    demand = 40 * season[None, :BLOCKS].copy()
    demand[0, : BLOCKS - 20] = 0.0  # opened 20 weeks ago
    alone, drawn = (forecast_groups(demand, calendar, effects) for effects in (None, parent.effects))
    truth = 40 * season[BLOCKS:]
    assert np.abs(np.log(drawn.mean[0] / truth)).mean() < 0.05
    assert np.abs(np.log(alone.mean[0] / truth)).mean() > 0.15
    assert drawn.effects[0, 0] == pytest.approx(parent.effects[0, 0], rel=0.05)
    orphan = forecast_groups(demand, calendar, np.full(parent.effects.shape, np.nan))
    np.testing.assert_allclose(orphan.mean, alone.mean)


def test_young_empty_and_stopped_groups_have_no_forecast_and_harm_no_other() -> None:
    calendar = regressors(BLOCKS)
    good = np.random.default_rng(1).poisson(200, BLOCKS).astype(float)
    young, empty, stopped, gappy = np.zeros(BLOCKS), np.zeros(BLOCKS), good.copy(), good.copy()
    young[-7:], stopped[-4:], gappy[100:103] = 50.0, 0.0, 0.0
    found = forecast_groups(np.stack([good, young, empty, stopped, gappy]), calendar)
    assert np.isfinite(found.mean).all(axis=1).tolist() == [True, False, False, False, True]
    assert np.isnan(found.spread[1:4]).all()
    np.testing.assert_allclose(found.mean[0], forecast_groups(good[None], calendar).mean[0], rtol=1e-9)
    assert found.mean[4].mean() == pytest.approx(200, rel=0.1)


@pytest.mark.parametrize("blocks", [1, 2, 9, 30])
def test_short_histories_keep_their_level(blocks: int) -> None:
    found = forecast_groups(np.full((2, blocks), 10.0), regressors(blocks, has_season=False))
    if blocks < 8:
        assert np.isnan(found.mean).all()
    else:
        np.testing.assert_allclose(found.mean, 10.0, rtol=1e-6)


def test_regressors_are_read_from_the_calendar() -> None:
    first = date(2023, 11, 20)  # the Monday before Thanksgiving
    found = block_regressors(first, 7, 3, "US", {}, has_season=True)
    assert column(found, "Thanksgiving Day").tolist() == [1, 0, 0]
    assert column(found, "before Thanksgiving Day").tolist() == [0, 0, 0]
    assert column(block_regressors(date(2023, 11, 13), 7, 2, "US", {}, True), "before Thanksgiving Day").tolist() == [
        1,
        0,
    ]
    assert column(found, "days 1 to 5").tolist() == pytest.approx([0, 3 / 7, 2 / 7])
    assert column(found, "days 26 to 31").tolist() == pytest.approx([1 / 7, 4 / 7, 0])
    bare = block_regressors(first, 7, 3, None, {}, has_season=False)
    assert len(bare.names) == len(MONTH_PARTS) == bare.values.shape[1] == len(bare.penalty)
    fair = {"fair": frozenset({date(2023, 11, 29), date(2023, 11, 30)})}
    listed = block_regressors(first, 7, 3, None, fair, has_season=False)
    assert column(listed, "event fair").tolist() == [0, 2, 0]
    assert column(listed, "before event fair").tolist() == [2, 0, 0]
    price = dict(zip(found.names, found.penalty, strict=True)) | dict(zip(listed.names, listed.penalty, strict=True))
    assert price["days 1 to 5"] < price["Thanksgiving Day"] < price["event fair"]  # most events move nothing


def test_events_are_those_that_come_round_by_region() -> None:
    rows = [
        (date(2023, 5, 1), "fair", None),
        (date(2024, 5, 1), "fair", None),
        (date(2024, 5, 1), "fair", None),
        (date(2023, 7, 1), "flood", None),
        (date(2023, 8, 1), "county day", "north"),
        (date(2024, 8, 1), "county day", "north"),
    ]
    frame = pl.DataFrame(rows, schema=["date", "event_name", "region"], orient="row")
    assert check_events(frame) == {
        "": {"fair": frozenset({date(2023, 5, 1), date(2024, 5, 1)})},
        "north": {"county day": frozenset({date(2023, 8, 1), date(2024, 8, 1)})},
    }
    assert check_events(None) == check_events(frame.clear()) == {}
    with pytest.raises(ContractError, match="region"):
        check_events(frame.drop("region"))


def test_holidays_stand_on_their_own_day() -> None:
    july = [(name, day) for name, day in named_holidays("US", 2021) if day.month == 7]
    assert july == [("Independence Day", date(2021, 7, 4))]  # given on Monday the 5th
    assert named_holidays(None, 2021) == ()
    with pytest.raises(ValueError, match="not known"):
        named_holidays("XX", 2021)
