"""Which stock is marked down, and whether its lines add up."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import polars as pl
import pytest

from ml.forecasting.distribution import ALL, COUNT, DISPERSION_SCHEMA
from ml.planning.clearance import LOTS_SCHEMA, MARKDOWN_SCHEMA, STOCK_SCHEMA, ClearanceInputs, plan_markdowns
from ml.planning.pricing_settings import PricingSettings
from ml.response.pipeline import GROUP_RESPONSE_SCHEMA, PRICE_RESPONSE_SCHEMA

AS_OF = date(2025, 6, 25)
DISPERSION = pl.DataFrame([(COUNT, ALL, 0, 7, 1.0, 0.1, 0.0, 0)], schema=DISPERSION_SCHEMA, orient="row")
STOCK = {
    "sku_id": "A",
    "location_id": "S1",
    "product_name": "Jam",
    "location_name": "North",
    "department": "Food",
    "category": "Spreads",
    "rule": "days_of_cover",
    "is_discontinued": True,
    "on_hand_qty": 40.0,
    "moved_out_qty": 0.0,
    "target_qty": None,
    "is_wanted": False,
    "price": 10.0,
    "unit_cost": 6.0,
}
ANSWER = {"sku_id": "A", "discount_elasticity": 2.0, "discount_elasticity_sd": 0.2}
GROUPS = [
    {"department": None, "category": None, "discount_elasticity": 1.5, "discount_elasticity_sd": 0.5},
    {"department": "Food", "category": None, "discount_elasticity": 1.7, "discount_elasticity_sd": 0.4},
    {"department": "Food", "category": "Spreads", "discount_elasticity": 1.9, "discount_elasticity_sd": 0.3},
]


def _inputs(*stock: dict, lots: list[dict] | None = None, answers: list[dict] | None = None, **more) -> ClearanceInputs:
    rows = pl.DataFrame(list(stock), schema=STOCK_SCHEMA)
    keys = rows.select("sku_id", "location_id").unique()
    days = pl.DataFrame({"date": [AS_OF + timedelta(days=n) for n in range(1, 29)], "mean": [0.3] * 28})
    first = AS_OF - timedelta(days=AS_OF.weekday())
    weeks = pl.DataFrame({"week_start": [first + timedelta(weeks=n) for n in range(26)], "mean": [2.1] * 26})
    made = {
        "stock": rows,
        "lots": pl.DataFrame(lots or [], schema=LOTS_SCHEMA),
        "response": pl.DataFrame([ANSWER] if answers is None else answers, schema=PRICE_RESPONSE_SCHEMA),
        "groups": pl.DataFrame(GROUPS, schema=GROUP_RESPONSE_SCHEMA),
        "forecast_daily": keys.join(days, how="cross"),
        "forecast_weekly": keys.join(weeks, how="cross"),
        "dispersion": DISPERSION,
    }
    return ClearanceInputs(**(made | more))


def _plan(inputs: ClearanceInputs, **settings) -> tuple[pl.DataFrame, dict[str, int]]:
    return plan_markdowns(inputs, AS_OF, PricingSettings(**settings))


def test_a_slow_stock_has_a_line_a_week_until_its_exit_date() -> None:
    lines, without = _plan(_inputs(STOCK))
    assert without == {}
    assert lines.schema == MARKDOWN_SCHEMA
    assert lines.height == 8
    assert lines["starts_on"].to_list() == [AS_OF + timedelta(days=1 + 7 * week) for week in range(8)]
    assert lines["exit_on"].unique().to_list() == [AS_OF + timedelta(days=56)]
    assert lines["off_share"].is_sorted()
    left = [40.0, *lines["expected_left_qty"]]
    assert [a - b for a, b in itertools.pairwise(left)] == pytest.approx(
        lines["expected_sold_qty"].to_list(), abs=0.002
    )
    assert lines["demand_mean_qty"].to_list()[0] == pytest.approx(2.1)
    first = lines.row(0, named=True)
    assert first["gain_amount"] == pytest.approx(first["recovery_amount"] - first["do_nothing_amount"], abs=0.011)
    assert first["recovery_low_amount"] <= first["recovery_amount"] <= first["recovery_high_amount"]
    assert lines["recovery_amount"].null_count() == 7
    assert first["explanation"].startswith("40 of Jam at North until Wed 2025-08-20: ")


@pytest.mark.parametrize(
    ("answers", "department", "source", "elasticity"),
    [
        ([ANSWER], "Food", "product", -2.0),
        ([], "Food", "category", -1.9),
        ([], "Drinks", "company", -1.5),
    ],
)
def test_the_nearest_answer_that_is_known_is_used(answers, department, source, elasticity) -> None:
    lines, _ = _plan(_inputs({**STOCK, "department": department}, answers=answers))
    assert lines["elasticity_source"].unique().to_list() == [source]
    assert lines["elasticity"].unique().to_list() == [elasticity]


def test_what_moves_away_tonight_is_not_marked_down() -> None:
    lines, _ = _plan(_inputs({**STOCK, "moved_out_qty": 15.0}))
    first = lines.row(0, named=True)
    assert first["clearance_qty"] == 25
    assert "transfer_first" in first["reason_codes"]
    assert "15 move away first" in first["explanation"]
    assert _plan(_inputs({**STOCK, "moved_out_qty": 40.0}))[0].is_empty()


def test_stock_for_the_weeks_after_keeps_its_cost_unless_the_product_is_discontinued() -> None:
    gone, goes_on = (
        _plan(_inputs({**STOCK, "on_hand_qty": 30.0, "is_discontinued": flag}))[0] for flag in (True, False)
    )
    assert gone["keep_qty"][0] == 0
    assert goes_on.is_empty() or goes_on["off_share"].max() < gone["off_share"].max()


def test_a_lot_is_planned_by_day_and_only_the_first_to_expire() -> None:
    lots = [
        {"sku_id": "A", "location_id": "S1", "expires_on": AS_OF + timedelta(days=4), "qty": 9.0},
        {"sku_id": "A", "location_id": "S1", "expires_on": AS_OF + timedelta(days=9), "qty": 20.0},
        {"sku_id": "A", "location_id": "S1", "expires_on": AS_OF, "qty": 7.0},
    ]
    lines, _ = _plan(_inputs({**STOCK, "rule": None}, lots=lots))
    assert lines["basis"].unique().to_list() == ["near_expiry"]
    assert lines.height == 4
    assert lines["clearance_qty"][0] == 9
    assert lines["exit_on"][0] == AS_OF + timedelta(days=4)
    assert lines["salvage_unit_amount"].unique().to_list() == [0.0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"price": None}, "no price"), ({"unit_cost": None}, "no unit cost")],
)
def test_what_nobody_knows_is_not_guessed(change: dict, reason: str) -> None:
    lines, without = _plan(_inputs({**STOCK, **change}))
    assert lines.is_empty()
    assert without == {reason: 1}


def test_where_no_price_ever_moved_there_is_no_plan() -> None:
    groups = pl.DataFrame([], schema=GROUP_RESPONSE_SCHEMA)
    assert _plan(_inputs(STOCK, answers=[], groups=groups))[1] == {"no price ever moved": 1}


def test_where_no_discount_was_ever_given_the_shelf_price_tells() -> None:
    def told(discount: str, sign: float) -> pl.DataFrame:
        answer = {"sku_id": "A", discount: sign * 2.0, f"{discount}_sd": 0.2}
        groups = pl.DataFrame(
            [{"department": None, discount: sign * 1.5, f"{discount}_sd": 0.5}], GROUP_RESPONSE_SCHEMA
        )
        return _plan(_inputs(STOCK, answers=[answer], groups=groups))[0]

    shelf, discount = told("elasticity", -1.0), told("discount_elasticity", 1.0)
    assert shelf.drop("reason_codes").equals(discount.drop("reason_codes"))
    assert "elasticity_of_shelf_price" in shelf["reason_codes"][0]
    assert "elasticity_of_shelf_price" not in discount["reason_codes"][0]


def test_a_stock_that_nothing_is_forecast_for_is_counted() -> None:
    inputs = _inputs(STOCK)
    empty = ClearanceInputs(**{**inputs.__dict__, "forecast_daily": inputs.forecast_daily.clear()})
    assert _plan(empty)[1] == {"no forecast": 1}


def test_the_deepest_discount_names_the_channel() -> None:
    lines, _ = _plan(_inputs(STOCK), clearance_channels={"shelf": 0, "outlet": 30})
    deepest = lines["off_share"].max()
    assert lines["channel"][0] == ("outlet" if deepest >= 0.3 else "shelf")


def test_what_the_place_should_have_is_kept_and_what_lies_within_it_is_not_cleared() -> None:
    living = STOCK | {"is_discontinued": False}
    none_left, without = _plan(_inputs(living | {"target_qty": 40.0}))
    assert none_left.is_empty()
    assert without == {"no more than its order target": 1}
    # three weeks of demand are 6.3: the target is more, and that many keep their cost
    lines, _ = _plan(_inputs(living | {"target_qty": 12.0}), clearance_keep_weeks=3)
    assert lines["keep_qty"].unique().to_list() == [12.0]
    assert lines["target_qty"].unique().to_list() == [12.0]
    # nobody orders a discontinued product again
    gone, _ = _plan(_inputs(STOCK | {"target_qty": 40.0}))
    assert gone["keep_qty"].unique().to_list() == [0.0]


def test_what_tonight_orders_is_not_cleared_but_its_lot_near_expiry_is() -> None:
    lots = [{"sku_id": "A", "location_id": "S1", "expires_on": AS_OF + timedelta(days=4), "qty": 20.0}]
    lines, without = _plan(_inputs(STOCK | {"is_wanted": True}, lots=lots))
    assert lines["basis"].unique().to_list() == ["near_expiry"]
    assert without["ordered or moved in tonight"] == 1
