"""Who gets what when a feeding place has less than the places it feeds ask for: unit by unit to where it is worth most.

What belongs here: splitting a supply that is too short among requests. What does not: how much each place asks for
(replenishment), where else it could come from (transfers).

A request is cut into its packs. The k-th pack for a place is worth what it saves there in expectation:

    value_k = unit_margin x (E[(D - stock before)+] - E[(D - stock after)+]),  D: demand over the protection days

the value of the next unit, margin x P(D > stock), summed over the pack. It never grows with k, so handing out packs in
the order of their value per unit is best (a greedy choice on concave gains). Ring-fenced units go to their place first.
As an option packs go in the order of the share of the request that they fill (`fair_share`).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from ml.forecasting.distribution import DemandDistribution

Method = Literal["value", "fair_share"]
SOURCE = ["from_location_id", "sku_id"]
LINE = [*SOURCE, "location_id"]
ALLOCATION_SCHEMA = pl.Schema(
    {
        "from_location_id": pl.String,
        "sku_id": pl.String,
        "location_id": pl.String,
        "requested_qty": pl.Float64,
        "available_qty": pl.Float64,
        "ring_fenced_qty": pl.Float64,
        "order_multiple": pl.Float64,
        "unit_margin": pl.Float64,
        "allocated_qty": pl.Float64,
        "short_qty": pl.Float64,
        "last_unit_value_amount": pl.Float64,
        "next_unit_value_amount": pl.Float64,
        "expected_lost_before_qty": pl.Float64,
        "expected_lost_after_qty": pl.Float64,
        "method": pl.String,
    }
)
_NOISE = 1e-9


def allocate(
    requests: pl.DataFrame,
    supply: pl.DataFrame,
    ring_fences: pl.DataFrame,
    dispersion: pl.DataFrame,
    method: Method = "value",
) -> pl.DataFrame:
    """Return ALLOCATION_SCHEMA: one row a request of a product of which its source has too little, sorted by LINE.

    requests: LINE, order_qty > 0 in whole packs of order_multiple, inventory_position_qty, demand_mean_qty over
    protection_days, unit_margin (null counts as 1: units are worth the same everywhere). supply: SOURCE, available_qty;
    a product that is not there is not there. ring_fences: LINE, ring_fenced_qty >= 0. dispersion: the table
    ml.forecast_dispersion.

    Allocated units never exceed what is there, nor the request; each is a whole number of packs.
    """
    lines = (
        requests.select(
            *LINE,
            *(
                pl.col(name).cast(pl.Float64)
                for name in ("order_qty", "order_multiple", "inventory_position_qty", "demand_mean_qty")
            ),
            pl.col("protection_days").cast(pl.Float64),
            pl.col("unit_margin").cast(pl.Float64).fill_null(1.0),
        )
        .rename({"order_qty": "requested_qty"})
        .join(supply.select(*SOURCE, pl.col("available_qty").cast(pl.Float64)), on=SOURCE, how="left")
        .join(ring_fences.select(*LINE, pl.col("ring_fenced_qty").cast(pl.Float64)), on=LINE, how="left")
        .with_columns(pl.col("available_qty").fill_null(0.0).clip(0.0), pl.col("ring_fenced_qty").fill_null(0.0))
    )
    short = pl.col("requested_qty").sum().over(SOURCE) > pl.col("available_qty") + _NOISE
    lines = lines.filter(short).sort(LINE).with_row_index("line")
    packs = _handed_out(_packs(lines, DemandDistribution.from_frame(dispersion), method))
    given = (
        packs.filter("is_given")
        .group_by("line")
        .agg(
            allocated_qty=pl.col("order_multiple").sum(),
            last_unit_value_amount=pl.col("unit_value").last(),
            saved_qty=pl.col("saved_qty").sum(),
        )
    )
    missed = packs.filter(~pl.col("is_given")).group_by("line").agg(next_unit_value_amount=pl.col("unit_value").first())
    lost = packs.group_by("line").agg(expected_lost_before_qty=pl.col("lost_before_qty").first())
    return (
        lines.join(given, on="line", how="left")
        .join(missed, on="line", how="left")
        .join(lost, on="line", how="left")
        .with_columns(pl.col("allocated_qty", "saved_qty").fill_null(0.0))
        .with_columns(
            short_qty=pl.col("requested_qty") - pl.col("allocated_qty"),
            expected_lost_after_qty=pl.col("expected_lost_before_qty") - pl.col("saved_qty"),
            method=pl.lit(method),
        )
        .sort(LINE)
        .select(pl.col(name).cast(kind) for name, kind in ALLOCATION_SCHEMA.items())
    )


def _packs(lines: pl.DataFrame, demand: DemandDistribution, method: Method) -> pl.DataFrame:
    """One row a pack, in the order in which a line takes them: saved_qty, unit_value, priority (higher goes first)."""
    packs = lines.with_columns(
        pack=pl.int_ranges(0, (pl.col("requested_qty") / pl.col("order_multiple") + _NOISE).floor().cast(pl.Int64))
    ).explode("pack", empty_as_null=False)
    before = packs["inventory_position_qty"].to_numpy() + packs["pack"].to_numpy() * packs["order_multiple"].to_numpy()
    mean, days = packs["demand_mean_qty"].to_numpy(), packs["protection_days"].to_numpy()
    lost_before = demand.expected_shortage(mean, days, before)
    saved = lost_before - demand.expected_shortage(mean, days, before + packs["order_multiple"].to_numpy())
    count = pl.col("pack").max().over("line") + 1
    packs = packs.with_columns(lost_before_qty=pl.Series(lost_before), saved_qty=pl.Series(np.maximum(saved, 0.0)))
    packs = packs.with_columns(
        unit_value=pl.col("unit_margin") * pl.col("saved_qty") / pl.col("order_multiple"),
        is_fenced=(pl.col("pack") + 1) * pl.col("order_multiple") <= pl.col("ring_fenced_qty") + _NOISE,
    )
    rank = pl.col("unit_value") if method == "value" else -(pl.col("pack") + 1) / count
    return packs.with_columns(priority=rank)


def _handed_out(packs: pl.DataFrame) -> pl.DataFrame:
    """Add is_given: packs in the order of priority while the supply lasts; one too large for the rest is passed over.

    Each round hands out the packs that fit one after the other; the first that does not fit ends its line, and the
    next round goes on with the other lines. There are as many rounds as lines of a source end so, seldom over three.
    """
    order = [*SOURCE, "is_fenced", "priority", "line", "pack"]
    packs = packs.sort(order, descending=[False, False, True, True, False, False]).with_columns(is_given=pl.lit(False))
    packs = packs.with_columns(is_open=pl.lit(True))
    while True:
        left = pl.col("available_qty") - (pl.col("order_multiple") * pl.col("is_given")).sum().over(SOURCE)
        wanted = pl.col("is_open") & ~pl.col("is_given")
        running = (pl.col("order_multiple") * wanted).cum_sum().over(SOURCE)
        packs = packs.with_columns(fits=wanted & (running <= left + _NOISE), misses=wanted & (running > left + _NOISE))
        if not packs["misses"].any():
            return packs.with_columns(is_given=pl.col("is_given") | pl.col("fits"))
        # the first pack that does not fit ends its line
        first_miss = pl.col("misses") & (pl.col("misses").cast(pl.Int32).cum_sum().over(SOURCE) == 1)
        packs = packs.with_columns(is_given=pl.col("is_given") | pl.col("fits"), ends=first_miss)
        ended = pl.col("ends").any().over("line")
        packs = packs.with_columns(is_open=pl.col("is_open") & ~ended)
