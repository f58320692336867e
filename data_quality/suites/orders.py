"""Checks on order lists: every quantity is what its own terms say it is."""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table, day
from data_quality.settings import QualitySettings

ORDERS = Table(
    "ml.replenishment_orders",
    ("sku_id", "location_id", "supplier_id", "from_location_id"),
    needs=("ml.replenishment_orders",),
)
FAULT = "a fault of the planner: report it with this sample"
POSITION = "on_hand_qty - reserved_qty - backorder_qty + on_order_qty + in_transfer_qty"


def order_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on ml.replenishment_orders. A withheld line may lack terms, and is never ordered."""
    stock = (
        "on_hand_qty",
        "reserved_qty",
        "backorder_qty",
        "on_order_qty",
        "in_transfer_qty",
        "inventory_position_qty",
    )
    return [
        ORDERS.unique("sku_id", "location_id", "supplier_id", "from_location_id"),
        *ORDERS.given("sku_id", "location_id", "order_qty"),
        ORDERS.of_business_day(as_of, advice=FAULT),
        _never(
            "position_is_its_terms",
            "position = on hand - reserved - backorder + on order + in transfer.",
            f"withheld_reason is null and (abs(inventory_position_qty - ({POSITION})) <= 1e-6) is not true",
            *stock,
        ),
        _never(
            "need_is_target_less_position",
            "need = max(0, target - position).",
            "withheld_reason is null "
            "and (abs(need_qty - greatest(0, target_qty - inventory_position_qty)) <= 1e-6) is not true",
            "target_qty",
            "inventory_position_qty",
            "need_qty",
        ),
        _never(
            "packs_are_whole",
            "order_qty is a multiple of order_multiple.",
            "order_qty > 0 and abs(order_qty / coalesce(nullif(order_multiple, 0), 1) "
            "- round(order_qty / coalesce(nullif(order_multiple, 0), 1))) > 1e-6",
            "order_multiple",
            "order_qty",
        ),
        _never(
            "minimum_is_kept",
            "order_qty is zero or at least min_order_qty.",
            "order_qty < 0 or (order_qty > 0 and order_qty < coalesce(min_order_qty, 0) - 1e-6)",
            "min_order_qty",
            "order_qty",
        ),
        _never(
            "orders_have_a_need",
            "Nothing is ordered without need, unless to reach a supplier's minimum.",
            "order_qty > 0 and coalesce(need_qty, 0) <= 0 "
            "and not contains(coalesce(reason_codes::varchar, ''), 'supplier_minimum')",
            "need_qty",
            "order_qty",
            "reason_codes",
        ),
        _never(
            "withheld_lines_order_nothing",
            "A line has a quantity or a reason why it is withheld, not both, not neither.",
            "(order_qty > 0) = (withheld_reason is not null)",
            "order_qty",
            "withheld_reason",
        ),
        _never(
            "stockout_probability_is_one",
            "stockout_probability lies between 0 and 1 on every line that orders.",
            "order_qty > 0 and (stockout_probability between 0 and 1) is not true",
            "stockout_probability",
        ),
        _never(
            "confidence_is_said",
            "Every line that orders says how far its terms can be trusted: high, medium or low.",
            "order_qty > 0 and (confidence in ('high', 'medium', 'low')) is not true",
            "confidence",
        ),
        _never(
            "dates_are_ahead",
            f"order_on is after {as_of}, and stockout_on not before it.",
            f"(order_on > {day(as_of)}) is not true or stockout_on < {day(as_of)}",
            "order_on",
            "stockout_on",
        ),
        _never(
            "value_is_quantity_times_cost",
            f"order_value = order_qty x unit_cost, to {settings.money_tolerance:g} (quality.money_tolerance).",
            f"abs(order_value - order_qty * unit_cost) > {settings.money_tolerance} "
            "or (order_value is null) <> (unit_cost is null)",
            "order_qty",
            "unit_cost",
            "order_value",
        ),
        ORDERS.no_rows(
            "products_are_known",
            "Every line is of a product of dim_product.",
            "select * from ml.replenishment_orders where sku_id not in "
            "(select sku_id from marts.dim_product where sku_id is not null)",
            ORDERS.shown,
            advice=FAULT,
        ),
    ]


def _never(name: str, description: str, condition: str, *shown: str) -> Check:
    """No line of the list meets a condition."""
    return ORDERS.no_rows(
        name,
        description,
        f"select * from ml.replenishment_orders where {condition}",
        (*ORDERS.shown, *shown),
        advice=FAULT,
    )
