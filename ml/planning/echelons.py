"""Places that feed other places: they order for the sum of what they feed, not for their own sales.

What belongs here: the network of one product, from places that sell to places that only feed. What does not: the order
line itself (replenishment), splitting what is too little (allocation).

Echelon order-up-to (Clark and Scarf 1960; Snyder and Shen section 6.2): a feeding place plans for the demand of all
places below it over its own protection days and the longest of theirs, against the echelon position: its own and all of
theirs. The forecast of the sum has the spread of its rate (distribution.py): uncertainty is pooled, and the lots in
which stores happen to order do not swing up the chain. On its line the target is the echelon's less what the places
below have, so that position = on hand + on order … holds for the place itself.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from ml.forecasting.distribution import ALL
from ml.planning.demand_path import KEYS, DemandPath

_MAX_TIERS = 5


def add_feeding_places(planned: pl.DataFrame, sourcing: pl.DataFrame, locations: pl.DataFrame) -> pl.DataFrame:
    """Append the feeding places of the planned lines as lines of their own, with `feeds` and `is_feeding_place`.

    planned: KEYS, from_location_id and the sourcing terms. A place that feeds is a line when it has a source of its own
    and sells nothing itself (one that does is planned with its own forecast on top). feeds: the locations of the
    forecast series below a line; a line of a selling place feeds itself.
    """
    planned = planned.with_columns(feeds=pl.concat_list("location_id"), is_feeding_place=pl.lit(False))
    tier = planned
    for _ in range(_MAX_TIERS):
        below = (
            tier.filter(pl.col("from_location_id").is_not_null())
            .group_by("sku_id", location_id="from_location_id")
            .agg(below=pl.col("feeds").explode().unique().sort())
        )
        if below.is_empty():
            break
        known = planned.join(below, on=KEYS, how="left").with_columns(
            feeds=pl.when(pl.col("below").is_not_null())
            .then(pl.concat_list("feeds", "below").list.unique().list.sort())
            .otherwise("feeds")
        )
        planned = known.drop("below")
        fresh = below.join(planned, on=KEYS, how="anti")
        tier = _as_lines(fresh, sourcing, locations, planned.schema)
        planned = pl.concat([planned, tier])
    return planned.sort(KEYS)


def _as_lines(below: pl.DataFrame, sourcing: pl.DataFrame, locations: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Feeding places with a source of their own that are open, in the shape of planned lines."""
    has_source = pl.col("supplier_id").is_not_null() | pl.col("from_location_id").is_not_null()
    lines = (
        below.join(sourcing, on=KEYS)
        .join(locations.select("location_id", "location_name", "is_open"), on="location_id", how="left")
        .filter(has_source & pl.col("is_open").fill_null(True))
        .with_columns(fate=pl.lit("plan"), segment=pl.lit(ALL), feeds=pl.col("below"), is_feeding_place=pl.lit(True))
    )
    return lines.select(pl.col(name).cast(kind) for name, kind in schema.items())


def local_terms(lines: pl.DataFrame) -> pl.DataFrame:
    """Add downstream_position_qty, downstream_days and echelon_position_qty, and these days to protection_days.

    A line that feeds others protects its own days and the longest of theirs. A place below whose stock record is not
    believed counts with nothing there: too much is ordered above rather than too little.
    """
    pairs = lines.select("sku_id", feeder="location_id", location_id="feeds").explode("location_id")
    pairs = pairs.filter(pl.col("location_id") != pl.col("feeder"))
    theirs = lines.select(*KEYS, "inventory_position_qty", "protection_days")
    summed = (
        pairs.join(theirs, on=KEYS)
        .group_by("sku_id", location_id="feeder")
        .agg(
            downstream_position_qty=pl.col("inventory_position_qty").fill_null(0.0).sum(),
            downstream_days=pl.col("protection_days").max(),
        )
    )
    return (
        lines.join(summed, on=KEYS, how="left", maintain_order="left")
        .with_columns(pl.col("downstream_position_qty").fill_null(0.0), pl.col("downstream_days").fill_null(0))
        .with_columns(
            echelon_position_qty=pl.col("inventory_position_qty") + pl.col("downstream_position_qty"),
            # what several places sell together is of no demand class
            segment=pl.when(pl.col("downstream_days") > 0).then(pl.lit(ALL)).otherwise("segment"),
            protection_days=pl.col("protection_days") + pl.col("downstream_days"),
        )
    )


def echelon_path(
    lines: pl.DataFrame, forecast_daily: pl.DataFrame, forecast_weekly: pl.DataFrame, as_of: date
) -> DemandPath:
    """The path of mean demand of each line: its own forecast, or the sum of those below it."""
    members = lines.select("sku_id", feeder="location_id", location_id="feeds").explode("location_id")
    is_own = members.select((pl.col("feeder") == pl.col("location_id")).all()).item()
    if is_own:
        return DemandPath.from_forecasts(lines, forecast_daily, forecast_weekly, as_of)
    daily, weekly = (
        members.join(frame, on=KEYS)
        .group_by("sku_id", "feeder", time, maintain_order=True)
        .agg(pl.col("mean").sum())
        .rename({"feeder": "location_id"})
        for frame, time in ((forecast_daily, "date"), (forecast_weekly, "week_start"))
    )
    return DemandPath.from_forecasts(lines, daily, weekly, as_of)
