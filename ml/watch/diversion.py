"""Possible channel diversion: a place sells far more of a product than its part of the region explains.

Belongs here: the test and the sentence. What a place's part is: its share of the units of the product's category in its
region. Both must be exceeded: the region's other places now, and the place's own weeks before.
"""

from datetime import date

import numpy as np
import polars as pl
from scipy.stats import poisson

from ml.watch.contract import ALERTS_SCHEMA
from ml.watch.settings import WatchSettings

DIVERSION = "possible_diversion"
# of 600,000 pairs of product and place not one in a company where nothing is wrong
_CHANCE = 1e-8


def diverted(sales: pl.DataFrame, as_of: date, settings: WatchSettings) -> pl.DataFrame:
    """Return ALERTS_SCHEMA, one row a product and place.

    sales: region, location_id, sku_id, product_name, category, units (last 28 days), units_before (the 154 before),
    net_amount (last 28 days); units not below zero. Expected: what the region's other places sell of the product x the
    place's units of the category / theirs (at least half a unit), and the place's own pace before, whichever is more.
    """
    region, kind = ["region", "sku_id"], ["region", "category"]
    known = sales.filter(pl.col("category").is_not_null() & pl.col("region").is_not_null())
    total = pl.col("units").sum().round(3)
    counted = known.with_columns(
        of_product=total.over(region),
        of_kind=total.over(kind),
        of_place=total.over([*kind, "location_id"]),
        places=pl.col("location_id").n_unique().over(kind),
    ).filter((pl.col("units") >= settings.diversion_min_units) & (pl.col("places") >= 3))
    # the product itself aside: it must not explain itself
    mine, others = pl.col("of_place") - pl.col("units"), pl.col("of_kind") - pl.col("of_place")
    rest = pl.col("of_product") - pl.col("units")
    fair = (rest * mine / pl.when(others - rest > 0).then(others - rest)).fill_null(0.0)
    expected = counted.with_columns(
        expected=pl.max_horizontal(fair, pl.col("units_before") * 28 / 154, pl.lit(0.5))
    ).with_columns(ratio=pl.col("units") / pl.col("expected"))
    tail = poisson.sf(np.ceil(expected["units"].to_numpy()) - 1, expected["expected"].to_numpy())
    found = expected.filter(pl.Series(tail < _CHANCE, dtype=pl.Boolean) & (pl.col("ratio") >= settings.diversion_ratio))
    told = found.with_columns(
        alert_type=pl.lit(DIVERSION),
        date=pl.lit(as_of),
        measured_value="ratio",
        threshold=pl.lit(settings.diversion_ratio),
        money_at_risk=pl.col("net_amount").clip(0.0) * (1 - pl.col("expected") / pl.col("units")),
        explanation=pl.format(
            "{} units of {} in 28 days where {} are its part of {} and of its own past: {} times as many; ask "
            "whether they "
            "were resold elsewhere.",
            pl.col("units").round(0).cast(pl.Int64),
            pl.coalesce("product_name", "sku_id"),
            pl.col("expected").round(1),
            "region",
            pl.col("ratio").round(1),
        ),
    )
    return told.sort("sku_id", "location_id").select(pl.col(n).cast(k) for n, k in ALERTS_SCHEMA.items())
