"""The terms of an order line as the night's tables give them: who supplies, when, how long it takes, what is in stock.

What belongs here: which series can get a line at all, filling what the feeds leave blank (always with a flag, so that a
reason code can say so), and which stock records are believed. What does not: demand, targets and quantities to order
(replenishment, steps).
"""

from datetime import date, timedelta

import polars as pl

from ml.planning.demand_path import KEYS
from ml.planning.order_days import supplier_calendars
from ml.planning.settings import PlanningSettings
from ml.planning.steps import DECIMALS

POOLED_PREFIX = "unlisted:"  # series pooled per region (contracts.md, section 4): no shelf, so nothing to order for
STOCK_TERMS = ["on_hand_qty", "reserved_qty", "backorder_qty", "on_order_qty", "in_transfer_qty"]
_SOURCING_TERMS = ["lead_time_days", "lead_time_sd_days", "min_order_qty", "order_multiple", "unit_cost"]


def classify_series(forecast_daily: pl.DataFrame, locations: pl.DataFrame, sourcing: pl.DataFrame) -> pl.DataFrame:
    """One row a forecast series with its segment, its sourcing terms and its `fate`: plan, pooled, closed, unsourced.

    A place that `locations` does not call closed is open. A source is a supplier_id or a from_location_id.
    """
    sources = [pl.col("supplier_id").cast(pl.String), pl.col("from_location_id").cast(pl.String)]
    has_source = pl.col("supplier_id").is_not_null() | pl.col("from_location_id").is_not_null()
    numbers = [pl.col(name).cast(pl.Float64) for name in _SOURCING_TERMS]
    return (
        forecast_daily.select(*KEYS, "segment")
        .unique(KEYS)
        .join(locations.select("location_id", "location_name", "is_open"), on="location_id", how="left")
        .join(sourcing.select(*KEYS, *sources, *numbers, "lead_time_source"), on=KEYS, how="left")
        .with_columns(
            fate=pl.when(pl.col("location_id").str.starts_with(POOLED_PREFIX))
            .then(pl.lit("pooled"))
            .when(~pl.col("is_open").fill_null(True))
            .then(pl.lit("closed"))
            .when(has_source)
            .then(pl.lit("plan"))
            .otherwise(pl.lit("unsourced"))
        )
    )


def add_names(
    lines: pl.DataFrame, products: pl.DataFrame, suppliers: pl.DataFrame, locations: pl.DataFrame
) -> pl.DataFrame:
    """Names for the sentence a buyer reads (an id where there is no name), the department, the supplier's minimum."""
    places = locations.select(from_location_id="location_id", from_location_name="location_name")
    return (
        lines.join(
            products.select(
                "sku_id", "product_name", "department", "abc_class", pl.col("shelf_life_days").cast(pl.Float64)
            ),
            on="sku_id",
            how="left",
        )
        .join(suppliers.select("supplier_id", "supplier_name", "min_order_value"), on="supplier_id", how="left")
        .join(places, on="from_location_id", how="left")
        .with_columns(
            pl.coalesce("product_name", "sku_id"),
            pl.coalesce("location_name", "location_id"),
            pl.col("min_order_value").cast(pl.Float64),
            source_name=pl.coalesce("supplier_name", "supplier_id", "from_location_name", "from_location_id"),
        )
    )


def add_shelf_and_price(lines: pl.DataFrame, shelves: pl.DataFrame) -> pl.DataFrame:
    """Add presentation_min_qty, shelf_capacity_qty (null where not known) and unit_margin (null without price or cost).

    Needs unit_cost. What sells below its cost has no margin to lose: 0.
    """
    numbers = [pl.col(name).cast(pl.Float64) for name in ("presentation_min_qty", "shelf_capacity_qty", "price")]
    return lines.join(shelves.select(*KEYS, *numbers), on=KEYS, how="left").with_columns(
        unit_margin=(pl.col("price") - pl.col("unit_cost")).clip(0.0)
    )


def add_protection(
    lines: pl.DataFrame, suppliers: pl.DataFrame, as_of: date, settings: PlanningSettings
) -> pl.DataFrame:
    """Add the order day, the terms of sourcing with blanks filled, and the days that the order has to cover.

    Without a calendar an order can be placed on any day: tomorrow, and again after default_review_days. A lead time
    counts in whole days, upwards (whole_lead_days). order_multiple blank or 0 is 1, min_order_qty blank is 0. The flags
    is_default_lead_time, is_default_review, is_lead_time_sd_unknown, has_impossible_terms feed the reason codes.
    """
    lines = lines.join(supplier_calendars(suppliers, as_of), on="supplier_id", how="left")
    lines = lines.with_columns(
        as_of=pl.lit(as_of),
        is_default_lead_time=pl.col("lead_time_days").is_null(),
        is_default_review=pl.col("order_on").is_null(),
        is_lead_time_sd_unknown=pl.col("lead_time_sd_days").is_null(),
        has_impossible_terms=pl.min_horizontal(_SOURCING_TERMS).fill_null(0.0) < 0,
        lead_time_source=pl.when(pl.col("lead_time_days").is_null())
        .then(pl.lit("default"))
        .otherwise(pl.col("lead_time_source")),
        lead_time_days=pl.col("lead_time_days").fill_null(settings.default_lead_time_days),
        lead_time_sd_days=pl.col("lead_time_sd_days").fill_null(0.0),
        order_on=pl.col("order_on").fill_null(as_of + timedelta(days=1)),
        review_days=pl.col("calendar_review_days").fill_null(settings.default_review_days),
        min_order_qty=pl.col("min_order_qty").fill_null(0.0),
        order_multiple=pl.col("order_multiple").fill_null(1.0).replace(0.0, 1.0),
    )
    return lines.with_columns(
        wait_days=(pl.col("order_on") - pl.col("as_of")).dt.total_days() - 1,
        whole_lead_days=pl.col("lead_time_days").clip(0.0).ceil().cast(pl.Int64),
    ).with_columns(protection_days=pl.sum_horizontal("wait_days", "whole_lead_days", "review_days"))


def add_stock(lines: pl.DataFrame, positions: pl.DataFrame, as_of: date, settings: PlanningSettings) -> pl.DataFrame:
    """Add the stock terms as recorded, snapshot_age_days, and `stock_fault`: why the record is not believed.

    stock_fault: no_snapshot, stale_snapshot, negative_stock or null. A pair without a record has null stock, never
    zero; a blank reserved_qty … in_transfer_qty in a record is none. free_qty (what lies there for sale: on hand -
    reserved - backorder) and inventory_position_qty (free_qty + on order + in transfer) are null where the record is
    not believed.

    Raises:
        ValueError: a snapshot is dated after as_of.
    """
    newest = positions["snapshot_date"].cast(pl.Date).max()
    if isinstance(newest, date) and newest > as_of:
        raise ValueError(
            f"positions: a snapshot is dated {newest}, after as_of {as_of}; stock of the future is not known"
        )
    records = (
        positions.filter(pl.col("on_hand_qty").is_not_null() & pl.col("snapshot_date").is_not_null())
        .select(*KEYS, pl.col("snapshot_date").cast(pl.Date), *(pl.col(name).cast(pl.Float64) for name in STOCK_TERMS))
        .with_columns(pl.col(STOCK_TERMS).fill_null(0.0))
    )
    age = (pl.lit(as_of) - pl.col("snapshot_date")).dt.total_days()
    free = pl.col("on_hand_qty") - pl.col("reserved_qty") - pl.col("backorder_qty")
    lines = lines.join(records, on=KEYS, how="left").with_columns(
        snapshot_age_days=age,
        stock_fault=pl.when(age.is_null())
        .then(pl.lit("no_snapshot"))
        .when(age > settings.max_snapshot_age_days)
        .then(pl.lit("stale_snapshot"))
        .when(pl.min_horizontal(STOCK_TERMS) < 0)
        .then(pl.lit("negative_stock")),
    )
    lines = lines.with_columns(free_qty=pl.when(pl.col("stock_fault").is_null()).then(free))
    position = pl.col("free_qty") + pl.col("on_order_qty") + pl.col("in_transfer_qty")
    return lines.with_columns(inventory_position_qty=position.round(DECIMALS))
