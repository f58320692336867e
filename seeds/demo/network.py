"""SIMULATED: the network behind the real sales. Regions, warehouses, what is listed where, who makes it.

Everything is derived from the real sales and a seed. What sells steadily is listed; of that, only merchandise is
stocked and supplied (catalogue): fuel, cards and coupons have no shelf.

Belongs here: who and where. Does not: terms of supply (terms), what happens day by day (stock, movements).
"""

from __future__ import annotations

from datetime import date
from itertools import permutations

import numpy as np
import polars as pl

from seeds.demo.catalogue import MERCHANDISE
from seeds.demo.files import AMOUNT, PRICE
from seeds.demo.source import TIMEZONE

REGIONS = ("North", "East", "South", "West")
WAREHOUSES = {"WH-1": ("North", "East"), "WH-2": ("South", "West")}
FIRST_DAY, LAST_DAY = date(2017, 1, 1), date(2017, 12, 31)
DAYS = (LAST_DAY - FIRST_DAY).days + 1
# where the made-up regions lie, degrees north and east; a place lies within two degrees of its region's centre
CENTRES = {"North": (44.5, -93.0), "East": (40.0, -80.0), "South": (33.5, -86.5), "West": (39.5, -105.0)}
LISTED_WEEKS = 8
"""A pair that sold in this many weeks or more is listed."""


def locations(lines: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The places: stores, largest first, each to the region that has sold least so far; then the warehouses.

    lines: `tills.Tills.lines`. Columns of erp/locations plus net_e2, the cents that the place sold in the year.
    """
    rng = np.random.default_rng([seed, 7])
    sales = lines.group_by("store_id").agg(net=pl.col("net_e2").sum()).sort(["net", "store_id"], descending=True)
    total = dict.fromkeys(REGIONS, 0)
    rows: list[tuple[str, str, str, str, str, str | None, int]] = []
    for store, net in sales.iter_rows():
        region = min(REGIONS, key=lambda name: (total[name], name))
        total[region] += net
        feeder = next(name for name, fed in WAREHOUSES.items() if region in fed)
        rows.append((str(store), f"Store {store}", "store", region, TIMEZONE, feeder, net))
    for number, (name, fed) in enumerate(WAREHOUSES.items(), start=1):
        rows.append((name, f"Warehouse {number}", "warehouse", fed[0], TIMEZONE, None, 0))
    columns = ["location_id", "location_name", "location_type", "region", "timezone", "supplied_by", "net_e2"]
    placed = pl.DataFrame(rows, schema=columns, orient="row").sort("location_id")
    return placed.with_columns(*around(placed["region"], rng))


def around(regions: pl.Series, rng: np.random.Generator) -> tuple[pl.Series, pl.Series]:
    """Latitude and longitude of somewhere within two degrees of each region's centre, to four decimals."""
    centres = np.array([CENTRES[region] for region in regions]).reshape(-1, 2)
    spots = np.round(centres + rng.uniform(-2, 2, centres.shape), 4)
    return pl.Series("latitude", spots[:, 0]), pl.Series("longitude", spots[:, 1])


def listed_pairs(lines: pl.DataFrame) -> pl.DataFrame:
    """Pairs with till lines in eight weeks or more: 23,285 of the 631,479 that ever sold, with 29 % of the lines.

    Columns: store_id, product_id, location_id, sku_id, listed_on.
    """
    return _since(
        lines.group_by("store_id", "product_id")
        .agg(weeks=pl.col("week").n_unique(), days=pl.col("sold_on").n_unique(), first_on=pl.col("sold_on").min())
        .filter(pl.col("weeks") >= LISTED_WEEKS)
    )


def stocked_pairs(lines: pl.DataFrame) -> pl.DataFrame:
    """Listed merchandise with units sold in eight weeks or more, with its daily rate (six decimals) since listed_on."""
    sold = lines.filter((pl.col("kind") == MERCHANDISE) & (pl.col("quantity_e3") > 0))
    pairs = (
        sold.group_by("store_id", "product_id")
        .agg(
            weeks=pl.col("week").n_unique(),
            days=pl.col("sold_on").n_unique(),
            units=pl.col("quantity_e3").sum() / 1000,
            first_on=pl.col("sold_on").min(),
        )
        .filter(pl.col("weeks") >= LISTED_WEEKS)
    )
    days_listed = (pl.lit(LAST_DAY) - pl.col("listed_on")).dt.total_days() + 1
    return _since(pairs).with_columns(rate=(pl.col("units") / days_listed).round(6))


def _since(pairs: pl.DataFrame) -> pl.DataFrame:
    """Add the keys of the extracts and listed_on.

    Listed since 1 January unless the silence before the first sale has a probability below 1 % at the pair's own rate
    of selling days (Poisson); then since the first sale.
    """
    silence = (pl.col("first_on") - FIRST_DAY).dt.total_days()
    selling = pl.col("days") / (DAYS - silence)
    is_new = (-selling * silence).exp() < 0.01
    return pairs.with_columns(
        location_id=pl.col("store_id").cast(pl.String),
        sku_id=pl.col("product_id").cast(pl.String),
        listed_on=pl.when(is_new).then("first_on").otherwise(pl.lit(FIRST_DAY)),
    ).sort("location_id", "sku_id")


def suppliers_of(pairs: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Who delivers each manufacturer's products: manufacturer_id, supplier_id, supplier_name, order_weekdays.

    A supplier of its own for each of the 80 manufacturers with most units on the shelves; the many small ones
    come through 40 distributors.
    """
    units = (
        pairs.join(products.select("product_id", "manufacturer_id"), on="product_id")
        .group_by("manufacturer_id")
        .agg(units=pl.col("units").sum())
        .sort(["units", "manufacturer_id"], descending=[True, False])
        .with_row_index("rank")
    )
    is_big = pl.col("rank") < 80
    number = pl.col("manufacturer_id").cast(pl.String).str.zfill(4)
    group = (pl.col("rank") % 40 + 1).cast(pl.String).str.zfill(2)
    # Larger suppliers come more often. ISO weekdays, Monday 1.
    days = pl.when(pl.col("rank") < 15).then(pl.lit("1,2,3,4,5,6")).when(pl.col("rank") < 50).then(pl.lit("1,3,5"))
    pattern = pl.lit(pl.Series(["1,4", "2,5", "3,6"])).gather(pl.col("rank") % 40 % 3)
    return units.select(
        "manufacturer_id",
        supplier_id=pl.when(is_big).then(pl.format("S{}", number)).otherwise(pl.format("D{}", group)),
        supplier_name=pl.when(is_big)
        .then(pl.format("Supplier {}", number))
        .otherwise(pl.format("Distributor {}", group)),
        order_weekdays=days.otherwise(pattern),
    )


def lanes(places: pl.DataFrame) -> pl.DataFrame:
    """The extract erp/lanes: each warehouse to the stores it feeds; and a van that goes round among the ten
    best-selling stores of each region, where a spare unit is likeliest to find a buyer. Costs are as small as the
    sample."""
    fed = places.filter(pl.col("location_type") == "store")
    rows = [(feeder, store, 2.0, 0.08, 18.0) for store, feeder in fed.select("location_id", "supplied_by").iter_rows()]
    for region in REGIONS:
        stores = fed.filter(pl.col("region") == region).sort(["net_e2", "location_id"], descending=[True, False])
        rows += [(one, other, 1.0, 0.05, 0.1) for one, other in permutations(stores["location_id"].head(10), 2)]
    columns = ["from_location_id", "to_location_id", "lead_time_days", "cost_per_unit", "cost_per_shipment"]
    return (
        pl.DataFrame(rows, schema=columns, orient="row")
        .with_columns(pl.col("cost_per_unit").cast(PRICE), pl.col("cost_per_shipment").cast(AMOUNT))
        .sort("from_location_id", "to_location_id")
    )
