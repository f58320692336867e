"""The search of LightGBM's settings: bounded, repeatable, and silent where nothing is better."""

import numpy as np
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting.evaluation import tuning
from ml.forecasting.evaluation.tuning import tune
from ml.forecasting.features import FeatureStore
from ml.forecasting.models.lightgbm import TooFewRows
from ml.forecasting.panel import Panel, build_panel
from ml.forecasting.settings import ForecastSettings


@pytest.fixture(scope="module")
def panel() -> Panel:
    return build_panel(make_series(30), make_history(30, 400), AS_OF)


def quiet(_: str) -> None:
    return None


def test_a_better_candidate_is_found_and_the_same_one_again(
    panel: Panel, settings: ForecastSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def error(_panel: Panel, _store: FeatureStore, tried: ForecastSettings) -> float:
        asked.append(tried.leaves)
        return 1 + abs(np.log(tried.leaves / 120))

    monkeypatch.setattr(tuning, "_error", error)
    chosen = settings.model_copy(update={"tuning_trials": 15})
    found = tune(panel, chosen, quiet)
    assert asked[:2] == [settings.leaves] * 2  # what is in use is tried first, on both cut-offs
    assert len(asked) == 15 * 2
    assert abs(np.log(found["leaves"] / 120)) < abs(np.log(settings.leaves / 120))
    assert set(found) == {"leaves", "learning_rate", "tweedie_power"}
    assert tune(panel, chosen, quiet) == found


def test_a_tie_changes_nothing(panel: Panel, settings: ForecastSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    gains = iter([1.0, 1.0, *[0.995] * 100])
    monkeypatch.setattr(tuning, "_error", lambda *_: next(gains))
    assert tune(panel, settings, quiet) == {}


def test_candidates_that_cannot_be_fitted_change_nothing(
    panel: Panel, settings: ForecastSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> float:
        raise TooFewRows("no rows")

    monkeypatch.setattr(tuning, "_error", failing)
    assert tune(panel, settings, quiet) == {}
    short = build_panel(make_series(3), make_history(3, 60), AS_OF)
    assert tune(short, settings, quiet) == {}


def test_a_whole_search_of_two(panel: Panel, settings: ForecastSettings) -> None:
    words: list[str] = []
    tune(panel, settings.model_copy(update={"tuning_trials": 2, "tuning_rows": 3_000}), words.append)
    assert len(words) == 1
    assert words[0].startswith("tuning: 2 candidates on 2 cut-offs")
