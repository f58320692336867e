"""From which place each open customer order is served: the least landed cost, never more than is there.

What belongs here: open order lines against the free stock of places. What does not: what may still be promised
(availability), how places are stocked (replenishment, transfers).

Cost of serving `x` units of a line from a place, and of a parcel from it:

    unit     distance_km x cost_per_km + keep_value      keep_value: margin x P(place's own demand takes the unit too)
    parcel   cost_per_parcel, and split_penalty for every parcel of an order beyond its first

so a place that will sell the unit itself is spared, and an order is split only where that is cheaper than waiting.
Choosing places for all orders at once is a mixed-integer program: flows of units, a yes or no a parcel (HiGHS). Orders
that cannot take stock from each other are solved apart: they share no product that some place has too little of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import optimize, sparse
from scipy.sparse import csgraph

EARTH_KM = 6371.0088
ORDER = ["source", "order_id"]
LINE = [*ORDER, "line_number"]
_COLUMNS: dict[str, type[pl.DataType]] = {
    "source": pl.String,
    "order_id": pl.String,
    "line_number": pl.Int64,
    "sku_id": pl.String,
    "region": pl.String,
    "quantity": pl.Float64,
    "location_id": pl.String,
    "free_before_qty": pl.Float64,
    "taken_by_others_qty": pl.Float64,
    "served_elsewhere_qty": pl.Float64,
    "short_qty": pl.Float64,
    "sourced_qty": pl.Float64,
    "free_after_qty": pl.Float64,
    "distance_km": pl.Float64,
    "cost_per_km": pl.Float64,
    "transport_amount": pl.Float64,
    "keep_value_unit_amount": pl.Float64,
    "keep_value_amount": pl.Float64,
    "parcel_units_qty": pl.Float64,
    "cost_per_parcel": pl.Float64,
    "parcels": pl.Int64,
    "order_units_qty": pl.Float64,
    "split_penalty": pl.Float64,
    "parcel_amount": pl.Float64,
    "landed_cost_amount": pl.Float64,
    "reason": pl.String,
}
SOURCED_SCHEMA = pl.Schema(_COLUMNS)
SERVED, SPLIT, SHORT = "served", "split", "no place has it free"
_BATCH = 60  # orders a program, where they can be told apart


@dataclass(frozen=True)
class SourcingRules:
    """Costs in the company's currency, distances in km. other_region_km: where coordinates are not known."""

    cost_per_km: float
    cost_per_parcel: float
    split_penalty: float
    other_region_km: float
    nearest_places: int


def distance_km(latitude: pl.Expr, longitude: pl.Expr, other_latitude: pl.Expr, other_longitude: pl.Expr) -> pl.Expr:
    """Great-circle distance by the haversine formula (Sinnott 1984); degrees in, km out, null where one is null."""
    half = ((other_latitude - latitude).radians() / 2).sin().pow(2) + latitude.radians().cos() * (
        other_latitude.radians().cos()
    ) * ((other_longitude - longitude).radians() / 2).sin().pow(2)
    return 2 * EARTH_KM * half.clip(0.0, 1.0).sqrt().arcsin()


def source_orders(
    orders: pl.DataFrame, places: pl.DataFrame, stock: pl.DataFrame, rules: SourcingRules
) -> pl.DataFrame:
    """Return SOURCED_SCHEMA: one row a line and place that serves it, and one for what nobody can serve; sorted.

    orders: LINE (unique), sku_id, quantity > 0, region, latitude, longitude (null where not known). places:
    location_id, region, latitude, longitude. stock: sku_id, location_id (unique), free_qty, keep_value (money a unit
    that the place would earn with it anyway; below zero where it would more likely stay idle).
    """
    if orders.is_empty():
        return pl.DataFrame(schema=SOURCED_SCHEMA)
    lines = orders.sort(LINE).with_row_index("line")
    options = _options(lines, places, stock, rules)
    solved = [_solve(_of(lines, orders), _of(options, orders), rules) for orders in _batches(lines, options)]
    flows = pl.concat(
        [pl.DataFrame(schema={"line": pl.UInt32, "location_id": pl.String, "sourced_qty": pl.Float64}), *solved]
    )
    return _rows(lines, options, flows, rules)


def _of(frame: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """The rows of some orders, in the order in which they stand."""
    return frame.join(orders, on=ORDER, how="semi", maintain_order="left")


def _options(lines: pl.DataFrame, places: pl.DataFrame, stock: pl.DataFrame, rules: SourcingRules) -> pl.DataFrame:
    """The places that have some of a line's product free, the cheapest ones of each order."""
    known = distance_km(pl.col("latitude"), pl.col("longitude"), pl.col("place_latitude"), pl.col("place_longitude"))
    here = places.select(
        "location_id",
        place_region=pl.col("region"),
        place_latitude=pl.col("latitude").cast(pl.Float64),
        place_longitude=pl.col("longitude").cast(pl.Float64),
    )
    elsewhere = pl.when((pl.col("region") == pl.col("place_region")).fill_null(False)).then(0.0)
    options = (
        lines.with_columns(pl.col("latitude", "longitude").cast(pl.Float64))
        .join(stock.filter(pl.col("free_qty") >= 1), on="sku_id")
        .join(here, on="location_id")
        .with_columns(distance_km=pl.coalesce(known, elsewhere.otherwise(rules.other_region_km)))
        .with_columns(unit_cost=pl.col("distance_km") * rules.cost_per_km + pl.col("keep_value").fill_null(0.0))
        .sort("line", "unit_cost", "location_id")
    )
    # the nearest of each line, and every place that is among them for another line of the order: it may serve both
    near = options.group_by("line", maintain_order=True).head(rules.nearest_places)
    kept = near.select(*ORDER, "location_id").unique()
    return options.join(kept, on=[*ORDER, "location_id"], how="semi").select(
        "line", *ORDER, "sku_id", "location_id", "quantity", "free_qty", "distance_km", "keep_value", "unit_cost"
    )


def _batches(lines: pl.DataFrame, options: pl.DataFrame) -> list[pl.DataFrame]:
    """Groups of orders (ORDER) that do not touch each other's stock, small ones put together into one program."""
    order = lines.select(ORDER).unique(maintain_order=True).with_row_index("order")
    wanted = pl.col("quantity").sum().over("sku_id", "location_id")
    scarce = options.filter(wanted > pl.col("free_qty")).join(order, on=ORDER)
    sku = scarce.select("sku_id").unique(maintain_order=True).with_row_index("sku", offset=order.height)
    edges = scarce.join(sku, on="sku_id")
    nodes = order.height + sku.height
    graph = sparse.coo_matrix(
        (np.ones(edges.height), (edges["order"].to_numpy(), edges["sku"].to_numpy())), shape=(nodes, nodes)
    )
    _, group = csgraph.connected_components(graph, directed=False)
    sized = order.with_columns(group=pl.Series(group[: order.height])).with_columns(size=pl.len().over("group"))
    sized = sized.sort("group", "order").with_columns(batch=(pl.int_range(pl.len()) // _BATCH))
    # a group is never cut: it goes where its first order stands
    sized = sized.with_columns(batch=pl.col("batch").first().over("group"))
    return [part.select(ORDER) for part in sized.partition_by("batch", maintain_order=True)]


def _solve(lines: pl.DataFrame, options: pl.DataFrame, rules: SourcingRules) -> pl.DataFrame:
    """One program: units by line and place, what is not served, a parcel by order and place."""
    if options.is_empty():
        return pl.DataFrame(schema={"line": pl.UInt32, "location_id": pl.String, "sourced_qty": pl.Float64})
    lines = lines.with_row_index("row")
    parcels = options.select(*ORDER, "location_id").unique(maintain_order=True).with_row_index("parcel")
    shelves = options.select("sku_id", "location_id", "free_qty").unique(maintain_order=True).with_row_index("shelf")
    flows = (
        options.join(lines.select("line", "row"), on="line", maintain_order="left")
        .join(parcels, on=[*ORDER, "location_id"], maintain_order="left")
        .join(shelves.drop("free_qty"), on=["sku_id", "location_id"], maintain_order="left")
    )
    x, u, y = flows.height, lines.height, parcels.height
    wanted = lines["quantity"].to_numpy()
    whole = np.floor(wanted)
    one = np.ones(x)
    serve = sparse.coo_matrix((one, (flows["row"].to_numpy(), np.arange(x))), shape=(u, x))
    shelf = sparse.coo_matrix((one, (flows["shelf"].to_numpy(), np.arange(x))), shape=(shelves.height, x))
    most = np.minimum(flows["quantity"].to_numpy(), flows["free_qty"].to_numpy())
    link = sparse.coo_matrix((most, (np.arange(x), flows["parcel"].to_numpy())), shape=(x, y))
    constraints = [
        optimize.LinearConstraint(sparse.hstack([serve, sparse.eye(u), sparse.coo_matrix((u, y))]), wanted, wanted),
        optimize.LinearConstraint(
            sparse.hstack([shelf, sparse.coo_matrix((shelves.height, u + y))]), -np.inf, shelves["free_qty"].to_numpy()
        ),
        optimize.LinearConstraint(sparse.hstack([sparse.eye(x), sparse.coo_matrix((x, u)), -link]), -np.inf, 0),
    ]
    # more than any way of serving a unit may cost: an order that can be served is
    unserved = 10 * (
        float(np.abs(flows["unit_cost"].to_numpy()).max()) + rules.cost_per_parcel + rules.split_penalty + 1
    )
    costs = np.concatenate(
        [
            flows["unit_cost"].to_numpy(),
            np.full(u, unserved),
            np.full(y, rules.cost_per_parcel + rules.split_penalty),
        ]
    )
    is_whole = np.concatenate(
        [(flows["quantity"] == flows["quantity"].floor()).to_numpy(), wanted == whole, np.ones(y)]
    )
    solved = optimize.milp(
        costs,
        constraints=constraints,
        integrality=is_whole.astype(int),
        bounds=optimize.Bounds(0, np.concatenate([most, wanted, np.ones(y)])),
        options={"mip_rel_gap": 1e-6},
    )
    if solved.x is None:
        raise RuntimeError(f"sourcing of {lines['order_id'].n_unique()} orders could not be planned: {solved.message}")
    return (
        flows.with_columns(sourced_qty=pl.Series(solved.x[:x]).round(3))
        .filter(pl.col("sourced_qty") > 0)
        .select("line", "location_id", "sourced_qty")
    )


def _rows(lines: pl.DataFrame, options: pl.DataFrame, flows: pl.DataFrame, rules: SourcingRules) -> pl.DataFrame:
    """The published lines; the cost of a parcel and of a split is spread over the units of the parcel and the order."""
    shelf = ["sku_id", "location_id"]
    known = options.select("line", *shelf, "free_qty", "distance_km", "keep_value")
    served = flows.join(known, on=["line", "location_id"]).join(lines.select("line", *LINE, "quantity"), on="line")
    units = pl.col("sourced_qty")
    served = served.with_columns(
        parcels=pl.col("location_id").n_unique().over(ORDER).cast(pl.Int64),
        parcel_units_qty=units.sum().over([*ORDER, "location_id"]),
        order_units_qty=units.sum().over(ORDER),
        served_elsewhere_qty=units.sum().over("line") - units,
        taken_by_others_qty=units.sum().over(shelf) - units,
        short_qty=pl.col("quantity") - units.sum().over("line"),
        free_before_qty=pl.col("free_qty"),
        keep_value_unit_amount=pl.col("keep_value").fill_null(0.0),
        cost_per_km=pl.lit(rules.cost_per_km),
        cost_per_parcel=pl.lit(rules.cost_per_parcel),
        split_penalty=pl.lit(rules.split_penalty),
    )
    split = pl.col("split_penalty") * (pl.col("parcels") - 1) * units / pl.col("order_units_qty")
    served = served.with_columns(
        free_after_qty=pl.col("free_before_qty") - pl.col("taken_by_others_qty") - units,
        transport_amount=units * pl.col("distance_km") * pl.col("cost_per_km"),
        keep_value_amount=units * pl.col("keep_value_unit_amount"),
        parcel_amount=pl.col("cost_per_parcel") * units / pl.col("parcel_units_qty") + split,
        reason=pl.when(pl.col("parcels") > 1).then(pl.lit(SPLIT)).otherwise(pl.lit(SERVED)),
    )
    served = served.with_columns(
        landed_cost_amount=pl.sum_horizontal("transport_amount", "keep_value_amount", "parcel_amount")
    ).join(lines.select("line", "region"), on="line")
    found = flows.group_by("line").agg(served_elsewhere_qty=units.sum())
    short = (
        lines.join(found, on="line", how="left")
        .with_columns(pl.col("served_elsewhere_qty").fill_null(0.0), sourced_qty=pl.lit(0.0), reason=pl.lit(SHORT))
        .with_columns(short_qty=pl.col("quantity").cast(pl.Float64) - pl.col("served_elsewhere_qty"))
        .filter(pl.col("short_qty") > 1e-6)
    )
    rows = [
        frame.select(
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
            for name, kind in SOURCED_SCHEMA.items()
        )
        for frame in (served, short)
    ]
    return pl.concat(rows).sort(*LINE, "location_id", nulls_last=True)
