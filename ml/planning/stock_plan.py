"""The lists of one night, in the order in which they bind each other.

What belongs here: that order, and the frames that go from one list to the next. What does not: how a list is decided (a
module each).

    1  order_sourcing         customers who have ordered come first: which place serves which open order
    2  replenishment          a place's position is less by what it is to serve (backorder_qty)
    3  transfers, allocation  within replenishment, before its lines are filled up and paid for
    4  available_to_promise   what may be declared of what is left and of what is under way
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from ml.planning.demand_path import KEYS
from ml.planning.moves import believed_stock
from ml.planning.open_orders import source_open_orders
from ml.planning.order_lines import Replenishment
from ml.planning.pools import promise_pools
from ml.planning.replenishment import ReplenishmentInputs, planned_lines, propose_orders
from ml.planning.settings import PlanningSettings
from ml.planning.terms import classify_series


@dataclass(frozen=True)
class SupplyInputs:
    """What is owed to customers, and what is under way.

    open_orders: source, order_id, line_number, sku_id, quantity > 0, region, latitude, longitude; None: the feed was
        never delivered, nobody knows what is owed.
    under_way: sku_id, location_id, qty > 0, expected_on (null: nobody knows), lane.
    lateness: lane, days_late, share.
    """

    open_orders: pl.DataFrame | None
    under_way: pl.DataFrame
    lateness: pl.DataFrame


@dataclass(frozen=True)
class StockPlan:
    """The lists of a night; None where what they need is not delivered (sourcing; open orders)."""

    replenishment: Replenishment | None
    order_sourcing: pl.DataFrame | None
    promises: pl.DataFrame


def plan_stock(
    inputs: ReplenishmentInputs,
    supply: SupplyInputs,
    as_of: date,
    settings: PlanningSettings,
    tuned: Mapping[str, float] | None = None,
) -> StockPlan:
    """Decide all lists of the night after business day `as_of`.

    inputs.locations has region, latitude, longitude and ownership besides what replenishment reads. tuned: as
    propose_orders.

    Raises:
        ValueError: as propose_orders.
    """
    stock = believed_stock(inputs.positions, as_of, settings)
    has_sourcing = not inputs.sourcing.is_empty()
    sourced = None
    if supply.open_orders is not None:
        asked = _of_products(inputs, supply.open_orders)
        series = classify_series(asked.forecast_daily, asked.locations, asked.sourcing)
        lines = planned_lines(asked, series, as_of, settings, tuned) if has_sourcing else None
        sourced = source_open_orders(supply.open_orders, stock, lines, asked, as_of, settings)
    owed = owed_by_place(sourced, stock, settings)
    inputs = replace(inputs, positions=_with_backorders(inputs.positions, owed))
    return StockPlan(
        replenishment=propose_orders(inputs, as_of, settings, tuned) if has_sourcing else None,
        order_sourcing=sourced,
        promises=promise_pools(stock, owed, sourced, inputs, supply.under_way, supply.lateness, as_of, settings),
    )


def _of_products(inputs: ReplenishmentInputs, orders: pl.DataFrame) -> ReplenishmentInputs:
    """The inputs of the products that somebody has ordered: on the demo 1 s of work in place of 4."""
    asked = orders.select("sku_id").unique()
    frames = ("forecast_daily", "forecast_weekly", "positions", "sourcing", "shelves", "unit_values")
    return replace(inputs, **{name: getattr(inputs, name).join(asked, on="sku_id", how="semi") for name in frames})


def owed_by_place(sourced: pl.DataFrame | None, stock: pl.DataFrame, settings: PlanningSettings) -> pl.DataFrame:
    """KEYS, open_order_qty: units of open orders that a place is to serve, beyond what it has reserved for them."""
    if sourced is None:
        return pl.DataFrame(schema={**dict.fromkeys(KEYS, pl.String), "open_order_qty": pl.Float64})
    served = sourced.drop_nulls("location_id").group_by(KEYS).agg(open_order_qty=pl.col("sourced_qty").sum())
    reserved = pl.col("reserved_qty") if settings.open_orders_are_reserved else pl.lit(0.0)
    beyond = (pl.col("open_order_qty") - reserved).clip(0.0)
    return served.join(stock.select(*KEYS, "reserved_qty"), on=KEYS).select(*KEYS, open_order_qty=beyond).sort(KEYS)


def _with_backorders(positions: pl.DataFrame, owed: pl.DataFrame) -> pl.DataFrame:
    """The stock records with what each place owes to open orders added to its backorders."""
    backorder = pl.col("backorder_qty").cast(pl.Float64).fill_null(0.0) + pl.col("open_order_qty").fill_null(0.0)
    joined = positions.join(owed, on=KEYS, how="left", maintain_order="left")
    return joined.with_columns(backorder_qty=backorder).drop("open_order_qty")
