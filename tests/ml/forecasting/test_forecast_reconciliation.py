"""Aggregates that add up, and the series drawn towards them."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting import hierarchy
from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.hierarchy import PARENTS, Hierarchy, hierarchy_of
from ml.forecasting.panel import Panel, build_panel, sum_groups
from ml.forecasting.reconciliation import (
    BOTH,
    PROPHET,
    REGRESSION,
    Targets,
    add_up,
    aggregate_tasks,
    band_of,
    make_targets,
    reconcile,
)
from ml.forecasting.settings import ForecastSettings

COUNT = 12


@pytest.fixture(scope="module")
def panel() -> Panel:
    return build_panel(make_series(COUNT), make_history(COUNT, 800), AS_OF)


@pytest.fixture(scope="module")
def blocks() -> np.ndarray:
    return np.random.default_rng(0).gamma(2, 3, (COUNT, HORIZON_BLOCKS)).astype(np.float32)


def targets_of(panel: Panel, blocks: np.ndarray, factor: float) -> Targets:
    cells = hierarchy_of(panel.codes)
    return Targets(cells, {REGRESSION: sum_groups(blocks, cells.cell_of) * factor})


def test_full_weight_meets_the_cells_and_none_leaves_the_series(panel: Panel, blocks: np.ndarray) -> None:
    targets = targets_of(panel, blocks, 1.4)
    drawn = reconcile(blocks, targets, {"5-13": (REGRESSION, 1.0), "14-26": (REGRESSION, 0.5)})
    np.testing.assert_array_equal(drawn[:, :4], blocks[:, :4])
    np.testing.assert_allclose(drawn[:, 4:13], blocks[:, 4:13] * 1.4, rtol=1e-5)
    np.testing.assert_allclose(drawn[:, 13:], blocks[:, 13:] * 1.4**0.5, rtol=1e-5)


def test_missing_and_wild_aggregates_do_no_harm(panel: Panel, blocks: np.ndarray) -> None:
    full = {"1-4": (REGRESSION, 1.0)}
    np.testing.assert_array_equal(reconcile(blocks, targets_of(panel, blocks, np.nan), full), blocks)
    np.testing.assert_array_equal(reconcile(blocks, targets_of(panel, blocks, 0.0), full), blocks)
    assert (reconcile(blocks, targets_of(panel, blocks, 1e12), full) <= blocks * 2.001).all()
    np.testing.assert_array_equal(
        reconcile(blocks, targets_of(panel, blocks, 1.2), {"1-4": (PROPHET, 1.0)}),  # a source that a cut-off lacks
        reconcile(blocks, targets_of(panel, blocks, 1.2), full),
    )


def test_levels_nest_over_the_finest_cells_that_are_few_enough(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    found = hierarchy_of(panel.codes)
    assert set(found.levels) == set(PARENTS)
    assert found.cells == 6
    for level, of_cell in found.levels.items():
        np.testing.assert_array_equal(of_cell[found.cell_of], panel.codes[level])
    monkeypatch.setattr(hierarchy, "MAX_CELLS", 4)
    coarser = hierarchy_of(panel.codes)
    assert set(coarser.levels) == {"total", "region", "department", "region_department"}
    monkeypatch.setattr(hierarchy, "MAX_CELLS", 1)
    assert set(hierarchy_of(panel.codes).levels) == {"total"}


def test_adding_up_is_the_weighted_least_squares_of_all_levels() -> None:
    hierarchy = Hierarchy(np.arange(2), {"total": np.zeros(2, dtype=int), "location_department": np.arange(2)})
    nodes = {"total": np.full((1, HORIZON_BLOCKS), 110.0), "location_department": np.full((2, HORIZON_BLOCKS), 50.0)}
    nodes["location_department"][1] = 40.0
    spreads = {"total": np.array([0.1]), "location_department": np.array([0.1, 0.2])}
    found = add_up(nodes, spreads, np.array([1e9, 1e9]), hierarchy)
    # by hand: gap 20 shared by variances 11^2 (total), 5^2 and 8^2 (cells); the cells take 25/210 and 64/210 of it
    np.testing.assert_allclose(found[:, 0], [50 + 20 * 25 / 210, 40 + 20 * 64 / 210], rtol=1e-6)
    nodes["location_department"][1] = np.nan  # the second cell has no forecast: what is left of the total is its own
    found = add_up(nodes, spreads, np.array([50.0, 1e9]), hierarchy)
    np.testing.assert_allclose(found[:, 0], [50, 60], rtol=1e-3)
    nothing = {level: np.full(values.shape, np.nan) for level, values in nodes.items()}
    np.testing.assert_allclose(add_up(nothing, spreads, np.array([3.0, 0.0]), hierarchy)[:, 5], [3, 0], atol=1e-6)


def test_targets_of_a_steady_company_keep_its_level(panel: Panel) -> None:
    targets = make_targets({}, panel, None)
    assert set(targets.by_source) == {REGRESSION}
    expected = panel.demand[:, -26:].mean(axis=1).sum()
    assert targets.by_source[REGRESSION].sum(axis=0).mean() == pytest.approx(expected, rel=0.15)


def test_aggregates_hold_the_history_and_need_two_years(panel: Panel) -> None:
    history = make_history(COUNT, 800)
    tasks = aggregate_tasks(history, panel, ForecastSettings(prophet_min_days=500))
    total = next(task for task in tasks if task.name == "total/0")
    assert total.values.sum() == history["quantity"].sum()
    assert total.first_day + timedelta(days=len(total.values) - 1) == AS_OF
    assert {task.name.split("/")[0] for task in tasks} == {"total", "location", "department"}
    assert aggregate_tasks(history, panel, ForecastSettings(prophet_min_days=900)) == []
    assert aggregate_tasks(history.filter(pl.col("date") > AS_OF), panel, ForecastSettings()) == []


def test_prophet_moves_what_it_forecast_and_nothing_else(panel: Panel) -> None:
    usual = make_targets({}, panel, None).by_source[REGRESSION]
    double = np.repeat(usual.sum(axis=0) * 2 / 7, 7)
    targets = make_targets({"total/0": double, "location/2": "it broke"}, panel, None)
    np.testing.assert_allclose(targets.by_source[REGRESSION], usual)
    total = {source: values.sum(axis=0) for source, values in targets.by_source.items()}
    assert (total[REGRESSION] < total[BOTH]).all()
    assert (total[BOTH] < total[PROPHET]).all()
    assert set(make_targets({"total/0": "late"}, panel, None).by_source) == {REGRESSION}


def test_bands() -> None:
    assert [band_of(k) for k in (1, 4, 5, 13, 14, 27)] == ["1-4", "1-4", "5-13", "5-13", "14-26", "14-26"]
