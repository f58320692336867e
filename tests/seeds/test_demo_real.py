"""The real demo company, written once: nothing of the data set is lost, and the simulation fits what really sold."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from demo_small import Demo

from seeds.demo.source import Journey


@pytest.fixture(scope="module")
def con(real_demo: Demo, real_journey: Journey) -> Iterator[duckdb.DuckDBPyConnection]:
    """The extracts as views (`pos_sales`), the data set's tables under their own names; memory kept below 2 GB."""
    con = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})
    for file in real_demo.files:
        feed = f"{file.source}/{file.feed}"
        path = real_demo.glob(feed)
        reader = f"read_csv('{path}', header=true, all_varchar=true, nullstr='')"
        relation = reader if file.path.suffix == ".csv" else f"read_parquet('{path}')"
        con.execute(f"create or replace view {file.source}_{file.feed} as select * from {relation}")
    for name in ("transactions", "products", "coupon_redemptions", "campaigns"):
        con.register(name, getattr(real_journey, name))
    con.execute(
        """create table sold as
        select sku_id, location_id, quantity::decimal(18,3) as quantity, net_amount::decimal(18,2) as net_amount,
            unit_price::decimal(18,4) as unit_price, discount_amount::decimal(18,2) as discount_amount,
            transaction_id, line_number,
            cast(timezone('America/New_York', sold_at::timestamptz) as date) as sold_on
        from pos_sales"""
    )
    yield con
    con.close()


def one(con: duckdb.DuckDBPyConnection, query: str) -> object:
    row = con.execute(query).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def test_every_till_line_goes_in_to_the_cent(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "select count(*) from sold") == 1_469_307
    assert one(con, "select count(*) from (select distinct transaction_id, line_number from sold)") == 1_469_307
    source = "select sum(round(sales_value * 100)::bigint), sum(round((retail_disc + coupon_match_disc) * 100)::bigint)"
    assert one(con, f"{source} from transactions") == one(
        con, "select sum(net_amount * 100)::bigint, sum(discount_amount * 100)::bigint from sold"
    )


def test_lines_keep_their_basket_product_store_and_quantity(con: duckdb.DuckDBPyConnection) -> None:
    unlike = """select count(*) from transactions t full join sold s
        on s.transaction_id = t.basket_id::varchar and s.sku_id = t.product_id::varchar
        where s.location_id is distinct from t.store_id::varchar"""
    assert one(con, unlike) == 0
    changed = """select count(*), count(distinct product_type) from transactions t join sold s
        on s.transaction_id = t.basket_id::varchar and s.sku_id = t.product_id::varchar
        join products using (product_id) where s.quantity <> t.quantity"""
    assert one(con, changed) == (14_697, 1)  # fuel, all of it, and nothing else


def test_days_are_those_of_2017_with_christmas_shut(con: duckdb.DuckDBPyConnection) -> None:
    days = "select min(sold_on)::varchar, max(sold_on)::varchar, count(distinct sold_on) from sold"
    assert one(con, days) == ("2017-01-01", "2017-12-31", 364)


def test_price_times_quantity_is_amount_and_discount(con: duckdb.DuckDBPyConnection) -> None:
    # unit_price has four decimals, so a line may be off by half of the last one times its quantity.
    off = "abs(unit_price * quantity - net_amount - discount_amount) > 0.005 + 0.00005 * quantity"
    assert one(con, f"select count(*) from sold where {off}") == 0
    assert one(con, "select count(*) from sold where unit_price is null and quantity > 0") == 0


def test_a_gallon_costs_what_it_cost_in_2017(con: duckdb.DuckDBPyConnection) -> None:
    fuel = "from sold join erp_products using (sku_id) where unit = 'gal'"
    assert one(con, f"select count(*), max(quantity) <= 90 {fuel}") == (14_697, True)
    paid = f"select net_amount / quantity::double as paid {fuel} and quantity > 0.1"  # below: cents, rounded
    assert one(con, f"select min(paid) > 1.7, max(paid) < 3.4 from ({paid})") == (True, True)


def test_products_promotions_and_loyalty_are_whole(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "select count(*) from erp_products") == 92_331
    assert one(con, "select count(*) from crm_customers") == 2_469
    assert one(con, "select count(*) from crm_redemptions") == one(con, "select count(*) from coupon_redemptions")
    assert one(con, "select count(*) from crm_campaign_members") == one(con, "select count(*) from campaigns")
    # Distinct product, store, week and place of the 20,940,529 source rows: displays, mailers.
    assert one(con, "select count(*) from erp_promotion_items where promotion_id like 'display-%'") == 9_002_801
    assert one(con, "select count(*) from erp_promotion_items where promotion_id like 'mailer-%'") == 14_295_803


def test_promotion_weeks_run_from_monday_to_sunday(con: duckdb.DuckDBPyConnection) -> None:
    weeks = """select distinct right(promotion_id, 2)::int as week, starts_on::date as a, ends_on::date as b
        from erp_promotions where mechanic <> 'amount_off'"""
    assert one(con, f"select count(*) from ({weeks})") == 53
    assert one(con, f"select count(*) from ({weeks}) where week between 2 and 52 and isodow(a) = 1 and b - a = 6") == 51


def test_every_reference_is_known_but_the_data_sets_own_orphans(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "select count(*) from sold anti join erp_products using (sku_id)") == 4_836
    for feed, column, of in (
        ("sold", "location_id", "erp_locations"),
        ("erp_ranging", "location_id", "erp_locations"),
        ("erp_sourcing", "location_id", "erp_locations"),
        ("erp_inventory", "sku_id", "erp_products"),
        ("erp_promotion_items", "promotion_id", "erp_promotions"),
        ("crm_redemptions", "promotion_id", "erp_promotions"),
        ("erp_purchase_orders", "supplier_id", "erp_suppliers"),
    ):
        assert one(con, f"select count(*) from {feed} anti join {of} using ({column})") == 0, feed


def test_regions_sell_alike(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "select count(*) from erp_locations where location_type = 'store'") == 457
    share = "select region, sum(net_amount) as net from sold join erp_locations using (location_id) group by 1"
    assert one(con, f"select count(*), max(net) / min(net) < 1.01 from ({share})") == (4, True)


def test_a_shelf_is_out_of_stock_on_two_to_six_days_in_a_hundred(con: duckdb.DuckDBPyConnection) -> None:
    empty = "select avg((on_hand_qty <= 0)::int) from erp_inventory where location_id not like 'WH-%'"
    share = one(con, empty)
    assert isinstance(share, float)
    assert 0.02 <= share <= 0.06
    assert one(con, "select min(on_hand_qty) >= 0 from erp_inventory") is True


def test_the_listing_holds_every_pair_of_eight_weeks_or_more(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "select count(*) from erp_ranging") == 23_285


def test_every_stocked_pair_is_counted_every_day_since_it_is_listed(con: duckdb.DuckDBPyConnection) -> None:
    expected = "select sum(date '2017-12-31' - listed_on + 1)::bigint from erp_ranging where facings is not null"
    counted = "select count(*) from erp_inventory semi join erp_ranging using (location_id, sku_id)"
    assert one(con, counted) == one(con, expected)
    early = "select count(*) from sold join erp_ranging using (location_id, sku_id) where sold_on < listed_on"
    assert one(con, f"{early} and quantity > 0") == 0


@pytest.mark.parametrize("place", ["store", "warehouse"])
def test_over_the_last_weeks_stock_is_opening_plus_received_less_gone(
    con: duckdb.DuckDBPyConnection, place: str
) -> None:
    """For each place and product, from the extracts alone: counts, orders, transfers and sales of the last 91 days."""
    off = f"""
    with moves as (
        select location_id, sku_id, on_hand_qty as q from erp_inventory where snapshot_date = '2017-10-01'
        union all select location_id, sku_id, received_qty from erp_purchase_orders where received_on >= '2017-10-02'
        union all select to_location_id, sku_id, qty from erp_transfers where received_on >= '2017-10-02'
        union all select from_location_id, sku_id, -qty from erp_transfers where shipped_on >= '2017-10-02'
        union all select location_id, sku_id, -quantity from sold where sold_on >= '2017-10-02'
        union all select location_id, sku_id, -on_hand_qty from erp_inventory where snapshot_date = '2017-12-31'
    ), stocked as (select distinct location_id, sku_id from erp_inventory where snapshot_date = '2017-12-31')
    select count(*), count(*) filter (q <> 0) from (
        select location_id, sku_id, sum(q) as q from moves semi join stocked using (location_id, sku_id)
        join erp_locations using (location_id) where location_type = '{place}' group by all)"""
    pairs, wrong = con.execute(off).fetchone() or (0, -1)
    assert pairs > 1_000
    assert wrong == 0


def test_something_is_on_its_way_at_the_years_end(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "select count(*) > 100 from erp_purchase_orders where status = 'open'") is True
    assert one(con, "select count(*) > 100 from erp_transfers where received_on is null") is True


def test_suppliers_keep_their_word_only_nearly(con: duckdb.DuckDBPyConnection) -> None:
    late, short = con.execute(
        """select avg((received_on > expected_on)::int), avg((received_qty < ordered_qty)::int)
        from erp_purchase_orders where status = 'received'"""
    ).fetchone() or (0, 0)
    assert 0.05 < late < 0.35
    assert 0.005 < short < 0.10


def test_costs_lie_between_55_and_81_percent_of_the_list_price(con: duckdb.DuckDBPyConnection) -> None:
    ratio = "select unit_cost / list_price::double as r from erp_sourcing join erp_products using (sku_id)"
    # A cost is rounded to the cent, which is 10 % of the cheapest product's price.
    assert one(con, f"select quantile_cont(r, 0.01) > 0.54 and quantile_cont(r, 0.99) < 0.82 from ({ratio})") is True
