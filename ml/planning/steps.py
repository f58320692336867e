"""What turns a need into an order: one step after the other, each with the quantity before and after it.

What belongs here: a step = a column `after_<step>_qty`, an expression of the quantity before it, a reason code for when
it changed something. A further rule (presentation, shelf, shelf life, supplier minimum, budget …) is one more row of
STEPS, in the order in which it acts. What does not: the need itself (replenishment).
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

# Quantities have three decimals (contracts.md, section 2). What is smaller than this is noise of floats, not a need.
DECIMALS = 6
_NOISE = 1e-7


@dataclass(frozen=True)
class Step:
    """One rule: `quantity` is its expression of the quantity before; `code` says on the line that it changed it."""

    column: str
    quantity: Callable[[pl.Expr], pl.Expr]
    code: str


def _raise_to_minimum(before: pl.Expr) -> pl.Expr:
    """At least min_order_qty, where anything is needed at all: a minimum never makes a need."""
    return pl.when(before > 0).then(pl.max_horizontal(before, "min_order_qty")).otherwise(before)


def _round_up_to_pack(before: pl.Expr) -> pl.Expr:
    """Whole multiples of order_multiple, upwards: after the minimum, so that both hold in the end."""
    packs = ((before - _NOISE) / pl.col("order_multiple")).ceil() + 0.0  # + 0.0 turns -0.0 into 0.0
    return (packs * pl.col("order_multiple")).round(DECIMALS)


STEPS = (
    Step("after_moq_qty", _raise_to_minimum, "raised_to_minimum"),
    Step("after_pack_qty", _round_up_to_pack, "rounded_to_pack"),
)


def apply_steps(lines: pl.DataFrame) -> pl.DataFrame:
    """Add every step's column, from need_qty on. lines: need_qty, min_order_qty >= 0, order_multiple > 0.

    A null need (a withheld line) stays null through all steps.
    """
    before = "need_qty"
    for step in STEPS:
        lines = lines.with_columns(step.quantity(pl.col(before)).alias(step.column))
        before = step.column
    return lines


def step_codes() -> list[pl.Expr]:
    """One expression a step: its code on the lines that it changed, else null."""
    before = ["need_qty", *(step.column for step in STEPS[:-1])]
    return [
        pl.when(pl.col(step.column) > pl.col(previous) + _NOISE).then(pl.lit(step.code))
        for step, previous in zip(STEPS, before, strict=True)
    ]
