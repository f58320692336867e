"""What is known of a customer at the close of a day, and what became of them afterwards.

Belongs here: features and outcomes. Not here: models (models.py), which of them is used (pipeline.py).

Features are rates, shares and stretches of days, not totals: a total grows with the records, and the model is used on
longer records than those it learned from. Without totals and tenure the value of the held-out quarter came out 6 %
nearer in bias and the log loss of repurchase fell from 0.163 to 0.158 (docs/decisions/0010-customer-value.md).
"""

from datetime import date, timedelta

import polars as pl

from ml.customers.contract import QUARTER_DAYS, YEAR_DAYS

WINDOWS = (28, 56, QUARTER_DAYS, 2 * QUARTER_DAYS, YEAR_DAYS)


def windows_within(days: int) -> tuple[int, ...]:
    """Return the windows that records of so many days fill."""
    return tuple(window for window in WINDOWS if window <= days)


def feature_names(windows: tuple[int, ...]) -> list[str]:
    """Return the columns that a model reads, in order."""
    fixed = ["recency_days", "mean_gap_days", "max_gap_days", "sd_gap_days", "recency_gaps"]
    money = ["last_amount", "basket_amount", "daily_rate", "daily_amount"]
    return [*fixed, *money, *(f"{what}_{window}" for window in windows for what in ("amount", "days"))]


def features(purchases: pl.DataFrame, cutoff: date, windows: tuple[int, ...]) -> pl.DataFrame:
    """Return one row a customer who bought on or before `cutoff`: customer_id and feature_names(windows), sorted.

    mean_gap_days is null for who bought on one day only. All from rows dated on or before `cutoff`.
    """
    age = (pl.lit(cutoff) - pl.col("date")).dt.total_days()
    known = purchases.filter(pl.col("date") <= cutoff).sort("customer_id", "date").with_columns(age=age)
    bought = known.filter("is_purchase").with_columns(
        gap=(pl.col("date") - pl.col("date").shift(1).over("customer_id")).dt.total_days()
    )
    rhythm = bought.group_by("customer_id", maintain_order=True).agg(
        *((pl.col("age") < window).sum().alias(f"days_{window}") for window in windows),
        recency_days=pl.col("age").min(),
        tenure_days=pl.col("age").max() + 1,
        purchase_days=pl.len(),
        mean_gap_days=pl.col("gap").mean(),
        max_gap_days=pl.col("gap").max(),
        sd_gap_days=pl.col("gap").std(),
        last_amount=pl.col("amount").last(),
    )
    money = known.group_by("customer_id", maintain_order=True).agg(
        *(pl.col("amount").filter(pl.col("age") < window).sum().alias(f"amount_{window}") for window in windows),
        amount=pl.col("amount").sum(),
    )
    return (
        rhythm.join(money, on="customer_id", how="left", maintain_order="left")
        .with_columns(
            recency_gaps=pl.col("recency_days") / pl.col("mean_gap_days"),
            basket_amount=pl.col("amount") / pl.col("purchase_days"),
            daily_rate=pl.col("purchase_days") / pl.col("tenure_days"),
            daily_amount=pl.col("amount") / pl.col("tenure_days"),
        )
        .select("customer_id", *feature_names(windows))
    )


def outcomes(purchases: pl.DataFrame, customers: pl.DataFrame, cutoff: date, horizon_days: int) -> pl.DataFrame:
    """Return `customers` with what they did in the days after `cutoff`: `value` (never below zero) and `is_back`.

    A customer whose returns outweigh the purchases of the stretch is worth nothing in it, not less.
    """
    last = cutoff + timedelta(days=horizon_days)
    after = purchases.filter((pl.col("date") > cutoff) & (pl.col("date") <= last))
    done = after.group_by("customer_id").agg(value=pl.col("amount").sum(), is_back=pl.col("is_purchase").any())
    return customers.join(done, on="customer_id", how="left", maintain_order="left").with_columns(
        pl.col("value").fill_null(0.0).clip(lower_bound=0.0), pl.col("is_back").fill_null(False)
    )
