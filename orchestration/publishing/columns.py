"""What the columns of the published tables mean and how a workbook shows them: one name, one meaning, everywhere.

Belongs here: the sentence that stands as a note on a workbook's header and as a comment in marts.duckdb, and the rule
from a column's name to its number format. A column that is not named here is published all the same, without a note.
"""

from __future__ import annotations

import re

import pyarrow as pa

_MEANINGS = {
    "as_of": "The business day that was closed; forecasts and orders start the day after.",
    "sku_id": "Product, as the company numbers it.",
    "location_id": "Place that sells or holds stock; 'unlisted:<region>' pools what sells where it is not listed.",
    "date": "Day.",
    "week_start": "First day of the week.",
    "month_start": "First day of the month.",
    "days_covered": "Days of the period that lie ahead; quantities are for these days only.",
    "mean": "Expected demand, in base units: what would sell with stock on the shelf.",
    "model": "Forecast method that won for this series in the backtest.",
    "segment": "Demand class of the series (smooth, erratic, intermittent, lumpy, new).",
    "level": "Level at which the figure was measured.",
    "horizon_band": "Weeks ahead.",
    "step": "Forecast method, or step of the forecast, that is measured.",
    "metric": "What is measured: wmape = sum of absolute errors / sum of demand; bias = sum of errors / sum of demand.",
    "value": "The metric of this step.",
    "baseline_value": "The metric of seasonal naive on the same rows.",
    "node": "Node of the level: region, channel, department, product …; parts of a name are joined by ' / '.",
    "period_type": "week or month.",
    "period_start": "First day of the week or month.",
    "driver": "level, season, price, promotion, events (what the method said), reconciliation (drawing the series to "
    "the aggregates), edit (of a planner).",
    "amount": "Units that the driver adds to the forecast of the next 28 days.",
    "starts_on": "First day: of the edit, of the promotion.",
    "ends_on": "Last day: of the edit, of the promotion.",
    "factor": "Factor on the forecast; empty where a quantity was given.",
    "owner": "Who edited, and answers for it.",
    "reason": "Why.",
    "expires_on": "Last day of forecasts that the edit counts for; nights that start after it leave it out.",
    "state": "applied, expired, or outside the horizon.",
    "covers_from": "First day of it that this night's forecast covers.",
    "covers_to": "Last day of it that this night's forecast covers.",
    "unedited_qty": "Forecast of the node over those days without any edit.",
    "edited_qty": "Forecast of the node over those days as published.",
    "promotion_id": "Promotion, as the company numbers it.",
    "mechanic": "How the promotion works.",
    "with_qty": "Forecast of the days covered, as published.",
    "without_qty": "Forecast of the same days without this promotion, all others as they are.",
    "uplift_qty": "What the promotion brings in the days covered.",
    "after_qty": "What the promotion changes in the seven days after it; below zero: bought ahead.",
    "used": "How often.",
    "of_all": "Of how many series; empty where something else is counted.",
    "series": "Number of series measured.",
    "cutoffs": "Days from which the backtest forecast.",
    "order_on": "Day on which to place the order.",
    "alert_id": "Type, product, place and day of the alert.",
    "alert_type": "What is wrong: stockout_without_order, tills_missing, stock_record_doubted, sales_doubted or the "
    "rule of a slow mover.",
    "measured_value": "What was measured, in the unit of the rule.",
    "threshold": "Limit of the rule that it passed.",
    "money_at_risk": "Margin, stock at cost or sales at stake; empty = no price or cost is known.",
    "decision": "To fill in: accept, change or reject. Empty = not decided.",
    "decided_qty": "To fill in with change: units instead, in whole packs.",
    "decided_by": "To fill in: who decides.",
    "decision_note": "To fill in: why.",
    "recommendation_id": "Names the line when the workbook comes back; leave it as it is.",
    "supplier_id": "Supplier to order from; empty when another place delivers.",
    "from_location_id": "Place that delivers; empty when a supplier does.",
    "service_type": "What the target means: value = share of demand served from stock at the level at which the next "
    "unit is worth what it costs to hold; fill_rate = share of demand served from stock; cycle = probability that "
    "stock lasts through the protection period; newsvendor = that probability where margin and holding balance.",
    "service_target": "Service aimed at; by value: the share of its own demand that the line's level serves.",
    "service_group": "Lines that a target is for: all products, a class, a department; feeding places apart.",
    "service_group_target": "Share of demand that the lines of the group serve together; empty = not by value.",
    "lost_sale_days": "By value: a lost unit counts as holding one for so many days; per margin over cost the same for "
    "the whole group.",
    "lead_time_days": "Days from order to delivery.",
    "lead_time_sd_days": "Standard deviation of the lead time, in days.",
    "lead_time_source": "Where the lead time comes from: measured_lane (this source to this place), "
    "measured_location_type (this source to places of that type), delivered (erp/sourcing) or default.",
    "review_days": "Days from this order to the next one.",
    "wait_days": "Days until the order can be placed.",
    "protection_days": "Days that this order has to last: waiting, lead time, review, and the days of places below.",
    "downstream_days": "Of these, the protection days of the places that this one feeds; 0 = it feeds none.",
    "downstream_position_qty": "What the places that this one feeds have, on hand and coming.",
    "presentation_min_qty": "Units that the shelf is to show at least.",
    "service_target_qty": "What the service target asks for over the protection days.",
    "expected_at_arrival_qty": "What will probably be there when the goods come: position less demand until then.",
    "shelf_room_qty": "What the shelf still holds then; empty = its capacity is not known.",
    "shelf_life_room_qty": "What sells within the shelf life beside what is there; empty = it does not expire.",
    "demand_mean_qty": "Expected demand over the protection days.",
    "target_qty": "Order-up-to level: what service target and shelf ask for, less what the places below have.",
    "on_hand_qty": "Stock at the close of the business day.",
    "reserved_qty": "Stock promised to customers.",
    "backorder_qty": "Customers' orders waiting for stock.",
    "on_order_qty": "Ordered from suppliers, not yet received.",
    "in_transfer_qty": "On the way from other places.",
    "inventory_position_qty": "On hand - reserved - backorders + on order + in transfer.",
    "need_qty": "Target - inventory position, or zero.",
    "order_multiple": "Ordered in whole multiples of this quantity.",
    "min_order_qty": "Smallest quantity that may be ordered.",
    "order_qty": "Quantity to order.",
    "order_gain_amount": "What the order is worth: lost margin avoided less holding; where a move competes with it.",
    "move_in_gain_amount": "What moving units in instead is worth, net of its cost; empty = no move competes.",
    "moved_in_qty": "Units moved in from other places tonight (transfer_orders).",
    "source_available_qty": "Units free at the feeding place; empty = a supplier delivers, or its stock is not known.",
    "to_location_id": "Place that gets.",
    "ship_on": "Day on which to send the goods.",
    "arrives_on": "Day on which they will be there; empty = the lane's days are not known.",
    "qty": "Units to move.",
    "unprofitable_qty": "Units that could go as well and would not pay.",
    "lost_sales_avoided_amount": "Margin of sales that are not lost, at both places together.",
    "idle_cost_avoided_amount": "Markdown and holding of units that would have found no buyer, both places together.",
    "gain_amount": "Lost sales and idle stock avoided.",
    "cost_per_unit": "Handling and transport of a unit on this lane.",
    "handling_amount": "Units x cost_per_unit.",
    "cost_per_shipment": "Cost of a shipment on this lane, whatever its size.",
    "shipment_units_qty": "Units of all products on this lane tonight.",
    "shipment_amount": "This line's share of the shipment, by units.",
    "net_gain_amount": "Gain less cost.",
    "available_qty": "Units free at the place that feeds.",
    "requested_total_qty": "Units of this product that all the places it feeds ask for.",
    "requested_qty": "Units that this place asks for, in whole packs.",
    "ring_fenced_qty": "Units kept for this place first (planning.allocation_ring_fences).",
    "allocated_to_others_qty": "Units of this product that other places get.",
    "allocated_qty": "Units that this place gets.",
    "short_qty": "Units asked for that are not there.",
    "last_unit_value_amount": "Margin that the last unit given is expected to save.",
    "next_unit_value_amount": "Margin that one more unit would be expected to save.",
    "expected_lost_before_qty": "Expected lost sales over the protection days without it.",
    "expected_lost_after_qty": "Expected lost sales over the protection days with what is allocated.",
    "method": "How too little is shared out: value or fair_share.",
    "pool": "Places that the promise draws on: all, or those of one ownership.",
    "promised_for": "Day for which the units are declared.",
    "open_order_qty": "Units of open orders that these places are to serve, beyond what is reserved.",
    "free_qty": "On hand - reserved - open orders.",
    "under_way_qty": "Units ordered from suppliers or moved, not yet received by these places.",
    "expected_arrivals_qty": "Of these, what is expected to have come by the day, by the lateness measured.",
    "competing_demand_mean_qty": "What these places are expected to sell from the same stock until then.",
    "balance_mean_qty": "Free + expected arrivals - competing demand.",
    "location_count": "Places of the pool with a stock record that is believed.",
    "unknown_location_count": "Places of the pool whose stock record is too old or impossible: counted as nothing.",
    "source": "Source system that delivered the order.",
    "order_id": "Customer's order, as its source numbers it.",
    "line_number": "Line within the order.",
    "region": "Region of the customer's address.",
    "quantity": "Units of the order line that are still to be delivered.",
    "free_before_qty": "Units free at the place before tonight's orders.",
    "taken_by_others_qty": "Units that other order lines take there.",
    "served_elsewhere_qty": "Units of this line that other places serve.",
    "sourced_qty": "Units of this line that this place serves.",
    "free_after_qty": "Units left there after all order lines.",
    "distance_km": "Great-circle distance to the customer; assumed where coordinates are not known.",
    "cost_per_km": "Cost of carrying a unit one km.",
    "transport_amount": "Units x distance x cost_per_km.",
    "keep_value_unit_amount": "What a unit is worth where it lies: margin if the place sells it itself, less what it "
    "costs if it stays idle.",
    "keep_value_amount": "Units x keep_value_unit_amount.",
    "parcel_units_qty": "Units of the order in this place's parcel.",
    "cost_per_parcel": "Cost of a parcel.",
    "parcels": "Parcels that the order comes in.",
    "order_units_qty": "Units of the order that are sent in all.",
    "split_penalty": "Further cost of each parcel beyond the first.",
    "parcel_amount": "This line's share of its parcel and of the split, by units.",
    "landed_cost_amount": "Way + keep value + parcel.",
    "unit_cost": "Cost of one unit.",
    "order_value": "Quantity to order x unit cost.",
    "stockout_on": "Day on which stock runs out if nothing is ordered.",
    "expected_lost_qty": "Expected demand lost over the protection days if nothing is ordered.",
    "expected_lost_amount": "Expected lost units x unit_margin.",
    "unit_margin": "Price tomorrow - unit cost, not below zero; empty = one of them is not known.",
    "reason_codes": "Rules that shaped the quantity.",
    "withheld_reason": "Why no order is proposed although the line was looked at; empty for a line to order.",
    "explanation": "The arithmetic of the line, in words.",
    "channel": "Sales channel; none = a place that never sold.",
    "department": "Department; unknown where nobody said.",
    "units_qty": "Units sold, returns not taken off.",
    "returns_qty": "Units that came back, on the day they came back.",
    "sales_amount": "Money paid for the units sold, after discounts, returns not taken off.",
    "net_amount": "Money paid less money given back.",
    "discount_amount": "What customers saved against the shelf price.",
    "cost_amount": "Cost of the units sold less those returned, where it is known.",
    "margin_amount": "Net sales less cost of goods, where the cost is known.",
    "costed_net_amount": "The part of net sales whose cost is known.",
    "transaction_count": "Receipts with a line in the department; not additive over departments.",
    "line_count": "Receipt lines.",
    "lead_transaction_count": "Receipts, each counted once: in the department with the most money on it.",
    "counted_day_count": "Products whose stock is known that day; stands on the place's main channel.",
    "stockout_day_count": "Of these product days, the part of the selling time without stock.",
    "lost_qty": "Units that would have sold with stock on the shelf, less those that did; empty = not estimated.",
    "lost_amount": "Lost units at the price valid that day.",
    "lost_margin_amount": "Lost sales less their cost, where it is known.",
    "stock_qty": "Units on hand at the close of the day; stands on the place's main channel.",
    "stock_value_amount": "Stock at the close of the day x the unit cost valid that day.",
    "gross_margin_pct": "Margin in percent of the net sales whose cost is known.",
    "discount_pct": "Discount in percent of sales before returns and discount together.",
    "return_pct": "Money given back in percent of sales before returns.",
    "department_basket_amount": "Net sales a receipt that holds something of the department.",
    "availability_pct": "Selling time with stock on the shelf in percent of the product days whose stock is known.",
    "lost_sales_pct": "Lost sales in percent of net sales and lost sales together.",
    "policy": "Rule for stock that was replayed.",
    "dial": "What the rule was set to.",
    "is_compared": "Whether this is the setting at which the rules are compared: the service nearest the proposed "
    "rule's; the proposed rule's own are the company's targets.",
    "abc_class": "Class of the product by its money; all = all of them.",
    "first_day": "First day that counts.",
    "pair_count": "Products at places.",
    "demand_qty": "Units that customers wanted.",
    "fill_rate_pct": "Share of demand served from stock, in percent.",
    "average_stock_qty": "Stock at the close of a day, on average.",
    "turnover_days": "Average stock over demand a day.",
    "order_count": "Order lines placed.",
    "holding_cost_amount": "Cost of holding the stock over the days counted.",
    "total_cost_amount": "Lost margin and holding cost together.",
    "fill_rate_gain_pct": "Percentage points of demand that the proposed rule serves more than this one.",
    "cost_saving_amount": "What the proposed rule costs less than this one.",
    "claim": "What may be said of the proposed rule beside this one; no claim = both intervals hold zero.",
    "tuned_target": "What to ask for so that the wanted share is served, learned on the first half of the days.",
    "served_pct": "Share served on the second half as asked, in percent.",
    "served_tuned_pct": "Share served on the second half with the tuned target, in percent.",
    "stock_change_pct": "Average stock with the tuned target against without, on the second half, in percent.",
    "proved_from": "First day of the second half.",
    "basis": "slow_stock = planned by week to the exit date; near_expiry = a lot, by day to the day it expires on.",
    "rule": "Rule that calls the stock slow; empty = only a lot expires.",
    "period_days": "Days of the line: 7 or 1.",
    "exit_on": "Day by which the stock is to be gone.",
    "is_first": "First line of a path; amounts of the whole path stand on it alone.",
    "list_price": "Price today, from which discounts count.",
    "off_share": "Share off the price: of the line; the depth that the effect is for.",
    "new_price": "Price of the line.",
    "clearance_qty": "Units to clear: on hand less what moves away tonight; of a lot its units.",
    "expected_sold_qty": "Units expected to sell in the line's days at its price.",
    "expected_left_qty": "Units expected to be left after them.",
    "moved_out_qty": "Units that tonight's transfer_orders move away first.",
    "keep_qty": "Units that may be left on the exit date and keep their cost.",
    "salvage_unit_amount": "What any further unit left is worth.",
    "elasticity": "Change of demand in percent for one percent more price; below zero.",
    "elasticity_low": "Lower end of its 90 % interval.",
    "elasticity_high": "Upper end of its 90 % interval.",
    "elasticity_sd": "Its standard deviation.",
    "elasticity_source": "Whose elasticity it is: the product's, or of the nearest group that has shown one.",
    "recovery_amount": "Expected money of the path: sales less holding, and what is left.",
    "do_nothing_amount": "The same at today's price throughout.",
    "flat_amount": "The same at the step nearest 30 % off throughout.",
    "sell_through_share": "Share of the stock that is expected to be sold by the exit date.",
    "do_nothing_sell_through_share": "The same at today's price.",
    "own_elasticity": "What the product shows by itself; empty = its price hardly moved.",
    "own_elasticity_sd": "Its standard deviation.",
    "group_elasticity": "What the product is drawn to: its category, department or the company.",
    "group_elasticity_sd": "Standard deviation of a product around it.",
    "own_weight_share": "Weight of the product's own evidence beside its group's.",
    "discount_elasticity": "Change of demand in percent for one percent off, of a discount that customers see.",
    "discount_elasticity_low": "Lower end of its 90 % interval.",
    "discount_elasticity_high": "Upper end of its 90 % interval.",
    "discount_elasticity_sd": "Its standard deviation.",
    "dip_elasticity": "The same in the week after the discount, for its percent off; below zero = bought ahead.",
    "weeks_seen": "Weeks that were looked at.",
    "units_seen_qty": "Units sold in them.",
    "price_change_count": "Changes of the shelf price by more than 2 %.",
    "discounted_weeks": "Weeks with a discount.",
    "usual_price": "Last shelf price seen.",
    "is_conclusive": "The whole 90 % interval of the elasticity lies below zero.",
    "effect": "uplift, dip_after (the week after) or rest_of_category (units of it a hundred units brought).",
    "effect_pct": "The effect in percent.",
    "product_weeks_seen": "Weeks of products that show it; of rest_of_category: categories.",
    "member_tier": "Member tier that pays the price; * = everybody.",
    "effective_on": "Day from which the new price holds.",
    "current_price": "Price that would hold then without the change.",
    "step_share": "New price over the current one, less one.",
    "new_units_qty": "Units expected in 28 days at the new price; units_qty are those at the current one.",
    "new_units_low_qty": "Fewest of these within the 90 % interval of the elasticity.",
    "new_units_high_qty": "Most of these within the 90 % interval of the elasticity.",
    "new_margin_amount": "Margin expected in 28 days at the new price; margin_amount is that at the current one.",
    "chance_share": "Probability that the change gains.",
    "position_qty": "Units there and coming, reserved and backordered ones taken off.",
    "competitor_low_price": "Lowest price seen at competitors in the last 28 days; empty = none was seen.",
    "competitor_high_price": "Highest price seen at competitors in the last 28 days.",
    "binding_rule": "Rule (pricing.price_rules) without which most more would be gained; empty = none is in the way.",
    "product_name": "Name of the product.",
    "unit": "Unit that the product is sold by.",
    "table_name": "Table that was checked, schema and name.",
    "check_name": "What must hold, in short; unique within the table.",
    "description": "What must hold, in words.",
    "gate": "Gate of the night that the check belongs to.",
    "passed": "Whether the check passed.",
    "severity": "What a failed check does: error keeps the night back, warn is shown.",
    "failed_rows": "Rows that failed the check.",
    "checked_rows": "Rows of the table that was checked.",
    "sample": "Some of the rows that failed.",
    "advice": "What to do.",
    "docs_link": "Page of the report, in the folder data_docs.",
}
_QUANTILE = re.compile(r"p(\d\d)")
_BOUND = re.compile(r"(\w+)_(low|high)_(pct|amount)")
_AFTER_STEP = re.compile(r"after_(\w+)_qty")
_RISK = re.compile(r"(promise|cushion)_(\d\d)pct_qty")
_SIDE = re.compile(r"(source|destination)_(\w+)")
_SIDES = {"source": "At the place that gives: ", "destination": "At the place that gets: "}
# what a column of one side of a move means; those that an order line has too mean the same here
_OF_A_SIDE = {
    "movable_qty": "units that lie there free.",
    "spare_qty": "whole packs of them above its target, at most planning.transfer_max_packs.",
    "to_others_qty": "units of them that go to other places tonight.",
    "room_qty": "whole packs that it lacks to its target and can hold, at most planning.transfer_max_packs.",
    "from_others_qty": "units that other places send it tonight.",
    "position_before_qty": "on hand - reserved - backorders + on order + in transfer.",
    "position_after_qty": "the same after all moves of the night.",
    "cover_days_before": "days that its position lasts at the expected demand; empty = no demand.",
    "cover_days_after": "the same after all moves of the night.",
    "lost_before_arrival_qty": "expected lost sales while the units are on the lane: no move avoids them.",
    "idle_unit_amount": "what a unit costs that finds no buyer within the protection days: markdown and holding.",
    "expected_lost_before_qty": "expected lost sales without moves, from the day that units can come (where they "
    "leave: from tomorrow) to the end of the protection days.",
    "expected_lost_after_qty": "the same after all moves of the night.",
}


def meaning(name: str) -> str | None:
    """Return the sentence that explains a published column, or None when there is none."""
    if match := _QUANTILE.fullmatch(name):
        return f"Quantile: demand stays at or below this with probability 0.{match[1]}."
    if match := _BOUND.fullmatch(name):
        return f"{'Lower' if match[2] == 'low' else 'Upper'} end of the 90 % interval of {match[1]}_{match[3]}."
    if match := _AFTER_STEP.fullmatch(name):
        return f"Quantity after the step '{match[1].replace('_', ' ')}'."
    if match := _RISK.fullmatch(name):
        return (
            f"Units that can be declared: the chance of overselling is at most {int(match[2])} %."
            if match[1] == "promise"
            else f"Balance less the promise at {int(match[2])} %: kept back for late arrivals and more demand."
        )
    if name not in _MEANINGS and (match := _SIDE.fullmatch(name)):
        said = _OF_A_SIDE.get(match[2]) or _MEANINGS.get(match[2])
        return _SIDES[match[1]] + said[0].lower() + said[1:] if said else None
    return _MEANINGS.get(name)


def number_format(name: str, kind: pa.DataType, is_whole: bool) -> str | None:
    """Return the spreadsheet format of a column, or None for text.

    kind: Arrow type. is_whole: every value in the column is a whole number.
    """
    if pa.types.is_date(kind):
        return "yyyy-mm-dd"
    if pa.types.is_timestamp(kind):
        return "yyyy-mm-dd hh:mm"
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    if name.endswith(("_value", "_amount", "_cost", "_price")):
        return "#,##0.00"
    if name.endswith(("_target", "_share", "_pct")):
        return "0.0%"
    return "#,##0" if is_whole else "#,##0.00"


def is_money(name: str) -> bool:
    """Say whether a column holds amounts of money that may be added up over lines."""
    return name.endswith(("_value", "_amount"))
