"""Who gets what when a feeding place has less than the places it feeds ask for: unit by unit to where it is worth most.

What belongs here: splitting a supply that is too short among requests, and what that leaves of the order lines. What
does not: how much each place asks for (replenishment), where else it could come from (transfers).

A request is cut into its smallest order and its further packs. The k-th piece for a place is worth what it saves there
in expectation:

    value_k = unit_margin x (E[(D - stock before)+] - E[(D - stock after)+]),  D: demand over the protection days

the value of the next unit, margin x P(D > stock), summed over the piece. Per unit it never grows with k, so handing out
pieces in the order of their value per unit is best (a greedy choice on concave gains). Ring-fenced units go to their
place first. As an option pieces go in the order of the share of the request that they fill (`fair_share`).

A piece too large for what is left ends its line, so that every line can be read by itself:

    allocated = min(requested, whole packs in (available - allocated to others)), and nothing below the smallest order
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from ml.forecasting.distribution import DemandDistribution
from ml.planning.demand_path import KEYS
from ml.planning.settings import PlanningSettings
from ml.planning.steps import smallest_order
from ml.planning.words import joined_codes, money, number, only_if

Method = Literal["value", "fair_share"]
SOURCE = ["from_location_id", "sku_id"]
LINE = [*SOURCE, "location_id"]
_COLUMNS: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(LINE, pl.String),
    **dict.fromkeys(
        (
            "available_qty",
            "requested_total_qty",
            "requested_qty",
            "order_multiple",
            "min_order_qty",
            "inventory_position_qty",
            "demand_mean_qty",
            "protection_days",
            "unit_margin",
            "ring_fenced_qty",
            "allocated_to_others_qty",
            "allocated_qty",
            "short_qty",
            "last_unit_value_amount",
            "next_unit_value_amount",
            "expected_lost_before_qty",
            "expected_lost_after_qty",
        ),
        pl.Float64,
    ),
    "method": pl.String,
}
ALLOCATED_SCHEMA = pl.Schema(_COLUMNS)
_TOLD: dict[str, type[pl.DataType]] = {"as_of": pl.Date, "reason_codes": pl.String, "explanation": pl.String}
ALLOCATION_SCHEMA = pl.Schema({**_COLUMNS, **_TOLD})
FENCES_SCHEMA = pl.Schema({**dict.fromkeys(LINE, pl.String), "ring_fenced_qty": pl.Float64})
_NOISE = 1e-9


def share_out(
    lines: pl.DataFrame, stock: pl.DataFrame, dispersion: pl.DataFrame, as_of: date, settings: PlanningSettings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines with after_allocation_qty, and the allocation (ALLOCATION_SCHEMA) where a source has too little.

    lines: the planning frame with after_arbiter_qty. stock: KEYS and free_qty of the records that are believed. What a
    place asks of a source whose stock is not known is left as it is (is_source_stock_unknown): unknown is not zero.
    """
    known = stock.select("sku_id", from_location_id="location_id", available_qty=pl.col("free_qty").clip(0.0))
    lines = lines.join(known, on=SOURCE, how="left", maintain_order="left")
    is_asked = (pl.col("after_arbiter_qty") > 0) & pl.col("from_location_id").is_not_null()
    requests = lines.filter(is_asked & pl.col("available_qty").is_not_null()).select(
        *LINE,
        *("order_multiple", "min_order_qty", "demand_mean_qty", "protection_days", "segment", "available_qty"),
        pl.coalesce("unit_margin", "unit_cost").alias("unit_margin"),
        order_qty="after_arbiter_qty",
        inventory_position_qty="echelon_position_qty",
    )
    fences = [{"location_id": place, "share": share} for place, share in settings.allocation_ring_fences.items()]
    fenced = requests.join(
        pl.DataFrame(fences, schema={"location_id": pl.String, "share": pl.Float64}), on="location_id"
    ).select(*LINE, ring_fenced_qty=pl.col("available_qty") * pl.col("share"))
    supply = requests.select(*SOURCE, "available_qty").unique()
    found = allocate(requests.drop("available_qty"), supply, fenced, dispersion, settings.allocation_method)
    lines = (
        lines.join(found.select(*LINE, "allocated_qty"), on=LINE, how="left", maintain_order="left")
        .with_columns(
            after_allocation_qty=pl.coalesce("allocated_qty", "after_arbiter_qty"),
            is_source_stock_unknown=is_asked & pl.col("available_qty").is_null(),
        )
        .rename({"available_qty": "source_available_qty"})
        .drop("allocated_qty")
    )
    return lines, _told(found, lines, as_of)


def allocate(
    requests: pl.DataFrame,
    supply: pl.DataFrame,
    ring_fences: pl.DataFrame,
    dispersion: pl.DataFrame,
    method: Method = "value",
) -> pl.DataFrame:
    """Return ALLOCATED_SCHEMA: one row a request of a product of which its source has too little, sorted by LINE.

    requests: LINE, order_qty > 0 in whole packs of order_multiple and at least min_order_qty, inventory_position_qty,
    demand_mean_qty over protection_days, segment, unit_margin (null counts as 1: units are worth the same everywhere).
    supply: SOURCE, available_qty; a product that is not there is not there. ring_fences: FENCES_SCHEMA, >= 0.
    dispersion: the table ml.forecast_dispersion.

    Allocated units never exceed what is there, nor the request; each is whole packs, and zero or at least the minimum.
    """
    numbers = ("order_multiple", "min_order_qty", "inventory_position_qty", "demand_mean_qty", "protection_days")
    lines = (
        requests.select(
            *LINE,
            "segment",
            *(pl.col(name).cast(pl.Float64) for name in numbers),
            pl.col("unit_margin").cast(pl.Float64).fill_null(1.0),
            requested_qty=pl.col("order_qty").cast(pl.Float64),
        )
        .join(supply.select(*SOURCE, pl.col("available_qty").cast(pl.Float64)), on=SOURCE, how="left")
        .join(ring_fences.select(*LINE, pl.col("ring_fenced_qty").cast(pl.Float64)), on=LINE, how="left")
        .with_columns(
            pl.col("available_qty").fill_null(0.0).clip(0.0),
            pl.col("ring_fenced_qty").fill_null(0.0),
            requested_total_qty=pl.col("requested_qty").sum().over(SOURCE),
        )
    )
    short = pl.col("requested_total_qty") > pl.col("available_qty") + _NOISE
    lines = lines.filter(short).sort(LINE).with_row_index("line")
    pieces = _handed_out(_pieces(lines, DemandDistribution.from_frame(dispersion), method))
    given = (
        pieces.filter("is_given")
        .group_by("line")
        .agg(
            allocated_qty=pl.col("piece_qty").sum(),
            last_unit_value_amount=pl.col("unit_value").last(),
            saved_qty=pl.col("saved_qty").sum(),
        )
    )
    not_given = pieces.filter(~pl.col("is_given"))
    missed = not_given.group_by("line").agg(next_unit_value_amount=pl.col("unit_value").first())
    lost = pieces.group_by("line").agg(expected_lost_before_qty=pl.col("lost_before_qty").first())
    return (
        lines.join(given, on="line", how="left")
        .join(missed, on="line", how="left")
        .join(lost, on="line", how="left")
        .with_columns(pl.col("allocated_qty", "saved_qty").fill_null(0.0))
        .with_columns(
            allocated_to_others_qty=pl.col("allocated_qty").sum().over(SOURCE) - pl.col("allocated_qty"),
            short_qty=pl.col("requested_qty") - pl.col("allocated_qty"),
            expected_lost_after_qty=pl.col("expected_lost_before_qty") - pl.col("saved_qty"),
            method=pl.lit(method),
        )
        .sort(LINE)
        .select(pl.col(name).cast(kind) for name, kind in ALLOCATED_SCHEMA.items())
    )


def _pieces(lines: pl.DataFrame, demand: DemandDistribution, method: Method) -> pl.DataFrame:
    """One row a piece, in the order in which a line takes them: saved_qty, unit_value, priority (higher goes first)."""
    size = pl.col("order_multiple")
    first = pl.min_horizontal(smallest_order(), "requested_qty")
    further = ((pl.col("requested_qty") - first) / size + _NOISE).floor().cast(pl.Int64)
    pieces = (
        lines.with_columns(first=first, piece=pl.int_ranges(0, further + 1))
        .explode("piece", empty_as_null=False)
        .with_columns(piece_qty=pl.when(pl.col("piece") == 0).then("first").otherwise(size))
        .with_columns(upto_qty=pl.col("piece_qty").cum_sum().over("line"))
    )
    after = pieces["inventory_position_qty"].to_numpy() + pieces["upto_qty"].to_numpy()
    mean, days = pieces["demand_mean_qty"].to_numpy(), pieces["protection_days"].to_numpy()
    segment = demand.codes(pieces["segment"])
    lost_before = demand.expected_shortage(mean, days, after - pieces["piece_qty"].to_numpy(), segment=segment)
    saved = lost_before - demand.expected_shortage(mean, days, after, segment=segment)
    pieces = pieces.with_columns(lost_before_qty=pl.Series(lost_before), saved_qty=pl.Series(np.maximum(saved, 0.0)))
    pieces = pieces.with_columns(
        unit_value=pl.col("unit_margin") * pl.col("saved_qty") / pl.col("piece_qty"),
        is_fenced=pl.col("upto_qty") <= pl.col("ring_fenced_qty") + _NOISE,
    )
    rank = pl.col("unit_value") if method == "value" else -pl.col("upto_qty") / pl.col("requested_qty")
    return pieces.with_columns(priority=rank)


def _handed_out(pieces: pl.DataFrame) -> pl.DataFrame:
    """Add is_given: pieces in the order of priority while the supply lasts; one too large for the rest is passed over.

    Each round hands out the pieces that fit one after the other; the first that does not fit ends its line, and the
    next round goes on with the other lines. There are as many rounds as lines of a source end so, seldom over three.
    """
    order = [*SOURCE, "is_fenced", "priority", "line", "piece"]
    pieces = pieces.sort(order, descending=[False, False, True, True, False, False])
    pieces = pieces.with_columns(is_given=pl.lit(False), is_open=pl.lit(True))
    while True:
        left = pl.col("available_qty") - (pl.col("piece_qty") * pl.col("is_given")).sum().over(SOURCE)
        wanted = pl.col("is_open") & ~pl.col("is_given")
        running = (pl.col("piece_qty") * wanted).cum_sum().over(SOURCE)
        fits = running <= left + _NOISE
        pieces = pieces.with_columns(fits=wanted & fits, misses=wanted & ~fits)
        if not pieces["misses"].any():
            return pieces.with_columns(is_given=pl.col("is_given") | pl.col("fits"))
        # the first piece that does not fit ends its line
        first_miss = pl.col("misses") & (pl.col("misses").cast(pl.Int32).cum_sum().over(SOURCE) == 1)
        pieces = pieces.with_columns(is_given=pl.col("is_given") | pl.col("fits"), ends=first_miss)
        ended = pl.col("ends").any().over("line")
        pieces = pieces.with_columns(is_open=pl.col("is_open") & ~ended)


def _told(found: pl.DataFrame, lines: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The allocation with its reason codes and the sentence that a planner reads."""
    names = lines.select(*KEYS, "product_name", "location_name", "source_name")
    is_last = pl.col("last_unit_value_amount").is_not_null()
    is_next = pl.col("next_unit_value_amount").is_not_null()
    sentence = pl.concat_str(
        pl.format("{} of {} for {} from {}: ", number("allocated_qty"), "product_name", "location_name", "source_name"),
        pl.format("it asks for {}", number("requested_qty")),
        pl.format(
            "; {} are asked for in all and {} are free there",
            number("requested_total_qty"),
            number("available_qty"),
        ),
        pl.format("; {} go to other places", number("allocated_to_others_qty")),
        only_if(
            is_last, pl.format("; its last unit is worth {}", money(pl.col("last_unit_value_amount").fill_null(0.0)))
        ),
        only_if(
            is_next,
            pl.format("; the next one would be worth {}", money(pl.col("next_unit_value_amount").fill_null(0.0))),
        ),
        only_if(pl.col("ring_fenced_qty") > 0, pl.format("; {} are kept for it first", number("ring_fenced_qty"))),
        pl.lit("."),
    )
    codes = joined_codes(
        (pl.col("allocated_qty") <= 0, "nothing_allocated"),
        ((pl.col("allocated_qty") > 0) & (pl.col("short_qty") > 0), "cut_to_allocation"),
        (pl.col("short_qty") <= 0, "served_in_full"),
        (pl.col("ring_fenced_qty") > 0, "ring_fenced"),
        (pl.col("method") == "fair_share", "fair_share"),
    )
    told = found.join(names, on=KEYS, how="left").with_columns(
        as_of=pl.lit(as_of), reason_codes=codes, explanation=sentence
    )
    return told.sort(LINE).select(pl.col(name).cast(kind) for name, kind in ALLOCATION_SCHEMA.items())
