"""The shapes of frames and the lengths of time that every module of customer value shares."""

from dataclasses import dataclass

import polars as pl

QUARTER_DAYS = 91
YEAR_DAYS = 364

# one row a customer and day with receipt lines; amount: money paid less money returned; is_purchase: units were sold
PURCHASES_SCHEMA = pl.Schema(
    {"customer_id": pl.String, "date": pl.Date, "amount": pl.Float64, "is_purchase": pl.Boolean}
)

# one row a customer who ever bought
VALUE_SCHEMA = pl.Schema(
    {
        "customer_id": pl.String,
        "as_of": pl.Date,
        "repurchase_probability": pl.Float64,
        "expected_91_days_amount": pl.Float64,
        "expected_364_days_amount": pl.Float64,
        "probability_model": pl.String,
        "value_model": pl.String,
        "year_method": pl.String,
    }
)

# one row a target, model and metric, measured on the last quarter that is known
ACCURACY_SCHEMA = pl.Schema(
    {
        "target": pl.String,
        "model": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "customers": pl.Int64,
        "cutoff": pl.Date,
        "is_chosen": pl.Boolean,
    }
)

# one row a customer and product that is proposed; the share is that of lines with such a score a month ago
NEXT_PRODUCTS_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "customer_id": pl.String,
        "rank": pl.Int32,
        "sku_id": pl.String,
        "kind": pl.String,
        "probability": pl.Float64,
        "measured_share": pl.Float64,
        "measured_share_low": pl.Float64,
        "measured_share_high": pl.Float64,
        "measured_lines": pl.Int64,
        "bought_days_364": pl.Int64,
        "last_bought_on": pl.Date,
        "usual_gap_days": pl.Float64,
        "buyers_28": pl.Int64,
        "like_sku_id": pl.String,
        "model": pl.String,
        "explanation": pl.String,
    }
)


@dataclass(frozen=True)
class CustomerResult:
    """What a night knows of its customers' coming purchases, and how right it was a quarter ago."""

    values: pl.DataFrame
    accuracy: pl.DataFrame
    notes: tuple[str, ...] = ()
