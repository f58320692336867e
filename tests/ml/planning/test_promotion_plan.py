"""Promotions by hand, under a budget, and beside every other choice."""

from __future__ import annotations

import itertools
import math
from datetime import date, timedelta

import polars as pl
import pytest

from ml.planning.pricing_settings import PricingSettings
from ml.planning.promotion_plan import (
    DEMAND_SCHEMA,
    PLACE_DEMAND_SCHEMA,
    PLAN_SCHEMA,
    PROMOTABLE_SCHEMA,
    PromotionInputs,
    _candidates,
    _usable,
    plan_promotions,
)
from ml.response.pipeline import MECHANIC_RESPONSE_SCHEMA, PRICE_RESPONSE_SCHEMA, PROMOTION_RESPONSE_SCHEMA

AS_OF, FIRST = date(2025, 6, 22), date(2025, 6, 30)


def _product(sku: str = "A", price: float | None = 10.0, cost: float | None = 4.0, category: str = "Jam") -> dict:
    return {
        "sku_id": sku,
        "product_name": sku,
        "department": "Food",
        "category": category,
        "price": price,
        "unit_cost": cost,
    }


def _answer(sku: str = "A", elasticity: float = 4.0, sd: float = 0.1, **more) -> dict:
    row = {"sku_id": sku, "discount_elasticity": elasticity, "discount_elasticity_low": elasticity - 1.645 * sd}
    row |= {"discount_elasticity_high": elasticity + 1.645 * sd, "dip_elasticity": 0.0, "discounted_weeks": 9}
    return row | {"most_units_qty": 1e4, "deepest_off_share": 0.5} | more


def _inputs(
    products: list[dict],
    answers: list[dict],
    *,
    rest: float | None = None,
    qty: float = 100.0,
    mechanics: tuple[tuple, ...] = (),
    places: tuple[tuple, ...] = (),
) -> PromotionInputs:
    """mechanics: sku, mechanic, effect and its interval. places: sku, place, part of its units."""
    effects = (
        [] if rest is None else [{"level": "total", "node": "total", "effect": "rest_of_category", "effect_pct": rest}]
    )
    weeks = [{"sku_id": p["sku_id"], "week": week, "mean_qty": qty} for p in products for week in (1, 2, 3)]
    return PromotionInputs(
        products=pl.DataFrame(products, schema=PROMOTABLE_SCHEMA),
        demand=pl.DataFrame(weeks, schema=DEMAND_SCHEMA),
        places=pl.DataFrame(
            [(place, sku, week, part * qty) for sku, place, part in places for week in (1, 2, 3)],
            schema=PLACE_DEMAND_SCHEMA,
            orient="row",
        ),
        response=pl.DataFrame(answers, schema=PRICE_RESPONSE_SCHEMA),
        promotions=pl.DataFrame(effects, schema=PROMOTION_RESPONSE_SCHEMA),
        mechanics=pl.DataFrame(mechanics, schema=MECHANIC_RESPONSE_SCHEMA, orient="row"),
    )


def _plan(inputs: PromotionInputs, **more) -> tuple[pl.DataFrame, dict[str, int]]:
    return plan_promotions(inputs, FIRST, AS_OF, PricingSettings(**more))


def test_return_by_hand() -> None:
    # 100 units at 10.00 and a cost of 4.00; 20 % off with elasticity 4: 100 / 0.8^4 = 244.14 units at 4.00 margin
    # 976.56 - 600 = 376.56; the rest of the category loses 10 units for 100: 14.414 x 6 = 86.48; the week after sells
    # 0.8^0.5 = 0.8944 of 100: 10.557 x 6 = 63.34. Given away 244.14 x 2 = 488.28
    inputs = _inputs([_product()], [_answer(dip_elasticity=-0.5)], rest=-10.0)
    lines, _ = _plan(inputs, promotion_depths_pct=(20.0,), promotion_weeks=1)
    assert lines.schema == PLAN_SCHEMA
    row = lines.row(0, named=True)
    assert row["promoted_qty"] == pytest.approx(244.14, abs=0.01)
    assert row["direct_margin_amount"] == pytest.approx(376.56, abs=0.01)
    assert row["category_margin_amount"] == pytest.approx(-86.48, abs=0.01)
    assert row["after_margin_amount"] == pytest.approx(-63.34, abs=0.01)
    assert row["return_amount"] == pytest.approx(226.74, abs=0.02)
    assert row["promotion_cost_amount"] == pytest.approx(488.28, abs=0.01)
    assert (row["week_start"], row["ends_on"]) == (FIRST, FIRST + timedelta(days=6))


@pytest.mark.parametrize(
    ("product", "answers", "reason"),
    [
        (_product(cost=None), [_answer()], "no price or cost"),
        (_product(), [_answer(discounted_weeks=0)], "never discounted"),
        (_product(), [_answer(elasticity=1.5)], "none returns more than nothing"),
        (_product(), [_answer(sd=3.0)], "none returns more than nothing"),
    ],
)
def test_what_the_evidence_does_not_carry_is_not_planned(product, answers, reason) -> None:
    lines, without = _plan(_inputs([product], answers))
    assert lines.is_empty()
    assert without == {reason: 1}


def test_no_deeper_than_it_ever_was_and_no_more_than_its_best_week() -> None:
    lines, _ = _plan(_inputs([_product()], [_answer(deepest_off_share=0.18, most_units_qty=180.0)]))
    assert lines["off_share"].max() <= 0.2
    assert lines["promoted_high_qty"].max() <= 180


def test_the_choice_under_a_budget_is_the_best_of_all_choices() -> None:
    products = [_product(f"P{i}", 8.0 + i, 3.0, f"C{i % 2}") for i in range(4)]
    answers = [_answer(f"P{i}", 3.2 + 0.3 * i) for i in range(4)]
    given = {"promotion_depths_pct": (10.0, 20.0), "promotion_weeks": 1, "promotion_budget": 900.0}
    given |= {"promotion_max_per_category": 1}
    inputs = _inputs(products, answers)
    lines, _ = _plan(inputs, **given)
    usable, _ = _usable(inputs)
    options = _candidates(usable, inputs, PricingSettings(**given)).filter(pl.col("return_low_amount") > 0)
    rows = options.select("sku_id", "category", "return_amount", "promotion_cost_amount").rows()
    best = 0.0
    for size in range(3):
        for chosen in itertools.combinations(rows, size):
            fits = sum(row[3] for row in chosen) <= 900.0
            if fits and len({row[0] for row in chosen}) == len({row[1] for row in chosen}) == size:
                best = max(best, sum(row[2] for row in chosen))
    assert best > 0
    assert lines["return_amount"].sum() == pytest.approx(best, rel=1e-4)
    assert lines["promotion_cost_amount"].sum() <= 900
    assert lines["budget_left_amount"].unique().to_list() == [
        pytest.approx(900 - lines["promotion_cost_amount"].sum(), abs=0.01)
    ]


def test_a_product_is_on_promotion_once_in_so_many_weeks() -> None:
    inputs = _inputs([_product()], [_answer()])
    assert _plan(inputs, promotion_gap_weeks=3)[0].height == 1
    assert _plan(inputs, promotion_gap_weeks=1)[0].height == 3
    assert _plan(inputs, promotion_gap_weeks=2)[0]["week_start"].to_list() == [FIRST, FIRST + timedelta(days=14)]


DOUBLES = ("A", "display", math.log(2.0), math.log(1.8), math.log(2.2))


def test_a_display_by_hand() -> None:
    # 60 of 100 units at S1, 120 with a display: 60 x 6.00 = 360.00; the category loses 10 units for 100: 36.00; it
    # costs 200.00. At S2 40 units bring 216.00 less 200.00, and 172.80 - 200 < 0 at the lower end
    places = (("A", "S1", 0.6), ("A", "S2", 0.4))
    inputs = _inputs([_product()], [_answer(discounted_weeks=0)], rest=-10.0, mechanics=(DOUBLES,), places=places)
    lines, without = _plan(inputs, promotion_weeks=1, promotion_mechanic_costs={"display": 200.0})
    assert lines.schema == PLAN_SCHEMA
    row = lines.row(0, named=True)
    assert (lines.height, without, row["location_id"], row["mechanic"]) == (1, {}, "S1", "display")
    assert (row["new_price"], row["off_share"], row["after_margin_amount"]) == (10.0, 0.0, 0.0)
    assert row["promoted_qty"] == pytest.approx(120.0)
    assert row["direct_margin_amount"] == pytest.approx(360.0)
    assert row["category_margin_amount"] == pytest.approx(-36.0)
    assert (row["mechanic_cost_amount"], row["promotion_cost_amount"]) == (200.0, 200.0)
    assert row["return_amount"] == pytest.approx(124.0)
    assert row["return_low_amount"] == pytest.approx(60 * 0.8 * 6 * 0.9 - 200)
    assert row["explanation"] == (
        "A on display at S1 in the week from Mon 2025-06-30: 60 units become 120 (108 to 132); margin 360.00 more, "
        "-36.00 in the rest of its category, less the 200.00 it costs: returns 124.00 (59.20 to 188.80)."
    )


def test_what_a_mechanic_costs_has_to_be_said() -> None:
    inputs = _inputs([_product()], [_answer(discounted_weeks=0)], mechanics=(DOUBLES,), places=(("A", "S1", 0.6),))
    for costs in ({}, {"mailer": 1.0}):
        lines, without = _plan(inputs, promotion_mechanic_costs=costs)
        assert (lines.height, without) == (0, {"never discounted": 1})
    lines, without = _plan(inputs, promotion_mechanic_costs={"display": 1e4})
    assert (lines.height, without) == (0, {"none returns more than nothing": 1})


def test_no_more_at_a_place_than_its_part_of_the_best_week() -> None:
    places = (("A", "S1", 0.6),)
    inputs = _inputs([_product()], [_answer(most_units_qty=150.0)], mechanics=(DOUBLES,), places=places)
    lines, _ = _plan(inputs, promotion_depths_pct=(1.0,), promotion_mechanic_costs={"display": 1.0})
    assert lines["promoted_high_qty"].to_list() == [pytest.approx(90.0)]


def test_displays_and_discounts_share_the_budget_the_weeks_and_the_places() -> None:
    skus = ("A", "B", "C")
    products = [_product(sku) for sku in skus]
    mechanics = tuple((sku, *DOUBLES[1:]) for sku in skus)
    places = tuple((sku, place, part) for sku in skus for place, part in (("S1", 0.4), ("S2", 0.2)))
    inputs = _inputs(products, [_answer(sku) for sku in skus], mechanics=mechanics, places=places)
    given = {"promotion_depths_pct": (20.0,), "promotion_weeks": 1, "promotion_max_per_category": 2}
    given |= {"promotion_mechanic_costs": {"display": 50.0}}
    best = 0.0
    usable, _ = _usable(inputs)
    options = _candidates(usable, inputs, PricingSettings(**given)).filter(pl.col("return_low_amount") > 0)
    rows = options.select("sku_id", "location_id", "return_amount", "promotion_cost_amount").rows()
    for size in range(len(rows) + 1):
        for chosen in itertools.combinations(rows, size):
            at = [[row[0] for row in chosen if row[1] in ("*", place)] for place in ("S1", "S2")]
            fits = all(len(set(here)) == len(here) <= 2 for here in at)
            if fits and sum(row[3] for row in chosen) <= 620.0:
                best = max(best, sum(row[2] for row in chosen))
    lines, _ = _plan(inputs, **given, promotion_budget=620.0)
    assert set(lines["mechanic"]) == {"display", "percent_off"}, "each has its place"
    assert lines["return_amount"].sum() == pytest.approx(best, rel=1e-4)
    assert lines["promotion_cost_amount"].sum() <= 620
