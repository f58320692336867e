"""What turns a need into an order: one step after the other, each with the quantity before and after it.

What belongs here: the steps of a line by itself; a step = a column `after_<step>_qty`, an expression of the quantity
before it, and reason codes for when it raised or cut the quantity. What does not: the need (replenishment), and the
steps that look at many lines at once (joint_steps): a supplier's minimum, the budget.

Two things limit what may come: the room on the shelf, and what sells within the shelf life. Where nothing at all is
expected to be there when the goods arrive, one smallest order (the minimum, in packs) is let through all the same: a
shelf smaller than a pack, or a minimum above a week's sales, must not keep a product from being sold for ever.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

# Quantities have three decimals (contracts.md, section 2). What is smaller than this is noise of floats, not a need.
DECIMALS = 6
NOISE = 1e-7


@dataclass(frozen=True)
class Step:
    """One rule: `quantity` is its expression of the quantity before; the codes say that it raised or cut it."""

    column: str
    quantity: Callable[[pl.Expr], pl.Expr]
    raised: str | None
    cut: str | None


def packs_up(quantity: pl.Expr) -> pl.Expr:
    """Whole multiples of order_multiple, upwards."""
    packs = ((quantity - NOISE) / pl.col("order_multiple")).ceil() + 0.0  # + 0.0 turns -0.0 into 0.0
    return (packs * pl.col("order_multiple")).round(DECIMALS)


def packs_down(quantity: pl.Expr) -> pl.Expr:
    """Whole multiples of order_multiple, downwards."""
    packs = ((quantity + NOISE) / pl.col("order_multiple")).floor() + 0.0
    return (packs * pl.col("order_multiple")).round(DECIMALS)


def smallest_order() -> pl.Expr:
    """The least that can be ordered: the minimum in whole packs, at least one pack."""
    return packs_up(pl.max_horizontal("min_order_qty", "order_multiple"))


def _at_most(room: str) -> Callable[[pl.Expr], pl.Expr]:
    """No more than `room`, where it is known (a null is no limit)."""
    return lambda before: pl.min_horizontal(before, pl.when(before.is_not_null()).then(pl.col(room)))


def _raise_to_minimum(before: pl.Expr) -> pl.Expr:
    """At least min_order_qty, where anything is needed at all: a minimum never makes a need."""
    return pl.when(before > 0).then(pl.max_horizontal(before, "min_order_qty")).otherwise(before)


def _whole_packs(before: pl.Expr) -> pl.Expr:
    """Whole packs, upwards; where that is more than may come, downwards, and nothing below the minimum."""
    up = packs_up(before)
    room = pl.min_horizontal("shelf_room_qty", "shelf_life_room_qty")
    down = packs_down(pl.min_horizontal(before, room))
    kept = pl.when(down + NOISE >= smallest_order()).then(down).otherwise(0.0)
    return pl.when((up > room + NOISE).fill_null(False)).then(kept).otherwise(up)


def _let_through(before: pl.Expr) -> pl.Expr:
    """One smallest order where something is needed, the limits leave nothing, and nothing is expected to be there."""
    is_blocked = (pl.col("need_qty") > 0) & (before <= 0)
    return pl.when(is_blocked & (pl.col("expected_at_arrival_qty") < 1)).then(smallest_order()).otherwise(before)


STEPS = (
    Step("after_shelf_qty", _at_most("shelf_room_qty"), None, "cut_to_shelf"),
    Step("after_shelf_life_qty", _at_most("shelf_life_room_qty"), None, "cut_to_shelf_life"),
    Step("after_moq_qty", _raise_to_minimum, "raised_to_minimum", None),
    Step("after_pack_qty", _whole_packs, "rounded_to_pack", "rounded_down_to_limit"),
    Step("after_smallest_qty", _let_through, "smallest_order_despite_limit", None),
)


def apply_steps(lines: pl.DataFrame) -> pl.DataFrame:
    """Add every step's column, from need_qty on.

    lines: need_qty, min_order_qty >= 0, order_multiple > 0, shelf_room_qty and shelf_life_room_qty (null: no limit),
    expected_at_arrival_qty. A null need (a withheld line) stays null through all steps.
    """
    before = "need_qty"
    for step in STEPS:
        changed = pl.when(pl.col(before).is_not_null()).then(step.quantity(pl.col(before)))
        lines = lines.with_columns(changed.alias(step.column))
        before = step.column
    return lines


def changed_code(column: str, before: str, raised: str | None, cut: str | None) -> pl.Expr:
    """The code of a step on the lines whose quantity it changed, else null."""
    code = pl.when(pl.col(column) > pl.col(before) + NOISE).then(pl.lit(raised, dtype=pl.String))
    return code.when(pl.col(column) < pl.col(before) - NOISE).then(pl.lit(cut, dtype=pl.String))


def step_codes() -> list[pl.Expr]:
    """One expression a step: its code on the lines that it changed, else null."""
    before = ["need_qty", *(step.column for step in STEPS[:-1])]
    return [
        changed_code(step.column, previous, step.raised, step.cut) for step, previous in zip(STEPS, before, strict=True)
    ]
