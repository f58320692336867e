"""The ladder: whatever cannot be fitted is replaced by something simpler, counted, and never lost."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting import training
from ml.forecasting.contract import BANDS, FALLBACKS_SCHEMA, ForecastResult
from ml.forecasting.distribution import LEVEL_NAMES
from ml.forecasting.evaluation import backtest
from ml.forecasting.evaluation.backtest import LIGHTGBM
from ml.forecasting.metrics import CLASSES
from ml.forecasting.models import prophet
from ml.forecasting.models.lightgbm import BlockModel
from ml.forecasting.pipeline import SIMPLER, run
from ml.forecasting.settings import ForecastSettings

COUNT, DAYS = 30, 400


@pytest.fixture(autouse=True)
def _lightgbm_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    every = {(c, band): LIGHTGBM for c in CLASSES for band, _, _ in BANDS}
    monkeypatch.setattr(training, "choose", lambda *_: every)


def go(settings: ForecastSettings, history: pl.DataFrame, count: int = COUNT) -> ForecastResult:
    result = run(make_series(count), history, AS_OF, settings, lambda _: None)
    assert result.fallbacks.schema == FALLBACKS_SCHEMA
    assert result.weekly.height == 27 * count
    values = result.weekly.select("mean", *LEVEL_NAMES).to_numpy()
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    return result


def counted(result: ForecastResult) -> dict[str, tuple[int, int | None]]:
    return {reason: (used, of_all) for reason, used, of_all in result.fallbacks.iter_rows()}


def test_nothing_failed_is_one_row_that_says_so(settings: ForecastSettings) -> None:
    assert counted(go(settings, make_history(COUNT, DAYS))) == {SIMPLER: (0, COUNT)}


def test_a_forecast_that_is_not_finite_costs_its_series_alone(
    settings: ForecastSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = BlockModel.predict

    def spoiled(self: BlockModel, store: object, series: np.ndarray, threads: int, ahead: int) -> np.ndarray:
        made = honest(self, store, series, threads, ahead)
        made[series == 4, 7] = np.nan
        made[series == 9, 0] = np.inf
        return made

    monkeypatch.setattr(BlockModel, "predict", spoiled)
    result = go(settings, make_history(COUNT, DAYS))
    found = counted(result)
    assert found[SIMPLER] == (2, COUNT)
    # two cut-offs and the night itself
    assert found["series whose LightGBM forecast is not finite"] == (6, None)
    model = result.weekly.group_by("sku_id", "location_id", maintain_order=True).agg(pl.col("model").first())["model"]
    assert (model[4], model[9], model[5]) == ("rate_table", "rate_table", "lightgbm")


def test_all_forecasts_not_finite_is_a_model_without_forecasts(
    settings: ForecastSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BlockModel, "predict", lambda *a: np.full((len(a[2]), 27), np.nan, dtype=np.float32))
    result = go(settings, make_history(COUNT, DAYS))
    assert counted(result)["lightgbm without forecasts: ValueError"][0] == 3
    assert counted(result)[SIMPLER][0] > 0.9 * COUNT
    assert LIGHTGBM not in set(result.weekly["model"])


def constant(count: int) -> pl.DataFrame:
    days = [AS_OF - timedelta(days=k) for k in range(DAYS)]
    every = [(series, day, 3.0) for series in range(1, count + 1) for day in days]
    return pl.DataFrame(every, schema={"series_id": pl.Int32, "date": pl.Date, "quantity": pl.Float64}, orient="row")


def test_a_company_that_sells_the_same_every_day(settings: ForecastSettings) -> None:
    result = go(settings, constant(6), 6)
    mean = result.daily["mean"].to_numpy()
    assert mean == pytest.approx(3.0, rel=0.1)


def test_a_company_of_nothing_but_zeros(settings: ForecastSettings) -> None:
    result = go(settings, constant(6).with_columns(quantity=pl.lit(0.0)), 6)
    assert result.weekly["mean"].sum() == 0
    assert counted(result)[SIMPLER][1] == 6


def test_a_company_that_sold_once(settings: ForecastSettings) -> None:
    result = go(settings, constant(1).head(200).tail(1), 6)
    assert result.weekly["mean"].sum() >= 0
    assert result.daily.height == 28 * 6


def test_a_model_that_raises_leaves_the_rate_table_for_all(
    settings: ForecastSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> BlockModel:
        raise MemoryError("no memory")

    monkeypatch.setattr(backtest.lightgbm, "fit", failing)
    result = go(settings, make_history(COUNT, DAYS))
    assert counted(result)["lightgbm not fitted: MemoryError"][0] == 3
    used, of_all = counted(result)[SIMPLER]
    assert of_all == COUNT
    assert used >= 0.9 * COUNT
    assert result.trained_files
    # the night after does not train, and still says that it goes without
    champion = result.trained_files
    later = run(make_series(COUNT), make_history(COUNT, DAYS), AS_OF, settings, lambda _: None, champion=champion)
    assert later.trained_because == ""
    assert counted(later)[SIMPLER] == (used, COUNT)


def test_prophet_that_fails_is_counted_and_the_regression_serves(
    settings: ForecastSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(tasks: list[prophet.Aggregate], *_: object) -> dict[str, np.ndarray | str]:
        return {task.name: "the worker crashed" for task in tasks}

    monkeypatch.setattr(backtest, "forecast_aggregates", failing)
    result = go(settings, make_history(12, 900), 12)
    assert counted(result)["prophet aggregate not fitted"][0] > 0
    assert counted(result)[SIMPLER] == (0, 12)
