"""Checks on estimates and lists about prices: intervals hold their estimate, prices never go up, amounts are sums."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from data_quality.checks import Check
from data_quality.suites.lists import FAULT, dates_ahead, night_list, of_every_list

_RESPONSE, _PROMOTIONS, _MARKDOWNS = "ml.price_response", "ml.promotion_response", "ml.markdown_plan"
RESPONSE = night_list(_RESPONSE, "sku_id", "elasticity")
PROMOTIONS = night_list(_PROMOTIONS, "level", "node", "effect", "mechanic", "off_share")
MARKDOWNS = night_list(_MARKDOWNS, "sku_id", "location_id", "basis", "starts_on")
CLEARED_AND_ORDERED = replace(MARKDOWNS, needs=(_MARKDOWNS, "ml.replenishment_orders"))
CLEARED_AND_MOVED = replace(MARKDOWNS, needs=(_MARKDOWNS, "ml.transfer_orders"))

PROPOSALS = night_list("ml.price_recommendations", "sku_id", "location_id", "channel", "member_tier")
PLAN = night_list("ml.promotion_plan", "sku_id", "location_id", "week_start")
RETURNS = night_list("ml.promotion_roi", "level", "node")
CHANNELS = night_list("ml.promotion_roi_by_channel", "level", "node", "channel")
# of a promotion, whose channels add up to it
_SUMS = (
    *("actual_qty", "baseline_qty", "uplift_margin_amount", "cannibalised_margin_amount"),
    *("pulled_forward_margin_amount", "promotion_cost_amount", "net_margin_effect_amount"),
)
LABELS = night_list("ml.shelf_labels", "location_id", "sku_id", "channel", "member_tier")


def price_checks(as_of: date) -> list[Check]:
    """Return the checks on estimates, price proposals, shelf labels and markdowns."""
    return [
        *_response(as_of),
        *_promotions(as_of),
        *_proposals(as_of),
        *_plans(as_of),
        *_returns(as_of),
        *_markdowns(as_of),
    ]


def _proposals(as_of: date) -> list[Check]:
    return [
        *of_every_list(
            PROPOSALS, as_of, ("sku_id", "location_id", "channel", "member_tier"), ("new_price", "explanation")
        ),
        dates_ahead(PROPOSALS, "effective_on", as_of),
        PROPOSALS.never(
            "prices_change",
            "A new price is above zero and another than the current one.",
            "(new_price > 0 and abs(new_price - current_price) > 1e-6) is not true",
            *("current_price", "new_price"),
            advice=FAULT,
        ),
        PROPOSALS.never(
            "margin_is_its_terms",
            "margin = units x (price - cost), now and new; gain = the difference, not below zero, within its interval.",
            "member_tier = '*' and (abs(margin_amount - units_qty * (current_price - unit_cost)) <= 0.01 "
            "and abs(new_margin_amount - new_units_qty * (new_price - unit_cost)) <= 0.01 "
            "and abs(gain_amount - new_margin_amount + margin_amount) <= 0.01 and gain_amount >= 0 "
            "and gain_low_amount <= gain_amount + 0.01 and gain_amount <= gain_high_amount + 0.01) is not true",
            *("units_qty", "current_price", "unit_cost", "new_price", "gain_amount"),
            advice=FAULT,
        ),
        *of_every_list(
            LABELS, as_of, ("location_id", "sku_id", "channel", "member_tier"), ("new_price", "effective_on")
        ),
        LABELS.no_rows(
            "labels_follow_proposals",
            "Every label shows a price that was proposed for its place, or for all.",
            f"select l.* from {LABELS.name} as l left join {PROPOSALS.name} as r on l.sku_id = r.sku_id "
            "and l.channel = r.channel and l.member_tier = r.member_tier and r.location_id in ('*', l.location_id) "
            "and r.new_price = l.new_price where r.sku_id is null",
            (*LABELS.shown, "new_price"),
            needs=(PROPOSALS.name,),
            advice=FAULT,
        ),
    ]


def _plans(as_of: date) -> list[Check]:
    return [
        *of_every_list(PLAN, as_of, ("sku_id", "location_id", "week_start"), ("mechanic", "new_price", "explanation")),
        PLAN.never(
            "return_is_its_terms",
            "return = margin + week after + rest of the category - cost of the mechanic, above zero at the lower end "
            "of its interval.",
            "(abs(return_amount - direct_margin_amount - after_margin_amount - category_margin_amount "
            "+ mechanic_cost_amount) <= 0.01 "
            "and return_low_amount > 0 and return_low_amount <= return_high_amount) is not true",
            *("return_amount", "direct_margin_amount", "return_low_amount"),
            advice=FAULT,
        ),
        PLAN.no_rows(
            "budget_is_kept",
            "All promotions together cost no more than the budget.",
            f"select * from {PLAN.name} where budget_left_amount < -0.01",
            (*PLAN.shown, "promotion_cost_amount", "budget_left_amount"),
            advice=FAULT,
        ),
    ]


def _returns(as_of: date) -> list[Check]:
    return [
        *of_every_list(RETURNS, as_of, ("level", "node"), ("claim", "explanation")),
        *of_every_list(CHANNELS, as_of, ("level", "node", "channel"), ("claim", "explanation")),
        *(
            table.never(
                "effect_is_its_terms",
                "effect = uplift - cannibalised - pulled forward, within its interval, and the claim says where that "
                "lies.",
                # four terms of each product, each to the cent
                "(abs(net_margin_effect_amount - uplift_margin_amount + coalesce(cannibalised_margin_amount, 0) "
                "+ coalesce(pulled_forward_margin_amount, 0)) <= 0.021 * greatest(1, sku_count) "
                "and (claim = 'gains') = (coalesce(net_margin_effect_low_amount, 0) > 0)) is not true",
                *("net_margin_effect_amount", "uplift_margin_amount", "claim"),
                advice=FAULT,
            )
            for table in (RETURNS, CHANNELS)
        ),
        CHANNELS.no_rows(
            "channels_add_up",
            "Units, margins, discount and effect of the channels are those of the promotion, to a cent.",
            f"select level, node, {', '.join(f'c.{name} - r.{name} as {name}' for name in _SUMS)} "
            f"from (select level, node, {', '.join(f'sum({name}) as {name}' for name in _SUMS)} "
            f"from {CHANNELS.name} group by level, node) as c full join {RETURNS.name} as r using (level, node) "
            f"where ({' and '.join(f'abs(c.{name} - r.{name}) <= 0.01' for name in _SUMS)}) is not true",
            ("level", "node", *_SUMS),
            needs=(RETURNS.name,),
            advice=FAULT,
        ),
    ]


def _response(as_of: date) -> list[Check]:
    return [
        *of_every_list(RESPONSE, as_of, ("sku_id",), ("is_conclusive", "weeks_seen")),
        *RESPONSE.finite("elasticity", "discount_elasticity"),
        RESPONSE.never(
            "elasticity_lies_in_its_interval",
            "low <= elasticity <= high, and conclusive says that high is below zero.",
            "elasticity is not null and (elasticity_low <= elasticity and elasticity <= elasticity_high "
            "and is_conclusive = (elasticity_high < 0)) is not true",
            *("elasticity_low", "elasticity_high", "is_conclusive"),
            advice=FAULT,
        ),
    ]


def _promotions(as_of: date) -> list[Check]:
    return [
        *of_every_list(
            PROMOTIONS,
            as_of,
            ("level", "node", "effect", "mechanic", "off_share"),
            ("effect_pct",),
            gaps=("off_share",),
        ),
        PROMOTIONS.never(
            "effect_lies_in_its_interval",
            "low <= effect <= high.",
            "(effect_low_pct <= effect_pct and effect_pct <= effect_high_pct) is not true",
            *("effect_pct", "effect_low_pct", "effect_high_pct"),
            advice=FAULT,
        ),
    ]


def _markdowns(as_of: date) -> list[Check]:
    return [
        *of_every_list(
            MARKDOWNS, as_of, ("sku_id", "location_id", "basis", "starts_on"), ("new_price", "channel", "explanation")
        ),
        MARKDOWNS.never(
            "price_is_its_terms",
            "new price = list price less the discount, to the cent.",
            "(abs(new_price - list_price * (1 - off_share)) <= 0.00501 and off_share between 0 and 1) is not true",
            *("list_price", "off_share", "new_price"),
            advice=FAULT,
        ),
        MARKDOWNS.no_rows(
            "prices_never_go_up",
            "Within a path no price is above the one before.",
            "select * from (select *, lag(new_price) over "
            "(partition by sku_id, location_id, basis order by starts_on) "
            f"as before_price from {_MARKDOWNS}) where new_price > before_price + 1e-6",
            (*MARKDOWNS.shown, "new_price", "before_price"),
            advice=FAULT,
        ),
        MARKDOWNS.no_rows(
            "units_add_up",
            "What is to clear is what is expected to sell along the path and what is left at its end.",
            "select sku_id, location_id, basis, max(starts_on) as starts_on, min(clearance_qty) as clearance_qty, "
            f"sum(expected_sold_qty) as expected_sold_qty from {_MARKDOWNS} group by sku_id, location_id, basis "
            "having abs(min(clearance_qty) - sum(expected_sold_qty) - arg_max(expected_left_qty, starts_on)) > 0.05",
            (*MARKDOWNS.shown, "clearance_qty", "expected_sold_qty"),
            advice=FAULT,
        ),
        MARKDOWNS.never(
            "gain_is_its_terms",
            "On the first line gain = recovery - doing nothing, and the recovery lies in its interval.",
            "(case when is_first then abs(gain_amount - recovery_amount + do_nothing_amount) <= 0.011 "
            "and recovery_low_amount <= recovery_amount + 0.011 and recovery_amount <= recovery_high_amount + 0.011 "
            "else gain_amount is null and recovery_amount is null end) is not true",
            *("is_first", "recovery_amount", "do_nothing_amount", "gain_amount"),
            advice=FAULT,
        ),
        *(
            table.no_rows(
                name,
                description,
                f"select * from {_MARKDOWNS} where basis = 'slow_stock' and (sku_id, location_id) in ({taken})",
                table.shown,
                advice=FAULT,
            )
            for table, name, description, taken in (
                (
                    CLEARED_AND_ORDERED,
                    "what_is_ordered_is_not_cleared",
                    "No slow stock is cleared where tonight orders it.",
                    "select (sku_id, location_id) from ml.replenishment_orders where order_qty > 0",
                ),
                (
                    CLEARED_AND_MOVED,
                    "what_is_moved_in_is_not_cleared",
                    "No slow stock is cleared where tonight moves it in.",
                    "select (sku_id, to_location_id) from ml.transfer_orders",
                ),
            )
        ),
    ]
