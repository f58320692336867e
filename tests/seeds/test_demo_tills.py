"""Receipt lines: money, gallons, zeros, days; and what each product is."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest
from demo_small import PRODUCTS, transactions

from seeds.demo.catalogue import catalogue
from seeds.demo.tills import Tills, read_tills

JUNE = datetime(2017, 6, 10, 18)
JULY = datetime(2017, 7, 10, 18)


@pytest.fixture(scope="module")
def tills() -> Tills:
    return read_tills(
        transactions(
            [
                # household, store, basket, product, quantity, value, retail, coupon, matched, week, UTC
                (1, 2, 900, 11, 2, 3.55, 1.78, 0.55, 0.45, 24, JUNE),
                (1, 2, 900, 10, 1, 5.00, 0.0, 1.00, 0.0, 24, JUNE),
                (1, 2, 900, 12, 0, 0.0, 0.0, 0.0, 0.0, 24, JUNE),
                (2, 2, 901, 20, 10_004, 24.01, 0.0, 0.0, 0.0, 24, JUNE),
                (2, 2, 902, 20, 5_000, 12.50, 0.0, 0.0, 0.0, 24, JUNE),
                (2, 2, 903, 20, 8_000, 16.00, 0.0, 0.0, 0.0, 28, JULY),
                (3, 2, 904, 21, 1, 20.00, 0.0, 0.0, 0.0, 28, JULY),
                (4, 2, 905, 99, 0, 0.0, 0.0, 2.00, 0.0, 24, JUNE),
                (4, 2, 906, 12, 1, 1.99, 0.0, 0.0, 0.0, 53, datetime(2018, 1, 1, 4, 1)),
            ]
        ),
        PRODUCTS,
    )


def line(tills: Tills, basket: int, number: int = 1) -> dict[str, object]:
    key = (pl.col("transaction_id") == str(basket)) & (pl.col("line_number") == number)
    return tills.sales.filter(key).row(0, named=True)


def test_net_amount_is_what_the_store_receives_and_its_gifts_are_the_discount(tills: Tills) -> None:
    row = line(tills, 900, 1)
    assert row["net_amount"] == Decimal("3.55")
    assert row["discount_amount"] == Decimal("2.23")  # loyalty 1.78 and the coupon that the store matched 0.45
    assert row["unit_price"] == Decimal("2.8900")


def test_a_manufacturers_coupon_is_no_discount_of_the_store(tills: Tills) -> None:
    row = line(tills, 900, 2)
    assert (row["discount_amount"], row["unit_price"]) == (Decimal("0.00"), Decimal("5.0000"))


def test_a_line_without_units_stays_and_has_no_price(tills: Tills) -> None:
    row = line(tills, 900, 3)
    assert (row["quantity"], row["unit_price"]) == (Decimal("0.000"), None)


def test_fuel_is_written_in_gallons(tills: Tills) -> None:
    row = line(tills, 901)
    assert row["quantity"] == Decimal("10.004")
    assert row["unit_price"] == Decimal("2.4000")


def test_prepaid_fuel_is_estimated_with_the_median_price_of_its_own_month(tills: Tills) -> None:
    row = line(tills, 904)
    assert row["quantity"] == Decimal("10.000")  # $20 at July's $2.00, not at June's $2.45
    assert tills.lines.filter("is_estimated")["transaction_id"].to_list() == ["904"]
    assert any("1 are prepaid" in note for note in tills.notes)


def test_lines_of_unknown_products_stay_as_they_are(tills: Tills) -> None:
    assert line(tills, 905)["sku_id"] == "99"
    assert any(note.startswith("1 name a product that the catalogue lacks") for note in tills.notes)


def test_times_carry_their_offset_and_belong_to_the_day_in_new_york(tills: Tills) -> None:
    row = line(tills, 906)
    assert row["sold_at"] == "2018-01-01T04:01:00Z"
    assert row["sold_on"] == date(2017, 12, 31)


@pytest.fixture(scope="module")
def products(tills: Tills) -> dict[str, dict[str, object]]:
    return {row["sku_id"]: row for row in catalogue(PRODUCTS, tills.lines).iter_rows(named=True)}


def test_every_product_is_listed_with_a_readable_name(products: dict[str, dict[str, object]]) -> None:
    assert len(products) == PRODUCTS.height
    assert products["10"]["product_name"] == "Ground Coffee 12 OZ #10"
    assert products["12"]["product_name"] == "Apples, Gala #12"


def test_list_price_is_the_median_shelf_price_where_sold_and_null_else(products: dict[str, dict[str, object]]) -> None:
    assert products["11"]["list_price"] == Decimal("2.8900")
    assert products["20"]["list_price"] == Decimal("2.4000")  # a gallon
    assert products["13"]["list_price"] is None


@pytest.mark.parametrize(
    ("sku", "unit", "kind", "is_merchandise", "is_estimated"),
    [
        ("10", "each", "merchandise", True, False),
        ("20", "gal", "fuel", False, False),
        ("21", "gal", "fuel", False, True),
        ("22", "card", "gift_card", False, False),
        ("23", "entry", "department_key", False, False),
    ],
)
def test_what_is_not_units_is_declared(
    products: dict[str, dict[str, object]], sku: str, unit: str, kind: str, is_merchandise: bool, is_estimated: bool
) -> None:
    attributes = json.loads(str(products[sku]["attributes"]))
    assert products[sku]["unit"] == unit
    assert attributes["kind"] == kind
    assert attributes["is_merchandise"] is is_merchandise
    assert attributes["is_quantity_estimated"] is is_estimated


def test_attributes_keep_what_has_no_column(products: dict[str, dict[str, object]]) -> None:
    attributes = json.loads(str(products["10"]["attributes"]))
    assert (attributes["manufacturer_id"], attributes["package_size"]) == (69, "12 OZ")
