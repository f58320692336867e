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
    "starts_on": "First day of the edited period.",
    "ends_on": "Last day of the edited period.",
    "factor": "Factor on the forecast; empty where a quantity was given.",
    "owner": "Who edited, and answers for it.",
    "reason": "Why.",
    "expires_on": "Last day of forecasts that the edit counts for; nights that start after it leave it out.",
    "state": "applied, expired, or outside the horizon.",
    "covers_from": "First day of this night's forecast that the edit changed.",
    "covers_to": "Last day of this night's forecast that the edit changed.",
    "unedited_qty": "Forecast of the node over those days without any edit.",
    "edited_qty": "Forecast of the node over those days as published.",
    "used": "How often.",
    "of_all": "Of how many series; empty where something else is counted.",
    "series": "Number of series measured.",
    "cutoffs": "Days from which the backtest forecast.",
    "order_on": "Day on which to place the order.",
    "supplier_id": "Supplier to order from; empty when another place delivers.",
    "from_location_id": "Place that delivers; empty when a supplier does.",
    "service_type": "What the target means: fill_rate = share of demand served from stock; cycle = probability that "
    "stock lasts through the protection period; newsvendor = that probability where margin and holding balance.",
    "service_target": "Service aimed at.",
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
    "lead_transaction_count": "Receipts, each counted once: in the department with the most money on it.",
    "line_count": "Receipt lines.",
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
_AFTER_STEP = re.compile(r"after_(\w+)_qty")


def meaning(name: str) -> str | None:
    """Return the sentence that explains a published column, or None when there is none."""
    if match := _QUANTILE.fullmatch(name):
        return f"Quantile: demand stays at or below this with probability 0.{match[1]}."
    if match := _AFTER_STEP.fullmatch(name):
        return f"Quantity after the step '{match[1].replace('_', ' ')}'."
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
