"""Clusters that are there are found; incremental margin, coverage, leads and hits by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.range import assortment, clusters, hits, regions
from ml.range.settings import RangeSettings

AS_OF = date(2024, 12, 31)
SETTINGS = RangeSettings(walk_away_pct=50.0, least_places=1)


def mix(kinds: int = 3, places: int = 30, seed: int = 1, noise: float = 0.1) -> pl.DataFrame:
    """Places of `kinds` tastes: each sells three times as much of its own two categories."""
    draw = np.random.default_rng(seed)
    rows = []
    for place in range(places):
        share = np.ones(8)
        share[[2 * (place % kinds), 2 * (place % kinds) + 1]] *= 3
        for half in (0, 1):
            for category, value in enumerate(share * 1000 * draw.lognormal(0, noise, 8) * (1 + place % 5)):
                rows.append((f"S{place:02d}", f"k{category}", half, float(value)))
    schema = {"location_id": pl.String, "category": pl.String, "half": pl.Int32, "net_amount": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize("kinds", [2, 3, 4])
def test_tastes_that_are_there_are_found_with_their_words(kinds):
    found = clusters.store_clusters(mix(kinds), AS_OF, RangeSettings())
    assert found["cluster"].n_unique() == kinds
    truth = found["location_id"].str.slice(1).cast(pl.Int32) % kinds
    assert found.with_columns(truth=truth).select("truth", "cluster").unique().height == kinds
    assert found["agreement"].unique().to_list() == [1.0]
    assert found["is_stable"].all()
    words = found.with_columns(truth=truth).group_by("truth").agg(pl.col("cluster_words").first()).sort("truth")
    for kind, text in words.iter_rows():
        assert f"k{2 * kind} (" in text
        assert f"k{2 * kind + 1} (" in text


@pytest.mark.parametrize("seed", range(1, 6))
def test_where_stores_are_alike_they_are_one_cluster(seed):
    found = clusters.store_clusters(mix(1, noise=0.3, seed=seed), AS_OF, RangeSettings())
    assert found["agreement"][0] < 0.5
    assert found["cluster"].unique().to_list() == ["C1"]
    assert found["cluster_words"].unique().to_list() == ["the company's mix"]
    assert "All 30 places are one cluster" in found["explanation"][0]


def test_the_rand_index_by_hand():
    first, second = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])
    # pairs together in both: 1; in the first 2, in the second 1, of 6: chance 1/3, most 1.5
    assert clusters.adjusted_rand(first, second) == pytest.approx((1 - 1 / 3) / (1.5 - 1 / 3))
    assert clusters.adjusted_rand(first, first) == 1.0


def test_few_places_are_not_told_apart():
    assert clusters.store_clusters(mix(2, places=5), AS_OF, RangeSettings()).is_empty()


def ranged(rows: list[tuple]) -> pl.DataFrame:
    """Rows of location, product, units, margin; all of one kind, listed for 26 weeks."""
    frame = pl.DataFrame(rows, schema=["location_id", "sku_id", "units", "unit_margin"], orient="row")
    return frame.with_columns(
        pl.col("units", "unit_margin").cast(pl.Float64),
        product_name="sku_id",
        group=pl.lit("tea"),
        recent_units=pl.col("units").cast(pl.Float64),
        weeks=pl.lit(26.0),
    )


def one_cluster(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("location_id").unique().with_columns(cluster=pl.lit("C1"))


def test_what_a_product_brings_beyond_its_substitutes_by_hand():
    frame = ranged([("S1", "a", 52, 1.0), ("S1", "b", 26, 2.0)])
    found = assortment.assortment_changes(frame, one_cluster(frame), AS_OF, SETTINGS)
    a, b = found.sort("sku_id").iter_rows(named=True)
    # half walks away: O = G = 3 a week. Without a (2 a week) b takes 2 x 1 / (1 + 3) = 0.5, worth 2 each
    assert a["incremental_weekly_qty"] == pytest.approx(1.5)
    assert a["incremental_weekly_amount"] == pytest.approx(2 - 0.5 * 2)
    # without b (1 a week) a takes 1 x 2 / (2 + 3) = 0.4, worth 1 each
    assert b["incremental_weekly_amount"] == pytest.approx(2 - 0.4)
    assert [a["facings_rank"], b["facings_rank"]] == [2, 1]
    assert {a["action"], b["action"]} == {assortment.KEEP}
    assert a["incremental_weekly_high_amount"] == pytest.approx(1 + 1.6449 / 52**0.5, abs=1e-3)


def test_an_exchange_by_hand():
    # S1 lists weak and usual; S2 shows that star takes 3/4 of the kind
    frame = ranged(
        [("S1", "usual", 260, 1.0), ("S1", "weak", 13, 1.0), ("S2", "star", 780, 1.0), ("S2", "usual", 260, 1.0)]
    )
    found = assortment.assortment_changes(frame, one_cluster(frame), AS_OF, SETTINGS)
    new = found.filter((pl.col("action") == assortment.LIST) & (pl.col("location_id") == "S1")).row(0, named=True)
    assert (new["sku_id"], new["exchanged_sku_id"]) == ("star", "weak")
    # G = 10.5 a week, as many walk away; attraction 3 x 10.5 = 31.5: star sells 21 x 31.5 / 52.5 = 12.6, of which
    # 10.5 x 31.5 / 52.5 = 6.3 are the others'
    assert new["weekly_qty"] == pytest.approx(12.6)
    assert new["incremental_weekly_qty"] == pytest.approx(6.3)
    gone = found.filter(pl.col("action") == assortment.DELIST).row(0, named=True)
    assert (gone["sku_id"], gone["exchanged_sku_id"], gone["facings_rank"]) == ("weak", "star", None)
    lost = 0.5 - 0.5 * 10 / (10 + 10.5)
    assert new["gain_weekly_amount"] == pytest.approx(6.3 - lost)
    assert gone["gain_weekly_amount"] == new["gain_weekly_amount"]
    assert "in place of weak" in new["explanation"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("STUV"), st.sampled_from("abcdefgh"), st.integers(0, 400), st.floats(0.1, 5)),
        min_size=1,
        max_size=32,
        unique_by=lambda row: row[:2],
    )
)
def test_room_stays_and_what_is_brought_is_a_part_of_what_is_sold(rows):
    frame = ranged(rows)
    found = assortment.assortment_changes(frame, one_cluster(frame), AS_OF, SETTINGS)
    counts = found.group_by("location_id").agg(
        new=(pl.col("action") == assortment.LIST).sum(), gone=(pl.col("action") == assortment.DELIST).sum()
    )
    assert (counts["new"] == counts["gone"]).all()
    assert (found["incremental_weekly_qty"] <= found["weekly_qty"] + 1e-9).all()
    assert (found["incremental_weekly_qty"] >= -1e-9).all()
    assert (found.filter(pl.col("action") != assortment.KEEP)["gain_weekly_low_amount"] > 0).all()
    listed = found.filter(pl.col("action") == assortment.LIST).select("location_id", "sku_id")
    assert listed.join(frame, on=["location_id", "sku_id"]).is_empty()
    assert found.select("location_id", "sku_id").is_unique().all()


def test_what_a_wider_range_could_sell_by_hand():
    preference = pl.DataFrame(
        {
            "region": ["north", "south"],
            "department": ["food"] * 2,
            "category": ["tea"] * 2,
            "net_amount": [1000.0, 800.0],
            "preference_index": [1.5, 0.7],
            "index_low": [1.2, 0.6],
            "index_high": [1.8, 0.8],
        }
    )
    coverage = pl.DataFrame({"region": ["north", "south"], "category": ["tea"] * 2, "coverage_share": [0.4, 0.6]})
    north, south = regions.region_opportunity(preference, coverage, 30.0, AS_OF).iter_rows(named=True)
    # 1000 x 30 % x (0.6 / 0.4 - 1)
    assert north["opportunity_amount"] == pytest.approx(150)
    assert (north["opportunity_low_amount"], north["opportunity_high_amount"]) == pytest.approx((120, 180))
    assert (north["opportunity"], south["opportunity"]) == (regions.WIDEN, regions.WEAK)
    assert (north["best_region"], south["opportunity_amount"]) == ("south", 0)


def test_what_leads_where_by_hand():
    sales = pl.DataFrame(
        {
            "channel": ["store", "store", "live", "live"],
            "region": ["north"] * 4,
            "sku_id": ["tea", "mat"] * 2,
            "product_name": ["Tea", "Mat"] * 2,
            "units": [900.0, 100.0, 100.0, 400.0],
            "net_amount": [900.0, 100.0, 100.0, 400.0],
        }
    )
    found = regions.channel_lead_products(sales, AS_OF)
    assert found.select("channel", "sku_id", "lead_rank").rows() == [("live", "mat", 1), ("store", "tea", 1)]
    assert found["lead_index"][0] == pytest.approx((400.5 / 500) / (100.5 / 1000))
    assert regions.channel_lead_products(sales.filter(pl.col("channel") == "live"), AS_OF).is_empty()


def launches(hit_units: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Twenty-five launches of a year ago with 4 to 6 a place in four weeks, and a new one."""
    rows = [(f"old{n:02d}", week, 1.0 + (n % 3) / 4, 1) for n in range(25) for week in range(8)]
    rows += [("new", week, hit_units / 4, 1) for week in range(4)]
    weeks = pl.DataFrame(rows, schema=["sku_id", "week", "units", "places"], orient="row")
    started = [AS_OF - timedelta(days=300)] * 25 + [AS_OF - timedelta(days=27)]
    products = pl.DataFrame(
        {"sku_id": [f"old{n:02d}" for n in range(25)] + ["new"], "first_sold_on": started}
    ).with_columns(product_name="sku_id", department=pl.lit("food"))
    return weeks, products


def test_a_hit_is_far_above_launches_of_its_kind_at_its_age():
    found = hits.early_hits(*launches(40.0), AS_OF, RangeSettings())
    row = found.row(0, named=True)
    assert (row["sku_id"], row["weeks"], row["launches"], row["compared_with"]) == ("new", 4, 25, "food")
    assert (row["usual_units_per_place"], row["high_units_per_place"]) == (5.0, 6.0)
    assert row["ratio"] == pytest.approx(8.0)
    assert row["ratio_low"] == pytest.approx(8.0 * (1 - 1.6449 / 40**0.5), abs=1e-3)


@pytest.mark.parametrize("units", [6.0, 7.0, 19.0])
def test_what_is_usual_or_too_little_is_no_hit(units):
    assert hits.early_hits(*launches(units), AS_OF, RangeSettings()).is_empty()
