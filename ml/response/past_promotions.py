"""What past promotions returned: by promotion, by mechanic and depth, with an interval.

What belongs here: adding up what each product of a promotion brought, and how sure the sum is. What does not: measuring
a product (dbt: mart_promotion_roi), what coming promotions would return (ml/planning/promotion_plan.py).

The interval of a promotion is over its products, that of a mechanic over its promotions: the sum of n of them has the
standard error sqrt(n x their variance), as if the n had been drawn. One alone has none.
"""

from __future__ import annotations

from datetime import date

import polars as pl

NORMAL_90 = 1.6448536269514722
_AMOUNTS = (
    "actual_qty",
    "baseline_qty",
    "uplift_margin_amount",
    "cannibalised_margin_amount",
    "pulled_forward_margin_amount",
    "promotion_cost_amount",
    "net_margin_effect_amount",
)
_PAID = ("net_amount", "discount_amount")  # at all places
PROMOTED_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("promotion_id", "sku_id", "mechanic"), pl.String),
        **dict.fromkeys(("starts_on", "ends_on"), pl.Date),
        **dict.fromkeys((*_PAID, *_AMOUNTS), pl.Float64),
    }
)
ROI_SCHEMA = pl.Schema(
    {
        "level": pl.String,
        "node": pl.String,
        "as_of": pl.Date,
        "mechanic": pl.String,
        "depth_band": pl.String,
        "starts_on": pl.Date,
        "ends_on": pl.Date,
        "off_share": pl.Float64,
        "promotion_count": pl.Int64,
        "sku_count": pl.Int64,
        **dict.fromkeys(_AMOUNTS, pl.Float64),
        "net_margin_effect_low_amount": pl.Float64,
        "net_margin_effect_high_amount": pl.Float64,
        "roi": pl.Float64,
        "roi_low": pl.Float64,
        "roi_high": pl.Float64,
        "claim": pl.String,
        "explanation": pl.String,
    }
)
_BANDS = ((0.15, "under 15 % off"), (0.25, "15 to 25 % off"), (0.35, "25 to 35 % off"))
_DEEPEST = "35 % off and more"


def promotion_returns(rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return ROI_SCHEMA: a row a promotion, a mechanic, and a mechanic and depth.

    rows: PROMOTED_SCHEMA, products of promotions all of whose terms are known; promotion_cost_amount above zero.
    off_share: what was given away of what would have been paid without. claim: gains or loses where the whole 90 %
    interval lies on that side of zero, else no claim.
    """
    known = rows.select(pl.col(name).cast(kind) for name, kind in PROMOTED_SCHEMA.items())
    keys = ["promotion_id", "mechanic", "starts_on", "ends_on"]
    by_promotion = known.group_by(keys).agg(
        *(pl.col(name).sum() for name in (*_PAID, *_AMOUNTS)),
        sku_count=pl.len(),
        error=_error("net_margin_effect_amount"),
    )
    by_promotion = by_promotion.with_columns(off_share=_off(), promotion_count=pl.lit(1)).with_columns(
        depth_band=_band()
    )
    promotions = by_promotion.with_columns(level=pl.lit("promotion"), node="promotion_id")
    parts = [promotions, _grouped(by_promotion, ["mechanic"]), _grouped(by_promotion, ["mechanic", "depth_band"])]
    return _finished(pl.concat(parts, how="diagonal_relaxed"), as_of)


def _error(column: str) -> pl.Expr:
    return (pl.len() * pl.col(column).var()).sqrt()


def _off() -> pl.Expr:
    return pl.col("discount_amount") / (pl.col("net_amount") + pl.col("discount_amount"))


def _band() -> pl.Expr:
    found = pl.lit(_DEEPEST)
    for limit, name in reversed(_BANDS):
        found = pl.when(pl.col("off_share") < limit).then(pl.lit(name)).otherwise(found)
    return found


def _grouped(by_promotion: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    return (
        by_promotion.group_by(keys)
        .agg(
            *(pl.col(name).sum() for name in (*_PAID, *_AMOUNTS, "sku_count")),
            pl.col("starts_on").min(),
            pl.col("ends_on").max(),
            promotion_count=pl.len(),
            error=_error("net_margin_effect_amount"),
        )
        .with_columns(off_share=_off(), level=pl.lit(" and ".join(keys)), node=pl.concat_str(keys, separator=" / "))
    )


def _finished(rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    effect, cost = pl.col("net_margin_effect_amount"), pl.col("promotion_cost_amount")
    low, high = pl.col("net_margin_effect_low_amount"), pl.col("net_margin_effect_high_amount")
    return (
        rows.with_columns(
            as_of=pl.lit(as_of),
            net_margin_effect_low_amount=effect - NORMAL_90 * pl.col("error"),
            net_margin_effect_high_amount=effect + NORMAL_90 * pl.col("error"),
        )
        .with_columns(
            roi=effect / cost,
            roi_low=low / cost,
            roi_high=high / cost,
            claim=pl.when(low > 0)
            .then(pl.lit("gains"))
            .when(high < 0)
            .then(pl.lit("loses"))
            .otherwise(pl.lit("no claim")),
        )
        .with_columns(pl.col(pl.Float64).round(4))
        .with_columns(explanation=_sentence())
        .select(pl.col(name).cast(kind) for name, kind in ROI_SCHEMA.items())
        .sort("level", "node")
    )


def _sentence() -> pl.Expr:
    interval = pl.format(" ({} to {})", _money("net_margin_effect_low_amount"), _money("net_margin_effect_high_amount"))
    return pl.concat_str(
        pl.format(
            "{} units in place of {} brought a margin of {}, the rest of the category lost {} and the days after {}: ",
            pl.col("actual_qty").round(1),
            pl.col("baseline_qty").round(1),
            _money("uplift_margin_amount"),
            _money("cannibalised_margin_amount"),
            _money("pulled_forward_margin_amount"),
        ),
        _money("net_margin_effect_amount"),
        pl.when(pl.col("net_margin_effect_low_amount").is_not_null()).then(interval).otherwise(pl.lit("")),
        pl.format(" for {} given away.", _money("promotion_cost_amount")),
    )


def _money(column: str) -> pl.Expr:
    return pl.col(column).fill_null(0.0).round(2).cast(pl.Decimal(20, 2)).cast(pl.String)
