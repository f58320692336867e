"""Checks on moves, allocations, promises and sourced orders: every quantity is what its own terms say it is."""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check
from data_quality.suites.lists import FAULT, dates_ahead, night_list, of_every_list

ORDERS = "ml.replenishment_orders"
TRANSFERS = night_list("ml.transfer_orders", "from_location_id", "to_location_id", "sku_id", "qty")
ALLOCATION = night_list("ml.allocation", "from_location_id", "sku_id", "location_id", "allocated_qty")
PROMISES = night_list("ml.available_to_promise", "pool", "sku_id", "promised_for")
SOURCING = night_list("ml.order_sourcing", "source", "order_id", "line_number", "location_id")
_LEFT = (
    "least(source_spare_qty - source_to_others_qty, destination_room_qty - destination_from_others_qty) "
    "- unprofitable_qty"
)
_SMALLEST = "ceil(round(greatest(min_order_qty, order_multiple) / order_multiple, 6)) * order_multiple"
_FITS = (
    "least(requested_qty, floor(round((available_qty - allocated_to_others_qty) / order_multiple, 6)) * order_multiple)"
)
_FREE = "on_hand_qty - reserved_qty - open_order_qty"
_BALANCE = "free_qty + expected_arrivals_qty - competing_demand_mean_qty"


def stock_list_checks(as_of: date) -> list[Check]:
    """Return the checks on ml.transfer_orders, ml.allocation, ml.available_to_promise and ml.order_sourcing."""
    return [*_transfers(as_of), *_allocation(as_of), *_promises(as_of), *_sourcing(as_of)]


def _transfers(as_of: date) -> list[Check]:
    return [
        *of_every_list(TRANSFERS, as_of, ("from_location_id", "to_location_id", "sku_id"), ("qty",)),
        TRANSFERS.never(
            "quantity_is_its_terms",
            "qty = the lesser of what the source has left to give and the destination to take, less what does not pay.",
            f"(abs(qty - ({_LEFT})) <= 1e-6) is not true",
            *("source_spare_qty", "destination_room_qty", "unprofitable_qty"),
            advice=FAULT,
        ),
        TRANSFERS.never(
            "packs_are_whole",
            "qty is above zero and a multiple of order_multiple.",
            "(qty > 0 and abs(qty / order_multiple - round(qty / order_multiple)) <= 1e-6) is not true",
            "order_multiple",
            advice=FAULT,
        ),
        TRANSFERS.never(
            "sources_keep_their_target",
            "No place gives what lies below its target, or what is not there.",
            "source_position_after_qty < source_target_qty - 1e-6 "
            "or qty + source_to_others_qty > source_movable_qty + 1e-6",
            *("source_position_after_qty", "source_target_qty", "source_movable_qty"),
            advice=FAULT,
        ),
        TRANSFERS.never(
            "gain_and_cost_are_their_terms",
            "gain = lost sales and idle stock avoided; cost = handling and shipment; net = gain - cost.",
            "(abs(gain_amount - lost_sales_avoided_amount - idle_cost_avoided_amount) <= 1e-6 "
            "and abs(cost_amount - handling_amount - shipment_amount) <= 1e-6 "
            "and abs(net_gain_amount - gain_amount + cost_amount) <= 1e-6) is not true",
            *("gain_amount", "cost_amount", "net_gain_amount"),
            advice=FAULT,
        ),
        TRANSFERS.never(
            "moves_pay",
            "A move gains more than the handling of its units costs.",
            "(gain_amount > handling_amount) is not true",
            *("gain_amount", "handling_amount"),
            advice=FAULT,
        ),
        TRANSFERS.never(
            "moving_is_worth_more_than_ordering",
            "Where an order of the same product was proposed too, all moves to the place are worth more.",
            "order_gain_amount > move_in_gain_amount + 1e-6",
            *("move_in_gain_amount", "order_gain_amount"),
            advice=FAULT,
        ),
        TRANSFERS.no_rows(
            "nothing_is_ordered_and_moved_in",
            "No product is ordered and moved in at the same place on the same night.",
            f"select t.* from {TRANSFERS.name} as t inner join {ORDERS} as o "
            "on t.sku_id = o.sku_id and t.to_location_id = o.location_id where o.order_qty > 0",
            TRANSFERS.shown,
            needs=(ORDERS,),
            advice=FAULT,
        ),
    ]


def _allocation(as_of: date) -> list[Check]:
    return [
        *of_every_list(ALLOCATION, as_of, ("from_location_id", "sku_id", "location_id"), ("allocated_qty",)),
        ALLOCATION.never(
            "quantity_is_its_terms",
            "allocated = the request, or the whole packs that others leave; nothing below the smallest order.",
            f"(abs(allocated_qty - case when {_FITS} >= least({_SMALLEST}, requested_qty) - 1e-6 then {_FITS} "
            "else 0 end) <= 1e-6) is not true",
            *("requested_qty", "available_qty", "allocated_to_others_qty", "order_multiple", "min_order_qty"),
            advice=FAULT,
        ),
        ALLOCATION.no_rows(
            "no_more_than_there_is",
            "No source gives more of a product than it has.",
            "select from_location_id, sku_id, sum(allocated_qty) as allocated_qty, min(available_qty) as available_qty "
            f"from {ALLOCATION.name} group by from_location_id, sku_id "
            "having sum(allocated_qty) > min(available_qty) + 1e-6",
            ("from_location_id", "sku_id", "allocated_qty", "available_qty"),
            advice=FAULT,
        ),
        ALLOCATION.no_rows(
            "orders_follow_the_allocation",
            "An order line that was shared out orders no more than was allocated to it.",
            f"select a.* from {ALLOCATION.name} as a inner join {ORDERS} as o on a.sku_id = o.sku_id "
            "and a.location_id = o.location_id and a.from_location_id = o.from_location_id "
            "where o.order_qty > a.allocated_qty + 1e-6 or abs(o.after_allocation_qty - a.allocated_qty) > 1e-6",
            ALLOCATION.shown,
            needs=(ORDERS,),
            advice=FAULT,
        ),
    ]


def _promises(as_of: date) -> list[Check]:
    return [
        *of_every_list(PROMISES, as_of, ("pool", "sku_id", "promised_for"), ("promise_01pct_qty",)),
        dates_ahead(PROMISES, "promised_for", as_of),
        PROMISES.never(
            "more_risk_never_promises_less",
            "0 <= promise at 1 % <= at 5 % <= at 10 %.",
            "(0 <= promise_01pct_qty and promise_01pct_qty <= promise_05pct_qty "
            "and promise_05pct_qty <= promise_10pct_qty) is not true",
            *("promise_01pct_qty", "promise_05pct_qty", "promise_10pct_qty"),
            advice=FAULT,
        ),
        PROMISES.never(
            "no_more_than_can_be_there",
            "Nothing is promised beyond what is free and what is under way.",
            "(promise_10pct_qty <= greatest(0, free_qty + under_way_qty) + 1e-6) is not true",
            *("promise_10pct_qty", "free_qty", "under_way_qty"),
            advice=FAULT,
        ),
        PROMISES.never(
            "promise_is_its_terms",
            "free = on hand - reserved - open orders; balance = free + arrivals - demand; promise = balance - cushion.",
            f"(abs(free_qty - ({_FREE})) <= 1e-6 and abs(balance_mean_qty - ({_BALANCE})) <= 1e-6 and "
            + " and ".join(
                f"abs(promise_{risk}pct_qty - balance_mean_qty + cushion_{risk}pct_qty) <= 1e-6"
                for risk in ("01", "05", "10")
            )
            + ") is not true",
            *("on_hand_qty", "free_qty", "balance_mean_qty"),
            advice=FAULT,
        ),
    ]


def _sourcing(as_of: date) -> list[Check]:
    return [
        *of_every_list(
            SOURCING,
            as_of,
            ("source", "order_id", "line_number", "location_id"),
            ("sku_id", "sourced_qty"),
            gaps=("location_id",),
        ),
        SOURCING.never(
            "quantity_is_its_terms",
            "The line's quantity is what this place, other places and nobody serve.",
            "(abs(quantity - sourced_qty - served_elsewhere_qty - short_qty) <= 1e-6 "
            "and sourced_qty >= 0 and short_qty >= -1e-6) is not true",
            *("quantity", "sourced_qty", "served_elsewhere_qty", "short_qty"),
            advice=FAULT,
        ),
        SOURCING.never(
            "no_more_than_is_there",
            "What all order lines take from a place is free there.",
            "location_id is not null and (free_after_qty >= -1e-6 "
            "and abs(free_after_qty - free_before_qty + taken_by_others_qty + sourced_qty) <= 1e-6) is not true",
            *("free_before_qty", "taken_by_others_qty", "sourced_qty", "free_after_qty"),
            advice=FAULT,
        ),
        SOURCING.never(
            "cost_is_its_terms",
            "landed cost = way + keep value + parcel.",
            "location_id is not null and (abs(transport_amount - sourced_qty * distance_km * cost_per_km) <= 1e-6 "
            "and abs(keep_value_amount - sourced_qty * keep_value_unit_amount) <= 1e-6 "
            "and abs(landed_cost_amount - transport_amount - keep_value_amount - parcel_amount) <= 1e-6) is not true",
            *("transport_amount", "keep_value_amount", "parcel_amount", "landed_cost_amount"),
            advice=FAULT,
        ),
    ]
