"""A small company for tests: three stores, a warehouse, 24 products, 130 weeks of tills, stock, orders, lanes.

Everything follows from `seed`; the numbers are made up, the shape is what a real company delivers.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

FIRST_DAY = date(2023, 1, 2)
LAST_DAY = date(2025, 6, 25)  # a Wednesday: the first published week and month are under way
STORES = ("S01", "S02", "S03")
PRODUCTS = 24
# these come through the warehouse, which has too little of them
FED_PRODUCTS = (17, 23)
# one line that nobody's demand is: a bulk purchase, or a slip of the finger
BULK_DAY, BULK_UNITS = date(2025, 3, 10), 900


def write(landing: Path, *, seed: int = 7, with_stock: bool = True) -> None:
    """Write canonical extracts as CSV below `landing`."""
    rng = np.random.default_rng(seed)
    sales = _sales(rng)
    _put(landing, "pos/sales/tills.csv", sales)
    _put(landing, "erp/products/products.csv", _products())
    _put(landing, "erp/locations/locations.csv", _locations())
    if with_stock:
        pairs = sales.select("sku_id", "location_id").unique().sort("sku_id", "location_id")
        fed = pl.DataFrame({"sku_id": [sku(p) for p in FED_PRODUCTS], "location_id": "W01"})
        _put(landing, "erp/ranging/ranging.csv", pairs.with_columns(listed_on=pl.lit(FIRST_DAY)))
        _put(landing, "erp/inventory/stock.csv", pl.concat([_inventory(pairs, sales, rng), _warehouse_stock(fed)]))
        _put(landing, "erp/suppliers/suppliers.csv", _suppliers())
        _put(landing, "erp/sourcing/sourcing.csv", _sourcing(pl.concat([pairs, fed])))
        _put(landing, "erp/purchase_orders/orders.csv", _purchase_orders(pairs.head(6)))
        _put(landing, "erp/lanes/lanes.csv", _lanes())
        _put(landing, "pos/open_orders/open.csv", _open_orders())


def sku(number: int) -> str:
    """Return a product's id; leading zeros are part of it."""
    return f"{number:05d}"


def _put(landing: Path, name: str, frame: pl.DataFrame) -> None:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path)


def _sales(rng: np.random.Generator) -> pl.DataFrame:
    days = (LAST_DAY - FIRST_DAY).days + 1
    dates = [FIRST_DAY + timedelta(days=i) for i in range(days)]
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(days) / 365.25)
    week = np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.4, 0.9])[[d.weekday() for d in dates]]
    rows = []
    for p in range(PRODUCTS):
        level = 0.15 * 1.25**p
        for s, store in enumerate(STORES):
            units = rng.poisson(level * (1 + 0.4 * s) * season * week)
            price = round(1.5 + 0.75 * p, 2)
            rows += [
                (
                    f"{d:%Y%m%d}-{store}",
                    p,
                    f"{d}T{9 + p % 10:02d}:15:00",
                    store,
                    sku(p),
                    int(u),
                    round(u * price, 2),
                    price,
                )
                for d, u in zip(dates, units, strict=True)
                if u
            ]
    rows.append(("BULK", 12, f"{BULK_DAY}T12:00:00", "S01", sku(12), BULK_UNITS, BULK_UNITS * 10.5, 10.5))
    columns = [
        "transaction_id",
        "line_number",
        "sold_at",
        "location_id",
        "sku_id",
        "quantity",
        "net_amount",
        "unit_price",
    ]
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_columns(channel=pl.lit("store"))
    returned = frame.gather_every(997).with_columns(
        transaction_id=pl.col("transaction_id") + "-R", quantity=-pl.col("quantity"), net_amount=-pl.col("net_amount")
    )
    return pl.concat([frame, returned]).sort("sold_at", "transaction_id", "line_number")


def _products() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "sku_id": [sku(p) for p in range(PRODUCTS)],
            "product_name": [f"Product {p}, “fine”" for p in range(PRODUCTS)],
            "department": [("Food", "Drinks", "Home")[p % 3] for p in range(PRODUCTS)],
            "category": [f"Category {p % 6}" for p in range(PRODUCTS)],
            "unit_cost": [round(0.6 * (1.5 + 0.75 * p), 2) for p in range(PRODUCTS)],
        }
    )


def _locations() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "location_id": [*STORES, "W01"],
            "location_name": [f"Store {s}" for s in STORES] + ["Warehouse"],
            "location_type": ["store"] * 3 + ["warehouse"],
            "region": ["North", "North", "South", "North"],
            "timezone": ["Europe/Berlin"] * 4,
        }
    )


def _inventory(pairs: pl.DataFrame, sales: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    recent = [LAST_DAY - timedelta(days=i) for i in range(60, -1, -1)]
    frames = []
    level = dict(sales.group_by("sku_id").agg(pl.col("quantity").mean()).iter_rows())
    for sku_id, location_id in pairs.iter_rows():
        stock = rng.integers(0, 10, len(recent)) * (1 + level[sku_id])
        frames.append(
            pl.DataFrame(
                {
                    "snapshot_date": recent,
                    "location_id": location_id,
                    "sku_id": sku_id,
                    "on_hand_qty": np.floor(stock),
                    "reserved_qty": 0,
                }
            )
        )
    return pl.concat(frames)


def _suppliers() -> pl.DataFrame:
    return pl.DataFrame(
        {"supplier_id": ["V1", "V2"], "supplier_name": ["Ahorn", "=Birke"], "order_weekdays": ["1,4", "2"]}
    )


def _sourcing(pairs: pl.DataFrame) -> pl.DataFrame:
    number = pl.col("sku_id").cast(pl.Int64)
    is_fed = number.is_in(FED_PRODUCTS) & (pl.col("location_id") != "W01")
    return pairs.with_columns(
        supplier_id=pl.when(is_fed).then(None).when(number % 2 == 0).then(pl.lit("V1")).otherwise(pl.lit("V2")),
        from_location_id=pl.when(is_fed).then(pl.lit("W01")),
        lead_time_days=pl.lit(3),
        lead_time_sd_days=pl.lit(1),
        order_multiple=pl.when(number % 3 == 0).then(6).otherwise(1),
        min_order_qty=pl.when(number % 4 == 0).then(12).otherwise(0),
        unit_cost=(0.9 + 0.45 * number).round(2),
    )


def _purchase_orders(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.with_row_index("line_number", offset=1).with_columns(
        po_id=pl.lit("PO-1"),
        supplier_id=pl.lit("V1"),
        ordered_on=pl.lit(LAST_DAY - timedelta(days=2)),
        expected_on=pl.lit(LAST_DAY + timedelta(days=2)),
        ordered_qty=pl.lit(12),
    )


def _warehouse_stock(fed: pl.DataFrame) -> pl.DataFrame:
    columns = ["snapshot_date", "location_id", "sku_id", "on_hand_qty", "reserved_qty"]
    return fed.with_columns(snapshot_date=pl.lit(LAST_DAY), on_hand_qty=pl.lit(20.0), reserved_qty=pl.lit(0)).select(
        columns
    )


def _lanes() -> pl.DataFrame:
    """A van between all stores, every day."""
    pairs = [(a, b) for a in STORES for b in STORES if a != b]
    frame = pl.DataFrame(pairs, schema=["from_location_id", "to_location_id"], orient="row")
    return frame.with_columns(lead_time_days=pl.lit(1), cost_per_unit=pl.lit(0.1), cost_per_shipment=pl.lit(2))


def _open_orders() -> pl.DataFrame:
    """Ten orders of the last day; the last one asks for more than anybody has."""
    lines = [(f"W{n}", 1, sku(20 + n % 4), 2 if n < 9 else 100_000, ("North", "South")[n % 2]) for n in range(10)]
    frame = pl.DataFrame(lines, schema=["order_id", "line_number", "sku_id", "quantity", "region"], orient="row")
    return frame.with_columns(ordered_at=pl.lit(f"{LAST_DAY}T20:00:00"), channel=pl.lit("web"))
