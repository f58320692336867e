"""The M5 loader: a hand-made M5 line by line, and conservation of units and money on a real store."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from mini_m5 import CALENDAR_DAYS, DAYS, ITEMS, STORES, price_of, units_of, week_of

from benchmarks import m5
from benchmarks.options import ROOT


@pytest.fixture(scope="module")
def data(mini: Path) -> m5.M5:
    return m5.load(mini)


def test_sales_lines_are_the_wide_file_with_its_prices(data: m5.M5) -> None:
    for store, place in enumerate(STORES):
        lines = m5.sales_lines(data, place)
        expected = {
            (day, item): (units, price)
            for day in range(1, DAYS + 1)
            for item in range(len(ITEMS))
            if (units := units_of(item, store, day)) and (price := price_of(item, store, week_of(day)))
        }
        assert lines.height == len(expected)
        for line in lines.iter_rows(named=True):
            day = (line["sold_at"] - datetime(2011, 1, 28)).days
            units, price = expected[day, line["line_number"] - 1]
            assert line["transaction_id"] == f"{place}-{line['sold_at']:%Y-%m-%d}"
            assert line["sku_id"] == ITEMS[line["line_number"] - 1]
            assert (line["location_id"], line["channel"]) == (place, "store")
            assert line["quantity"] == units
            assert line["unit_price"] == Decimal(str(price))
            assert line["net_amount"] == units * Decimal(str(price))


def test_no_line_without_a_price(data: m5.M5) -> None:
    paused = m5.sales_lines(data, "CA_1").filter(sku_id="HOUSEHOLD_1_001")["sold_at"].dt.date()
    assert not paused.is_between(date(2011, 2, 19), date(2011, 2, 25)).any()
    assert paused.is_between(date(2011, 2, 26), date(2011, 3, 4)).any()


def test_key_and_order_of_lines(data: m5.M5) -> None:
    lines = m5.sales_lines(data, "TX_1")
    assert lines.select("transaction_id", "line_number").is_duplicated().sum() == 0
    assert lines.equals(lines.sort("sold_at", "line_number"))


def test_weekly_prices_become_spans(data: m5.M5) -> None:
    spans = m5.price_spans(data).filter(location_id="CA_1")

    def of(item: str) -> list[tuple[object, ...]]:
        return spans.filter(sku_id=item).select("price", "valid_from", "valid_to").rows()

    assert of("FOODS_1_001") == [(Decimal("2"), date(2011, 1, 29), None)]
    assert of("FOODS_1_002") == [
        (Decimal("1.25"), date(2011, 1, 29), date(2011, 2, 25)),
        (Decimal("1.49"), date(2011, 2, 26), None),
    ]
    assert of("FOODS_2_001") == [(Decimal("3.33"), date(2011, 2, 12), None)]
    assert of("HOUSEHOLD_1_001") == [
        (Decimal("0.97"), date(2011, 1, 29), date(2011, 2, 18)),
        (Decimal("0.97"), date(2011, 2, 26), None),
    ]


def test_products_are_launched_when_first_priced_unless_the_data_begin_then(data: m5.M5) -> None:
    launched = dict(m5.products(data).select("sku_id", "launched_on").rows())
    assert launched == {item: date(2011, 2, 12) if item == "FOODS_2_001" else None for item in ITEMS}
    assert m5.products(m5.cut(data, 7))["sku_id"].to_list() == [item for item in ITEMS if item != "FOODS_2_001"]


def test_events_everywhere_and_snap_days_in_the_states_of_the_company(data: m5.M5) -> None:
    events = m5.events(data)
    named = events.filter(pl.col("region").is_null()).select("date", "event_name", "event_type").rows()
    assert named == [
        (date(2011, 2, 6), "SuperBowl", "Sporting"),
        (date(2011, 2, 14), "Easter", "Religious"),
        (date(2011, 2, 14), "ValentinesDay", "Cultural"),
    ]
    snap = events.filter(event_name="SNAP")
    assert set(snap["region"]) == {"CA", "TX"}
    assert snap.filter(region="CA").height == CALENDAR_DAYS // 10


def test_a_cut_holds_nothing_of_later_days(data: m5.M5) -> None:
    known = m5.cut(data, 28)
    assert known.days == 28
    assert known.dates[-1] == date(2011, 2, 25)
    assert m5.sales_lines(known, "CA_1")["sold_at"].max() == datetime(2011, 2, 25)
    assert known.prices["wm_yr_wk"].max() == 11104
    assert m5.cut(data, 28, price_plan_weeks=2).prices["wm_yr_wk"].max() == 11106
    # the price rise of week 5 is not known, so the span is open
    assert m5.price_spans(known).filter(sku_id="FOODS_1_002")["valid_to"].to_list() == [None, None]
    assert m5.events(known).height == m5.events(data).height
    with pytest.raises(ValueError, match="d_41 is not among"):
        m5.cut(data, 41)


def test_last_known_price_is_carried_on(data: m5.M5) -> None:
    prices = m5.known_prices(m5.cut(data, 28), CALENDAR_DAYS)
    late, paused = ITEMS.index("FOODS_2_001"), ITEMS.index("HOUSEHOLD_1_001")
    assert np.isnan(prices[late, :14]).all()
    np.testing.assert_allclose(prices[late, 14:], 3.33)
    np.testing.assert_allclose(prices[paused], 0.97)
    np.testing.assert_allclose(prices[1, 28:], 1.25)


def test_extracts_have_canonical_columns_in_catalogue_order(mini: Path, tmp_path: Path) -> None:
    rows = m5.write_extracts(m5.load(mini), tmp_path / "landing")
    catalogue = yaml.safe_load((ROOT / "orchestration/ingestion/feeds.yml").read_text(encoding="utf-8"))
    for feed, count in rows.items():
        files = sorted((tmp_path / "landing" / feed).iterdir())
        frames = [pl.read_parquet(f) if f.suffix == ".parquet" else pl.read_csv(f) for f in files]
        columns = frames[0].columns
        canonical = catalogue[feed]["columns"]
        assert columns == [name for name in canonical if name in columns], feed
        assert {name for name, kind in canonical.items() if kind.endswith("!")} <= set(columns), feed
        assert sum(frame.height for frame in frames) == count, feed
        key = pl.concat(frames).select([name for name in catalogue[feed]["key"] if name in columns])
        assert not key.is_duplicated().any(), feed


def test_extracts_are_the_same_bytes_each_time_and_never_mixed(mini: Path, tmp_path: Path) -> None:
    for home in ("a", "b"):
        m5.main(["--home", str(tmp_path / home), "--data", str(mini), "--stores", "CA_1", "--until", "d_30"])
    files = [path.relative_to(tmp_path / "a") for path in sorted((tmp_path / "a").rglob("*")) if path.is_file()]
    assert Path("landing/pos/sales/CA_1.parquet") in files
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    with pytest.raises(FileExistsError, match="empty home"):
        m5.write_extracts(m5.load(mini), tmp_path / "a" / "landing")


def test_parquet_and_csv_are_read_alike_and_the_longer_file_wins(mini: Path, tmp_path: Path) -> None:
    wide = pl.read_csv(mini / "sales_train_evaluation.csv")
    wide.write_parquet(tmp_path / "sales_train_d40.parquet")
    wide.drop("d_39", "d_40").write_csv(tmp_path / "sales_train_validation.csv")
    pl.read_csv(mini / "sell_prices.csv").write_parquet(tmp_path / "sell_prices.parquet")
    pl.read_csv(mini / "calendar.csv").write_csv(tmp_path / "calendar.csv")
    one, other = m5.load(mini), m5.load(tmp_path)
    assert (one.units == other.units).all()
    assert one.series.equals(other.series)
    assert one.prices.equals(other.prices)
    assert one.calendar.equals(other.calendar)


def test_what_is_absent_is_named(mini: Path, tmp_path: Path) -> None:
    with pytest.raises(m5.M5MissingError, match=r"calendar\.csv is not there — pass --data DIR"):
        m5.load(tmp_path)
    with pytest.raises(m5.M5MissingError, match="has no store CA_9"):
        m5.load(mini, ["CA_1", "CA_9"])
    with pytest.raises(ValueError, match="write it as d_1731"):
        m5.day_number("1731")


@pytest.mark.skipif(not m5.DEFAULT_DATA.exists(), reason="M5 is not beside the project (../shared/data/m5)")
def test_a_real_store_keeps_its_units_and_money() -> None:
    data = m5.load(stores=["WI_3"])
    lines = m5.sales_lines(data, "WI_3")
    assert int(lines["quantity"].sum()) == data.units.sum(dtype=np.int64)
    assert float(lines["net_amount"].sum()) == pytest.approx(m5.money(data, 1, data.days).sum(), abs=0.005)
    # the same money by another way: a join of the long form in floating point
    days = data.calendar.select("d", "wm_yr_wk", "date")
    wide = pl.scan_parquet(m5.DEFAULT_DATA / "sales_train_d1759.parquet").filter(store_id="WI_3")
    recent = [f"d_{day}" for day in range(1700, 1760)]
    long = wide.unpivot(recent, index="item_id", variable_name="d", value_name="units").collect()
    joined = long.filter(pl.col("units") > 0).join(days, on="d").join(data.prices, on=["item_id", "wm_yr_wk"])
    mine = lines.filter(pl.col("sold_at").dt.date() >= data.dates[1699])
    assert mine.height == joined.height == (long["units"] > 0).sum()
    assert float(mine["net_amount"].sum()) == pytest.approx((joined["units"] * joined["sell_price"]).sum(), abs=0.005)
