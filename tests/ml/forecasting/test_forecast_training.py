"""Training apart from predicting: when it is due, what it leaves, and that a champion only goes to a better one."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting import pipeline, training
from ml.forecasting.contract import BANDS, ForecastResult
from ml.forecasting.evaluation import backtest
from ml.forecasting.evaluation.backtest import LIGHTGBM, Outlook
from ml.forecasting.metrics import CLASSES
from ml.forecasting.models.lightgbm import BlockModel
from ml.forecasting.pipeline import run
from ml.forecasting.reconciliation import Targets, hierarchy_of
from ml.forecasting.settings import ForecastSettings
from ml.forecasting.trained import STATE_FILE, TrainedFilesError, from_files, to_files
from ml.forecasting.training import make_night, relative_error, why_train

COUNT, DAYS = 40, 400
REFUSED = "new fit refused, that of the champion stays"
TABLES = ("daily", "weekly", "monthly", "accuracy", "dispersion", "hierarchy", "drivers")


def quiet(_: str) -> None:
    return None


@pytest.fixture(scope="module", autouse=True)
def _lightgbm_everywhere() -> Iterator[None]:
    """So small a company is served by the moving average; here LightGBM has to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "choose", lambda *_: {(c, band): LIGHTGBM for c in CLASSES for band, _, _ in BANDS})
        yield


@pytest.fixture(scope="module")
def history() -> pl.DataFrame:
    """Three weeks more than the first night knows."""
    return make_history(COUNT, DAYS + 21, AS_OF + timedelta(days=21))


@pytest.fixture(scope="module")
def first(settings: ForecastSettings, history: pl.DataFrame) -> ForecastResult:
    return run(make_series(COUNT), history, AS_OF, settings, quiet)


def test_the_first_night_trains_and_the_next_one_only_predicts(
    settings: ForecastSettings, history: pl.DataFrame, first: ForecastResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert first.trained_because == "there is no champion yet"
    assert set(first.trained_files) == {STATE_FILE, "lightgbm_to_week_4.txt", "lightgbm_to_week_27.txt"}

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a night without training fits nothing")

    monkeypatch.setattr(backtest.lightgbm, "fit", never)
    monkeypatch.setattr(pipeline, "train", never)
    day = AS_OF + timedelta(days=6)
    later = run(make_series(COUNT), history, day, settings, quiet, champion=first.trained_files)
    assert later.trained_files == {}
    assert later.trained_because == ""
    assert later.fallbacks["used"].to_list() == [0]
    assert "lightgbm" in set(later.weekly["model"])
    assert later.daily["date"].min() == day + timedelta(days=1)
    assert later.accuracy.equals(first.accuracy)


def test_the_files_of_a_night_forecast_it_again_to_the_byte(
    settings: ForecastSettings, history: pl.DataFrame, first: ForecastResult
) -> None:
    again = run(make_series(COUNT), history, AS_OF, settings, quiet, champion=first.trained_files)
    assert again.trained_files == {}
    for name in TABLES:
        assert getattr(first, name).equals(getattr(again, name)), name
    assert again.models == first.models
    assert to_files(from_files(first.trained_files)) == first.trained_files
    json.loads(first.trained_files[STATE_FILE], parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


@pytest.mark.parametrize(
    ("days_later", "change", "reason"),
    [
        (6, {}, ""),
        (7, {}, "7 days old"),
        (-1, {}, "after the day to close"),
        (1, {"leaves": 8}, "settings"),
        (1, {"holiday_country": "US"}, "settings"),
        (1, {"daily_days": 7, "threads": 2, "chunk_series": 200, "retrain_days": 3}, ""),
        (20, {"retrain_days": 28}, ""),
    ],
)
def test_when_training_is_due(
    settings: ForecastSettings,
    history: pl.DataFrame,
    first: ForecastResult,
    days_later: int,
    change: dict[str, object],
    reason: str,
) -> None:
    night = make_night(make_series(COUNT), history, AS_OF + timedelta(days=days_later), None)
    champion = from_files(first.trained_files)
    found = why_train(night, champion, settings.model_copy(update=change), quiet)
    assert reason in found
    assert bool(found) == bool(reason)


def test_demand_that_turns_away_from_the_models_brings_training_forward(
    settings: ForecastSettings, history: pl.DataFrame, first: ForecastResult
) -> None:
    champion = from_files(first.trained_files)
    patient = settings.model_copy(update={"retrain_days": 28})
    rank = pl.col("series_id") % 2
    turned = history.with_columns(
        quantity=pl.when(pl.col("date") > AS_OF).then(pl.col("quantity") * (1 + 2 * rank)).otherwise("quantity")
    )
    night = make_night(make_series(COUNT), turned, AS_OF + timedelta(days=14), None)
    # the moving average misses the turn just as much: that alone is no drift
    assert training.drift_since(night, champion, patient, quiet) < 0.3
    # a champion that was better in its backtest than it is now has drifted
    better = replace(champion, relative_error=champion.relative_error / 2)
    assert "above that of the backtest" in why_train(night, better, patient, quiet)


def test_a_champion_that_saw_the_future_has_no_say(
    settings: ForecastSettings, history: pl.DataFrame, first: ForecastResult
) -> None:
    day = AS_OF - timedelta(days=7)
    fresh = run(make_series(COUNT), history, day, settings, quiet)
    beside = run(make_series(COUNT), history, day, settings, quiet, champion=first.trained_files)
    assert "after the day to close" in beside.trained_because
    assert beside.trained_files == fresh.trained_files


def test_relative_error_by_hand() -> None:
    panel = make_night(make_series(2), make_history(2, 60), AS_OF, None).panel
    usual = {"moving_average": np.array([[2.0, 2.0], [0.0, 0.0]])}
    outlook = Outlook(panel, np.array(["smooth", "smooth"]), usual, Targets(hierarchy_of(panel.codes), {}))
    actual = np.array([[1.0, 3.0], [1.0, 0.0]])
    selected = np.array([[1.0, 2.0], [0.5, 0.0]])
    # |1-1| + |2-3| + |0.5-1| = 1.5 over |2-1| + |2-3| + |0-1| = 3
    assert relative_error([(outlook, selected, actual)]) == pytest.approx(0.5)
    assert np.isnan(relative_error([]))


def test_a_place_that_came_after_training_is_forecast_by_the_models_in_use(
    settings: ForecastSettings, history: pl.DataFrame, first: ForecastResult
) -> None:
    series = make_series(COUNT)
    new = series.tail(2).with_columns(
        series_id=pl.Series([COUNT + 1, COUNT + 2], dtype=series["series_id"].dtype),
        location_id=pl.lit("A0"),  # sorts first: the codes of all places move
        department=pl.lit("A new one"),
    )
    # the new series sell what the last two sell
    more = history.filter(pl.col("series_id") > COUNT - 2).with_columns(pl.col("series_id") + 2)
    day = AS_OF + timedelta(days=1)
    result = run(
        pl.concat([series, new]),
        pl.concat([history, more]),
        day,
        settings,
        quiet,
        champion=first.trained_files,
    )
    assert result.trained_because == ""
    assert result.fallbacks["used"].to_list() == [0]
    alone = run(series, history, day, settings, quiet, champion=first.trained_files)
    old = result.weekly.filter(pl.col("location_id") != "A0")
    # features of the products and of the total move a little, the places' codes not at all
    assert (old["mean"] - alone.weekly["mean"]).abs().sum() < 0.1 * alone.weekly["mean"].sum()


def test_a_new_fit_that_is_worse_on_what_it_has_seen_is_refused(
    settings: ForecastSettings, history: pl.DataFrame, first: ForecastResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(BlockModel):
        def predict(self, store: object, series: np.ndarray, threads: int) -> np.ndarray:
            return 5.0 * super().predict(store, series, threads)

    honest = training.fit_model

    def broken(*arguments: object) -> object:
        model, failed = honest(*arguments)
        return Broken(model.parts, model.facts, model.code_labels), failed

    monkeypatch.setattr(training, "fit_model", broken)
    day = AS_OF + timedelta(days=7)
    result = run(make_series(COUNT), history, day, settings, quiet, champion=first.trained_files)
    assert "7 days old" in result.trained_because
    assert (REFUSED, 1) in result.fallbacks.select("reason", "used").rows()
    assert any("the champion's stays" in warning for warning in result.warnings)
    kept, was = from_files(result.trained_files), from_files(first.trained_files)
    assert kept.model is not None
    assert was.model is not None
    assert kept.model.facts["cutoff"] == was.model.facts["cutoff"] == AS_OF.isoformat()
    assert kept.cutoff == day


def test_a_sound_new_fit_takes_over(settings: ForecastSettings, history: pl.DataFrame, first: ForecastResult) -> None:
    day = AS_OF + timedelta(days=7)
    result = run(make_series(COUNT), history, day, settings, quiet, champion=first.trained_files)
    trained = from_files(result.trained_files)
    assert trained.model is not None
    assert trained.model.facts["cutoff"] == day.isoformat()
    assert REFUSED not in set(result.fallbacks["reason"])


@pytest.mark.parametrize("damage", ["no_state", "no_text", "not_json", "not_a_model"])
def test_files_that_cannot_be_read_say_so(first: ForecastResult, damage: str) -> None:
    files = dict(first.trained_files)
    if damage == "no_state":
        del files[STATE_FILE]
    elif damage == "no_text":
        del files["lightgbm_to_week_4.txt"]
    elif damage == "not_json":
        files[STATE_FILE] = b"{"
    else:
        files["lightgbm_to_week_4.txt"] = b"no trees here"
    with pytest.raises(TrainedFilesError, match="the next night trains anew"):
        from_files(files)


def test_files_of_an_older_version_are_not_read_but_trained_anew(
    settings: ForecastSettings, history: pl.DataFrame, first: ForecastResult
) -> None:
    state = json.loads(first.trained_files[STATE_FILE])
    del state["form"], state["dispersion"]
    files = dict(first.trained_files) | {STATE_FILE: json.dumps(state).encode()}
    result = run(make_series(COUNT), history, AS_OF, settings, quiet, champion=files)
    assert result.trained_because == "there is no champion yet"
    assert from_files(result.trained_files).cutoff == AS_OF


def test_the_state_keeps_the_day_it_was_trained(first: ForecastResult) -> None:
    trained = from_files(first.trained_files)
    assert trained.cutoff == AS_OF
    assert isinstance(trained.cutoff, date)
    assert trained.relative_error == pytest.approx(trained.relative_error)
    assert 0 < trained.relative_error < 2


def test_a_search_is_due_by_quarter_and_changes_only_what_it_found(
    settings: ForecastSettings, history: pl.DataFrame, first: ForecastResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[int] = []

    def found(_panel: object, in_use: ForecastSettings, _say: object) -> dict[str, float | int]:
        searched.append(in_use.leaves)
        return {"leaves": 7}

    monkeypatch.setattr(training, "tune", found)
    week = run(make_series(COUNT), history, AS_OF + timedelta(days=7), settings, quiet, champion=first.trained_files)
    assert searched == []
    often = settings.model_copy(update={"tune_days": 7})
    files = week.trained_files
    for days_later, leaves in ((14, 15), (21, 7)):
        day = AS_OF + timedelta(days=days_later)
        result = run(make_series(COUNT), history, day, often, quiet, champion=files)
        files = result.trained_files
        trained = from_files(files)
        assert searched[-1] == leaves  # what was in use is what the search starts from
        assert (trained.tuned, trained.tuned_on) == ({"leaves": 7}, day)
        assert trained.model is not None
        assert trained.model.facts["leaves"] == 7
    # settings changed by hand start anew
    by_hand = often.model_copy(update={"trees": 12})
    result = run(make_series(COUNT), history, AS_OF + timedelta(days=21), by_hand, quiet, champion=files)
    assert from_files(result.trained_files).tuned == {}
    assert len(searched) == 2
