"""What to move between places: from where units lie idle to where they would sell, when that earns more than it costs.

What belongs here: the choice of moves over the allowed lanes, for all products of a network. What does not: splitting a
supply that is too short among orders (allocation), serving a single customer's order (order_sourcing), which places
take part (moves).

Each product is a small network of its own. A unit given away by place i loses there, a unit received by place j saves
there, both in expectation over the days that the place has to bridge:

    loss_i(k)  margin x (lost sales with k units fewer - with k - 1 fewer) - what keeping it would cost
    gain_j(k)  margin x (lost sales with k - 1 units more - with k more)

Keeping a unit that finds no buyer within the days costs `idle_unit_amount` (markdown and capital); only what lies above
the place's own target may go, so a source keeps its own coverage. Gains fall and losses rise with every unit, so the
best flows are a linear program whose corners are whole units (a transport problem with piecewise linear costs); all
products of a group are solved at once with HiGHS. Units are packs of the product.

A lane's cost of a shipment is shared by all products on it. Lanes that do not earn theirs are closed, the poorest
first, and what went over them is planned anew: the drop heuristic for fixed charges, never worse than leaving them.
Where something else is worth more to a place (`rivals`: tonight's order of the same product), the place takes no part
and its product is planned anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy import optimize, sparse

from ml.forecasting.distribution import DemandDistribution
from ml.planning.arbiter import ACTIONS_SCHEMA, MOVE_IN, arbitrate

PLACE = ["sku_id", "location_id"]
LANE = ["from_location_id", "to_location_id"]
MOVE = [*LANE, "sku_id"]
_SIDE: dict[str, type[pl.DataType]] = dict.fromkeys(
    (
        "position_before_qty",
        "position_after_qty",
        "target_qty",
        "demand_mean_qty",
        "protection_days",
        "cover_days_before",
        "cover_days_after",
        "unit_margin",
        "idle_unit_amount",
        "expected_lost_before_qty",
        "expected_lost_after_qty",
    ),
    pl.Float64,
)
_COLUMNS: dict[str, type[pl.DataType]] = {
    "from_location_id": pl.String,
    "to_location_id": pl.String,
    "sku_id": pl.String,
    "as_of": pl.Date,
    "ship_on": pl.Date,
    "arrives_on": pl.Date,
    "lead_time_days": pl.Float64,
    "order_multiple": pl.Float64,
    "source_movable_qty": pl.Float64,
    "source_spare_qty": pl.Float64,
    "source_to_others_qty": pl.Float64,
    "destination_room_qty": pl.Float64,
    "destination_from_others_qty": pl.Float64,
    "unprofitable_qty": pl.Float64,
    "qty": pl.Float64,
    **{f"source_{name}": kind for name, kind in _SIDE.items()},
    **{f"destination_{name}": kind for name, kind in _SIDE.items()},
    "lost_sales_avoided_amount": pl.Float64,
    "idle_cost_avoided_amount": pl.Float64,
    "gain_amount": pl.Float64,
    "cost_per_unit": pl.Float64,
    "handling_amount": pl.Float64,
    "cost_per_shipment": pl.Float64,
    "shipment_units_qty": pl.Float64,
    "shipment_amount": pl.Float64,
    "cost_amount": pl.Float64,
    "net_gain_amount": pl.Float64,
    "move_in_gain_amount": pl.Float64,
    "order_gain_amount": pl.Float64,
}
TRANSFERS_SCHEMA = pl.Schema(_COLUMNS)
LANES_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(LANE, pl.String),
        **dict.fromkeys(("lead_time_days", "cost_per_unit", "cost_per_shipment"), pl.Float64),
    }
)
NO_RIVALS = pl.DataFrame(schema=ACTIONS_SCHEMA)
NO_FEEDING = pl.DataFrame(schema=dict.fromkeys(MOVE, pl.String))
_MOVES_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(MOVE, pl.String),
        **dict.fromkeys(("qty", "lost_amount", "idle_amount", "cost_amount"), pl.Float64),
    }
)
_GROUP = 400  # products a linear program: some 40,000 variables
_NOISE = 1e-6


@dataclass(frozen=True)
class Transfers:
    """`lines`: TRANSFERS_SCHEMA, sorted by MOVE. `beaten`: PLACE, move_in_value_amount where a rival is worth more."""

    lines: pl.DataFrame
    beaten: pl.DataFrame


@dataclass(frozen=True)
class TransferRules:
    """What a move must fulfil. min_net_gain_amount: a line that earns less is not worth the handling.

    max_packs: packs of one product that one place gives, or takes, in a night.
    """

    min_net_gain_amount: float
    max_packs: int = 12


def propose_transfers(
    places: pl.DataFrame,
    lanes: pl.DataFrame,
    dispersion: pl.DataFrame,
    rules: TransferRules,
    as_of: date,
    feeding: pl.DataFrame = NO_FEEDING,
    rivals: pl.DataFrame = NO_RIVALS,
) -> Transfers:
    """Return the moves of a night, and where something else was worth more.

    places: PLACE (unique), position_qty (on hand + coming - reserved), movable_qty (free on hand), target_qty,
    most_qty (what the shelf can still take, infinite: no limit), demand_mean_qty over protection_days, segment, unit_margin,
    idle_unit_amount (what a unit costs that finds no buyer within these days), order_multiple > 0, the same at all
    places of a product; rows with a null are left out. lanes: LANES_SCHEMA, LANE unique; null costs: 0. dispersion:
    ml.forecast_dispersion. feeding: MOVE; what a place orders from the place that feeds it is no transfer. rivals:
    ACTIONS_SCHEMA; what else is proposed tonight, and what it is worth.

    Units are conserved: what leaves one place comes to another; no place gives below its target or what lies there.
    """
    demand = DemandDistribution.from_frame(dispersion)
    known = places.drop_nulls().sort(PLACE)
    open_lanes = lanes.with_columns(pl.col("cost_per_unit", "cost_per_shipment").fill_null(0.0)).sort(LANE)
    steps = _steps(known, open_lanes, demand, rules)
    moves = _solve(steps, open_lanes, feeding, rules)
    losers = beaten = _losers(moves, rivals, open_lanes)
    while True:
        poor = _poorest_lanes(moves, open_lanes) if losers.is_empty() else open_lanes.select(LANE).clear()
        if losers.is_empty() and poor.is_empty():
            return Transfers(_lines(moves, known, steps, open_lanes, demand, rivals, as_of), beaten.sort(PLACE))
        hit = pl.concat([moves.join(poor, on=LANE, how="semi")["sku_id"], losers["sku_id"]]).unique()
        is_replanned = pl.col("sku_id").is_in(hit.implode())
        open_lanes = open_lanes.join(poor, on=LANE, how="anti")
        # a place where something else is worth more takes nothing of the product; it may still give
        losing = losers.select(*PLACE, is_source=pl.lit(False))
        steps = steps.join(losing, on=[*PLACE, "is_source"], how="anti")
        again = _solve(steps.filter(is_replanned), open_lanes, feeding, rules)
        moves = pl.concat([moves.filter(~is_replanned), again])
        losers = _losers(moves, rivals, open_lanes)
        beaten = pl.concat([beaten, losers])


def _losers(moves: pl.DataFrame, rivals: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """The pairs at which moving in is worth less than what else is proposed there: PLACE, move_in_value_amount."""
    verdicts = arbitrate(pl.concat([_actions(moves, lanes), rivals]))
    is_beaten = pl.col("move_in_value_amount").is_not_null() & (pl.col("chosen_action") != MOVE_IN)
    return verdicts.filter(is_beaten).select(*PLACE, "move_in_value_amount")


def _actions(moves: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """What moving in is worth to each pair that something is moved to, its share of the shipments taken off."""
    shipment = pl.col("cost_per_shipment") * pl.col("qty") / pl.col("qty").sum().over(LANE)
    net = pl.col("lost_amount") + pl.col("idle_amount") - pl.col("cost_amount") - shipment
    valued = moves.join(lanes.select(*LANE, "cost_per_shipment"), on=LANE).with_columns(net=net)
    summed = valued.group_by("sku_id", location_id="to_location_id").agg(value_amount=pl.col("net").sum())
    return summed.select(*PLACE, action=pl.lit(MOVE_IN), value_amount="value_amount")


def _steps(places: pl.DataFrame, lanes: pl.DataFrame, demand: DemandDistribution, rules: TransferRules) -> pl.DataFrame:
    """One row a pack that a place could give (is_source) or take, with what it changes there in money, pack by pack.

    Of products that somebody on a lane has to give and somebody on a lane could take; the others have no moves.
    lost_amount: lost sales avoided (below zero at a source), idle_amount: cost of idle units avoided (below zero at a
    destination); value is their sum.
    """
    size = pl.col("order_multiple")
    spare = pl.min_horizontal("movable_qty", pl.col("position_qty") - pl.col("target_qty"))
    room = ((pl.col("target_qty") - pl.col("position_qty")) / size - 1e-9).ceil()
    gives = places.with_columns(is_source=pl.lit(True), packs=(spare / size + 1e-9).floor())
    takes = places.with_columns(
        is_source=pl.lit(False), packs=pl.min_horizontal(room, (pl.col("most_qty") / size + 1e-9).floor())
    )
    gives = gives.join(lanes.select(location_id="from_location_id").unique(), on="location_id", how="semi")
    takes = takes.join(lanes.select(location_id="to_location_id").unique(), on="location_id", how="semi")
    gives, takes = (side.filter(pl.col("packs") > 0) for side in (gives, takes))
    gives, takes = gives.join(takes, on="sku_id", how="semi"), takes.join(gives, on="sku_id", how="semi")
    packs = (
        pl.concat([gives, takes])
        .with_columns(pack=pl.int_ranges(0, pl.min_horizontal("packs", pl.lit(rules.max_packs)).cast(pl.Int64)))
        .explode("pack", empty_as_null=False)
    )
    sign = pl.when("is_source").then(-1.0).otherwise(1.0)
    packs = packs.with_columns(
        before=pl.col("position_qty") + sign * pl.col("pack") * size,
        after=pl.col("position_qty") + sign * (pl.col("pack") + 1) * size,
    )
    (lost_before, idle_before), (lost_after, idle_after) = (_expected(packs, demand, s) for s in ("before", "after"))
    return packs.with_columns(
        lost_amount=pl.Series((lost_before - lost_after) * packs["unit_margin"].to_numpy()),
        idle_amount=pl.Series((idle_before - idle_after) * packs["idle_unit_amount"].to_numpy()),
    ).with_columns(value=pl.col("lost_amount") + pl.col("idle_amount"))


def _expected(packs: pl.DataFrame, demand: DemandDistribution, stock: str) -> tuple[np.ndarray, np.ndarray]:
    """Expected units lost, and units left over, with that stock over the protection days."""
    mean, days = packs["demand_mean_qty"].to_numpy(), packs["protection_days"].to_numpy().astype(float)
    quantity = packs[stock].to_numpy()
    lost = demand.expected_shortage(mean, days, quantity, segment=demand.codes(packs["segment"]))
    return lost, quantity - mean + lost


def _solve(steps: pl.DataFrame, lanes: pl.DataFrame, feeding: pl.DataFrame, rules: TransferRules) -> pl.DataFrame:
    """Best moves (_MOVES_SCHEMA) of every product that somebody has to give and somebody else could take."""
    sides = steps.group_by("sku_id").agg(pl.col("is_source").any(), takes=(~pl.col("is_source")).any())
    chosen = sides.filter(pl.col("is_source") & pl.col("takes"))["sku_id"].sort()
    groups = [chosen[i : i + _GROUP].implode() for i in range(0, len(chosen), _GROUP)]
    parts = [_solve_group(steps.filter(pl.col("sku_id").is_in(group)), lanes, feeding) for group in groups]
    moves = pl.concat([pl.DataFrame(schema=_MOVES_SCHEMA), *parts])
    net = pl.col("lost_amount") + pl.col("idle_amount") - pl.col("cost_amount")
    return moves.filter(net >= rules.min_net_gain_amount)


def _solve_group(steps: pl.DataFrame, lanes: pl.DataFrame, feeding: pl.DataFrame) -> pl.DataFrame:
    """One linear program: packs given and taken in [0, 1], flows >= 0, in balance at every product and place."""
    nodes = steps.select(*PLACE, "is_source", "order_multiple").unique().sort(*PLACE, "is_source")
    nodes = nodes.with_row_index("node")
    steps = steps.join(nodes.drop("order_multiple"), on=[*PLACE, "is_source"]).sort("node", "pack")
    givers = nodes.filter("is_source").select("sku_id", "order_multiple", giver="node", from_location_id="location_id")
    takers = nodes.filter(~pl.col("is_source")).select("sku_id", taker="node", to_location_id="location_id")
    flows = givers.join(takers, on="sku_id").join(lanes, on=LANE).join(feeding, on=MOVE, how="anti")
    flows = flows.sort("giver", "taker")
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


def _lines(
    moves: pl.DataFrame,
    places: pl.DataFrame,
    steps: pl.DataFrame,
    lanes: pl.DataFrame,
    demand: DemandDistribution,
    rivals: pl.DataFrame,
    as_of: date,
) -> pl.DataFrame:
    """The published lines: each place before and after all moves of the night, gain and cost by their terms."""
    sides = _sides(moves, places, steps, demand)
    terms = [name for name in sides.columns if name not in (*PLACE, "order_multiple")]
    source = sides.rename({"location_id": "from_location_id", **{name: f"source_{name}" for name in terms}})
    destination = sides.drop("order_multiple").rename(
        {"location_id": "to_location_id", **{name: f"destination_{name}" for name in terms}}
    )
    displaced = rivals.filter(pl.col("action") == "order").select(
        "sku_id", to_location_id="location_id", order_gain_amount="value_amount"
    )
    qty = pl.col("qty")
    lines = (
        moves.select(*MOVE, "qty")
        .join(source, on=["sku_id", "from_location_id"])
        .join(destination, on=["sku_id", "to_location_id"])
        .join(lanes, on=LANE)
        .join(displaced, on=["sku_id", "to_location_id"], how="left")
        .with_columns(
            as_of=pl.lit(as_of),
            ship_on=pl.lit(as_of).dt.offset_by("1d"),
            source_to_others_qty=pl.col("source_given_qty") - qty,
            destination_from_others_qty=pl.col("destination_taken_qty") - qty,
            # of what a place saves or loses in all, its share by units
            taken_share=qty / pl.col("destination_taken_qty"),
            given_share=qty / pl.col("source_given_qty"),
            shipment_units_qty=qty.sum().over(LANE),
        )
    )
    saved, lost = _saved("destination"), -_saved("source")
    taken, given = pl.col("destination_taken_qty"), pl.col("source_given_qty")
    idle_destination = (taken - saved) * pl.col("destination_idle_unit_amount") * pl.col("taken_share")
    idle_source = (given - lost) * pl.col("source_idle_unit_amount") * pl.col("given_share")
    left = pl.min_horizontal(
        pl.col("source_spare_qty") - pl.col("source_to_others_qty"),
        pl.col("destination_room_qty") - pl.col("destination_from_others_qty"),
    )
    days = pl.col("lead_time_days").fill_null(0.0).ceil().cast(pl.Int64)
    lines = lines.with_columns(
        arrives_on=pl.when(pl.col("lead_time_days").is_not_null()).then(pl.col("ship_on") + pl.duration(days=days)),
        unprofitable_qty=left - qty,
        lost_sales_avoided_amount=saved * pl.col("destination_unit_margin") * pl.col("taken_share")
        - lost * pl.col("source_unit_margin") * pl.col("given_share"),
        idle_cost_avoided_amount=idle_source - idle_destination,
        handling_amount=qty * pl.col("cost_per_unit"),
        shipment_amount=pl.col("cost_per_shipment") * qty / pl.col("shipment_units_qty"),
    ).with_columns(
        gain_amount=pl.col("lost_sales_avoided_amount") + pl.col("idle_cost_avoided_amount"),
        cost_amount=pl.col("handling_amount") + pl.col("shipment_amount"),
    )
    lines = lines.with_columns(net_gain_amount=pl.col("gain_amount") - pl.col("cost_amount"))
    into = pl.col("net_gain_amount").sum().over("sku_id", "to_location_id")
    lines = lines.with_columns(move_in_gain_amount=into)
    return lines.sort(MOVE).select(pl.col(name).cast(kind) for name, kind in TRANSFERS_SCHEMA.items())


def _saved(side: str) -> pl.Expr:
    """Units of lost sales that all moves of a place save (below zero where it gives)."""
    return pl.col(f"{side}_expected_lost_before_qty") - pl.col(f"{side}_expected_lost_after_qty")


def _sides(moves: pl.DataFrame, places: pl.DataFrame, steps: pl.DataFrame, demand: DemandDistribution) -> pl.DataFrame:
    """The places that give or take, with position, cover and expected lost sales before and after all their moves."""
    out = moves.group_by("sku_id", location_id="from_location_id").agg(given_qty=pl.col("qty").sum())
    into = moves.group_by("sku_id", location_id="to_location_id").agg(taken_qty=pl.col("qty").sum())
    most = steps.group_by(PLACE).agg(
        spare_qty=pl.col("order_multiple").filter("is_source").sum(),
        room_qty=pl.col("order_multiple").filter(~pl.col("is_source")).sum(),
    )
    sides = (
        places.join(out, on=PLACE, how="left")
        .join(into, on=PLACE, how="left")
        .join(most, on=PLACE, how="left")
        .with_columns(pl.col("given_qty", "taken_qty", "spare_qty", "room_qty").fill_null(0.0))
        .filter(pl.col("given_qty") + pl.col("taken_qty") > 0)
        .with_columns(after_qty=pl.col("position_qty") - pl.col("given_qty") + pl.col("taken_qty"))
    )
    (lost_before, _), (lost_after, _) = (_expected(sides, demand, stock) for stock in ("position_qty", "after_qty"))
    rate = pl.col("demand_mean_qty") / pl.col("protection_days")
    return sides.select(
        *PLACE,
        "order_multiple",
        "movable_qty",
        "spare_qty",
        "room_qty",
        "given_qty",
        "taken_qty",
        "target_qty",
        "demand_mean_qty",
        "protection_days",
        "unit_margin",
        "idle_unit_amount",
        position_before_qty="position_qty",
        position_after_qty="after_qty",
        cover_days_before=pl.when(rate > 0).then(pl.col("position_qty") / rate),
        cover_days_after=pl.when(rate > 0).then(pl.col("after_qty") / rate),
        expected_lost_before_qty=pl.Series(lost_before),
        expected_lost_after_qty=pl.Series(lost_after),
    )
