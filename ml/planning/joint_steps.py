"""The steps of an order that look at many lines at once: a supplier's minimum value, and the night's budget.

What belongs here: filling up to a supplier's minimum with the units that are wanted soonest, or waiting; handing out a
budget to the units that save the most per money. What does not: the steps of a line by itself (steps).

Supplier's minimum. The lines of a supplier and order day that are worth less than its min_order_value are filled up,
pack by pack, in the order of P(D > position with the packs so far) over the protection days: the chance that the next
unit is wanted before the order after this one arrives. Filled up where what is lost by waiting for the next order day
is worth more than holding what was added; otherwise the lines wait, withheld with the reason.

Budget. A line is cut into its smallest order and its further packs; each is worth unit_margin x the expected lost
sales that it saves, per money that it costs. What saves the most per money comes first (the greedy rule for a knapsack
of small pieces).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.forecasting.distribution import DemandDistribution
from ml.planning.settings import PlanningSettings
from ml.planning.steps import NOISE, smallest_order

ORDER = ["supplier_id", "order_on"]
_MIN_CHANCE = 0.02  # a pack that one chance in fifty wants in time is not added to please a supplier
_MAX_PACKS = 60  # that one line may be filled up by
_DAYS = 365.0


def fill_supplier_minimum(lines: pl.DataFrame, demand: DemandDistribution, settings: PlanningSettings) -> pl.DataFrame:
    """Add after_supplier_minimum_qty, source_order_value and is_below_supplier_minimum (lines that wait).

    lines: key columns, after_allocation_qty (null: withheld), unit_cost, min_order_value, echelon_position_qty,
    demand_mean_qty over protection_days, segment, short_if_waiting_qty, unit_margin, moved_in_qty, moved_out_qty, room
    columns. A line without a cost makes the value of its order unknown: then nothing is filled up and nothing waits.
    """
    lines = lines.with_row_index("line")
    value = pl.col("after_allocation_qty").fill_null(0.0) * pl.col("unit_cost")
    is_priced = value.is_not_null() | (pl.col("after_allocation_qty").fill_null(0.0) == 0)
    lines = lines.with_columns(
        source_order_value=pl.when(is_priced.all()).then(value.sum()).over(ORDER),
        is_short=pl.lit(False),
    )
    is_short = (
        pl.col("supplier_id").is_not_null()
        & (pl.col("source_order_value") > 0)
        & (pl.col("source_order_value") < pl.col("min_order_value") - NOISE)
    ).fill_null(False)
    lines = lines.with_columns(is_short=is_short)
    added = _filled_up(lines.filter("is_short"), demand, settings)
    lines = lines.join(added, on="line", how="left").sort("line")
    waits = pl.col("is_short") & ~pl.col("is_filled").fill_null(False)
    after = pl.when(waits).then(0.0).otherwise(pl.col("after_allocation_qty") + pl.col("added_qty").fill_null(0.0))
    return lines.with_columns(
        after_supplier_minimum_qty=pl.when(pl.col("after_allocation_qty").is_not_null()).then(after),
        is_below_supplier_minimum=waits & (pl.col("after_allocation_qty") > 0).fill_null(False),
    ).drop("line", "is_short", "is_filled", "added_qty")


def _filled_up(lines: pl.DataFrame, demand: DemandDistribution, settings: PlanningSettings) -> pl.DataFrame:
    """Per line added_qty, and is_filled of its order: the minimum was reached and it pays."""
    size, position = pl.col("order_multiple"), pl.col("echelon_position_qty")
    room = pl.min_horizontal("shelf_room_qty", "shelf_life_room_qty") - pl.col("after_allocation_qty")
    whole = (room / size + NOISE).floor().clip(0.0, float(_MAX_PACKS)).fill_null(float(_MAX_PACKS))
    # what is moved tonight, in or out, is not ordered as well
    is_moved = (pl.col("moved_in_qty") > 0) | (pl.col("moved_out_qty") > 0)
    packs = (
        lines.filter(pl.col("after_allocation_qty").is_not_null() & pl.col("unit_cost").is_not_null() & ~is_moved)
        .with_columns(first=pl.when(pl.col("after_allocation_qty") > 0).then(size).otherwise(smallest_order()))
        .with_columns(pack=pl.int_ranges(0, whole.cast(pl.Int64)))
        .explode("pack", empty_as_null=False)
        .with_columns(pack_qty=pl.when(pl.col("pack") == 0).then("first").otherwise(size))
        .with_columns(reached=position + pl.col("after_allocation_qty") + pl.col("pack") * size)
    )
    mean, days = packs["demand_mean_qty"].to_numpy(), packs["protection_days"].to_numpy().astype(float)
    covered = demand.probability_covered(
        mean, days, packs["reached"].to_numpy(), segment=demand.codes(packs["segment"])
    )
    packs = packs.with_columns(chance=pl.Series(1 - covered), pack_value=pl.col("pack_qty") * pl.col("unit_cost"))
    packs = packs.filter(pl.col("chance") >= _MIN_CHANCE)
    packs = packs.sort([*ORDER, "chance", "line", "pack"], descending=[False, False, True, False, False])
    running = pl.col("pack_value").cum_sum().over(ORDER) - pl.col("pack_value")
    deficit = pl.col("min_order_value") - pl.col("source_order_value")
    taken = packs.filter(running < deficit - NOISE)
    rate = pl.col("demand_mean_qty") / pl.col("protection_days")
    held_days = pl.when(rate > 0).then(pl.col("reached") / rate).otherwise(_DAYS).clip(0.0, _DAYS)
    holding = pl.col("pack_value") * settings.holding_cost_yearly_pct / 100 * held_days / _DAYS
    orders = taken.group_by(ORDER).agg(
        added_value=pl.col("pack_value").sum(), deficit=deficit.first(), holding=holding.sum()
    )
    lost = pl.col("short_if_waiting_qty") * pl.coalesce("unit_margin", "unit_cost")
    waiting = lines.group_by(ORDER).agg(lost_by_waiting=lost.sum())
    verdict = orders.join(waiting, on=ORDER).select(
        *ORDER,
        is_filled=(pl.col("added_value") >= pl.col("deficit") - NOISE)
        & (pl.col("lost_by_waiting") >= pl.col("holding")),
    )
    added = taken.group_by("line").agg(added_qty=pl.col("pack_qty").sum())
    return (
        lines.select("line", *ORDER)
        .join(verdict, on=ORDER, how="left")
        .join(added, on="line", how="left")
        .select("line", "is_filled", added_qty=pl.when("is_filled").then("added_qty"))
    )


def keep_budget(lines: pl.DataFrame, demand: DemandDistribution, budget: float | None) -> pl.DataFrame:
    """Add after_budget_qty: what is ordered in the end; sums to at most the budget where there is one.

    lines: as for fill_supplier_minimum, with after_supplier_minimum_qty. Lines without a cost do not count.
    """
    before = pl.col("after_supplier_minimum_qty")
    value = (before * pl.col("unit_cost")).sum()
    if budget is None or float(lines.select(value).item() or 0.0) <= budget:
        return lines.with_columns(after_budget_qty=before)
    lines = lines.with_row_index("line")
    least = pl.min_horizontal(smallest_order(), before)
    further = ((before - least) / pl.col("order_multiple") + NOISE).floor()
    pieces = (
        lines.filter((before > 0) & pl.col("unit_cost").is_not_null())
        .with_columns(least=least, piece=pl.int_ranges(0, further.cast(pl.Int64) + 1))
        .explode("piece", empty_as_null=False)
        .with_columns(piece_qty=pl.when(pl.col("piece") == 0).then("least").otherwise("order_multiple"))
        .with_columns(reached=pl.col("echelon_position_qty") + pl.col("piece_qty").cum_sum().over("line"))
    )
    mean, days = pieces["demand_mean_qty"].to_numpy(), pieces["protection_days"].to_numpy().astype(float)
    reached, quantity = pieces["reached"].to_numpy(), pieces["piece_qty"].to_numpy()
    segment = demand.codes(pieces["segment"])
    lost_before, lost_after = (
        demand.expected_shortage(mean, days, stock, segment=segment) for stock in (reached - quantity, reached)
    )
    saved = lost_before - lost_after
    worth = np.maximum(saved, 0.0) * pieces.select(pl.coalesce("unit_margin", "unit_cost")).to_series().to_numpy()
    cost = quantity * pieces["unit_cost"].to_numpy()
    pieces = pieces.with_columns(cost=pl.Series(cost), per_money=pl.Series(worth / np.maximum(cost, 1e-9)))
    # a line's later piece never comes before its earlier one
    pieces = pieces.with_columns(per_money=pl.col("per_money").cum_min().over("line"))
    pieces = pieces.sort("per_money", "line", "piece", descending=[True, False, False])
    kept = (
        pieces.filter(pl.col("cost").cum_sum() <= budget + NOISE).group_by("line").agg(kept=pl.col("piece_qty").sum())
    )
    affordable = pl.when(pl.col("unit_cost").is_null()).then(before).otherwise(pl.col("kept").fill_null(0.0))
    return (
        lines.join(kept, on="line", how="left")
        .sort("line")
        .with_columns(after_budget_qty=pl.when(before > 0).then(affordable).otherwise(before))
        .drop("line", "kept")
    )
