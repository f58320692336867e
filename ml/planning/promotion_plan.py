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

A mechanic without a price cut (a display, a mailer) is planned by place, where promotion_mechanic_costs says what it
costs at a place in a week:

    units      q x exp(effect)                                what it brings beside discounts, with its interval
    return     (units - q) x (p - c) + category - its cost    no week after: what follows one is not estimated

It brings what was seen where people chose to place it: they expected sales, so it is an association.

A discount is never planned deeper than the product has had, nor believed to sell more than its best week did: at 40 %
off the curve of a product that hardly sells without offers gave 39 times its usual units. The best week of a place is
its part of the product's.

Chosen is the set with the highest expected return whose cost keeps the budget: a product at a place once within
promotion_gap_weeks, a category at a place with promotion_max_per_category at most in a week; what holds everywhere
counts at every place. A mixed-integer program (HiGHS); only
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
from ml.planning.words import day, money, number, only_if

MECHANIC, EVERYWHERE = "percent_off", "*"
_NORMAL_90 = 1.6448536269514722
_MOST = 4_000  # candidates; the best by return come first, and 4,000 are solved in a second or two
_DEEPER = 0.05  # beyond the deepest discount seen
_SECONDS = 20.0
_ENDS = ("", "_low", "_high")  # of an interval, and what is expected
DEMAND_SCHEMA = pl.Schema({"sku_id": pl.String, "week": pl.Int64, "mean_qty": pl.Float64})
PLACE_DEMAND_SCHEMA = pl.Schema([("location_id", pl.String), *DEMAND_SCHEMA.items()])
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
                "mechanic_cost_amount",
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
    promotion may have. places: PLACE_DEMAND_SCHEMA, the same at each place that may have a mechanic. response,
    promotions, mechanics: as ml.response.pipeline.Response.products, promotions and mechanics."""

    products: pl.DataFrame
    demand: pl.DataFrame
    places: pl.DataFrame
    response: pl.DataFrame
    promotions: pl.DataFrame
    mechanics: pl.DataFrame


def plan_promotions(
    inputs: PromotionInputs, first_week: date, as_of: date, settings: PricingSettings
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return PLAN_SCHEMA, a row a promotion, and how many products have none, by reason. first_week: day of week 1."""
    products, without = _usable(inputs)
    found = _candidates(products, inputs, settings)
    never = products.filter(_never_discounted()).join(found, on="sku_id", how="anti")
    without["never discounted"] = never.height
    good = found.filter(pl.col("return_low_amount") > 0)
    without["none returns more than nothing"] = products.height - never.height - good["sku_id"].n_unique()
    good = good.sort(-pl.col("return_amount"), "sku_id", "location_id", "week", "mechanic", "off_share").head(_MOST)
    chosen = good.filter(pl.Series(_choose(good, settings))) if good.height else good
    without["others return more"] = good["sku_id"].n_unique() - chosen["sku_id"].n_unique()
    budget = settings.promotion_budget
    left = None if budget is None else round(budget - float(chosen["promotion_cost_amount"].sum()), 2)
    lines = (
        chosen.with_columns(
            as_of=pl.lit(as_of),
            week_start=pl.lit(first_week) + pl.duration(weeks=pl.col("week") - 1),
            budget_left_amount=pl.lit(left, dtype=pl.Float64),
        )
        .with_columns(ends_on=pl.col("week_start") + timedelta(days=6))
        .with_columns(explanation=_sentence())
        .select(pl.col(name).cast(kind) for name, kind in PLAN_SCHEMA.items())
    )
    return lines.sort("week_start", "sku_id", "location_id"), {
        reason: count for reason, count in without.items() if count
    }


def _usable(inputs: PromotionInputs) -> tuple[pl.DataFrame, dict[str, int]]:
    answer = ("discount_elasticity", "discount_elasticity_low", "discount_elasticity_high", "dip_elasticity")
    seen = ("discounted_weeks", "most_units_qty", "deepest_off_share")
    rows = (
        inputs.products.select(pl.col(name).cast(kind) for name, kind in PROMOTABLE_SCHEMA.items())
        .join(inputs.response.select("sku_id", *seen, *answer), on="sku_id")
        .with_columns(pl.col("department", "category").fill_null("unknown"), pl.col("dip_elasticity").fill_null(0.0))
    )
    is_known = ((pl.col("price") > 0) & pl.col("unit_cost").is_not_null()).fill_null(False)
    return rows.filter(is_known), {"no price or cost": rows.filter(~is_known).height}


def _never_discounted() -> pl.Expr:
    return (pl.col("discounted_weeks") == 0) | pl.col("discount_elasticity").is_null()


def _candidates(products: pl.DataFrame, inputs: PromotionInputs, settings: PricingSettings) -> pl.DataFrame:
    """Every product, mechanic, depth, place and week with what it would return."""
    rest = inputs.promotions.filter(pl.col("effect") == "rest_of_category")
    of_department = rest.filter(pl.col("level") == "department").select(
        department="node", rest=pl.col("effect_pct") / 100
    )
    of_company = rest.filter(pl.col("level") == "total")["effect_pct"]
    company = of_company.item() / 100 if len(of_company) else 0.0
    unit_margin = pl.col("price") - pl.col("unit_cost")
    rows = products.join(of_department, on="department", how="left").with_columns(
        pl.col("rest").fill_null(company),
        unit_margin=unit_margin,
        category_margin=unit_margin.mean().over("department", "category"),
    )
    parts = [_price_offs(rows, inputs, settings), _placed(rows, inputs, settings)]
    return _worth(pl.concat(parts, how="diagonal"))


def _price_offs(products: pl.DataFrame, inputs: PromotionInputs, settings: PricingSettings) -> pl.DataFrame:
    """Percent off everywhere: products by week and depth, with what each does to the log of demand."""
    depths = pl.DataFrame(
        {"off_share": [pct / 100 for pct in settings.promotion_depths_pct]}, schema={"off_share": pl.Float64}
    )
    weeks = inputs.demand.filter(pl.col("week").is_between(1, settings.promotion_weeks))
    after = inputs.demand.select("sku_id", week=pl.col("week") - 1, after_qty="mean_qty")
    rows = (
        products.filter(~_never_discounted())
        .join(weeks.rename({"mean_qty": "base_qty"}), on="sku_id")
        .join(after, on=["sku_id", "week"], how="left")
        .join(depths, how="cross")
        .filter(pl.col("off_share") <= pl.col("deepest_off_share") + _DEEPER)
        .with_columns(
            pl.col("after_qty").fill_null(0.0), new_price=(pl.col("price") * (1 - pl.col("off_share"))).round(2)
        )
    )
    lift = (pl.col("price") / pl.col("new_price")).log()
    return rows.with_columns(
        location_id=pl.lit(EVERYWHERE),
        mechanic=pl.lit(MECHANIC),
        **{f"effect{end}": pl.col(f"discount_elasticity{end}").clip(0.0) * lift for end in _ENDS},
        dip=pl.col("dip_elasticity") * lift,
        most_qty=pl.max_horizontal("most_units_qty", "base_qty"),
        mechanic_cost_amount=pl.lit(0.0),
    )


def _placed(products: pl.DataFrame, inputs: PromotionInputs, settings: PricingSettings) -> pl.DataFrame:
    """Mechanics of known cost: products by place and week."""
    costs = settings.promotion_mechanic_costs
    known = pl.DataFrame(
        {"mechanic": list(costs), "mechanic_cost_amount": list(costs.values())},
        schema={"mechanic": pl.String, "mechanic_cost_amount": pl.Float64},
    )
    return (
        products.drop("discount_elasticity")
        .join(inputs.mechanics.join(known, on="mechanic"), on="sku_id")
        .join(
            inputs.places.filter(pl.col("week").is_between(1, settings.promotion_weeks), pl.col("mean_qty") > 0),
            on="sku_id",
        )
        .join(inputs.demand.rename({"mean_qty": "all_qty"}), on=["sku_id", "week"])
        .with_columns(
            base_qty="mean_qty",
            after_qty=pl.lit(0.0),
            off_share=pl.lit(0.0),
            new_price="price",
            dip=pl.lit(0.0),
            most_qty=pl.col("mean_qty") * pl.max_horizontal(pl.col("most_units_qty") / pl.col("all_qty"), 1.0),
        )
    )


def _worth(rows: pl.DataFrame) -> pl.DataFrame:
    """Add units, margins, return and cost to the candidates: the formulas of the module."""
    units = {end: pl.min_horizontal(pl.col("base_qty") * pl.col(f"effect{end}").exp(), "most_qty") for end in _ENDS}
    rows = rows.with_columns(
        **{f"promoted{end}_qty": expression for end, expression in units.items()},
        current_price="price",
        after_margin_amount=pl.col("after_qty")
        * (pl.col("dip").exp() - 1).clip(upper_bound=0.0)
        * pl.col("unit_margin"),
    )
    worth = {
        end: pl.col(f"promoted{end}_qty") * (pl.col("new_price") - pl.col("unit_cost"))
        - pl.col("base_qty") * pl.col("unit_margin")
        for end in _ENDS
    }
    lost = {
        end: (pl.col(f"promoted{end}_qty") - pl.col("base_qty")) * pl.col("rest") * pl.col("category_margin")
        for end in _ENDS
    }
    given_away = pl.col("promoted_qty") * (pl.col("price") - pl.col("new_price"))
    beside = pl.col("after_margin_amount") - pl.col("mechanic_cost_amount")
    total = {end: worth[end] + lost[end] + beside for end in _ENDS}
    # the two ends in order: where the margin at the discount is below zero, more units return less
    return rows.with_columns(
        direct_margin_amount=worth[""],
        category_margin_amount=lost[""],
        promotion_cost_amount=given_away + pl.col("mechanic_cost_amount"),
        return_amount=total[""],
        return_low_amount=pl.min_horizontal(total["_low"], total["_high"]),
        return_high_amount=pl.max_horizontal(total["_low"], total["_high"]),
    )


def _choose(candidates: pl.DataFrame, settings: PricingSettings) -> np.ndarray:
    """Whether each candidate is run: the mixed-integer program of the module."""
    count = candidates.height
    blocks, bounds = [], []
    if settings.promotion_budget is not None:
        blocks.append(sparse.csr_array(candidates["promotion_cost_amount"].to_numpy()[None, :]))
        bounds.append(np.array([settings.promotion_budget]))
    week = candidates["week"].to_numpy()
    sku = candidates.select(key=pl.col("sku_id").rank("dense"), place="location_id")
    # a product once in any promotion_gap_weeks weeks on end
    for start in range(1, settings.promotion_weeks + 1):
        inside = (week >= start) & (week < start + settings.promotion_gap_weeks)
        if inside.any():
            blocks.append(_at_every_place(sku, inside))
            bounds.append(np.ones(blocks[-1].shape[0]))
    categories = candidates.select(key=pl.struct("department", "category", "week").rank("dense"), place="location_id")
    blocks.append(_at_every_place(categories, np.ones(count, dtype=bool)))
    bounds.append(np.full(blocks[-1].shape[0], float(settings.promotion_max_per_category)))
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


def _at_every_place(groups: pl.DataFrame, inside: np.ndarray) -> sparse.csr_array:
    """A row of ones for each group and place: its candidates there and those that hold everywhere.

    groups: key and place of each candidate. inside: the candidates that count.
    """
    members = groups.with_row_index("column").filter(pl.Series(inside))
    is_everywhere = pl.col("place") == EVERYWHERE
    rows = (
        members.select("key", "place")
        .unique()
        .filter(~is_everywhere | is_everywhere.all().over("key"))
        .sort("key", "place")
        .with_row_index("row")
    )
    here = members.filter(~is_everywhere).join(rows, on=["key", "place"])
    everywhere = members.filter(is_everywhere).join(rows, on="key")
    ones = pl.concat([part.select("row", "column") for part in (here, everywhere)])
    shape = (rows.height, groups.height)
    return sparse.csr_array((np.ones(ones.height), (ones["row"].to_numpy(), ones["column"].to_numpy())), shape=shape)


def _sentence() -> pl.Expr:
    is_cut = pl.col("off_share") > 0
    cut = pl.format(
        " at {} % off ({} in place of {})",
        number(pl.col("off_share") * 100, 1),
        money("new_price"),
        money("current_price"),
    )
    placed = pl.format(" on {} at {}", "mechanic", "location_id")
    return pl.concat_str(
        pl.coalesce("product_name", "sku_id"),
        pl.when(is_cut).then(cut).otherwise(placed),
        pl.format(
            " in the week from {}: {} units become {} ({} to {})",
            day("week_start"),
            number("base_qty", 1),
            number("promoted_qty", 1),
            number("promoted_low_qty", 1),
            number("promoted_high_qty", 1),
        ),
        pl.format("; margin {} more", money("direct_margin_amount")),
        only_if(is_cut, pl.format(", {} in the week after", money("after_margin_amount"))),
        pl.format(", {} in the rest of its category", money("category_margin_amount")),
        only_if(~is_cut, pl.format(", less the {} it costs", money("mechanic_cost_amount"))),
        pl.format(
            ": returns {} ({} to {})", money("return_amount"), money("return_low_amount"), money("return_high_amount")
        ),
        only_if(is_cut, pl.format(" for {} given away", money("promotion_cost_amount"))),
        pl.lit("."),
    )
