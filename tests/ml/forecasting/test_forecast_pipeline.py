"""A whole forecast of small companies: coherent, reproducible, and never lost to a failing model."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting.calendar import month_start
from ml.forecasting.contract import (
    ACCURACY_SCHEMA,
    DAILY_SCHEMA,
    MONTHLY_SCHEMA,
    WEEKLY_SCHEMA,
    ContractError,
    ForecastResult,
)
from ml.forecasting.distribution import LEVEL_NAMES, DemandDistribution
from ml.forecasting.models import lightgbm
from ml.forecasting.pipeline import SIMPLER, run
from ml.forecasting.settings import ForecastSettings

COUNT, DAYS = 60, 400
KEYS = ["sku_id", "location_id"]


def quiet(_: str) -> None:
    return None


def go(settings: ForecastSettings, history: pl.DataFrame | None = None, as_of: date = AS_OF) -> ForecastResult:
    history = make_history(COUNT, DAYS, as_of) if history is None else history
    return run(make_series(COUNT), history, as_of, settings, quiet)


@pytest.fixture(scope="module")
def result(settings: ForecastSettings) -> ForecastResult:
    return go(settings)


def counted(result: ForecastResult) -> dict[str, int]:
    return dict(result.fallbacks.select("reason", "used").iter_rows())


def check_tables(result: ForecastResult, series: int, as_of: date, week_starts_on: int = 1) -> None:
    """What every published forecast must be, whatever went in."""
    assert result.daily.schema == DAILY_SCHEMA
    assert result.weekly.schema == WEEKLY_SCHEMA
    assert result.monthly.schema == MONTHLY_SCHEMA
    assert result.accuracy.schema == ACCURACY_SCHEMA
    assert result.daily.height == 28 * series
    assert result.monthly.height == 6 * series
    under_way = (as_of + timedelta(days=1)).isoweekday() != week_starts_on
    assert result.weekly.height == (26 + under_way) * series
    for table in (result.daily, result.weekly, result.monthly):
        values = table.select("mean", *LEVEL_NAMES).to_numpy()
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert (np.diff(values[:, 1:], axis=1) >= 0).all()
    DemandDistribution.from_frame(result.dispersion)


@pytest.mark.parametrize(
    ("as_of", "week_starts_on"),
    [
        (date(2024, 2, 28), 1),
        (date(2024, 2, 25), 1),  # a Sunday: the first week is whole
        (date(2023, 12, 30), 7),
        (date(2024, 1, 31), 4),
        (date(2024, 8, 31), 3),
    ],
)
def test_days_weeks_and_months_add_up(settings: ForecastSettings, as_of: date, week_starts_on: int) -> None:
    chosen = settings.model_copy(update={"week_starts_on": week_starts_on, "trees": 10, "backtest_weeks": (13,)})
    result = go(chosen, as_of=as_of)
    check_tables(result, COUNT, as_of, week_starts_on)
    one = result.weekly.filter(pl.col("sku_id") == "S0019", pl.col("location_id") == "L2")
    assert all(day.isoweekday() == week_starts_on for day in one["week_start"])
    assert one["days_covered"].sum() == (one["week_start"].max() + timedelta(days=6) - as_of).days
    months = result.monthly.filter(pl.col("sku_id") == "S0019", pl.col("location_id") == "L2")
    assert months["month_start"].to_list() == [month_start(as_of + timedelta(days=1), k) for k in range(6)]
    assert months["days_covered"].sum() == (month_start(as_of + timedelta(days=1), 6) - as_of).days - 1
    days = result.daily.with_columns(
        week_start=pl.col("date").map_elements(
            lambda d: d - timedelta(days=(d.isoweekday() - week_starts_on) % 7), return_dtype=pl.Date
        )
    )
    summed = days.group_by(*KEYS, "week_start").agg(days=pl.len(), total=pl.col("mean").sum())
    both = result.weekly.join(summed, on=[*KEYS, "week_start"]).filter(pl.col("days") == pl.col("days_covered"))
    assert both.height >= 3 * COUNT
    assert (both["mean"] - both["total"]).abs().max() < 1e-9 * max(1, both["mean"].max())
    last = month_start(as_of + timedelta(days=1), 1)
    if (last - as_of).days <= 28:
        first = result.daily.filter(pl.col("date") < last).group_by(KEYS).agg(total=pl.col("mean").sum())
        month = result.monthly.filter(pl.col("month_start") < last).join(first, on=KEYS)
        assert (month["mean"] - month["total"]).abs().max() < 1e-9 * max(1, month["mean"].max())


def test_forecast_is_near_the_rate_of_a_stationary_company(result: ForecastResult) -> None:
    history = make_history(COUNT, DAYS)
    recent = history.filter(pl.col("date") > AS_OF - timedelta(days=91))["quantity"].sum() / 91
    assert result.daily["mean"].sum() / 28 == pytest.approx(recent, rel=0.1)
    by_day = result.daily.group_by(pl.col("date").dt.weekday()).agg(pl.col("mean").mean()).sort("date")["mean"]
    assert by_day[5] > 1.3 * by_day[0]  # Saturday sells 1.4, Monday 0.8


def test_same_bytes_whatever_the_order_and_later_rows(settings: ForecastSettings, result: ForecastResult) -> None:
    history = make_history(COUNT, DAYS)
    later = history.with_columns(pl.col("date") + timedelta(days=DAYS), pl.col("quantity") * 100)
    shuffled = pl.concat([history, later]).sample(fraction=1, shuffle=True, seed=5)
    again = run(make_series(COUNT).sample(fraction=1, shuffle=True, seed=2), shuffled, AS_OF, settings, quiet)
    for name in ("daily", "weekly", "monthly", "accuracy", "dispersion", "hierarchy", "drivers"):
        assert getattr(result, name).equals(getattr(again, name)), name
    assert result.models == again.models


def test_accuracy_has_the_naive_beside_every_step(result: ForecastResult) -> None:
    table = result.accuracy
    assert {"naive", "naive_seasonal", "moving_average", "lightgbm", "selected", "reconciled"} == set(table["step"])
    assert set(table["horizon_band"]) == {"1-4", "5-13", "14-26"}
    assert set(table["cutoffs"]) == {"2023-08-30, 2023-11-29", "2023-08-30"}
    naive = table.filter(pl.col("step") == "naive_seasonal")
    assert (naive["value"] == naive["baseline_value"]).all()
    better = table.filter(
        pl.col("step") == "selected", pl.col("level") == "sku_location", pl.col("segment") == "all", metric="rmsse"
    )
    assert (better["value"] < better["baseline_value"]).all()


def test_returns_and_broken_numbers_are_no_demand(settings: ForecastSettings) -> None:
    history = make_history(COUNT, DAYS)
    bad = history.head(3).with_columns(quantity=pl.Series([-5.0, float("nan"), float("inf")]))
    result = go(settings, pl.concat([history, bad]))
    check_tables(result, COUNT, AS_OF)
    assert any("3 days" in warning for warning in result.warnings)


@pytest.mark.parametrize("days", [1, 3, 20, 60, 140])
def test_short_histories(settings: ForecastSettings, days: int) -> None:
    series, history = make_series(3), make_history(3, days, highest=3.0, seed=1)
    result = run(series, history, AS_OF, settings, quiet)
    check_tables(result, 3, AS_OF)


def test_no_history_at_all(settings: ForecastSettings) -> None:
    series = make_series(5).with_columns(launched_on=pl.lit(AS_OF))
    result = run(series, make_history(5, 50).clear(), AS_OF, settings, quiet)
    check_tables(result, 5, AS_OF)
    assert result.daily["mean"].sum() == 0
    assert any("too short" in warning for warning in result.warnings)


def test_constant_single_and_unsold_series(settings: ForecastSettings) -> None:
    series = make_series(COUNT).with_columns(
        launched_on=pl.when(pl.col("series_id") == 3).then(pl.lit(AS_OF)).otherwise(None).cast(pl.Date)
    )
    dates = [AS_OF - timedelta(days=k) for k in range(DAYS)]
    constant = pl.DataFrame({"series_id": [1] * DAYS, "date": dates, "quantity": [7.0] * DAYS})
    single = pl.DataFrame({"series_id": [2], "date": [AS_OF - timedelta(days=100)], "quantity": [1.0]})
    rest = make_history(COUNT, DAYS).filter(pl.col("series_id") > 4)
    history = pl.concat([constant.cast({"series_id": pl.Int32}), single.cast({"series_id": pl.Int32}), rest])
    result = run(series, history, AS_OF, settings, quiet)
    check_tables(result, COUNT, AS_OF)
    mean = result.weekly.group_by(KEYS, maintain_order=True).agg(pl.col("mean").sum(), pl.col("model").first())
    assert mean["mean"][0] == pytest.approx(7.0 * 187, rel=0.15)
    assert 0 < mean["mean"][1] < 5
    assert mean["model"][2] == "like_products"
    assert mean["mean"][2] > 0
    assert mean["mean"][3] == 0  # never sold, no launch: a dead listing


def test_a_model_that_cannot_be_fitted_is_counted_not_fatal(
    settings: ForecastSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> lightgbm.BlockModel:
        raise RuntimeError("no memory")

    monkeypatch.setattr(lightgbm, "fit", broken)
    result = go(settings)
    check_tables(result, COUNT, AS_OF)
    assert counted(result)["lightgbm not fitted: RuntimeError"] >= 2
    assert "lightgbm" not in set(result.daily["model"])


def test_measured_goods_take_the_gamma(settings: ForecastSettings) -> None:
    history = make_history(COUNT, DAYS).with_columns(pl.col("quantity") * 0.731)
    result = go(settings, history)
    check_tables(result, COUNT, AS_OF)
    assert set(result.dispersion["family"]) == {"gamma"}


def test_frames_that_break_the_contract_are_refused(settings: ForecastSettings) -> None:
    series, history = make_series(4), make_history(4, 100)
    with pytest.raises(ContractError, match="without gaps"):
        run(series.head(3).with_columns(pl.col("series_id") + 1), history, AS_OF, settings, quiet)
    with pytest.raises(ContractError, match="lack the columns"):
        run(series.drop("department"), history, AS_OF, settings, quiet)
    with pytest.raises(ContractError, match="not among the 3 series"):
        run(series.head(3), history, AS_OF, settings, quiet)
    with pytest.raises(ContractError, match="more than once"):
        run(series.with_columns(sku_id=pl.lit("X"), location_id=pl.lit("Y")), history, AS_OF, settings, quiet)


def test_any_number_of_threads_gives_the_same(settings: ForecastSettings, result: ForecastResult) -> None:
    again = go(settings.model_copy(update={"threads": 2}))
    for name in ("daily", "weekly", "monthly", "accuracy", "dispersion", "hierarchy", "drivers"):
        assert getattr(result, name).equals(getattr(again, name)), name


def test_two_years_of_history_bring_prophet(settings: ForecastSettings) -> None:
    history = make_history(12, 900, highest=20.0)
    chosen = settings.model_copy(update={"backtest_weeks": (13,), "threads": 2})
    result = run(make_series(12), history, AS_OF, chosen, quiet)
    prophet = [facts for facts in result.models if facts["name"] == "prophet"]
    assert [facts["failed"] for facts in prophet] == [0]  # of the backtest; the night asks it where it won
    assert counted(result) == {SIMPLER: 0}
    check_tables(result, 12, AS_OF)
