"""The LightGBM models of the parts of the horizon."""

import os
import time

import numpy as np
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.features import FeatureStore
from ml.forecasting.models.lightgbm import TooFewRows, draw_rows, fit
from ml.forecasting.panel import build_panel
from ml.forecasting.settings import ForecastSettings
from ml.workers.trees import NotGrown, Trees

COUNT = 60


def store_of(days: int) -> FeatureStore:
    return FeatureStore(build_panel(make_series(COUNT), make_history(COUNT, days), AS_OF))


def test_weeks_one_to_four_have_a_model_of_their_own(settings: ForecastSettings) -> None:
    store = store_of(700)
    model = fit(store, settings, 6_000)
    assert [last for last, _ in model.parts] == [4, HORIZON_BLOCKS]
    assert model.facts["rows"] == 12_000
    predicted = model.predict(store, np.arange(COUNT), 1)
    assert predicted.shape == (COUNT, HORIZON_BLOCKS)
    assert (predicted > 0).all()
    alone = [booster.num_trees() for _, booster in model.parts]
    assert alone == [settings.trees, settings.trees]


def test_what_history_is_too_short_for_is_left_to_the_nearer_model(settings: ForecastSettings) -> None:
    few = settings.model_copy(update={"min_train_rows": 50})
    model = fit(store_of(7 * 11), few, 6_000)  # three blocks ahead at most
    assert [last for last, _ in model.parts] == [HORIZON_BLOCKS]
    with pytest.raises(TooFewRows, match="8 blocks"):
        fit(store_of(7 * 8), few, 6_000)
    with pytest.raises(TooFewRows, match="needed"):
        fit(store_of(7 * 11), settings.model_copy(update={"min_train_rows": 10**6}), 6_000)


def crash(_: Trees) -> str:
    os._exit(3)


def hang(_: Trees) -> str:
    time.sleep(600)
    return ""


def test_a_fit_that_crashes_or_hangs_is_an_error_that_says_so(settings: ForecastSettings) -> None:
    store = store_of(700)
    with pytest.raises(NotGrown, match="crashed"):
        fit(store, settings, 6_000, crash)
    with pytest.raises(NotGrown, match="no answer within 1 s"):
        fit(store, settings.model_copy(update={"lightgbm_timeout_seconds": 1.0}), 6_000, hang)


def test_rows_are_seeded_and_their_targets_known(settings: ForecastSettings) -> None:
    store = store_of(700)
    series, origin, horizon = draw_rows(store, settings, 5_000, 5, HORIZON_BLOCKS)
    assert (origin + horizon <= store.panel.blocks).all()
    assert (store.panel.born[series] < origin).all()
    assert (horizon.min(), horizon.max()) == (5, HORIZON_BLOCKS)
    again = draw_rows(store, settings, 5_000, 5, HORIZON_BLOCKS)
    assert all(np.array_equal(one, two) for one, two in zip((series, origin, horizon), again, strict=True))
