"""Which promotions to run in the weeks ahead, under a budget: the lines of promotion_plan.

What belongs here: what a promotion of a product in a week would return, and the choice among them. What does not: what
past ones returned (dbt: mart_promotion_summary), how demand answers (ml/response).

A discount of share d on a product that would sell q units at price p, unit cost c, in the week:

    units      q x (1 - d)^-elasticity                        elasticity to discounts, with its interval
    margin     units x (p (1 - d) - c) - q (p - c)
    after      q' x ((1 - d)^-dip - 1) x (p - c)              the week after: what was bought ahead is not bought
    category   (units - q) x rest x margin of its category    what the rest of the category loses, or wins
    return     margin + after + category
    cost       units x p x d, what is given away

A discount is never planned deeper than the product has had, nor believed to sell more than its best week did: at 40 %
off the curve of a product that hardly sells without offers gave 39 times its usual units.

Chosen is the set with the highest expected return whose cost keeps the budget: a product once within
promotion_gap_weeks, a category with promotion_max_per_category at most in a week. A mixed-integer program (HiGHS); only
candidates whose return is above zero at the lower end of the elasticity's interval take part, so nothing is planned
that the evidence does not carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy import optimize, sparse

from ml.planning.pricing_settings import PricingSettings
from ml.planning.words import day, money, number

MECHANIC, EVERYWHERE = "percent_off", "*"
_NORMAL_90 = 1.6448536269514722
_MOST = 4_000  # candidates; the best by return come first, and 4,000 are solved in a second or two
_DEEPER = 0.05  # beyond the deepest discount seen
_SECONDS = 20.0
DEMAND_SCHEMA = pl.Schema({"sku_id": pl.String, "week": pl.Int64, "mean_qty": pl.Float64})
PROMOTABLE_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("sku_id", "product_name", "department", "category"), pl.String),
        **dict.fromkeys(("price", "unit_cost"), pl.Float64),
    }
)
PLAN_SCHEMA = pl.Schema(
    {
        "sku_id": pl.String,
        "location_id": pl.String,
        "week_start": pl.Date,
        "as_of": pl.Date,
        "ends_on": pl.Date,
        "mechanic": pl.String,
        "off_share": pl.Float64,
        **dict.fromkeys(
            (
                "current_price",
                "new_price",
                "unit_cost",
                "discount_elasticity",
                "base_qty",
                "promoted_qty",
                "promoted_low_qty",
                "promoted_high_qty",
                "direct_margin_amount",
                "after_margin_amount",
                "category_margin_amount",
                "return_amount",
                "return_low_amount",
                "return_high_amount",
                "promotion_cost_amount",
                "budget_left_amount",
            ),
            pl.Float64,
        ),
        "explanation": pl.String,
    }
)


@dataclass(frozen=True)
class PromotionInputs:
    """products: PROMOTABLE_SCHEMA. demand: DEMAND_SCHEMA, units at all places by week ahead, 1 = the first that a
    promotion may have. response, promotions: as ml.response.pipeline.Response.products and promotions."""

    products: pl.DataFrame
    demand: pl.DataFrame
    response: pl.DataFrame
    promotions: pl.DataFrame


def plan_promotions(
    inputs: PromotionInputs, first_week: date, as_of: date, settings: PricingSettings
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return PLAN_SCHEMA, a row a promotion, and how many products have none, by reason. first_week: day of week 1."""
    products, without = _usable(inputs)
    found = _candidates(products, inputs, settings)
    good = found.filter(pl.col("return_low_amount") > 0)
    without["none returns more than nothing"] = products.height - good["sku_id"].n_unique()
    good = good.sort("return_amount", "sku_id", "week", "off_share", descending=[True, False, False, False]).head(_MOST)
    chosen = good.filter(pl.Series(_choose(good, settings))) if good.height else good
    without["others return more"] = good["sku_id"].n_unique() - chosen["sku_id"].n_unique()
    budget = settings.promotion_budget
    left = None if budget is None else round(budget - float(chosen["promotion_cost_amount"].sum()), 2)
    lines = (
        chosen.with_columns(
            as_of=pl.lit(as_of),
            location_id=pl.lit(EVERYWHERE),
            mechanic=pl.lit(MECHANIC),
            week_start=pl.lit(first_week) + pl.duration(weeks=pl.col("week") - 1),
            budget_left_amount=pl.lit(left, dtype=pl.Float64),
        )
        .with_columns(ends_on=pl.col("week_start") + timedelta(days=6))
        .with_columns(explanation=_sentence())
        .select(pl.col(name).cast(kind) for name, kind in PLAN_SCHEMA.items())
    )
    return lines.sort("week_start", "sku_id"), {reason: count for reason, count in without.items() if count}


def _usable(inputs: PromotionInputs) -> tuple[pl.DataFrame, dict[str, int]]:
    answer = ("discount_elasticity", "discount_elasticity_low", "discount_elasticity_high", "dip_elasticity")
    seen = ("discounted_weeks", "most_units_qty", "deepest_off_share")
    rows = (
        inputs.products.select(pl.col(name).cast(kind) for name, kind in PROMOTABLE_SCHEMA.items())
        .join(inputs.response.select("sku_id", *seen, *answer), on="sku_id")
        .with_columns(pl.col("department", "category").fill_null("unknown"), pl.col("dip_elasticity").fill_null(0.0))
    )
    without = {}
    for reason, is_missing in {
        "no price or cost": ~((pl.col("price") > 0) & pl.col("unit_cost").is_not_null()).fill_null(False),
        "never discounted": (pl.col("discounted_weeks") == 0) | pl.col("discount_elasticity").is_null(),
    }.items():
        without[reason] = rows.filter(is_missing).height
        rows = rows.filter(~is_missing)
    return rows, without


def _candidates(products: pl.DataFrame, inputs: PromotionInputs, settings: PricingSettings) -> pl.DataFrame:
    """Every product, depth and week with what it would return."""
    depths = pl.DataFrame(
        {"off_share": [pct / 100 for pct in settings.promotion_depths_pct]}, schema={"off_share": pl.Float64}
    )
    rest = inputs.promotions.filter(pl.col("effect") == "rest_of_category")
    of_department = rest.filter(pl.col("level") == "department").select(
        department="node", rest=pl.col("effect_pct") / 100
    )
    of_company = rest.filter(pl.col("level") == "total")["effect_pct"]
    company = of_company.item() / 100 if len(of_company) else 0.0
    weeks = inputs.demand.filter(pl.col("week").is_between(1, settings.promotion_weeks))
    after = inputs.demand.select("sku_id", week=pl.col("week") - 1, after_qty="mean_qty")
    unit_margin = pl.col("price") - pl.col("unit_cost")
    rows = (
        products.join(of_department, on="department", how="left")
        .with_columns(
            pl.col("rest").fill_null(company), category_margin=unit_margin.mean().over("department", "category")
        )
        .join(weeks.rename({"mean_qty": "base_qty"}), on="sku_id")
        .join(after, on=["sku_id", "week"], how="left")
        .with_columns(pl.col("after_qty").fill_null(0.0))
        .join(depths, how="cross")
        .filter(pl.col("off_share") <= pl.col("deepest_off_share") + _DEEPER)
        .with_columns(current_price="price", new_price=(pl.col("price") * (1 - pl.col("off_share"))).round(2))
        .with_columns(lift=(pl.col("price") / pl.col("new_price")).log())
    )
    ends = {"": "discount_elasticity", "low_": "discount_elasticity_low", "high_": "discount_elasticity_high"}
    most = pl.max_horizontal("most_units_qty", "base_qty")
    units = {
        end: pl.min_horizontal(pl.col("base_qty") * (pl.col(name).clip(0.0) * pl.col("lift")).exp(), most)
        for end, name in ends.items()
    }
    rows = rows.with_columns(**{f"promoted_{end}qty": expression for end, expression in units.items()})
    after_margin = pl.col("after_qty") * ((pl.col("dip_elasticity") * pl.col("lift")).exp() - 1).clip(upper_bound=0.0)
    worth = {
        end: pl.col(f"promoted_{end}qty") * (pl.col("new_price") - pl.col("unit_cost"))
        - pl.col("base_qty") * unit_margin
        for end in ends
    }
    lost = {
        end: (pl.col(f"promoted_{end}qty") - pl.col("base_qty")) * pl.col("rest") * pl.col("category_margin")
        for end in ends
    }
    rows = rows.with_columns(
        direct_margin_amount=worth[""],
        after_margin_amount=after_margin * unit_margin,
        category_margin_amount=lost[""],
        promotion_cost_amount=pl.col("promoted_qty") * (pl.col("price") - pl.col("new_price")),
    )
    total = {end: worth[end] + lost[end] + pl.col("after_margin_amount") for end in ends}
    # the two ends in order: where the margin at the discount is below zero, more units return less
    return rows.with_columns(return_amount=total[""]).with_columns(
        return_low_amount=pl.min_horizontal(total["low_"], total["high_"]),
        return_high_amount=pl.max_horizontal(total["low_"], total["high_"]),
    )


def _choose(candidates: pl.DataFrame, settings: PricingSettings) -> np.ndarray:
    """Whether each candidate is run: the mixed-integer program of the module."""
    count = candidates.height
    blocks, bounds = [], []
    if settings.promotion_budget is not None:
        blocks.append(sparse.csr_array(candidates["promotion_cost_amount"].to_numpy()[None, :]))
        bounds.append(np.array([settings.promotion_budget]))
    sku, week = candidates["sku_id"].rank("dense").to_numpy(), candidates["week"].to_numpy()
    # a product once in any promotion_gap_weeks weeks on end
    for start in range(1, settings.promotion_weeks + 1):
        inside = np.flatnonzero((week >= start) & (week < start + settings.promotion_gap_weeks))
        if len(inside):
            _, row = np.unique(sku[inside], return_inverse=True)
            blocks.append(_ones(row, inside, count))
            bounds.append(np.ones(row.max() + 1))
    keys = candidates.select(pl.struct("department", "category", "week").rank("dense").alias("key"))["key"].to_numpy()
    blocks.append(_ones(keys - 1, np.arange(count), count))
    bounds.append(np.full(keys.max(), float(settings.promotion_max_per_category)))
    solved = optimize.milp(
        -candidates["return_amount"].to_numpy(),
        integrality=np.ones(count),
        bounds=optimize.Bounds(0, 1),
        constraints=optimize.LinearConstraint(sparse.vstack(blocks, format="csr"), ub=np.concatenate(bounds)),
        options={"time_limit": _SECONDS, "mip_rel_gap": 1e-4},
    )
    if solved.x is None:
        return np.zeros(count, dtype=bool)
    return np.asarray(solved.x > 0.5)


def _ones(row: np.ndarray, column: np.ndarray, columns: int) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(row)), (row, column)), shape=(int(row.max()) + 1, columns))


def _sentence() -> pl.Expr:
    return pl.concat_str(
        pl.format(
            "{} at {} % off ({} in place of {}) in the week from {}: {} units become {} ({} to {})",
            pl.coalesce("product_name", "sku_id"),
            number(pl.col("off_share") * 100, 1),
            money("new_price"),
            money("current_price"),
            day("week_start"),
            number("base_qty", 1),
            number("promoted_qty", 1),
            number("promoted_low_qty", 1),
            number("promoted_high_qty", 1),
        ),
        pl.format(
            "; margin {} more, {} in the week after, {} in the rest of its category: returns {} ({} to {})",
            money("direct_margin_amount"),
            money("after_margin_amount"),
            money("category_margin_amount"),
            money("return_amount"),
            money("return_low_amount"),
            money("return_high_amount"),
        ),
        pl.format(" for {} given away.", money("promotion_cost_amount")),
    )
