"""What the range lists are made from: sales of kinds of which stock is kept somewhere."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from orchestration.defs.assets.range import QUERIES

AS_OF = {"as_of": date(2025, 6, 30)}


@pytest.fixture
def con():
    """Two places that sell milk, old milk of which none is left, and gas; stock is kept of milk alone."""
    with duckdb.connect() as connection:
        connection.execute("""
            create schema intermediate;
            create schema marts;
            create table marts.dim_product as from (values
                ('milk', 'Milk', 'food', 'dairy'), ('old', 'Old milk', 'food', 'dairy'),
                ('gas', 'Gas', 'pumps', 'dairy'), ('air', 'Air', null, 'other'))
                as t (sku_id, product_name, department, category);
            create table marts.dim_location as from (values
                ('A', 'north', 'store', true), ('B', null, 'store', true))
                as t (location_id, region, location_type, is_open);
            create table intermediate.int_sku_locations_numbered as
            select row_number() over (order by sku_id, location_id) as sku_location_key, sku_id, location_id
            from marts.dim_product cross join marts.dim_location;
            create table intermediate.int_sales_daily as
            select sku_location_key, date '2025-06-30' - 100 * i::integer as date, 2.0 as units_qty, 10.0 as net_amount
            from intermediate.int_sku_locations_numbered cross join range(2) as r (i);
            create table intermediate.int_sales_channel_daily as
            select *, 'store' as channel from intermediate.int_sales_daily;
            create table intermediate.int_stock_positions as select 'milk' as sku_id, 'A' as location_id;
        """)
        yield connection


def test_what_no_stock_is_kept_of_tells_no_place_apart_and_leads_nowhere(con: duckdb.DuckDBPyConnection) -> None:
    # milk and old milk, one sale a half at each place; gas has the same category, but in another department
    assert con.execute(QUERIES["mix"], AS_OF).fetchall() == [
        ("A", "dairy", 0, 20.0),
        ("A", "dairy", 1, 20.0),
        ("B", "dairy", 0, 20.0),
        ("B", "dairy", 1, 20.0),
    ]
    led = con.execute(QUERIES["channels"], AS_OF).fetchall()
    assert [(region, sku) for _, region, sku, *_ in led] == [
        ("none", "milk"), ("none", "old"), ("north", "milk"), ("north", "old")
    ]  # fmt: skip


def test_without_stock_records_everything_counts(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("delete from intermediate.int_stock_positions")
    mix = con.execute(QUERIES["mix"], AS_OF).fetchall()
    assert mix[:2] == [("A", "dairy", 0, 30.0), ("A", "dairy", 1, 30.0)]
    assert ("A", "other", 0, 10.0) in mix
    assert len(con.execute(QUERIES["channels"], AS_OF).fetchall()) == 8
