"""Demand, not sales: what would have sold with stock on the shelf, and without what nobody believes.

What belongs here: the one estimate of demand that training, scoring and planning share. What does not: deciding which
days were stock-outs, outliers or without tills (dbt), and what people decide about them (home/decisions).

On a day that closed without stock, demand is the larger of what was sold and what was to be expected:

    expected = level of the series at the close of the day before
               x sales of the department's known series on that very day / the sum of their levels

The level is a mean of the known days (days without a sale count as 0) whose weights fall by 5 % a day, drawn to a
slower one, of 1 % a day, as if 3 more units had been seen at its rate: what sells daily follows the last weeks, what
sells monthly does not jump with each sale. The slower mean also counts what was sold before a shelf went empty. The
department's factor carries weekday, holidays and promotions; where little was sold it is drawn to the weekday's.

Single days are capped at four times the series' mean selling day first, so that one bulk purchase does not lift weeks
of repairs. After fifty days without a known day or a sale nothing is repaired: there is no telling a stock-out from a
product that is no longer carried. Returns are not negative demand: they stay out.

Measured on real product-days with stock-out flags, some of the days in stock blanked out: `--only censoring` of the
benchmarks.

A day without tills (missing_till_day) is not known either and counts like a stock-out; a day that a person said to
ignore counts as expected whatever was sold. An outlier, or a day with a quantity from a person, counts as that
quantity.
"""

import itertools

import numpy as np
import polars as pl

from ml.forecasting.contract import DEMAND_HISTORY_SCHEMA, ContractError

MAX_DAYS_OUT = 50
CAP = 4.0
_FAST, _SLOW = 0.95, 0.99  # what is left of a day's weight a day later
_TRUST_UNITS = 3.0  # at the slow rate, before the fast one counts as much
_FACTOR_UNITS = 20.0  # sales of a department's day that weigh as much as its weekday
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
    """Add `expected`: what an unknown day would have sold; 0 on known ones and where nothing is known."""
    is_seller = ~pl.col("is_unknown") & (pl.col("used_qty") > 0)
    most = CAP * pl.col("used_qty").filter(is_seller).mean().over("series_id")
    rows = (
        days.with_row_index("row")
        .with_columns(
            day=(pl.col("date") - pl.col("date").min()).dt.total_days(),
            born=(pl.col("first") - pl.col("date").min()).dt.total_days(),
            weekday=pl.col("date").dt.weekday() - 1,
            used_qty=pl.min_horizontal("used_qty", most.fill_null(float("inf"))),
        )
        .sort("day")
    )
    carried = series.select(
        pl.col("series_id").cast(pl.Int32), "department", code=pl.col("department").rank("dense").fill_null(0)
    ).sort("series_id")
    place = np.searchsorted(carried["series_id"].to_numpy(), rows["series_id"].to_numpy())
    born = np.full(carried.height, np.iinfo(np.int64).max)
    born[place] = rows["born"].to_numpy()
    usual = np.ones((carried.select(pl.col("code").max()).item() + 1, 7))
    factors = _weekday_factors(days, series).join(carried.unique("code"), on="department", nulls_equal=True)
    usual[factors["code"].to_numpy(), factors["weekday"].to_numpy() - 1] = factors["factor"].to_numpy()
    day, weekday, sold, unknown = (rows[name].to_numpy() for name in ("day", "weekday", "used_qty", "is_unknown"))
    department = carried["code"].to_numpy().astype(np.int64)
    expected = np.zeros(days.height)
    expected[rows["row"].to_numpy()] = _walk(place, day, weekday, sold, unknown, born, department, usual)
    return days.with_columns(expected=pl.Series(expected))


def _walk(
    place: np.ndarray,
    day: np.ndarray,
    weekday: np.ndarray,
    sold: np.ndarray,
    is_unknown: np.ndarray,
    born: np.ndarray,
    department: np.ndarray,
    usual: np.ndarray,
) -> np.ndarray:
    """Expected sales of each row, day after day over all series at once; rows are sorted by day, one a series and day.

    place: the row's index in born (first day) and department (0, 1, …). usual: (departments, 7) factors of weekdays.
    1,759 days of 30,490 series take 2 s.
    """
    expected = np.zeros(len(day))
    fast, fast_days, slow, slow_days = np.zeros((4, len(born)))
    last_seen = np.full(len(born), -1)
    first_weekday = int(weekday[0])
    ends = np.searchsorted(day, np.arange(int(day[-1]) + 2))
    for today, (start, end) in enumerate(itertools.pairwise(ends)):
        here, unknown = place[start:end], is_unknown[start:end]
        quantity = np.zeros(len(born))
        quantity[here] = sold[start:end]
        is_known = born <= today
        is_known[here[unknown]] = False
        pace = slow / np.maximum(slow_days, 1e-9)
        level = np.where(pace > 0, (fast + _TRUST_UNITS) / (fast_days + _TRUST_UNITS / np.maximum(pace, 1e-9)), 0.0)
        came, ought = (np.bincount(department, each * is_known, minlength=len(usual)) for each in (quantity, level))
        usually = _FACTOR_UNITS * usual[:, (first_weekday + today) % 7]
        factor = (came + usually) / (ought + _FACTOR_UNITS)
        asked = here[unknown]
        is_carried = today - last_seen[asked] <= MAX_DAYS_OUT
        expected[start:end][unknown] = np.where(is_carried, level[asked] * factor[department[asked]], 0.0)
        is_seen = is_known | (quantity > 0)
        fast, fast_days = _FAST * fast + quantity * is_known, _FAST * fast_days + is_known
        slow, slow_days = _SLOW * slow + quantity, _SLOW * slow_days + is_seen
        last_seen[is_seen] = today
    return expected


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
