"""What past promotions returned: by promotion, by mechanic and depth, each also by channel, with an interval.

What belongs here: adding up what each product of a promotion brought, and how sure the sum is. What does not: measuring
a product (dbt: mart_promotion_roi), what coming promotions would return (ml/planning/promotion_plan.py).

The interval of a promotion is over its products, that of a mechanic over its promotions: the sum of n of them has the
standard error sqrt(n x their variance), as if the n had been drawn. One alone has none.

The channels of a promotion share its depth band, so those of every row add up to it.
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
PROMOTED_BY_CHANNEL_SCHEMA = pl.Schema([*PROMOTED_SCHEMA.items(), ("channel", pl.String)])
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
ROI_BY_CHANNEL_SCHEMA = pl.Schema([("channel", pl.String), *ROI_SCHEMA.items()])
_BANDS = ((0.15, "under 15 % off"), (0.25, "15 to 25 % off"), (0.35, "25 to 35 % off"))
_DEEPEST = "35 % off and more"


def promotion_returns(rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return ROI_SCHEMA: a row a promotion, a mechanic, and a mechanic and depth.

    rows: PROMOTED_SCHEMA, products of promotions all of whose terms are known; promotion_cost_amount above zero.
    off_share: what was given away of what would have been paid without. claim: gains or loses where the whole 90 %
    interval lies on that side of zero, else no claim.
    """
    return _returns(rows, PROMOTED_SCHEMA, [], as_of).match_to_schema(ROI_SCHEMA)


def promotion_returns_by_channel(rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return ROI_BY_CHANNEL_SCHEMA: the rows of promotion_returns, one a channel.

    rows: PROMOTED_BY_CHANNEL_SCHEMA, otherwise as there; a channel that gave nothing away has no roi.
    """
    return _returns(rows, PROMOTED_BY_CHANNEL_SCHEMA, ["channel"], as_of).match_to_schema(ROI_BY_CHANNEL_SCHEMA)


def _returns(rows: pl.DataFrame, schema: pl.Schema, by: list[str], as_of: date) -> pl.DataFrame:
    known = rows.select(pl.col(name).cast(kind) for name, kind in schema.items())
    keys = ["promotion_id", "mechanic", "starts_on", "ends_on", *by]
    by_promotion = (
        known.group_by(keys)
        .agg(
            *(pl.col(name).sum() for name in (*_PAID, *_AMOUNTS)),
            sku_count=pl.len(),
            error=_error("net_margin_effect_amount"),
        )
        .with_columns(off_share=_off(), promotion_count=pl.lit(1), depth_band=_band())
    )
    promotions = by_promotion.with_columns(level=pl.lit("promotion"), node="promotion_id")
    parts = [promotions, *(_grouped(by_promotion, keys, by) for keys in (["mechanic"], ["mechanic", "depth_band"]))]
    return _finished(pl.concat(parts, how="diagonal_relaxed"), by, as_of)


def _error(column: str) -> pl.Expr:
    return (pl.len() * pl.col(column).var()).sqrt()


def _off() -> pl.Expr:
    paid = pl.col("net_amount") + pl.col("discount_amount")
    return pl.when(paid > 0).then(pl.col("discount_amount") / paid)


def _band() -> pl.Expr:
    """Of the promotion at all its channels."""
    net, discount = (pl.col(name).sum().over("promotion_id") for name in _PAID)
    found = pl.lit(_DEEPEST)
    for limit, name in reversed(_BANDS):
        found = pl.when(discount / (net + discount) < limit).then(pl.lit(name)).otherwise(found)
    return found


def _grouped(by_promotion: pl.DataFrame, keys: list[str], by: list[str]) -> pl.DataFrame:
    return (
        by_promotion.group_by(*keys, *by)
        .agg(
            *(pl.col(name).sum() for name in (*_PAID, *_AMOUNTS, "sku_count")),
            pl.col("starts_on").min(),
            pl.col("ends_on").max(),
            promotion_count=pl.len(),
            error=_error("net_margin_effect_amount"),
        )
        .with_columns(off_share=_off(), level=pl.lit(" and ".join(keys)), node=pl.concat_str(keys, separator=" / "))
    )


def _finished(rows: pl.DataFrame, by: list[str], as_of: date) -> pl.DataFrame:
    effect = pl.col("net_margin_effect_amount")
    cost = pl.when(pl.col("promotion_cost_amount") > 0).then("promotion_cost_amount")
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
        .with_columns(explanation=_sentence(by))
        .with_columns(pl.col("promotion_count", "sku_count").cast(pl.Int64))
        .select(*by, *ROI_SCHEMA.names())
        .sort("level", "node", *by)
    )


def _sentence(by: list[str]) -> pl.Expr:
    interval = pl.format(" ({} to {})", _money("net_margin_effect_low_amount"), _money("net_margin_effect_high_amount"))
    return pl.concat_str(
        *(pl.format("Over the channel {}: ", name) for name in by),
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
