"""Demand, not sales: what would have sold with stock on the shelf, and without what nobody believes.

What belongs here: the one estimate of demand that training, scoring and planning share. What does not: deciding which
days were stock-outs, outliers or without tills (dbt), and what people decide about them (home/decisions).

On a day that closed without stock, demand is the larger of what was sold and the level expected for that weekday:

    expected = mean sales of the known days among the 56 before (days without a sale count as 0)
               x weekday factor of the department

Single days are capped at four times the series' mean selling day first, so that one bulk purchase does not lift weeks
of repairs. With fewer than 7 known days in those 56 nothing is repaired: after about seven weeks without stock there
is no telling a stock-out from a product that is no longer carried. Returns are not negative demand: they stay out.

A day without tills (missing_till_day) is not known either and counts like a stock-out; a day that a person said to
ignore counts as expected whatever was sold. An outlier, or a day with a quantity from a person, counts as that
quantity.
"""

import polars as pl

from ml.forecasting.contract import DEMAND_HISTORY_SCHEMA, ContractError

WINDOW_DAYS = 56
MIN_DAYS_IN_STOCK = 7
CAP = 4.0
STOCK_OUT, OUTLIER, REPLACED, IGNORED, MISSING_TILL_DAY = (
    "stock_out",
    "outlier",
    "replaced",
    "ignored",
    "missing_till_day",
)
RULES = (STOCK_OUT, OUTLIER, REPLACED, IGNORED, MISSING_TILL_DAY)
_OBSERVED = ("series_id", "date", "sales_qty", "is_stockout")
_REPAIRS = {"repaired_qty": pl.Float64, "repair_rule": pl.String}


def estimate_demand(observed: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Turn observed days into ml.demand_history.

    observed: series_id, date, sales_qty >= 0, is_stockout; sparse; optionally repair_rule (None, or one of RULES but
    stock_out) and repaired_qty (units in place of sales_qty, with outlier and replaced). series: ml.demand_series
    (series_id, department). Returns DEMAND_HISTORY_SCHEMA sorted by (series_id, date): days with demand > 0, and days
    that a rule made empty. Days before a series' first sale are never repaired. repair_rule names what made quantity
    differ from sales_qty. Raises ContractError on missing columns.
    """
    missing = [name for name in _OBSERVED if name not in observed.columns]
    if missing:
        raise ContractError(f"observed demand lacks the columns {missing}; it needs {list(_OBSERVED)}")
    given = [
        (pl.col(name) if name in observed.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in _REPAIRS.items()
    ]
    days = observed.select(
        pl.col("series_id").cast(pl.Int32),
        pl.col("date").cast(pl.Date),
        pl.col("sales_qty").cast(pl.Float64).fill_nan(0.0).fill_null(0.0).clip(lower_bound=0.0),
        pl.col("is_stockout").fill_null(False),
        *given,
    ).sort("series_id", "date")
    first_sale = days.filter(pl.col("sales_qty") > 0).group_by("series_id").agg(first=pl.col("date").min())
    days = days.join(first_sale, on="series_id", maintain_order="left").filter(pl.col("date") >= pl.col("first"))
    is_ignored = (pl.col("repair_rule") == IGNORED).fill_null(False)
    days = days.with_columns(
        used_qty=pl.when(is_ignored).then(0.0).otherwise(pl.coalesce("repaired_qty", "sales_qty")),
        is_unknown=pl.col("is_stockout") | pl.col("repair_rule").is_in([IGNORED, MISSING_TILL_DAY]).fill_null(False),
    )
    has_gaps = days["is_unknown"].any()
    days = _with_expected(days, series) if has_gaps else days.with_columns(expected=pl.lit(0.0))
    is_filled = pl.col("expected") > pl.col("used_qty")
    rule = pl.coalesce("repair_rule", pl.when(is_filled & pl.col("is_stockout")).then(pl.lit(STOCK_OUT)))
    return (
        days.with_columns(quantity=pl.max_horizontal("used_qty", "expected"), repair_rule=rule)
        .with_columns(is_repaired=pl.col("quantity") != pl.col("sales_qty"))
        .with_columns(repair_rule=pl.when("is_repaired").then("repair_rule"))
        .filter((pl.col("quantity") > 0) | pl.col("is_repaired"))
        .select(pl.col(name).cast(kind) for name, kind in DEMAND_HISTORY_SCHEMA.items())
    )


def _with_expected(days: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Add `expected`: the level of a known day, on unknown days with enough known ones before; else 0."""
    is_known = ~pl.col("is_unknown")
    selling = pl.col("used_qty").filter(is_known & (pl.col("used_qty") > 0)).mean().over("series_id")
    capped = pl.min_horizontal("used_qty", CAP * selling.fill_null(0.0))
    running = days.with_columns(
        stocked_qty=pl.when(is_known).then(capped).otherwise(0.0).cum_sum().over("series_id"),
        missing_days=pl.col("is_unknown").cast(pl.Int64).cum_sum().over("series_id"),
    ).select("series_id", "date", "stocked_qty", "missing_days")
    asked = days.filter("is_unknown").select("series_id", "date", "first")
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
    """Sales of a weekday over the mean of the seven, per department, from known days."""
    sold = (
        days.filter(~pl.col("is_unknown"))
        .join(series.select(pl.col("series_id").cast(pl.Int32), "department"), on="series_id", maintain_order="left")
        .group_by("department", weekday=pl.col("date").dt.weekday())
        .agg(sold=pl.col("used_qty").sum())
        .sort("department", "weekday")
    )
    return sold.select("department", "weekday", factor=pl.col("sold") * 7 / pl.col("sold").sum().over("department"))
