"""Where demand is not met by what is on the shelves, and what should lead where.

Belongs here: region x category, and products by channel and region. Not here: how the index of a region is measured
(mart_region_preference).
"""

from datetime import date

import polars as pl

OPPORTUNITY_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "region": pl.String,
        "department": pl.String,
        "category": pl.String,
        "net_amount": pl.Float64,
        "preference_index": pl.Float64,
        "index_low": pl.Float64,
        "index_high": pl.Float64,
        "coverage_share": pl.Float64,
        "best_coverage_share": pl.Float64,
        "best_region": pl.String,
        "opportunity_amount": pl.Float64,
        "opportunity_low_amount": pl.Float64,
        "opportunity_high_amount": pl.Float64,
        "opportunity": pl.String,
        "explanation": pl.String,
    }
)
LEAD_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "channel": pl.String,
        "region": pl.String,
        "lead_rank": pl.Int64,
        "sku_id": pl.String,
        "units": pl.Float64,
        "net_amount": pl.Float64,
        "lead_index": pl.Float64,
        "lead_index_low": pl.Float64,
        "lead_index_high": pl.Float64,
        "company_units": pl.Float64,
        "explanation": pl.String,
    }
)
WIDEN, SERVED, WEAK, UNSURE = "widen the range", "range is there", "demand is low", "not sure"
LED = 10
# units of a product somewhere below which its index says nothing
_LEAST_UNITS = 30
_Z90 = 1.6449


def region_opportunity(
    preference: pl.DataFrame, coverage: pl.DataFrame, walk_away_pct: float, as_of: date
) -> pl.DataFrame:
    """Return OPPORTUNITY_SCHEMA, one row a region and category.

    preference: region, department, category, net_amount, preference_index, index_low, index_high. coverage: region,
    category, coverage_share: of what the company sells of the category, the part (by money) that a place of the region
    has in its range, on average. Of what the region lacks to the best one, only those who now walk away are gained:
    opportunity = net_amount x walk_away x (best coverage / coverage - 1), of the weeks that preference is measured on.
    """
    if preference.is_empty() or coverage.is_empty():
        return pl.DataFrame(schema=OPPORTUNITY_SCHEMA)
    best = coverage.sort("category", "coverage_share", "region", descending=[False, True, False]).unique(
        "category", keep="first", maintain_order=True
    )
    known = preference.join(coverage, on=["region", "category"]).join(
        best.select("category", best_coverage_share="coverage_share", best_region="region"), on="category"
    )
    lacking = (pl.col("best_coverage_share") / pl.col("coverage_share").clip(0.05) - 1).clip(0.0)
    worth = pl.col("net_amount").clip(0.0) * walk_away_pct / 100 * lacking
    index = pl.col("preference_index")
    told = known.with_columns(
        as_of=pl.lit(as_of),
        opportunity_amount=worth,
        # the interval of the index is that of the region's demand: it stretches the amount alike
        opportunity_low_amount=worth * (pl.col("index_low") / index).fill_nan(None),
        opportunity_high_amount=worth * (pl.col("index_high") / index).fill_nan(None),
        opportunity=pl.when(pl.col("index_low").is_null())
        .then(pl.lit(UNSURE))
        .when((pl.col("index_low") > 1) & (lacking > 0.1))
        .then(pl.lit(WIDEN))
        .when(pl.col("index_low") > 1)
        .then(pl.lit(SERVED))
        .when(pl.col("index_high") < 1)
        .then(pl.lit(WEAK))
        .otherwise(pl.lit(UNSURE)),
    ).with_columns(
        explanation=pl.format(
            "{} asks for {} {} times as much as the company [{}, {}]; its places carry {} % of what sells of it, "
            "those of {} "
            "{} %; with as wide a range {} more could be sold.",
            "region",
            "category",
            index.round(2),
            pl.col("index_low").round(2).fill_null("not known"),
            pl.col("index_high").round(2).fill_null("not known"),
            (100 * pl.col("coverage_share")).round(0).cast(pl.Int64),
            "best_region",
            (100 * pl.col("best_coverage_share")).round(0).cast(pl.Int64),
            pl.col("opportunity_amount").round(0).cast(pl.Int64),
        )
    )
    return told.sort("region", "department", "category").select(
        pl.col(name).cast(kind) for name, kind in OPPORTUNITY_SCHEMA.items()
    )


def channel_lead_products(sales: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return LEAD_SCHEMA: the products that a channel sells in a region beyond the company's share, LED of each.

    sales: channel, region, sku_id, product_name, units, net_amount of the last 13 weeks. The index is the product's
    share of the units there over its share everywhere else; its 90 % interval that of a ratio of two counts
    (log-normal). Ranked by the money that its lower end says is special to the place: net_amount x (1 - 1 / low).
    """
    here = (
        sales.filter(pl.col("units") > 0)
        .group_by("channel", "region", "sku_id")
        .agg(pl.col("product_name").drop_nulls().min(), pl.col("units").sum(), pl.col("net_amount").sum())
    )
    if here.select("channel", "region").unique().height < 2:
        return pl.DataFrame(schema=LEAD_SCHEMA)
    place = ["channel", "region"]
    total = pl.col("units").sum().round(3)
    counted = here.with_columns(
        of_place=total.over(place), company_units=total.over("sku_id"), company=total
    ).with_columns(elsewhere=pl.col("company_units") - pl.col("units"), rest=pl.col("company") - pl.col("of_place"))
    index = ((pl.col("units") + 0.5) / pl.col("of_place")) / ((pl.col("elsewhere") + 0.5) / pl.col("rest"))
    error = (1 / (pl.col("units") + 0.5) + 1 / (pl.col("elsewhere") + 0.5)).sqrt()
    rated = counted.filter((pl.col("units") >= _LEAST_UNITS) & (pl.col("rest") > 0)).with_columns(
        lead_index=index,
        lead_index_low=index * (-_Z90 * error).exp(),
        lead_index_high=index * (_Z90 * error).exp(),
    )
    special = (pl.col("net_amount") * (1 - 1 / pl.col("lead_index_low"))).round(2)
    led = (
        rated.filter(pl.col("lead_index_low") > 1)
        .with_columns(special=special)
        .sort([*place, "special", "sku_id"], descending=[False, False, True, False])
        .with_columns(lead_rank=pl.int_range(1, pl.len() + 1).over(place))
        .filter(pl.col("lead_rank") <= LED)
    )
    told = led.with_columns(
        as_of=pl.lit(as_of),
        explanation=pl.format(
            "{} of the {} units sold of {} in 13 weeks; {} times its share elsewhere [{}, {}].",
            pl.col("units").round(0).cast(pl.Int64),
            pl.col("company_units").round(0).cast(pl.Int64),
            pl.coalesce("product_name", "sku_id"),
            *(pl.col(name).round(2) for name in ("lead_index", "lead_index_low", "lead_index_high")),
        ),
    )
    return told.sort(*place, "lead_rank").select(pl.col(name).cast(kind) for name, kind in LEAD_SCHEMA.items())
