"""The small company's products and receipts, in the data set's own columns; no tests here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from seeds.demo.files import WrittenFile

TRANSACTION_COLUMNS = {
    "household_id": pl.Int64,
    "store_id": pl.Int64,
    "basket_id": pl.Int64,
    "product_id": pl.Int64,
    "quantity": pl.Int64,
    "sales_value": pl.Float64,
    "retail_disc": pl.Float64,
    "coupon_disc": pl.Float64,
    "coupon_match_disc": pl.Float64,
    "week": pl.Int64,
    "transaction_timestamp": pl.Datetime("us"),
}
PRODUCTS = pl.DataFrame(
    [
        (10, 69, "GROCERY", "Private", "COFFEE", "GROUND COFFEE", "12 OZ"),
        (11, 2, "GROCERY", "National", "SOFT DRINKS", "COLA", "2 L"),
        (12, 2, "PRODUCE", "National", "APPLES", "APPLES, GALA", None),
        (13, 7, "DRUG GM", "National", "CANDY", 'CANDY "SOUR"', "1 OZ"),
        (20, 69, "FUEL", "Private", "COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED", None),
        (21, 69, "FUEL", "Private", "FUEL", "GASOLINE-REG UNLEADED", None),
        (22, 5, "MISCELLANEOUS", "National", "COUPON/MISC ITEMS", "OUTSIDE VENDORS GIFT CARDS", None),
        (23, 5, "GROCERY", "National", "COUPON/MISC ITEMS", "MISC SALES TRANS", None),
    ],
    schema=["product_id", "manufacturer_id", "department", "brand", "product_category", "product_type", "package_size"],
    orient="row",
)


@dataclass(frozen=True)
class Demo:
    """What was written, where, and what was said."""

    root: Path
    files: list[WrittenFile]
    said: list[str]

    def glob(self, feed: str) -> str:
        return str(self.root / feed / "*")


def transactions(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TRANSACTION_COLUMNS, orient="row")
