"""Scaling the series towards aggregates."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.panel import Panel, build_panel, sum_groups
from ml.forecasting.reconciliation import (
    BOTH,
    PROPHET,
    SEASONAL,
    aggregate_tasks,
    band_of,
    make_targets,
    reconcile,
    seasonal_level,
)
from ml.forecasting.settings import ForecastSettings

COUNT = 12


@pytest.fixture(scope="module")
def panel() -> Panel:
    return build_panel(make_series(COUNT), make_history(COUNT, 800), AS_OF)


@pytest.fixture(scope="module")
def blocks() -> np.ndarray:
    return np.random.default_rng(0).gamma(2, 3, (COUNT, HORIZON_BLOCKS)).astype(np.float32)


def test_full_weight_meets_the_total_and_none_leaves_the_series(panel: Panel, blocks: np.ndarray) -> None:
    targets = {("total", SEASONAL): blocks.sum(axis=0, keepdims=True) * 1.4}
    drawn = reconcile(
        blocks, targets, {("total", "5-13"): (SEASONAL, 1.0), ("total", "14-26"): (SEASONAL, 0.5)}, panel.codes
    )
    np.testing.assert_array_equal(drawn[:, :4], blocks[:, :4])
    np.testing.assert_allclose(drawn[:, 4:13], blocks[:, 4:13] * 1.4, rtol=1e-5)
    np.testing.assert_allclose(drawn[:, 13:], blocks[:, 13:] * 1.4**0.5, rtol=1e-5)


def test_lower_levels_move_the_mix_not_the_total(panel: Panel, blocks: np.ndarray) -> None:
    places = sum_groups(blocks, panel.codes["location"])
    targets = {("location", SEASONAL): places * np.array([[1.5], [1.0], [0.7]])}
    drawn = reconcile(blocks, targets, {("location", "1-4"): (SEASONAL, 1.0)}, panel.codes)
    np.testing.assert_allclose(drawn.sum(axis=0), blocks.sum(axis=0), rtol=1e-5)
    ratio = sum_groups(drawn, panel.codes["location"])[:, 0] / places[:, 0]
    assert ratio[0] / ratio[1] == pytest.approx(1.5, rel=1e-4)
    assert ratio[2] / ratio[1] == pytest.approx(0.7, rel=1e-4)


def test_missing_and_wild_aggregates_do_no_harm(panel: Panel, blocks: np.ndarray) -> None:
    wild = {("total", SEASONAL): np.full((1, HORIZON_BLOCKS), np.nan)}
    np.testing.assert_array_equal(reconcile(blocks, wild, {("total", "1-4"): (SEASONAL, 1.0)}, panel.codes), blocks)
    wild = {("total", SEASONAL): np.full((1, HORIZON_BLOCKS), 1e12)}
    assert (reconcile(blocks, wild, {("total", "1-4"): (SEASONAL, 1.0)}, panel.codes) <= blocks * 2.001).all()


def test_aggregates_hold_the_history_and_need_two_years(panel: Panel) -> None:
    history = make_history(COUNT, 800)
    tasks = aggregate_tasks(history, panel, ForecastSettings(prophet_min_days=500))
    total = next(task for task in tasks if task.name == "total/0")
    assert total.values.sum() == history["quantity"].sum()
    assert total.first_day + timedelta(days=len(total.values) - 1) == AS_OF
    assert {task.name.split("/")[0] for task in tasks} == {"total", "location", "department"}
    assert aggregate_tasks(history, panel, ForecastSettings(prophet_min_days=900)) == []
    assert aggregate_tasks(history.filter(pl.col("date") > AS_OF), panel, ForecastSettings()) == []


def test_failed_aggregates_keep_the_seasonal_level(panel: Panel) -> None:
    targets = make_targets({"total/0": np.arange(189.0), "location/1": np.ones(189), "location/2": "it broke"}, panel)
    assert targets[("total", PROPHET)][0, 0] == sum(range(7))
    assert np.isnan(targets[("location", PROPHET)][[0, 2]]).all()
    level = targets[("location", SEASONAL)]
    np.testing.assert_allclose(targets[("location", BOTH)][[0, 2]], level[[0, 2]])
    np.testing.assert_allclose(targets[("location", BOTH)][1], (level[1] + 7) / 2)
    assert ("department", PROPHET) not in targets


def test_seasonal_level_repeats_last_years_season_around_the_recent_level() -> None:
    weeks = np.arange(52 * 3)
    season = 1 + 0.4 * np.sin(2 * np.pi * weeks / 52)
    demand = np.repeat((200 * season)[None, :], 2, axis=0)
    codes = {"total": np.zeros(2, dtype=np.int32)}
    panel = Panel(AS_OF, demand.astype(np.float32), np.zeros(2, dtype=np.int32), codes)
    found = seasonal_level(panel, "total")
    base, before = demand[:, -8:].sum() / 8, demand[:, 91:104].sum() / 13
    expected = base * (400 * season[:27] / before) ** 0.75
    np.testing.assert_allclose(found[0], expected, rtol=0.02)
    short = seasonal_level(panel.earlier(52 * 2 + 10), "total")
    assert np.ptp(short) == 0


def test_bands() -> None:
    assert [band_of(k) for k in (1, 4, 5, 13, 14, 27)] == ["1-4", "1-4", "5-13", "5-13", "14-26", "14-26"]
