"""Prices and promotions: laid out as an SQL oracle lays them out, effects recovered, nothing unannounced seen."""

from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from small_companies import AS_OF, make_history, make_series

from ml.forecasting.contract import HORIZON_BLOCKS, ContractError, ForecastResult
from ml.forecasting.models.offer_effects import (
    CHEAPER,
    ENDED,
    against_usual,
    cheaper,
    learn_effects,
    price_factors,
    promotion_factors,
)
from ml.forecasting.offer_layer import PROMOTED_SCHEMA
from ml.forecasting.offers import PRICES_SCHEMA, PROMOTIONS_SCHEMA, NightOffers, night_offers, relative_depths
from ml.forecasting.panel import BLOCK_DAYS, Panel, build_panel
from ml.forecasting.pipeline import run
from ml.forecasting.settings import ForecastSettings

KEYS = ["sku_id", "location_id"]


def promotions(*rows: tuple[object, ...]) -> pl.DataFrame:
    """series_id, promotion_id, starts_on, ends_on, mechanic, depth, part."""
    return pl.DataFrame(rows, schema=PROMOTIONS_SCHEMA, orient="row")


def prices(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=PRICES_SCHEMA, orient="row")


def laid_out(prices: pl.DataFrame | None, listed: pl.DataFrame | None, series: int, blocks: int) -> NightOffers:
    found = night_offers(prices, listed, series, blocks, AS_OF)
    assert found is not None
    return found


def ahead(days: int) -> date:
    return AS_OF + timedelta(days=days)


periods = st.lists(
    st.tuples(st.integers(1, 3), st.integers(-80, 210), st.integers(0, 90), st.sampled_from(["a", "b"]), st.booleans()),
    min_size=1,
    max_size=8,
)


@given(periods)
@examples(max_examples=40, deadline=None)
def test_shares_of_days_match_the_sql_oracle(drawn: list[tuple[int, int, int, str, bool]]) -> None:
    listed = promotions(
        *[
            (series, f"P{k}", ahead(start), ahead(start + length), mechanic, None, 0.5 if half else 1.0)
            for k, (series, start, length, mechanic, half) in enumerate(drawn)
        ]
    )
    blocks = 9
    found = laid_out(None, listed, 3, blocks).blocks
    for mechanic in ("a", "b"):
        oracle = f"""
            with days as (
                select s.i as series_id, (date '{AS_OF}' - {BLOCK_DAYS * blocks} + d.i::integer + 1)::date as day,
                    d.i // 7 as block
                from range(1, 4) as s (i), range({BLOCK_DAYS * (blocks + HORIZON_BLOCKS)}) as d (i)
            )
            select days.series_id, block, least(coalesce(sum(part), 0) / 7, 3.0) as strength
            from days left join (select * from listed where mechanic = '{mechanic}') as p
                on p.series_id = days.series_id and day between starts_on and ends_on
            group by days.series_id, block order by days.series_id, block
        """
        expected = duckdb.sql(oracle).pl()["strength"].to_numpy()
        matrix = found.strength.get(mechanic, np.zeros((3, blocks + HORIZON_BLOCKS)))
        np.testing.assert_allclose(matrix.ravel(), expected, atol=1e-5)


def test_prices_are_means_of_the_days_and_hold_until_the_next() -> None:
    known = prices((1, ahead(-20), ahead(-4), 10.0), (1, ahead(-3), ahead(10), 17.0), (1, ahead(11), ahead(500), 8.0))
    found = laid_out(known, None, 2, 4).blocks
    assert found.price is not None
    # block 0 ends 21 days back and knows no price, block 1 and 2 have one; of the last block four days cost 10... 3 + 4
    np.testing.assert_allclose(found.price[0, :6], [np.nan, 10, 10, (3 * 10 + 4 * 17) / 7, 17, (3 * 17 + 4 * 8) / 7])
    assert np.isnan(found.price[1]).all()
    assert found.prices_ahead(np.array([0]), 4)[0].tolist() == pytest.approx([17, (3 * 17 + 4 * 8) / 7, 8, 8])
    # nobody plans as many changes ahead as usual, so two blocks ago the price of then was all that was known
    assert found.price_reach == 0
    assert found.earlier(2).prices_ahead(np.array([0]), 5)[0].tolist() == [10.0] * 5


def test_a_cut_twice_as_deep_is_twice_as_strong() -> None:
    listed = promotions(
        (1, "P", ahead(-20), ahead(-14), "percent_off", 10.0, 1.0),
        (1, "Q", ahead(-13), ahead(-7), "percent_off", 20.0, 1.0),
        (1, "R", ahead(-6), ahead(0), "percent_off", 30.0, 1.0),
        (1, "S", ahead(1), ahead(7), "percent_off", 4000.0, 1.0),
        (1, "T", ahead(1), ahead(7), "display", None, 1.0),
    )
    assert relative_depths(listed, AS_OF).to_list() == [0.5, 1.0, 1.5, 3.0, 1.0]


def test_the_plan_reaches_as_far_as_it_is_as_full_as_usual() -> None:
    past = [(k % 5 + 1, f"P{k}", ahead(-7 * k - 6), ahead(-7 * k), "display", None, 1.0) for k in range(40)]
    plan = [(2, f"Q{k}", ahead(7 * k + 1), ahead(7 * k + 7), "display", None, 1.0) for k in (0, 1, 2, 9)]
    found = laid_out(None, promotions(*past, *plan), 5, 50).blocks
    assert found.reach == 3
    assert found.strength["display"].shape == (5, 50 + HORIZON_BLOCKS)
    earlier = found.earlier(10)
    assert (earlier.blocks, earlier.strength["display"].shape[1]) == (40, 43)
    np.testing.assert_array_equal(earlier.strength["display"], found.strength["display"][:, :43])


def promoted_company(seed: int, sku_uplift: np.ndarray, dip: float, slope: float) -> tuple[Panel, NightOffers]:
    """80 products at three places, two years; each is on promotion a fifth of its weeks, prices change now and then."""
    rng = np.random.default_rng(seed)
    series, blocks, skus = 240, 104, 80
    sku = np.arange(series) // 3
    on = rng.random((series, blocks)) < 0.15
    after = np.zeros_like(on)
    after[:, 1:] = on[:, :-1] & ~on[:, 1:]
    price = np.full((series, blocks), 10.0)
    for row in price:
        for start in rng.integers(0, blocks, 5):
            row[start : start + 6] = rng.choice([8.0, 9.0, 12.0])
    season = 1 + 0.4 * np.sin(2 * np.pi * np.arange(blocks) / 52)
    rate = rng.uniform(5, 60, series)[:, None] * season
    mean = rate * (1 + sku_uplift[sku][:, None] * on + dip * after + slope * (10 / price - 1))
    start = AS_OF - timedelta(days=BLOCK_DAYS * blocks - 1)
    row, column = np.nonzero(np.ones_like(on))
    history = pl.DataFrame(
        {
            "series_id": (row + 1).astype(np.int32),
            "date": [start + timedelta(days=int(7 * k)) for k in column],
            "quantity": rng.poisson(mean).ravel().astype(float),
        }
    ).filter(pl.col("quantity") > 0)
    weeks = [(start + timedelta(days=7 * k), start + timedelta(days=7 * k + 6)) for k in range(blocks)]
    listed = [(int(i + 1), f"P{i}-{k}", *weeks[k], "display", None, 1.0) for i, k in np.argwhere(on)]
    tags = [(i + 1, *weeks[k], float(price[i, k])) for i in range(series) for k in range(blocks)]
    frame = make_series(series).with_columns(
        sku_id=pl.Series([f"S{k:03d}" for k in sku]),
        category=pl.Series([f"C{k % 4}" for k in sku]),
        department=pl.Series([f"D{k % 2}" for k in sku]),
    )
    assert skus == len(sku_uplift)
    return build_panel(frame, history, AS_OF), laid_out(prices(*tags), promotions(*listed), series, blocks)


def test_known_effects_are_recovered() -> None:
    uplift = np.where(np.arange(80) % 4 == 0, 2.0, 0.8)  # category C0 reacts more
    panel, offers = promoted_company(3, uplift, dip=-0.3, slope=1.5)
    found = learn_effects(panel, offers.blocks)
    assert found.names == ("display", ENDED, CHEAPER)
    assert found.of_company == pytest.approx([1.1, -0.3, 1.5], abs=0.08)
    own = found.of_product[:, 0]
    assert np.abs(own - uplift).mean() < 0.12
    assert own[uplift == 2.0].min() > own[uplift == 0.8].max()


def test_what_never_acts_is_found_to_do_nothing() -> None:
    panel, offers = promoted_company(4, np.zeros(80), dip=0.0, slope=0.0)
    found = learn_effects(panel, offers.blocks)
    assert np.abs(found.of_product).mean() < 0.04
    assert np.abs(found.of_product[:, 0]).max() < 0.2
    assert np.abs(found.of_company).max() < 0.02


def test_effects_know_nothing_after_the_cut_off() -> None:
    panel, offers = promoted_company(5, np.full(80, 1.0), dip=-0.2, slope=1.0)
    past, came = panel.earlier(20), offers.blocks
    changed = {name: matrix.copy() for name, matrix in came.strength.items()}
    assert came.price is not None
    price = came.price.copy()
    for matrix in changed.values():
        matrix[:, past.blocks :] = 1.0 - matrix[:, past.blocks :]
    price[:, past.blocks :] *= 3.0
    other = type(came)(came.blocks, changed, came.reach, price, came.price_reach)
    rows, made = np.arange(panel.series), []
    for known in (came.earlier(20), other.earlier(20)):
        effects = learn_effects(past, known)
        factors = promotion_factors(effects, past, known, rows), price_factors(effects, past, known, rows)
        made.append((effects.of_product, *factors))
    for one, two in zip(*made, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (made[0][1] == 1.0).all(), "no plan was known, so the usual is expected"


def test_factors_by_hand() -> None:
    lift = np.array([[2.0, 1.0, 0.8, 2.0, 1.0, 0.8, 1.1]])
    # usual 1.25: the plan covers three columns; beyond it only what is listed speaks
    assert against_usual(lift, np.array([[1.25]]), 3)[0].tolist() == pytest.approx([1.6, 0.8, 0.64, 1.6, 1.0, 0.8, 1.0])
    prices_ahead = np.array([[8.0, 20.0, 40.0, np.nan, 1.0]])
    assert cheaper(np.array([[10.0]]), prices_ahead)[0].tolist() == [0.25, -0.5, -0.5, 0, 1]


COUNT, DAYS = 60, 500


def offers_of(history_seed: int = 1) -> pl.DataFrame:
    """Every week a fifth of the series is on display from Thursday to Wednesday, with a plan of 30 weeks."""
    rng = np.random.default_rng(history_seed)
    rows = []
    for week in range(-70, 30):
        for series in np.flatnonzero(rng.random(COUNT) < 0.2):
            first = ahead(7 * week + 2)
            rows.append((int(series + 1), f"W{week}", first, first + timedelta(days=6), "display", None, 1.0))
    return promotions(*rows)


def lifted(listed: pl.DataFrame) -> pl.DataFrame:
    """History of a company that sells three times as much on promotion."""
    days = listed.select(
        pl.col("series_id"), pl.date_ranges("starts_on", "ends_on").alias("date"), on=pl.lit(1.0)
    ).explode("date")
    history = make_history(COUNT, DAYS, highest=8.0)
    joined = history.join(days, on=["series_id", "date"], how="left")
    return joined.select("series_id", "date", pl.col("quantity") * (1.0 + 2.0 * pl.col("on").fill_null(0.0)))


def go(settings: ForecastSettings, **changes: object) -> ForecastResult:
    listed = offers_of()
    given = {"promotions": listed, "history": lifted(listed)} | changes
    return run(make_series(COUNT), given.pop("history"), AS_OF, settings, lambda _: None, **given)


@pytest.fixture(scope="module")
def chosen(settings: ForecastSettings) -> ForecastSettings:
    return settings.model_copy(update={"backtest_weeks": (26, 13), "chunk_series": 17})


@pytest.fixture(scope="module")
def result(chosen: ForecastSettings) -> ForecastResult:
    return go(chosen)


def test_a_promoted_company_is_forecast_with_and_without(result: ForecastResult) -> None:
    table = result.promotions
    assert table.schema == PROMOTED_SCHEMA
    assert table.select(pl.struct(*KEYS, "promotion_id").is_unique().all()).item()
    facts = next(each for each in result.models if each["name"] == "effect of promotion")
    assert facts["weights"]["1-4"] > 0
    near = table.filter(pl.col("covers_to") <= ahead(28), pl.col("without_qty") > 5)
    assert near.height > 10
    assert (near["with_qty"] / near["without_qty"]).median() == pytest.approx(3.0, rel=0.25)
    assert (table["with_qty"] - table["without_qty"] - table["uplift_qty"]).abs().max() < 1e-9
    covered = pl.col("date").is_between(pl.col("covers_from"), pl.col("covers_to"))
    days = near.join(result.daily, on=KEYS).filter(covered)
    sums = days.group_by(*KEYS, "promotion_id").agg(pl.col("mean").sum(), pl.col("with_qty").first())
    assert sums.height == near.height
    assert (sums["mean"] - sums["with_qty"]).abs().max() < 1e-6


def test_the_days_of_a_promotion_are_lifted_and_no_others(result: ForecastResult) -> None:
    again = result.promotions.filter(pl.col("starts_on") == ahead(2)).select(KEYS)
    once = result.promotions.filter(pl.col("starts_on") == ahead(9), pl.col("without_qty") > 5)
    one = once.join(again, on=KEYS, how="anti").row(0, named=True)
    mine = result.daily.filter(pl.col("sku_id") == one["sku_id"], pl.col("location_id") == one["location_id"])
    means = mine.sort("date")["mean"].to_numpy()
    # a week before the promotion, from Thursday to Wednesday as it is itself
    assert means[8:15].sum() / means[1:8].sum() == pytest.approx(3.0, rel=0.3)
    assert means[8] / means[7] > 1.7
    assert means[15] / means[14] < 0.7


def test_drivers_name_the_promotion_and_add_up(result: ForecastResult) -> None:
    drivers = result.drivers.group_by(KEYS).agg(pl.col("amount").sum())
    both = result.daily.group_by(KEYS).agg(pl.col("mean").sum()).join(drivers, on=KEYS)
    assert (both["amount"] - both["mean"]).abs().max() < 1e-9 * max(1.0, both["mean"].max())
    promoted = result.drivers.filter(pl.col("driver") == "promotion")
    assert promoted.height > COUNT / 2
    lifted_series = result.promotions.filter(pl.col("covers_to") <= ahead(28)).group_by(KEYS).agg(pl.len())
    most = lifted_series.filter(pl.col("len") >= 3).join(promoted, on=KEYS)
    assert (most["amount"] > 0).mean() > 0.8, "on promotion three weeks of four is more than usual"


def test_the_backtest_scores_both_ways(result: ForecastResult) -> None:
    rows = result.accuracy.filter(pl.col("segment") == "offered", pl.col("metric") == "wmape")
    value = dict(rows.filter(pl.col("horizon_band") == "1-4").select("step", "value").iter_rows())
    assert value["with_promotion"] < 0.9 * value["without_promotion"]


def test_quantiles_and_sums_follow_the_offers(result: ForecastResult) -> None:
    weekly = result.weekly.group_by(KEYS).agg(pl.col("mean").sum()).sort(KEYS)
    hierarchy = result.hierarchy.filter(pl.col("level") == "total", pl.col("period_type") == "week")
    assert weekly["mean"].sum() == pytest.approx(hierarchy["mean"].sum(), rel=1e-9)


def test_any_chunk_gives_the_same_tables(chosen: ForecastSettings, result: ForecastResult) -> None:
    again = go(chosen.model_copy(update={"chunk_series": 1000}))
    assert again.daily.equals(result.daily)
    assert again.promotions.equals(result.promotions)
    assert again.drivers.equals(result.drivers)


def test_a_night_without_training_reads_the_weights(chosen: ForecastSettings, result: ForecastResult) -> None:
    again = go(chosen, champion=result.trained_files)
    assert not again.trained_because
    assert again.daily.equals(result.daily)
    assert again.promotions.equals(result.promotions)


def test_without_offers_nothing_is_said(chosen: ForecastSettings) -> None:
    plain = go(chosen, promotions=None)
    assert plain.promotions.is_empty()
    assert not [each for each in plain.models if str(each["name"]).startswith("effect of")]
    assert plain.accuracy.filter(pl.col("segment") == "offered").is_empty()
    assert plain.drivers.filter(pl.col("driver").is_in(["price", "promotion"])).is_empty()


def test_noise_is_switched_off(chosen: ForecastSettings) -> None:
    result = go(chosen, history=make_history(COUNT, DAYS, highest=8.0))
    facts = next(each for each in result.models if each["name"] == "effect of promotion")
    assert not any(facts["weights"].values())
    assert any("effect of a promotion was no gain" in warning for warning in result.warnings)
    assert result.promotions["uplift_qty"].abs().max() == 0.0
    assert result.drivers.filter(pl.col("driver") == "promotion").is_empty()


def test_one_announced_promotion_changes_its_series_alone(chosen: ForecastSettings, result: ForecastResult) -> None:
    past = offers_of().filter(pl.col("ends_on") <= AS_OF)
    one = promotions((58, "NEW", ahead(10), ahead(16), "display", None, 1.0))
    plain = go(chosen, promotions=past, champion=result.trained_files)
    with_one = go(chosen, promotions=pl.concat([past, one]), champion=result.trained_files)
    changed = plain.daily.select(*KEYS, "date", "mean").join(with_one.daily, on=[*KEYS, "date"])
    changed = changed.filter((pl.col("mean") - pl.col("mean_right")).abs() > 1e-9)
    assert changed.select(KEYS).unique().rows() == with_one.promotions.select(KEYS).rows()
    assert changed["date"].min() == ahead(10)
    assert changed["date"].max() <= ahead(23)
    assert plain.promotions.is_empty()


def test_faulty_frames_are_named() -> None:
    with pytest.raises(ContractError, match=r"promotions lack the columns \['part'\]"):
        night_offers(None, offers_of().drop("part"), COUNT, 10, AS_OF)
    with pytest.raises(ContractError, match="series_id 99"):
        night_offers(prices((99, AS_OF, AS_OF, 1.0)), None, COUNT, 10, AS_OF)
    assert night_offers(prices((1, AS_OF, AS_OF, float("nan"))), None, COUNT, 10, AS_OF) is None
