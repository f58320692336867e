"""What to move between places: from where units lie idle to where they would sell, when that earns more than it costs.

What belongs here: the choice of moves over the allowed lanes, for all products of a network. What does not: splitting a
supply that is too short among orders (allocation), serving a single customer's order (order_sourcing).

Each product is a small network of its own. A unit given away by place i loses there, a unit received by place j saves
there, both in expectation over the days that the place has to bridge:

    loss_i(k)  margin x (lost sales with k units fewer - with k - 1 fewer) - what keeping it would cost
    gain_j(k)  margin x (lost sales with k - 1 units more - with k more)

Keeping a unit that finds no buyer within the days costs its share of the unit's cost (`idle_cost_share`: markdown and
capital); only what lies above the place's own target may go, so a source keeps its own coverage. Gains fall and losses
rise with every unit, so the best flows are a linear program whose corners are whole units (a transport problem with
piecewise linear costs); all products of a group are solved at once with HiGHS. Units are packs of the product.

A lane's cost of a shipment is shared by all products on it. Lanes that do not earn theirs are closed, the poorest
first, and what went over them is planned anew: the drop heuristic for fixed charges, never worse than leaving them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import optimize, sparse

from ml.forecasting.distribution import DemandDistribution

PLACE = ["sku_id", "location_id"]
LANE = ["from_location_id", "to_location_id"]
MOVE = [*LANE, "sku_id"]
TRANSFERS_SCHEMA = pl.Schema(
    {
        "from_location_id": pl.String,
        "to_location_id": pl.String,
        "sku_id": pl.String,
        "qty": pl.Float64,
        "order_multiple": pl.Float64,
        "lead_time_days": pl.Float64,
        "source_position_before_qty": pl.Float64,
        "source_position_after_qty": pl.Float64,
        "source_target_qty": pl.Float64,
        "source_demand_mean_qty": pl.Float64,
        "source_cover_days_before": pl.Float64,
        "source_cover_days_after": pl.Float64,
        "destination_position_before_qty": pl.Float64,
        "destination_position_after_qty": pl.Float64,
        "destination_target_qty": pl.Float64,
        "destination_demand_mean_qty": pl.Float64,
        "destination_cover_days_before": pl.Float64,
        "destination_cover_days_after": pl.Float64,
        "lost_sales_avoided_amount": pl.Float64,
        "idle_cost_avoided_amount": pl.Float64,
        "gain_amount": pl.Float64,
        "cost_amount": pl.Float64,
        "net_gain_amount": pl.Float64,
    }
)
_MOVES_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(MOVE, pl.String),
        **dict.fromkeys(("qty", "lost_amount", "idle_amount", "cost_amount"), pl.Float64),
    }
)
_GROUP = 400  # products a linear program: some 40,000 variables
_MAX_PACKS = 12  # of one product that one place gives, or takes, in a night
_NOISE = 1e-6


@dataclass(frozen=True)
class TransferRules:
    """What a move must fulfil. idle_cost_share: of the unit's cost, lost on a unit that finds no buyer in time.

    min_net_gain_amount: a line that earns less is not worth the handling.
    """

    idle_cost_share: float
    min_net_gain_amount: float


def propose_transfers(
    places: pl.DataFrame, lanes: pl.DataFrame, dispersion: pl.DataFrame, rules: TransferRules
) -> pl.DataFrame:
    """Return TRANSFERS_SCHEMA, one row a move, sorted by MOVE.

    places: PLACE (unique), position_qty (on hand + coming - reserved), movable_qty (free on hand), target_qty,
    demand_mean_qty over protection_days, unit_margin, unit_cost, order_multiple > 0; rows with a null are left out.
    lanes: from_location_id, to_location_id (unique), lead_time_days, cost_per_unit, cost_per_shipment; null: 0.
    dispersion: ml.forecast_dispersion.

    Units are conserved: what leaves one place comes to another; no place gives below its target or what lies there.
    """
    demand = DemandDistribution.from_frame(dispersion)
    known = places.drop_nulls().sort(PLACE)
    steps = _steps(known, demand, rules)
    open_lanes = lanes.with_columns(pl.col("cost_per_unit", "cost_per_shipment").fill_null(0.0)).sort(LANE)
    moves = _solve(steps, open_lanes, rules)
    while True:
        poor = _poorest_lanes(moves, open_lanes)
        if poor.is_empty():
            return _lines(moves, known, open_lanes)
        replanned = pl.col("sku_id").is_in(moves.join(poor, on=LANE, how="semi")["sku_id"].unique().implode())
        open_lanes = open_lanes.join(poor, on=LANE, how="anti")
        moves = pl.concat([moves.filter(~replanned), _solve(steps.filter(replanned), open_lanes, rules)])


def _steps(places: pl.DataFrame, demand: DemandDistribution, rules: TransferRules) -> pl.DataFrame:
    """One row a pack that a place could give (is_source) or take, with what it changes there in money, pack by pack.

    lost_amount: lost sales avoided (below zero at a source), idle_amount: cost of idle units avoided (below zero at a
    destination); value is their sum.
    """
    size = pl.col("order_multiple")
    spare = pl.min_horizontal("movable_qty", pl.col("position_qty") - pl.col("target_qty"))
    room = pl.col("target_qty") - pl.col("position_qty")
    gives = places.with_columns(is_source=pl.lit(True), packs=(spare / size + 1e-9).floor())
    takes = places.with_columns(is_source=pl.lit(False), packs=(room / size - 1e-9).ceil())
    packs = (
        pl.concat([gives, takes])
        .filter(pl.col("packs") > 0)
        .with_columns(pack=pl.int_ranges(0, pl.min_horizontal("packs", pl.lit(_MAX_PACKS)).cast(pl.Int64)))
        .explode("pack", empty_as_null=False)
    )
    sign = pl.when("is_source").then(-1.0).otherwise(1.0)
    packs = packs.with_columns(
        before=pl.col("position_qty") + sign * pl.col("pack") * size,
        after=pl.col("position_qty") + sign * (pl.col("pack") + 1) * size,
    )
    (lost_before, idle_before), (lost_after, idle_after) = (_expected(packs, demand, s) for s in ("before", "after"))
    idle_cost = packs["unit_cost"].to_numpy() * rules.idle_cost_share
    return packs.with_columns(
        lost_amount=pl.Series((lost_before - lost_after) * packs["unit_margin"].to_numpy()),
        idle_amount=pl.Series((idle_before - idle_after) * idle_cost),
    ).with_columns(value=pl.col("lost_amount") + pl.col("idle_amount"))


def _expected(packs: pl.DataFrame, demand: DemandDistribution, stock: str) -> tuple[np.ndarray, np.ndarray]:
    """Expected units lost, and units left over, with that stock over the protection days."""
    mean, days = packs["demand_mean_qty"].to_numpy(), packs["protection_days"].to_numpy().astype(float)
    quantity = packs[stock].to_numpy()
    lost = demand.expected_shortage(mean, days, quantity)
    return lost, quantity - mean + lost


def _solve(steps: pl.DataFrame, lanes: pl.DataFrame, rules: TransferRules) -> pl.DataFrame:
    """Best moves (_MOVES_SCHEMA) of every product that somebody has to give and somebody else could take."""
    sides = steps.group_by("sku_id").agg(pl.col("is_source").any(), takes=(~pl.col("is_source")).any())
    chosen = sides.filter(pl.col("is_source") & pl.col("takes"))["sku_id"].sort()
    groups = [chosen[i : i + _GROUP].implode() for i in range(0, len(chosen), _GROUP)]
    parts = [_solve_group(steps.filter(pl.col("sku_id").is_in(group)), lanes) for group in groups]
    moves = pl.concat([pl.DataFrame(schema=_MOVES_SCHEMA), *parts])
    net = pl.col("lost_amount") + pl.col("idle_amount") - pl.col("cost_amount")
    return moves.filter(net >= rules.min_net_gain_amount)


def _solve_group(steps: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """One linear program: packs given and taken in [0, 1], flows >= 0, in balance at every product and place."""
    nodes = steps.select(*PLACE, "is_source", "order_multiple").unique().sort(*PLACE, "is_source")
    nodes = nodes.with_row_index("node")
    steps = steps.join(nodes.drop("order_multiple"), on=[*PLACE, "is_source"]).sort("node", "pack")
    givers = nodes.filter("is_source").select("sku_id", "order_multiple", giver="node", from_location_id="location_id")
    takers = nodes.filter(~pl.col("is_source")).select("sku_id", taker="node", to_location_id="location_id")
    flows = givers.join(takers, on="sku_id").join(lanes, on=LANE).sort("giver", "taker")
    if flows.is_empty():
        return pl.DataFrame(schema=_MOVES_SCHEMA)
    count, arcs = steps.height, flows.height
    worth = np.concatenate([steps["value"].to_numpy(), -(flows["cost_per_unit"] * flows["order_multiple"]).to_numpy()])
    # the packs of a place are what flows out of it, or into it
    rows = np.concatenate([steps["node"].to_numpy(), flows["giver"].to_numpy(), flows["taker"].to_numpy()])
    columns = np.concatenate([np.arange(count), count + np.arange(arcs), count + np.arange(arcs)])
    signs = np.concatenate([np.ones(count), -np.ones(2 * arcs)])
    solved = optimize.linprog(
        -worth,
        A_eq=sparse.csr_matrix((signs, (rows, columns)), shape=(nodes.height, count + arcs)),
        b_eq=np.zeros(nodes.height),
        bounds=np.column_stack([np.zeros(count + arcs), np.concatenate([np.ones(count), np.full(arcs, np.inf)])]),
        method="highs-ds",
    )
    if not solved.success:
        raise RuntimeError(f"transfers of {nodes['sku_id'].n_unique()} products could not be planned: {solved.message}")
    flows = flows.with_columns(packs=pl.Series(np.rint(solved.x[count:]))).filter(pl.col("packs") > 0)
    # what a place gains or loses in all, spread evenly over its units
    taken = steps.with_columns(is_used=pl.Series(np.rint(solved.x[:count]) > 0)).filter("is_used")
    each = taken.group_by("node").agg(pl.col("lost_amount", "idle_amount").mean())
    source = each.select(giver="node", given_lost="lost_amount", given_idle="idle_amount")
    return (
        flows.join(each.rename({"node": "taker"}), on="taker")
        .join(source, on="giver")
        .select(
            *MOVE,
            qty=pl.col("packs") * pl.col("order_multiple"),
            lost_amount=pl.col("packs") * (pl.col("lost_amount") + pl.col("given_lost")),
            idle_amount=pl.col("packs") * (pl.col("idle_amount") + pl.col("given_idle")),
            cost_amount=pl.col("packs") * pl.col("order_multiple") * pl.col("cost_per_unit"),
        )
    )


def _poorest_lanes(moves: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """Of the lanes whose moves do not earn the cost of a shipment, for each destination the poorest one."""
    net = (pl.col("lost_amount") + pl.col("idle_amount") - pl.col("cost_amount")).sum()
    earned = moves.group_by(LANE).agg(net=net).join(lanes, on=LANE)
    poor = earned.with_columns(net=pl.col("net") - pl.col("cost_per_shipment")).filter(pl.col("net") < -_NOISE)
    return poor.sort("to_location_id", "net", "from_location_id").group_by("to_location_id").first().select(LANE)


def _lines(moves: pl.DataFrame, places: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """The published lines: each place before and after all moves of the night, and its share of the shipment's cost."""
    out = moves.group_by("sku_id", location_id="from_location_id").agg(out_qty=pl.col("qty").sum())
    into = moves.group_by("sku_id", location_id="to_location_id").agg(in_qty=pl.col("qty").sum())
    rate = pl.col("demand_mean_qty") / pl.col("protection_days")
    after = pl.col("position_qty") - pl.col("out_qty") + pl.col("in_qty")
    sides = (
        places.join(out, on=PLACE, how="left")
        .join(into, on=PLACE, how="left")
        .with_columns(pl.col("out_qty", "in_qty").fill_null(0.0))
        .select(
            *PLACE,
            "order_multiple",
            position_before_qty="position_qty",
            position_after_qty=after,
            target_qty="target_qty",
            demand_mean_qty="demand_mean_qty",
            cover_days_before=pl.when(rate > 0).then(pl.col("position_qty") / rate),
            cover_days_after=pl.when(rate > 0).then(after / rate),
        )
    )
    terms = [name for name in sides.columns if name not in (*PLACE, "order_multiple")]
    source = sides.rename({"location_id": "from_location_id", **{name: f"source_{name}" for name in terms}})
    destination = sides.drop("order_multiple").rename(
        {"location_id": "to_location_id", **{name: f"destination_{name}" for name in terms}}
    )
    shipment = pl.col("cost_per_shipment") * pl.col("qty") / pl.col("qty").sum().over(LANE)
    return (
        moves.join(source, on=["sku_id", "from_location_id"])
        .join(destination, on=["sku_id", "to_location_id"])
        .join(lanes, on=LANE)
        .with_columns(
            lost_sales_avoided_amount=pl.col("lost_amount"),
            idle_cost_avoided_amount=pl.col("idle_amount"),
            gain_amount=pl.col("lost_amount") + pl.col("idle_amount"),
            cost_amount=pl.col("cost_amount") + shipment,
        )
        .with_columns(net_gain_amount=pl.col("gain_amount") - pl.col("cost_amount"))
        .sort(MOVE)
        .select(pl.col(name).cast(kind) for name, kind in TRANSFERS_SCHEMA.items())
    )
