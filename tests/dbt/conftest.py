"""One hand-made company, built twice: with every feed, and with nothing but sales, products and places.

The business day is Sunday 31 March 2024, on which Berlin's clocks go from 02:00 to 03:00. Sets up data and builds;
what must come out is said in test_dbt_results.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any

import duckdb
import pytest
from feeds_warehouse import Row, run_dbt, write_feeds, write_ml

VARIABLES = {"as_of": "2024-03-31", "company_timezone": "Europe/London", "week_starts_on": 1}

Query = Callable[[str], list[tuple]]


def sale(receipt: str, sold_at: str, place: str, sku: str, quantity: float, amount: float, **more: Any) -> Row:
    return {
        "transaction_id": receipt,
        "line_number": 1,
        "sold_at": sold_at,
        "channel": "store",
        "location_id": place,
        "sku_id": sku,
        "quantity": quantity,
        "net_amount": amount,
    } | more


MANDATORY = {
    "pos/sales": [
        sale("t01", "2024-03-30 10:00", "S1", "A", 2, 5.00),
        sale("t02", "2024-03-30 11:00", "S1", "A", -1, -2.50),
        # an hour apart for the world, two on the wall in Berlin
        sale("t03", "2024-03-31 01:30", "S1", "A", 1, 2.50, sold_at_utc="2024-03-31 00:30"),
        sale("t04", "2024-03-31 03:30", "S1", "A", 1, 2.50, sold_at_utc="2024-03-31 01:30"),
        sale("t05", "2024-04-01 00:30", "S1", "A", 1, 2.50, sold_at_utc="2024-03-31 22:30"),  # tomorrow in Berlin
        sale("t06", "2024-04-01 00:30", "S2", "A", 1, 2.50, sold_at_utc="2024-03-31 22:30"),  # 23:30 in London
        sale("t07", "2024-04-01 09:00", "S2", "A", 1, 2.50),  # dated tomorrow
        sale("t08", "2024-02-10 09:00", "S3", "A", 3, 7.50),  # a place that has closed since
        sale("t09", "2024-03-15 09:00", "S5", "A", 4, 10.00),
        sale("t10", "2024-03-22 09:00", "S4", "A", 1, 2.50),
        sale("t11", "2024-03-23 09:00", "NOWHERE", "A", 2, 5.00),  # in no master file
        sale("t12", "2024-03-20 09:00", "S1", "B", 1, 1.00),  # discontinued
        sale("t13", "2024-03-20 09:00", "S1", "D", 1, 1.00),
        sale("t14", "2024-03-20 09:00", "S2", "D", 2, 2.00),
        sale("t15", "2024-03-21 09:00", "S1", "X", 5, 5.55),  # in no master file
        sale("t16", "2023-04-02 09:00", "S2", "E", 1, 1.00),  # the 365th day back
        sale("t17", "2023-04-03 09:00", "S2", "F", 1, 1.00),  # the 364th
        sale("t18", "2022-05-05 09:00", "S2", "G", 1, 1.00),  # long ago, launched anew
    ],
    "erp/products": [
        {"sku_id": "A", "product_name": "Apples", "department": "fresh", "category": "fruit", "unit_cost": 1.5},
        {"sku_id": "B", "product_name": "Beer", "discontinued_on": "2024-03-31"},
        {"sku_id": "C", "product_name": "Coffee", "launched_on": "2024-04-15"},
        {"sku_id": "D", "product_name": "Dates"},
        {"sku_id": "E", "product_name": "Endives"},
        {"sku_id": "F", "product_name": "Figs"},
        {"sku_id": "G", "product_name": "Grapes", "launched_on": "2024-01-01"},
    ],
    "erp/locations": [
        {"location_id": "S1", "location_type": "store", "region": "north", "timezone": "Europe/Berlin"},
        {"location_id": "S2", "location_type": "store", "region": "north"},
        {"location_id": "S3", "location_type": "store", "region": "south", "closed_on": "2024-03-01"},
        {"location_id": "S4", "location_type": "store"},
        {"location_id": "S5", "location_type": "store", "region": "south"},
        {"location_id": "WH", "location_type": "warehouse", "region": "north", "timezone": "Europe/Nowhere"},
    ],
}


def order(po: str, ordered_on: str, quantity: float, **more: Any) -> Row:
    line = {"po_id": po, "line_number": 1, "supplier_id": "SUP1", "location_id": "S1", "sku_id": "A"}
    return line | {"ordered_on": ordered_on, "ordered_qty": quantity} | more


def transfer(number: str, shipped_on: str, quantity: float, received_on: str | None = None) -> Row:
    line = {"transfer_id": number, "line_number": 1, "from_location_id": "WH", "to_location_id": "S1", "sku_id": "A"}
    return line | {"shipped_on": shipped_on, "qty": quantity, "received_on": received_on}


def stock(day: str, place: str, sku: str, quantity: float, reserved: float | None = None) -> Row:
    return {
        "snapshot_date": day,
        "location_id": place,
        "sku_id": sku,
        "on_hand_qty": quantity,
        "reserved_qty": reserved,
    }


OPTIONAL = {
    "erp/ranging": [
        {"sku_id": "A", "location_id": "S1", "listed_on": "2023-01-01"},
        {"sku_id": "A", "location_id": "S2", "listed_on": "2024-04-01"},  # from the first day that is forecast
        {"sku_id": "A", "location_id": "S3", "listed_on": "2023-01-01"},  # closed
        {"sku_id": "A", "location_id": "S4", "listed_on": "2023-01-01", "delisted_on": "2024-03-31"},
        {"sku_id": "B", "location_id": "S1", "listed_on": "2023-01-01"},  # discontinued
        {"sku_id": "C", "location_id": "S1", "listed_on": "2024-03-15"},  # never sold
    ],
    "erp/inventory": [
        stock("2024-03-28", "S1", "A", 0),
        stock("2024-03-29", "S1", "A", 5),
        stock("2024-03-30", "S1", "A", 0),
        stock("2024-03-31", "S1", "A", 7, reserved=1),
        stock("2024-04-01", "S1", "A", 0),  # not known yet
        stock("2024-03-30", "S1", "D", 0),  # empty where it is not listed
        stock("2024-03-31", "WH", "A", 100),
    ],
    "erp/purchase_orders": [
        order("open", "2024-03-20", 24),
        order("received", "2024-03-10", 12, received_on="2024-03-28", received_qty=12, status="received"),
        order("received_later", "2024-03-25", 12, received_on="2024-04-02", received_qty=12, status="received"),
        order("part_received", "2024-03-26", 10, received_qty=4, status="open"),
        order("cancelled", "2024-03-26", 50, status="Cancelled"),
        order("ordered_later", "2024-04-01", 100),
    ],
    "erp/transfers": [
        transfer("under_way", "2024-03-30", 6, received_on="2024-04-01"),
        transfer("arrived", "2024-03-29", 8, received_on="2024-03-31"),
        transfer("shipped_later", "2024-04-01", 9),
    ],
    "erp/suppliers": [{"supplier_id": "SUP1", "order_weekdays": "1,4"}],
    "erp/sourcing": [
        {"sku_id": "A", "location_id": "S1", "supplier_id": "SUP1", "lead_time_days": 5, "valid_from": "2024-01-01"},
        {"sku_id": "A", "location_id": "S1", "supplier_id": "SUP9", "lead_time_days": 1, "valid_from": "2024-04-01"},
        {"sku_id": "A", "location_id": "*", "from_location_id": "WH", "lead_time_days": 2, "valid_from": "2024-03-31"},
        {"sku_id": "A", "location_id": "WH", "supplier_id": "SUP2", "lead_time_days": 9, "unit_cost": 1.2},
    ],
    "erp/lanes": [{"from_location_id": "WH", "to_location_id": "S1"}],
    "erp/prices": [
        {"sku_id": "A", "price": 2.75, "valid_from": "2024-01-01"},
        {"sku_id": "A", "location_id": "S1", "price": 2.0, "valid_from": "2024-03-29", "valid_to": "2024-03-29"},
        {"sku_id": "A", "price": 2.5, "valid_from": "2024-03-30"},
        {"sku_id": "A", "member_tier": "gold", "price": 2.4, "valid_from": "2024-03-30"},
        {"sku_id": "A", "price": 3.0, "valid_from": "2024-05-01"},  # a plan
    ],
    "erp/promotions": [
        {"promotion_id": "P1", "mechanic": "percent_off", "starts_on": "2024-03-31", "ends_on": "2024-04-06"},
        {"promotion_id": "P2", "mechanic": "mailer", "starts_on": "2024-03-15", "ends_on": "2024-03-15"},
    ],
    "erp/promotion_items": [
        {"promotion_id": "P1", "sku_id": "A", "location_id": "S1"},
        {"promotion_id": "P2", "sku_id": "A"},  # everywhere
    ],
    "erp/events": [{"date": "2024-12-25", "event_name": "Christmas Day"}],
    "decisions/review": [
        {"sku_id": "A", "location_id": "S1", "date": "2024-03-30", "decision": " Replace ", "quantity": 3},
        {"sku_id": "D", "location_id": "S2", "date": "2024-03-20", "decision": "delete", "note": "no such word"},
    ],
    "crm/customers": [
        {"customer_id": "1", "full_name": "Ada", "city": "Bonn", "registered_at": "2024-03-31 23:59"},
        {"customer_id": "2", "registered_at": "2024-04-01 00:30", "registered_at_utc": "2024-03-31 23:30"},
        {"customer_id": "3"},
    ],
    "crm/campaigns": [{"campaign_id": "K1"}],
    "crm/campaign_members": [{"campaign_id": "K1", "customer_id": "1"}],
    "crm/redemptions": [
        {"customer_id": "1", "campaign_id": "K1", "redeemed_on": "2024-03-31"},
        {"customer_id": "1", "campaign_id": "K1", "redeemed_on": "2024-04-01"},
    ],
}


# what forecasting would have made of the company: two series, one with a day that sold out
ML: dict[str, list[Row]] = {
    "demand_series": [
        {"series_id": 1, "sku_id": "A", "location_id": "S1", "is_pooled": False},
        {"series_id": 2, "sku_id": "A", "location_id": "S2", "is_pooled": False},
    ],
    "demand_history": [
        {"series_id": 1, "date": date(2024, 3, 30), "quantity": 3.5, "sales_qty": 2.0, "repair_rule": "stock_out"},
        {"series_id": 1, "date": date(2024, 3, 31), "quantity": 2.0, "sales_qty": 2.0},
    ],
    "forecast_daily": [
        {"sku_id": "A", "location_id": "S1", "date": date(2024, 4, 1) + timedelta(days=i), "mean": 2.0}
        for i in range(28)
    ],
    "forecast_weekly": [
        {
            "sku_id": "A",
            "location_id": "S1",
            "week_start": date(2024, 4, 1) + timedelta(weeks=i),
            "days_covered": 7,
            "mean": 14.0,
        }
        for i in range(26)
    ],
    "stock_targets": [
        {"sku_id": "A", "location_id": "S1", "protection_days": 9, "demand_mean_qty": 18.0, "target_qty": 25.0}
    ],
}


@dataclass(frozen=True)
class Built:
    """A built warehouse, and where dbt left its artefacts."""

    warehouse: Path
    target: Path
    output: str


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The company with every feed, built with dbt's unit tests."""
    return _build(tmp_path_factory.mktemp("dbt_house"), MANDATORY | OPTIONAL, "build")


@pytest.fixture(scope="session")
def bare_house(house: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The next night, in the same warehouse, of the company that delivers the mandatory feeds only."""
    folder = tmp_path_factory.mktemp("dbt_bare")
    copyfile(house.warehouse, folder / "warehouse.duckdb")
    return _build(folder, MANDATORY, "build", "--exclude-resource-type", "unit_test")


def _build(folder: Path, feeds: dict[str, list[Row]], *arguments: str) -> Built:
    warehouse = folder / "warehouse.duckdb"
    write_feeds(warehouse, feeds)
    write_ml(warehouse, ML if feeds.keys() & OPTIONAL.keys() else {})
    done = run_dbt(warehouse, folder / "target", *arguments, variables=VARIABLES)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return Built(warehouse, folder / "target", done.stdout)


@pytest.fixture(scope="session")
def query(house: Built) -> Iterator[Query]:
    """Rows of a query on the whole company."""
    with duckdb.connect(str(house.warehouse), read_only=True) as con:
        yield lambda sql: con.execute(sql).fetchall()


@pytest.fixture(scope="session")
def bare_query(bare_house: Built) -> Iterator[Query]:
    """Rows of a query on the company without optional feeds."""
    with duckdb.connect(str(bare_house.warehouse), read_only=True) as con:
        yield lambda sql: con.execute(sql).fetchall()
