"""SIMULATED: what customers ordered on the last evening and nobody has sent yet: pos/open_orders.

Belongs here: which orders wait. Does not: who serves them (the night decides that).
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

import numpy as np
import polars as pl

from seeds.demo.files import QUANTITY
from seeds.demo.network import LAST_DAY, REGIONS, around

ORDERS = 250
MOST_LINES, MOST_UNITS = 3, 3


def open_orders(pairs: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The extract pos/open_orders: web orders of the last day, of stocked products as often as they sell.

    pairs: sku_id and rate of the stocked pairs.
    """
    rng = np.random.default_rng([seed, 8])
    products = pairs.group_by("sku_id").agg(rate=(pl.col("rate") * 1e6).round().cast(pl.Int64).sum()).sort("sku_id")
    weight = products["rate"].to_numpy() / products["rate"].sum()
    most = min(MOST_LINES, products.height)
    regions = pl.Series("region", rng.choice(REGIONS, ORDERS))
    latitude, longitude = around(regions, rng)
    minutes = np.sort(rng.integers(8 * 60, 23 * 60, ORDERS))
    start = datetime.combine(LAST_DAY, time())
    heads = pl.DataFrame(
        {
            "order_id": [f"W{number:05d}" for number in range(1, ORDERS + 1)],
            "ordered_at": [(start + timedelta(minutes=int(m))).isoformat(timespec="seconds") for m in minutes],
            "region": regions,
            "latitude": latitude,
            "longitude": longitude,
            "promised_by": [LAST_DAY + timedelta(days=int(d)) for d in rng.integers(2, 6, ORDERS)],
            # no product twice in an order
            "sku_id": [
                _basket(products["sku_id"], weight, int(size), rng) for size in rng.integers(1, most + 1, ORDERS)
            ],
        }
    )
    lines = heads.explode("sku_id").with_columns(
        line_number=pl.int_range(1, pl.len() + 1).over("order_id"), channel=pl.lit("web")
    )
    quantity = pl.Series("quantity", rng.integers(1, MOST_UNITS + 1, lines.height)).cast(QUANTITY)
    columns = ["order_id", "line_number", "ordered_at", "channel", "sku_id", "region", "latitude", "longitude"]
    return lines.with_columns(quantity).select(*columns[:5], "quantity", *columns[5:], "promised_by")


def _basket(skus: pl.Series, weight: np.ndarray, size: int, rng: np.random.Generator) -> list[str]:
    return skus.gather(rng.choice(len(skus), size, replace=False, p=weight)).to_list()
