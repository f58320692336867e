"""Hits, early: new products whose first weeks are far above what launches of their kind sold by the same age.

Belongs here: the comparison with earlier launches. Not here: forecasts of new products (ml/forecasting/models/launch).
"""

from datetime import date

import polars as pl

from ml.range.settings import RangeSettings

HITS_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "sku_id": pl.String,
        "first_sold_on": pl.Date,
        "weeks": pl.Int64,
        "places": pl.Int64,
        "units": pl.Float64,
        "units_per_place": pl.Float64,
        "compared_with": pl.String,
        "launches": pl.Int64,
        "usual_units_per_place": pl.Float64,
        "high_units_per_place": pl.Float64,
        "ratio": pl.Float64,
        "ratio_low": pl.Float64,
        "ratio_high": pl.Float64,
        "explanation": pl.String,
    }
)
# launches of a kind from which on their 95th percentile is believed; with fewer the company's are taken
_LEAST_LAUNCHES = 20
_HIGH = 0.95
_Z90 = 1.6449
COMPANY = "all launches"


def early_hits(weeks: pl.DataFrame, products: pl.DataFrame, as_of: date, settings: RangeSettings) -> pl.DataFrame:
    """Return HITS_SCHEMA, the new products above 95 % of the launches of their department at the same age.

    weeks: sku_id, week (0 = the first seven days since its first sale), units, places (that sold it in that week), of
    every product whose first sale is on record. products: sku_id, product_name, department, first_sold_on. Units are
    counted per place, so that a wide launch is no hit by width alone; ratio = units per place / the usual (median)
    launch's, with the 90 % Poisson interval of its units.
    """
    age = ((pl.lit(as_of) - pl.col("first_sold_on")).dt.total_days() + 1) // 7
    known = products.with_columns(whole_weeks=age)
    new = known.filter(pl.col("whole_weeks").is_between(2, settings.hit_max_weeks))
    past = known.filter(pl.col("whole_weeks") > settings.hit_max_weeks)
    ages = pl.DataFrame({"age": range(2, settings.hit_max_weeks + 1)}, schema={"age": pl.Int64})
    by_age = (
        weeks.join(ages, how="cross")
        .filter(pl.col("week") < pl.col("age"))
        .group_by("sku_id", "age")
        .agg(pl.col("units").sum().round(3), pl.col("places").max())
        .with_columns(per_place=pl.col("units") / pl.col("places").clip(1))
    )
    launched = by_age.join(past.select("sku_id", "department"), on="sku_id")
    kinds = _usual(launched, ["age", "department"]).filter(pl.col("launches") >= _LEAST_LAUNCHES)
    company = _usual(launched, ["age"]).with_columns(department=pl.lit(None, dtype=pl.String))
    names = ("launches", "usual", "high")
    mine = (
        new.join(by_age, left_on=["sku_id", "whole_weeks"], right_on=["sku_id", "age"])
        .join(kinds, left_on=["whole_weeks", "department"], right_on=["age", "department"], how="left")
        .join(
            company.select(whole_weeks="age", **{f"all_{name}": pl.col(name) for name in names}),
            on="whole_weeks",
            how="left",
        )
        .with_columns(compared_with=pl.when(pl.col("usual").is_null()).then(pl.lit(COMPANY)).otherwise("department"))
        .with_columns(pl.coalesce(name, f"all_{name}") for name in names)
    )
    half = _Z90 / pl.col("units").sqrt()
    hits = mine.filter(
        (pl.col("units") >= settings.hit_min_units)
        & (pl.col("launches") >= _LEAST_LAUNCHES)
        & (pl.col("per_place") * (1 - half) > pl.col("high"))
    )
    ratio = pl.col("per_place") / pl.col("usual")
    told = hits.with_columns(
        as_of=pl.lit(as_of),
        weeks="whole_weeks",
        units_per_place="per_place",
        usual_units_per_place="usual",
        high_units_per_place="high",
        ratio=ratio,
        ratio_low=ratio * (1 - half),
        ratio_high=ratio * (1 + half),
    ).with_columns(
        explanation=pl.format(
            "{} units in its first {} weeks at {} places, {} a place; of {} earlier launches ({}) half sold {} or "
            "less by "
            "that age and 95 % {} or less: {} times the usual [{}, {}].",
            pl.col("units").round(0).cast(pl.Int64),
            "weeks",
            "places",
            pl.col("units_per_place").round(2),
            "launches",
            "compared_with",
            *(pl.col(name).round(2) for name in ("usual", "high", "ratio", "ratio_low", "ratio_high")),
        )
    )
    ordered = told.sort("ratio", "sku_id", descending=[True, False])
    return ordered.select(pl.col(name).cast(kind) for name, kind in HITS_SCHEMA.items())


def _usual(launched: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Launches, and the median and 95th percentile of their units per place."""
    return launched.group_by(by).agg(
        launches=pl.len().cast(pl.Int64),
        usual=pl.col("per_place").median(),
        high=pl.col("per_place").quantile(_HIGH, "linear"),
    )
