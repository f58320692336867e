"""The hierarchy and the drivers: sums of the same forecast, seen from above and from within."""

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting import training
from ml.forecasting.contract import BANDS, ContractError, ForecastResult
from ml.forecasting.distribution import LEVEL_NAMES
from ml.forecasting.drivers import ORDER, drivers_table
from ml.forecasting.evaluation.backtest import LIGHTGBM
from ml.forecasting.features import DRIVERS, FeatureStore, driver_of, feature_names, neutral
from ml.forecasting.metrics import CLASSES
from ml.forecasting.models.lightgbm import fit
from ml.forecasting.panel import build_panel
from ml.forecasting.pipeline import run
from ml.forecasting.settings import ForecastSettings

COUNT, DAYS = 40, 500
MIX = pl.DataFrame(
    {"location_id": ["L0", "L0", "L1"], "channel": ["store", "web", "store"], "quantity": [3.0, 1.0, 4.0]}
)


@pytest.fixture(scope="module")
def result(settings: ForecastSettings) -> ForecastResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "choose", lambda *_: {(c, band): LIGHTGBM for c in CLASSES for band, _, _ in BANDS})
        history = make_history(COUNT, DAYS)
        return run(make_series(COUNT), history, AS_OF, settings, lambda _: None, channel_mix=MIX)


@pytest.mark.parametrize(
    ("period_type", "table", "column"), [("week", "weekly", "week_start"), ("month", "monthly", "month_start")]
)
def test_every_node_is_the_sum_of_its_series(result: ForecastResult, period_type: str, table: str, column: str) -> None:
    series = getattr(result, table).join(make_series(COUNT), on=["sku_id", "location_id"])
    keys = {
        "total": [pl.lit("total")],
        "region": ["region"],
        "department": ["department"],
        "category": ["department", "category"],
        "sku": ["sku_id"],
    }
    for level, parts in keys.items():
        wanted = (
            series.group_by(pl.concat_str(parts, separator=" / ").alias("node"), pl.col(column).alias("period_start"))
            .agg(pl.col("mean").sum(), pl.col("days_covered").first())
            .sort("node", "period_start")
        )
        found = result.hierarchy.filter(level=level, period_type=period_type).sort("node", "period_start")
        assert found.select("node", "period_start", "days_covered").equals(
            wanted.select("node", "period_start", "days_covered")
        )
        assert found["mean"].to_numpy() == pytest.approx(wanted["mean"].to_numpy(), abs=1e-9)
    quantiles = result.hierarchy.select(LEVEL_NAMES).to_numpy()
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()


def test_the_total_is_surer_than_what_it_is_the_sum_of(result: ForecastResult) -> None:
    wide = (
        result.hierarchy.filter(period_type="month").group_by("level").agg(pl.col("p90").sum() / pl.col("mean").sum())
    )
    spread = dict(wide.iter_rows())
    assert 1 < spread["total"] < spread["sku"]


def test_channels_share_a_place_by_what_they_sold_of_it(result: ForecastResult) -> None:
    month = result.monthly["month_start"].max()
    by_place = dict(
        result.monthly.filter(pl.col("month_start") == month)
        .group_by("location_id")
        .agg(pl.col("mean").sum())
        .iter_rows()
    )
    found = dict(
        result.hierarchy.filter(level="channel", period_type="month", period_start=month)
        .select("node", "mean")
        .iter_rows()
    )
    # L0 3 : 1, L1 all in the store, a place without sales as all together, 7 : 1
    rest = sum(units for place, units in by_place.items() if place not in ("L0", "L1"))
    assert found["web"] == pytest.approx(by_place["L0"] / 4 + rest / 8)
    assert found["store"] == pytest.approx(by_place["L0"] * 3 / 4 + by_place["L1"] + rest * 7 / 8)


def test_a_channel_mix_that_lacks_a_column_is_refused(settings: ForecastSettings) -> None:
    with pytest.raises(ContractError, match="channel mix lacks"):
        run(make_series(3), make_history(3, 60), AS_OF, settings, lambda _: None, channel_mix=MIX.drop("channel"))


def test_drivers_add_up_to_the_published_mean_of_every_series(result: ForecastResult) -> None:
    keys = ["sku_id", "location_id"]
    drivers = result.drivers.group_by(keys).agg(pl.col("amount").sum())
    days = result.daily.group_by(keys).agg(pl.col("mean").sum())
    both = days.join(drivers, on=keys)
    assert both.height == COUNT
    assert (both["amount"] - both["mean"]).abs().max() < 1e-9 * max(1.0, both["mean"].max())
    assert set(result.drivers["driver"]) <= set(ORDER)
    assert {"level", "season"} <= set(result.drivers["driver"])
    assert result.drivers.filter(pl.col("driver") == "level").height == COUNT


def test_every_feature_has_a_driver_and_neutral_leaves_the_level_alone() -> None:
    panel = build_panel(make_series(4), make_history(4, 900), AS_OF)
    store = FeatureStore(panel)
    rows = np.arange(4)
    matrix = store.matrix(rows, np.full(4, panel.blocks), np.full(4, 2))
    calm = neutral(matrix)
    for column, name in enumerate(feature_names()):
        assert driver_of(name) in DRIVERS
        if driver_of(name) == "level":
            assert np.array_equal(calm[:, column], matrix[:, column], equal_nan=True), name
        assert np.array_equal(np.isnan(calm[:, column]), np.isnan(matrix[:, column])), name
    assert driver_of("season_total") == driver_of("year_ago") == driver_of("year_sin2") == "season"
    assert driver_of("holiday_days") == "events"
    assert driver_of("growth_total") == driver_of("year_ago_level") == driver_of("level_13") == "level"


def test_the_build_up_ends_at_the_forecast(settings: ForecastSettings) -> None:
    store = FeatureStore(build_panel(make_series(30), make_history(30, 900), AS_OF))
    model = fit(store, settings, 6_000)
    rows = np.array([3, 11, 29])
    parts = model.build_up(store, rows, 4, 1)
    assert sum(parts.values()) == pytest.approx(model.predict(store, rows, 1)[:, :4].sum(axis=1), rel=1e-5)


def test_the_drivers_of_a_series_by_hand() -> None:
    amounts = {driver: np.zeros(2) for driver in DRIVERS}
    amounts["level"][:] = [10.0, 3.0]
    amounts["season"][:] = [2.0, 0.0]
    table = drivers_table(make_series(2), amounts, np.array([9.0, 3.0]), np.array([18.0, 3.0]), AS_OF)
    assert table.select("driver", "amount").rows() == [
        ("level", 10.0),
        ("season", 2.0),
        ("reconciliation", -3.0),
        ("edit", 9.0),
        ("level", 3.0),
    ]
    assert table["as_of"].to_list() == [AS_OF] * 5
    assert table["days_covered"].unique().to_list() == [28]
