"""Why this quantity: the sentence on each order line, and the proof that the line's columns alone give its quantity.

What belongs here: words for a line, and `recompute`, which knows nothing but the published columns and the contract.
What does not: any decision. `recompute` shares no code with the steps on purpose: it is what they are held against.
"""

import numpy as np
import polars as pl

from ml.planning.words import day as _day
from ml.planning.words import money
from ml.planning.words import number as _number
from ml.planning.words import only_if as _if
from ml.planning.words import plural as _plural

WITHHELD = {  # code on the line: the reason in words
    "no_snapshot": "no stock snapshot",
    "stale_snapshot": "stock snapshot too old",
    "negative_stock": "negative stock record",
    "impossible_terms": "negative lead time, minimum, multiple or cost in sourcing",
    "beyond_forecast": "forecast ends before the protection period",
    "below_supplier_minimum": "supplier's minimum order value not reached: waits for the next order day",
    "over_budget": "the night's budget is used up",
    "moved_in_instead": "units are moved in from another place instead",
    "nothing_allocated": "the place that feeds it has too little, and others need it more",
    "no_room": "no room on the shelf, or more than sells within its shelf life",
}
_SERVICE = {
    "value": "to serve {} % of demand here",
    "fill_rate": "to serve {} % of demand from stock",
    "cycle": "to be in stock with {} % probability",
    "newsvendor": "to balance margin and holding (in stock with {} % probability)",
}


def recompute(lines: pl.DataFrame) -> pl.Series:
    """Order quantity of each published line, rebuilt from the line's own columns.

    position = on hand - reserved - backorder + on order + in transfer; need = max(0, target - position), at most what
    the shelf and the shelf life leave; at least the minimum, then whole multiples upwards, or downwards where that is
    more than may come; one smallest order where nothing is expected to be there. What moves, an allocation,
    the supplier's minimum and the budget changed is taken from their columns: they looked at other lines too (the
    allocation is rebuilt from its own list). A withheld line orders nothing.
    """
    stock = lines["on_hand_qty"] - lines["reserved_qty"] - lines["backorder_qty"]
    position = stock + lines["on_order_qty"] + lines["in_transfer_qty"]
    need = (lines["target_qty"] - position).fill_null(0.0).to_numpy()
    need = np.where(need > 1e-6, need, 0.0)
    multiple, minimum = lines["order_multiple"].to_numpy(), lines["min_order_qty"].to_numpy()
    room = np.minimum(*(lines[n].fill_null(np.inf).to_numpy() for n in ("shelf_room_qty", "shelf_life_room_qty")))
    smallest = np.ceil(np.round(np.maximum(minimum, multiple) / multiple, 6)) * multiple
    wanted = np.minimum(need, room)
    wanted = np.where(wanted > 0, np.maximum(wanted, minimum), 0.0)
    up = np.ceil(np.round(wanted / multiple, 6)) * multiple
    down = np.floor(np.round(np.minimum(wanted, room) / multiple, 6)) * multiple
    fitted = np.where(up <= room + 1e-6, up, np.where(down >= smallest - 1e-6, down, 0.0))
    is_empty = (lines["expected_at_arrival_qty"] < 1).fill_null(False).to_numpy()
    alone = np.where((need > 0) & (fitted <= 0) & is_empty, smallest, fitted)
    together = (lines["after_budget_qty"] - lines["after_smallest_qty"]).fill_null(0.0).to_numpy()
    return pl.Series("order_qty", np.where(lines["withheld_reason"].is_null().to_numpy(), alone + together, 0.0))


def explanation() -> pl.Expr:
    """The sentence a buyer can read aloud. Works on the planning frame, names and flags included (replenishment)."""
    return pl.when(pl.col("withheld_reason").is_null()).then(_order_sentence()).otherwise(_withheld_sentence())


def _order_sentence() -> pl.Expr:
    packs = pl.col("order_qty") / pl.col("order_multiple")
    pack_text = pl.format(" ({} {} of {})", _number(packs), _plural(packs, "pack"), _number("order_multiple"))
    position = pl.concat_str(
        pl.format("{} on hand", _number("on_hand_qty")),
        _if(pl.col("snapshot_age_days") > 0, pl.format(" (as of {})", _day("snapshot_date"))),
        pl.format(", {} reserved", _number("reserved_qty")),
        _if(pl.col("backorder_qty") > 0, pl.format(", {} owed on backorders", _number("backorder_qty"))),
        pl.format(", {} on order", _number("on_order_qty")),
        _if(pl.col("in_transfer_qty") > 0, pl.format(", {} in transfer", _number("in_transfer_qty"))),
    )
    return pl.concat_str(
        pl.format("Order {}", _number("order_qty")),
        _if(pl.col("order_multiple") != 1, pack_text),
        pl.format(" of {} for {}", "product_name", "location_name"),
        pl.format(" on {} from {}: ", _day("order_on"), "source_name"),
        pl.format("expected demand {} over ", _number("demand_mean_qty", 1)),
        _protection_text(),
        pl.lit("; "),
        _target_text(),
        pl.lit("; "),
        position,
        pl.format(" → short {}", _number("need_qty")),
        _changed("after_shelf_qty", "need_qty", "the shelf holds no more than", "shelf_room_qty"),
        _changed(
            "after_shelf_life_qty", "after_shelf_qty", "no more sells within its shelf life than", "shelf_life_room_qty"
        ),
        pl.when(pl.col("after_moq_qty") > pl.col("after_shelf_life_qty"))
        .then(pl.format("; raised to the minimum of {}", _number("min_order_qty")))
        .otherwise(_if(pl.col("min_order_qty") > 0, pl.format("; minimum {}", _number("min_order_qty")))),
        _if(
            pl.col("after_pack_qty") > pl.col("after_moq_qty"),
            pl.format("; rounded up to {}", _number("after_pack_qty")),
        ),
        _changed("after_pack_qty", "after_moq_qty", "rounded down to", "after_pack_qty"),
        _if(
            pl.col("after_smallest_qty") > pl.col("after_pack_qty"),
            pl.format(
                "; nothing else is expected to be there: one smallest order of {}", _number("after_smallest_qty")
            ),
        ),
        _if(
            pl.col("move_in_gain_amount").is_not_null(),
            pl.format(
                "; worth {}, more than moving it in ({})",
                money(pl.col("order_gain_amount").fill_null(0.0)),
                money(pl.col("move_in_gain_amount").fill_null(0.0)),
            ),
        ),
        _if(
            pl.col("after_allocation_qty") < pl.col("after_arbiter_qty") - 1e-6,
            pl.format(
                "; {} has {} for all that it feeds: {} are allocated",
                "source_name",
                _number(pl.col("source_available_qty").fill_null(0.0)),
                _number("after_allocation_qty"),
            ),
        ),
        _if(
            pl.col("after_supplier_minimum_qty") > pl.col("after_allocation_qty"),
            pl.format(
                "; filled up to {} because all lines for {} are worth {}, below its minimum of {}",
                _number("after_supplier_minimum_qty"),
                "source_name",
                _number("source_order_value", 2),
                _number("min_order_value", 2),
            ),
        ),
        _changed("after_budget_qty", "after_supplier_minimum_qty", "the budget leaves", "after_budget_qty"),
        pl.format(
            "; without it demand exceeds the stock with {} % probability.",
            _number(pl.col("stockout_probability") * 100, 1),
        ),
    )


def _target_text() -> pl.Expr:
    """E.g. 'to serve 98 % of demand from stock that takes 35', and what the shelf or the places below change."""
    words = pl.coalesce(
        pl.when(pl.col("service_type") == name).then(pl.format(text, _percent())) for name, text in _SERVICE.items()
    )
    together = pl.format(
        " (a lost unit counts as {} days of holding one, so that {} % of the demand of {} is served)",
        _number("lost_sale_days", 1),
        _number(pl.col("service_group_target") * 100, 2),
        "service_group",
    )
    return pl.concat_str(
        words,
        pl.when(pl.col("service_group_target").is_not_null()).then(together).otherwise(pl.lit("")),
        pl.format(" that takes {}", _number("service_target_qty")),
        _if(
            pl.col("is_shown_more"),
            pl.format(", and to show {} on the shelf all the while", _number("presentation_min_qty")),
        ),
        _if(
            pl.col("downstream_days") > 0,
            pl.format(", of which the places that it feeds have {}", _number("downstream_position_qty")),
        ),
        _if(
            pl.col("target_qty") != pl.col("service_target_qty"),
            pl.format(": a target of {}", _number("target_qty")),
        ),
    )


def _changed(column: str, before: str, words: str, shown: str) -> pl.Expr:
    """What a step that cut the quantity says."""
    return _if(pl.col(column) < pl.col(before) - 1e-6, pl.format(f"; {words} {{}}", _number(shown)))


def _withheld_sentence() -> pl.Expr:
    code = pl.col("withheld_code")
    why = (
        pl.when(code == "no_snapshot")
        .then(pl.lit("there is no stock record, and none is not zero. Count it, or send it in erp/inventory"))
        .when(code == "stale_snapshot")
        .then(
            pl.format(
                "the stock record is of {}, {} days before {}. Send a newer one in erp/inventory",
                _day("snapshot_date"),
                "snapshot_age_days",
                _day("as_of"),
            )
        )
        .when(code == "negative_stock")
        .then(
            pl.format(
                "the stock record cannot be right ({} on hand, {} reserved, {} on order). Count it and correct it",
                _number("on_hand_qty"),
                _number("reserved_qty"),
                _number("on_order_qty"),
            )
        )
        .when(code == "below_supplier_minimum")
        .then(
            pl.format(
                "all lines for {} on {} together are worth {}, below its minimum of {}, and filling them up costs more "
                "than waiting for its next order day",
                "source_name",
                _day("order_on"),
                _number("source_order_value", 2),
                _number("min_order_value", 2),
            )
        )
        .when(code == "over_budget")
        .then(
            pl.format("{} are needed, and other units save more per money of the night's budget", _number("need_qty"))
        )
        .when(code == "moved_in_instead")
        .then(
            pl.format(
                "{} are moved in from other places (see transfer_orders), worth {}, against {} for ordering {}",
                _number("moved_in_qty"),
                money(pl.col("move_in_gain_amount").fill_null(0.0)),
                money(pl.col("order_gain_amount").fill_null(0.0)),
                _number("after_smallest_qty"),
            )
        )
        .when(code == "nothing_allocated")
        .then(
            pl.format(
                "{} are needed; {} has {} for all that it feeds, and they are worth more elsewhere (see allocation)",
                _number("after_arbiter_qty"),
                "source_name",
                _number(pl.col("source_available_qty").fill_null(0.0)),
            )
        )
        .when(code == "no_room")
        .then(
            pl.format(
                "{} are needed, but when they come {} are expected to lie there, and less than a smallest order fits",
                _number("need_qty"),
                _number("expected_at_arrival_qty"),
            )
        )
        .when(code == "impossible_terms")
        .then(pl.lit("its row in erp/sourcing holds a negative lead time, minimum, multiple or cost. Correct it"))
        .otherwise(pl.format("{} days have to be covered and the forecast ends before", "protection_days"))
    )
    target = pl.format(" The target over {} days is {}.", "protection_days", _number("target_qty"))
    return pl.concat_str(
        pl.format("No order for {} at {}: ", "product_name", "location_name"),
        why,
        pl.lit("."),
        _if(pl.col("target_qty").is_not_null(), target),
    )


def _protection_text() -> pl.Expr:
    """E.g. '9 days (1 wait + 3 lead [2.5 ± 1] + 5 review)'; in square brackets what was measured or assumed.

    A place that feeds others has their days too: '20 days (9 lead + 2 review + 9 of the places that it feeds)'.
    """
    spread = _if(pl.col("lead_time_sd_days") > 0, pl.format(" ± {}", _number("lead_time_sd_days", 2)))
    is_measured = pl.col("lead_time_source").str.starts_with("measured").fill_null(False)
    is_exact = (pl.col("lead_time_days") == pl.col("whole_lead_days")) & (pl.col("lead_time_sd_days") == 0)
    measured = _if(is_measured, pl.lit(" measured"))
    lead_note = (
        pl.when("is_default_lead_time")
        .then(pl.lit(" [assumed]"))
        .otherwise(
            _if(
                ~is_exact | is_measured,
                pl.concat_str(pl.lit(" ["), _number("lead_time_days", 2), spread, measured, pl.lit("]")),
            )
        )
    )
    return pl.concat_str(
        pl.format("{} {} (", "protection_days", _plural(pl.col("protection_days"), "day")),
        _if(pl.col("wait_days") > 0, pl.format("{} wait + ", "wait_days")),
        pl.format("{} lead", "whole_lead_days"),
        lead_note,
        pl.format(" + {} review", "review_days"),
        _if(pl.col("is_default_review"), pl.lit(" [assumed]")),
        _if(pl.col("downstream_days") > 0, pl.format(" + {} of the places that it feeds", "downstream_days")),
        pl.lit(")"),
    )


def _percent() -> pl.Expr:
    return _number(pl.col("service_target") * 100, 2)
