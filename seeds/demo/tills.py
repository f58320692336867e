"""The till lines: every transaction line of the data set, as pos/sales.

Money. In this data set `sales_value` is what the store receives for the line: paid by the household, plus the
manufacturer's coupon (`coupon_disc`), which the manufacturer pays back. That is net_amount. `retail_disc` (loyalty
card) and `coupon_match_disc` (the store matches a coupon) are given away by the store: discount_amount. The shelf
price is (net_amount + discount_amount) / quantity. Checked: of the 402 matched-coupon lines that can be compared with
lines without coupons of the same product, store and week, 99 % show the same price when coupon_match_disc is added
back, none without it; for lines with a manufacturer's coupon alone 94 % agree with sales_value as it stands.

Quantities. Fuel is counted in thousandths of a gallon (up to 89,638; $0.0024 a unit), so gallons = quantity / 1000.
1,177 fuel lines are prepaid: quantity 1, the amount paid. Their gallons are estimated as amount / the month's median
price a gallon. All other lines keep their quantity, the 8,869 zeros included (coupons and corrections).

Belongs here: what one line of a receipt says. Does not: products (catalogue), promotions, customers (loyalty).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from seeds.demo.catalogue import FUEL, kinds
from seeds.demo.files import decimal_series
from seeds.demo.source import TIMEZONE


@dataclass(frozen=True)
class Tills:
    """`sales`: the extract pos/sales plus sold_on. `lines`: the same lines in whole numbers, for the other modules:
    product_id, store_id, week, sold_on, kind (null = not in products), quantity_e3, net_e2, discount_e2, price_e4,
    is_estimated. Both in the order of sold_at, transaction_id, line_number.
    """

    sales: pl.DataFrame
    lines: pl.DataFrame
    notes: list[str]


def read_tills(transactions: pl.DataFrame, products: pl.DataFrame) -> Tills:
    """Turn transactions into receipt lines; no line is dropped, merged or added."""
    lines = _whole_numbers(transactions, kinds(products))
    lines = _in_gallons(lines)
    lines = lines.with_columns(
        price_e4=pl.when(pl.col("quantity_e3") > 0).then(
            ((pl.col("net_e2") + pl.col("discount_e2")) * 100_000 / pl.col("quantity_e3")).round().cast(pl.Int64)
        )
    ).sort("transaction_timestamp", "transaction_id", "line_number")
    sales = lines.select(
        "transaction_id",
        "line_number",
        sold_at=pl.col("transaction_timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        channel=pl.lit("store"),
        location_id=pl.col("store_id").cast(pl.String),
        sku_id=pl.col("product_id").cast(pl.String),
        quantity=decimal_series("quantity", lines["quantity_e3"], 3),
        net_amount=decimal_series("net_amount", lines["net_e2"], 2),
        unit_price=decimal_series("unit_price", lines["price_e4"], 4),
        discount_amount=decimal_series("discount_amount", lines["discount_e2"], 2),
        customer_id=pl.col("household_id").cast(pl.String),
        sold_on="sold_on",
    )
    return Tills(sales, lines, _notes(lines))


def _whole_numbers(transactions: pl.DataFrame, kind: pl.DataFrame) -> pl.DataFrame:
    def cents(column: str) -> pl.Expr:
        return (pl.col(column) * 100).round().cast(pl.Int64)

    return (
        transactions.with_columns(line_number=pl.int_range(1, pl.len() + 1).over("basket_id"))  # in file order
        .join(kind.select("product_id", "kind"), on="product_id", how="left", maintain_order="left")
        .with_columns(
            transaction_id=pl.col("basket_id").cast(pl.String),
            sold_on=pl.col("transaction_timestamp")
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone(TIMEZONE)
            .dt.date(),
            net_e2=cents("sales_value"),
            discount_e2=cents("retail_disc") + cents("coupon_match_disc"),
            coupon_e2=cents("coupon_disc"),
        )
    )


def _in_gallons(lines: pl.DataFrame) -> pl.DataFrame:
    is_fuel = (pl.col("kind") == FUEL).fill_null(False)
    # Measured lines cost $0.0018 to $0.0033 a unit, prepaid ones $1.30 to $100: nothing lies between.
    is_prepaid = is_fuel & (pl.col("net_e2") > 10 * pl.col("quantity"))
    month = pl.col("sold_on").dt.month()
    measured = pl.when(is_fuel & ~is_prepaid).then(pl.col("net_e2") / pl.col("quantity"))
    a_unit = measured.median().over(month).fill_null(measured.median())
    return lines.with_columns(is_estimated=is_prepaid, cents_e3=a_unit).with_columns(
        quantity_e3=pl.when(pl.col("is_estimated"))
        .then((pl.col("net_e2") / pl.col("cents_e3")).round())
        .when(is_fuel)
        .then(pl.col("quantity"))
        .otherwise(pl.col("quantity") * 1000)
        .cast(pl.Int64)
    )


def _notes(lines: pl.DataFrame) -> list[str]:
    fuel = lines.filter(pl.col("kind") == FUEL)
    prepaid = fuel.filter("is_estimated")
    orphans = lines.filter(pl.col("kind").is_null())
    other = lines.filter(pl.col("kind").is_not_null() & ~pl.col("kind").is_in([FUEL, "merchandise"]))
    coupons = lines.filter(pl.col("coupon_e2") > 0)
    return [
        f"{lines.height:,} till lines, net {lines['net_e2'].sum() / 100:,.2f}",
        f"{fuel.height:,} of them are fuel, written in gallons ({fuel['quantity_e3'].sum() / 1000:,.0f}); "
        f"{prepaid.height:,} are prepaid, their gallons estimated from the amount",
        f"{other.height:,} are cards, tickets, coupons, department keys and the like: declared, kept, not stocked",
        f"{orphans.height:,} name a product that the catalogue lacks: left as they are",
        f"{coupons.height:,} used manufacturer's coupons worth {coupons['coupon_e2'].sum() / 100:,.2f}, "
        "which the manufacturer pays: not a discount of the store",
    ]
