"""Demand, not sales: what would have sold with stock on the shelf.

What belongs here: the one estimate of demand that training, scoring and planning share. What does not: deciding which
days were stock-outs (dbt) and repairing impossible stock records (data quality).

On a day that closed without stock, demand is the larger of what was sold and the level expected for that weekday:

    expected = mean sales of the days in stock among the 56 before (days without a sale count as 0)
               x weekday factor of the department

Single days are capped at four times the series' mean selling day first, so that one bulk purchase does not lift weeks
of repairs. With fewer than 7 days in stock in those 56 nothing is repaired: after about seven weeks without stock there
is no telling a stock-out from a product that is no longer carried. Returns are not negative demand: they stay out.
"""

import polars as pl

from ml.forecasting.contract import DEMAND_HISTORY_SCHEMA, ContractError

WINDOW_DAYS = 56
MIN_DAYS_IN_STOCK = 7
CAP = 4.0
_OBSERVED = ("series_id", "date", "sales_qty", "is_stockout")


def estimate_demand(observed: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Turn observed days (series_id, date, sales_qty >= 0, is_stockout; sparse) into ml.demand_history.

    series: ml.demand_series (series_id, department). Returns DEMAND_HISTORY_SCHEMA sorted by (series_id, date), only
    days with demand > 0. Days before a series' first sale are never repaired. Raises ContractError on missing columns.
    """
    missing = [name for name in _OBSERVED if name not in observed.columns]
    if missing:
        raise ContractError(f"observed demand lacks the columns {missing}; it needs {list(_OBSERVED)}")
    days = observed.select(
        pl.col("series_id").cast(pl.Int32),
        pl.col("date").cast(pl.Date),
        pl.col("sales_qty").cast(pl.Float64).fill_nan(0.0).fill_null(0.0).clip(lower_bound=0.0),
        pl.col("is_stockout").fill_null(False),
    ).sort("series_id", "date")
    first_sale = days.filter(pl.col("sales_qty") > 0).group_by("series_id").agg(first=pl.col("date").min())
    days = days.join(first_sale, on="series_id", maintain_order="left").filter(pl.col("date") >= pl.col("first"))
    has_gaps = days["is_stockout"].any()
    days = _with_expected(days, series) if has_gaps else days.with_columns(expected=pl.lit(0.0))
    demand = pl.max_horizontal("sales_qty", "expected")
    return (
        days.with_columns(quantity=demand, is_repaired=pl.col("expected") > pl.col("sales_qty"))
        .filter(pl.col("quantity") > 0)
        .select(pl.col(name).cast(kind) for name, kind in DEMAND_HISTORY_SCHEMA.items())
    )


def _with_expected(days: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Add `expected`: the level of a day in stock, on stock-out days with enough of them before; else 0."""
    in_stock = ~pl.col("is_stockout")
    selling = pl.col("sales_qty").filter(in_stock & (pl.col("sales_qty") > 0)).mean().over("series_id")
    capped = pl.min_horizontal("sales_qty", CAP * selling.fill_null(0.0))
    running = days.with_columns(
        stocked_qty=pl.when(in_stock).then(capped).otherwise(0.0).cum_sum().over("series_id"),
        missing_days=pl.col("is_stockout").cast(pl.Int64).cum_sum().over("series_id"),
    ).select("series_id", "date", "stocked_qty", "missing_days")
    asked = days.filter("is_stockout").select("series_id", "date", "first")
    until = _as_of(asked, running, 1)
    since = _as_of(asked, running, WINDOW_DAYS + 1)
    age = (pl.col("date") - pl.col("first")).dt.total_days()
    expected = (
        asked.with_columns(
            sold=until["stocked_qty"] - since["stocked_qty"],
            days_in_stock=pl.min_horizontal(age, pl.lit(WINDOW_DAYS)) - (until["missing_days"] - since["missing_days"]),
            weekday=pl.col("date").dt.weekday(),
        )
        .join(series.select(pl.col("series_id").cast(pl.Int32), "department"), on="series_id", maintain_order="left")
        .join(
            _weekday_factors(days, series),
            on=["department", "weekday"],
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        .filter(pl.col("days_in_stock") >= MIN_DAYS_IN_STOCK)
        .select(
            "series_id",
            "date",
            expected=pl.col("sold") / pl.col("days_in_stock") * pl.col("factor").fill_null(1.0),
        )
    )
    return days.join(expected, on=["series_id", "date"], how="left", maintain_order="left").with_columns(
        pl.col("expected").fill_null(0.0)
    )


def _as_of(asked: pl.DataFrame, running: pl.DataFrame, days_before: int) -> pl.DataFrame:
    """Running sums at the close of the day `days_before` days before each asked day; 0 before the first row."""
    shifted = asked.select("series_id", date=pl.col("date") - pl.duration(days=days_before))
    found = shifted.sort("series_id", "date").join_asof(
        running.sort("series_id", "date"), on="date", by="series_id", strategy="backward", check_sortedness=False
    )
    return found.with_columns(pl.col("stocked_qty", "missing_days").fill_null(0))


def _weekday_factors(days: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Sales of a weekday over the mean of the seven, per department, from days in stock."""
    sold = (
        days.filter(~pl.col("is_stockout"))
        .join(series.select(pl.col("series_id").cast(pl.Int32), "department"), on="series_id", maintain_order="left")
        .group_by("department", weekday=pl.col("date").dt.weekday())
        .agg(sold=pl.col("sales_qty").sum())
        .sort("department", "weekday")
    )
    return sold.select("department", "weekday", factor=pl.col("sold") * 7 / pl.col("sold").sum().over("department"))
