"""What each product is: goods on a shelf, or fuel, cards, coupons and other lines that only pass through the till.

Belongs here: the kinds, the units and the extract erp/products. Does not: cost, supplier, listing (network).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from seeds.demo.files import decimal_series

FUEL = "fuel"
MERCHANDISE = "merchandise"

_TYPE = pl.col("product_type").fill_null("")
_CATEGORY = pl.col("product_category").fill_null("")


@dataclass(frozen=True)
class Kind:
    """One kind of till line: what a quantity of 1 means and how the data set marks it."""

    name: str
    unit: str
    marks: pl.Expr


# In this order; what none of them marks is merchandise, counted in pieces ('each').
# Only merchandise is listed on a shelf, stocked and ordered; for the others that would be an invention.
KINDS = (
    Kind(FUEL, "gal", _TYPE.str.starts_with("GASOLINE")),
    Kind("gift_card", "card", _TYPE.str.contains("GIFT CARD", literal=True)),
    Kind(
        "prepaid_card", "card", _TYPE.is_in(["PHONE CARDS", "PREPAID WIRELESS CARDS", "MISC CARRIER", "MMK DOWNLOAD"])
    ),
    Kind("ticket", "ticket", _TYPE == "TICKETS"),
    Kind("deposit", "deposit", (_CATEGORY == "BOTTLE DEPOSITS") | _TYPE.str.starts_with("CRV DEPOSIT")),
    Kind("coupon", "coupon", _CATEGORY == "COUPONS/STORE & MFG"),
    Kind("donation", "donation", _TYPE == "DONATIONS"),
    Kind("service", "service", _TYPE.is_in(["FTD SERVICE CHARGES", "VIDEO RENTALS", "OVERNIGHT PROCESSING"])),
    # Rung up under a department key, so the amount is known and the product is not: one entry at the till.
    Kind("department_key", "entry", _TYPE.is_in(["MISC SALES TRANS", "CENTRAL SUPPLIES"])),
    Kind("department_key", "entry", _CATEGORY.is_in(["COUPON/MISC ITEMS", "COUPON"])),
    Kind("department_key", "entry", (pl.col("department") == "MISCELLANEOUS") & pl.col("product_type").is_null()),
)


def kinds(products: pl.DataFrame) -> pl.DataFrame:
    """The kind of every product: product_id, kind, unit."""
    kind, unit = pl.lit(MERCHANDISE), pl.lit("each")
    for rule in reversed(KINDS):
        kind = pl.when(rule.marks).then(pl.lit(rule.name)).otherwise(kind)
        unit = pl.when(rule.marks).then(pl.lit(rule.unit)).otherwise(unit)
    return products.select("product_id", kind=kind, unit=unit)


def catalogue(products: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The extract erp/products, one row a product, sorted by sku_id.

    products: the data set's table. lines: `tills.Tills.lines`, for the price: list_price is the median shelf price
    before discounts over all lines of 2017 that have one, else null. Launch dates are not in the data set: a first
    sale of a sample of households is no launch, so launched_on is absent.
    """
    prices = (
        lines.filter(pl.col("price_e4") > 0)
        .group_by("product_id")
        .agg(list_price_e4=pl.col("price_e4").median().round())
    )
    sku = pl.col("product_id").cast(pl.String)
    label = pl.concat_str(
        pl.coalesce("product_type", "product_category", "department").str.to_titlecase(),
        "package_size",
        pl.lit("#") + sku,
        separator=" ",
        ignore_nulls=True,
    )
    attributes = pl.struct(
        "manufacturer_id",
        "package_size",
        "kind",
        is_merchandise=pl.col("kind") == MERCHANDISE,
        is_quantity_estimated=pl.col("is_estimated").fill_null(False),
    ).struct.json_encode()
    estimated = lines.group_by("product_id").agg(is_estimated=pl.col("is_estimated").any())
    frame = (
        products.join(kinds(products), on="product_id")
        .join(prices, on="product_id", how="left")
        .join(estimated, on="product_id", how="left")
    )
    return frame.select(
        sku_id=sku,
        product_name=label,
        department="department",
        category="product_category",
        subcategory="product_type",
        brand="brand",
        unit="unit",
        list_price=decimal_series("list_price", frame["list_price_e4"], 4),
        attributes=attributes,
    ).sort("sku_id")
