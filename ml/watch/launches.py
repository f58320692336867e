"""A new product that sells far above launches of its kind, as an alert: what runs away must not run out.

Belongs here: the alert. What a hit is stands in ml/range/hits.py.
"""

import polars as pl

from ml.watch.contract import ALERTS_SCHEMA

HIT = "new_product_hit"
EVERYWHERE = "all places"


def hit_alerts(hits: pl.DataFrame) -> pl.DataFrame:
    """Return ALERTS_SCHEMA, one row a hit, by sku_id.

    hits: sku_id, first_sold_on, ratio (units a place over the usual launch's), usual_units_per_place,
    high_units_per_place (95 % of launches sold that or less), explanation. The date is that of the first sale, so an
    alert keeps its id from night to night; the threshold is the 95 % as a multiple of the usual. What is at stake is
    not known: no money.
    """
    told = hits.with_columns(
        alert_type=pl.lit(HIT),
        location_id=pl.lit(EVERYWHERE),
        date="first_sold_on",
        measured_value="ratio",
        threshold=pl.col("high_units_per_place") / pl.col("usual_units_per_place"),
        money_at_risk=pl.lit(None),
        explanation=pl.concat_str("explanation", pl.lit(" See that its orders keep up, and where else it could sell.")),
    )
    return told.sort("sku_id").select(pl.col(n).cast(k) for n, k in ALERTS_SCHEMA.items())
