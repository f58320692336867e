"""What to move between places: from where units lie idle to where they would sell, when that earns more than it costs.

What belongs here: the choice of moves over the allowed lanes, for all products of a network. What does not: splitting a
supply that is too short among orders (allocation), serving a single customer's order (order_sourcing), which places
take part (moves).

Each product is a small network of its own. A unit given away by place i loses there, a unit received by place j saves
there, both in expectation over the days that the place has to bridge:

    loss_i(k)  margin x (lost sales with k units fewer - with k - 1 fewer) - what keeping it would cost
    gain_j(k)  margin x (lost sales with k - 1 units more - with k more)

What is lost while the units are on the lane is lost whatever is moved. Where sales are lost, (x - D(L))+ of x units lie
there when k others arrive L days later (Karlin and Scarf 1958, Inventory models of the Arrow-Harris-Marschak type with
time lag), and from then to day P so many units are lost:

    E[(D(L, P) - (x - D(L))+ - k)+],  taken as  E[(D - r - k)+],  r = E[(x - D(L))+] = x - E[D(L)] + E[(D(L) - x)+]

where D has the mean of D(L, P), and its variance raised by P(D(L) < x) of what D(L) adds to it: the two moments of what
is wanted less what is left, exact where nothing is left (x = 0) and where nothing runs out. It falls less with every
unit, which the program below needs. Against the exact sum, Poisson demand of 0.2 to 3 a day over 9 days and lanes of 1
to 5, the units saved are 0.013 off in the mean and at most 0.23 (of 6.6).

Keeping a unit that finds no buyer within the days costs `idle_unit_amount` (markdown and capital); only what lies above
the place's own target may go, so a source keeps its own coverage. Gains fall and losses rise with every unit, so the
best flows are a linear program whose corners are whole units (a transport problem with piecewise linear costs); all
products of a group are solved at once with HiGHS. Units are packs of the product. A place to which lanes of different
days lead has one row of packs for each, and a pack of one row takes the place of the same pack of the others.

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
    "destination_lost_before_arrival_qty": pl.Float64,
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
        **dict.fromkeys(("lane_days", "qty", "lost_amount", "idle_amount", "cost_amount"), pl.Float64),
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
    most_qty (what the shelf can still take, infinite: no limit), demand_mean_qty over protection_days (the same every
    day), segment, unit_margin, idle_unit_amount (what a unit costs that finds no buyer within these days),
    order_multiple > 0, the same at all places of a product; rows with a null are left out. lanes: LANES_SCHEMA, LANE
    unique; null costs: 0, null days: as if at once, others in whole days, upwards. dispersion: ml.forecast_dispersion.
    feeding: MOVE; what a place orders from the place that feeds it is no transfer. rivals: ACTIONS_SCHEMA; what else is
    proposed tonight, and what it is worth.

    Units are conserved: what leaves one place comes to another; no place gives below its target or what lies there.
    """
    demand = DemandDistribution.from_frame(dispersion)
    known = places.drop_nulls().sort(PLACE)
    open_lanes = lanes.with_columns(
        pl.col("cost_per_unit", "cost_per_shipment").fill_null(0.0),
        lane_days=pl.col("lead_time_days").fill_null(0.0).clip(0.0).ceil(),
    ).sort(LANE)
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
    destination); value is their sum. A destination has its packs once for each lane_days of the lanes to it, for what
    comes later saves less; over a lane longer than its protection days nothing can be saved.
    """
    size = pl.col("order_multiple")
    spare = pl.min_horizontal("movable_qty", pl.col("position_qty") - pl.col("target_qty"))
    room = ((pl.col("target_qty") - pl.col("position_qty")) / size - 1e-9).ceil()
    gives = places.with_columns(is_source=pl.lit(True), packs=(spare / size + 1e-9).floor())
    takes = places.with_columns(
        is_source=pl.lit(False), packs=pl.min_horizontal(room, (pl.col("most_qty") / size + 1e-9).floor())
    )
    gives = gives.join(lanes.select(location_id="from_location_id").unique(), on="location_id", how="semi")
    gives = gives.with_columns(lane_days=pl.lit(0.0))
    takes = takes.join(lanes.select("lane_days", location_id="to_location_id").unique(), on="location_id")
    takes = takes.filter(pl.col("lane_days") < pl.col("protection_days"))
    gives, takes = (side.filter(pl.col("packs") > 0) for side in (gives, takes))
    gives, takes = gives.join(takes, on="sku_id", how="semi"), takes.join(gives, on="sku_id", how="semi")
    packs = (
        _with_arrival(pl.concat([gives, takes], how="diagonal"), demand)
        .with_columns(pack=pl.int_ranges(0, pl.min_horizontal("packs", pl.lit(rules.max_packs)).cast(pl.Int64)))
        .explode("pack", empty_as_null=False)
    )
    sign = pl.when("is_source").then(-1.0).otherwise(1.0)
    packs = packs.with_columns(
        before=pl.col("at_arrival_qty") + sign * pl.col("pack") * size,
        after=pl.col("at_arrival_qty") + sign * (pl.col("pack") + 1) * size,
    )
    (lost_before, idle_before), (lost_after, idle_after) = (_expected(packs, demand, s) for s in ("before", "after"))
    return packs.with_columns(
        lost_amount=pl.Series((lost_before - lost_after) * packs["unit_margin"].to_numpy()),
        idle_amount=pl.Series((idle_before - idle_after) * packs["idle_unit_amount"].to_numpy()),
    ).with_columns(value=pl.col("lost_amount") + pl.col("idle_amount"))


def _with_arrival(sides: pl.DataFrame, demand: DemandDistribution) -> pl.DataFrame:
    """Add what the days on the lane leave: lost_before_arrival_qty, at_arrival_qty (r above), and of the demand from
    then on its mean (later_mean_qty), days (later_days) and the variance to add (waiting_variance)."""
    days, position = sides["lane_days"].to_numpy(), sides["position_qty"].to_numpy()
    all_days, all_mean = sides["protection_days"].to_numpy(), sides["demand_mean_qty"].to_numpy()
    first, later = np.maximum(days, 1.0), all_days - days
    segment = demand.codes(sides["segment"])
    mean, later_mean = all_mean * days / all_days, all_mean * later / all_days
    # what is owed already (a position below zero) stays owed; it is not lost on the way
    stock = np.maximum(position, 0.0)
    lost = np.where(days > 0, demand.expected_shortage(mean, first, stock, segment=segment), 0.0)
    has_stock = np.where(
        position > 0, demand.probability_covered(mean, first, np.ceil(position) - 1, segment=segment), 0.0
    )
    added = demand.variance(all_mean, all_days, segment=segment) - demand.variance(later_mean, later, segment=segment)
    return sides.with_columns(
        lost_before_arrival_qty=pl.Series(lost),
        at_arrival_qty=pl.Series(position - mean + lost),
        later_mean_qty=pl.Series(later_mean),
        later_days=pl.Series(later),
        waiting_variance=pl.Series(np.where(days > 0, np.maximum(added, 0.0) * has_stock, 0.0)),
    )


def _expected(packs: pl.DataFrame, demand: DemandDistribution, stock: str) -> tuple[np.ndarray, np.ndarray]:
    """Expected units lost, and units left over, with that stock from the arrival on (_with_arrival)."""
    mean, days = packs["later_mean_qty"].to_numpy(), packs["later_days"].to_numpy()
    quantity, variance = packs[stock].to_numpy(), packs["waiting_variance"].to_numpy()
    segment = demand.codes(packs["segment"])
    lost = demand.expected_shortage(mean, days, quantity, extra_variance=variance, segment=segment)
    return lost, quantity - mean + lost


def _solve(steps: pl.DataFrame, lanes: pl.DataFrame, feeding: pl.DataFrame, rules: TransferRules) -> pl.DataFrame:
    """Best moves (_MOVES_SCHEMA) of every product that somebody has to give and somebody else could take."""
    sides = steps.group_by("sku_id").agg(pl.col("is_source").any(), takes=(~pl.col("is_source")).any())
    chosen = sides.filter(pl.col("is_source") & pl.col("takes"))["sku_id"].sort()
    groups = [chosen[i : i + _GROUP].implode() for i in range(0, len(chosen), _GROUP)]
    parts = [_arriving_together(steps.filter(pl.col("sku_id").is_in(group)), lanes, feeding) for group in groups]
    moves = pl.concat([pl.DataFrame(schema=_MOVES_SCHEMA), *parts])
    net = pl.col("lost_amount") + pl.col("idle_amount") - pl.col("cost_amount")
    return moves.filter(net >= rules.min_net_gain_amount)


def _arriving_together(steps: pl.DataFrame, lanes: pl.DataFrame, feeding: pl.DataFrame) -> pl.DataFrame:
    """The best moves in which what comes to a place of one product comes on one day.

    Where the linear program mixes days, the place keeps those on which most units come (else the earlier ones) and
    its product is solved anew: what a unit saves then follows from its own line, whatever else arrives.
    """
    moves = _solve_group(steps, lanes, feeding)
    while True:
        into = ["sku_id", "to_location_id"]
        ways = moves.group_by(*into, "lane_days").agg(pl.col("qty").sum())
        ways = ways.sort(*into, -pl.col("qty"), "lane_days")
        late = ways.filter(~pl.struct(into).is_first_distinct())
        if late.is_empty():
            return moves
        dropped = late.select("sku_id", "lane_days", location_id="to_location_id", is_source=pl.lit(False))
        steps = steps.join(dropped, on=[*PLACE, "is_source", "lane_days"], how="anti")
        is_replanned = pl.col("sku_id").is_in(late["sku_id"].unique().implode())
        again = _solve_group(steps.filter(is_replanned), lanes, feeding)
        moves = pl.concat([moves.filter(~is_replanned), again])


def _solve_group(steps: pl.DataFrame, lanes: pl.DataFrame, feeding: pl.DataFrame) -> pl.DataFrame:
    """One linear program: packs given and taken in [0, 1], flows >= 0, in balance at every product, place and days."""
    side = [*PLACE, "is_source", "lane_days"]
    nodes = steps.select(*side, "order_multiple").unique().sort(side)
    nodes = nodes.with_row_index("node")
    steps = steps.join(nodes.drop("order_multiple"), on=side).sort("node", "pack")
    givers = nodes.filter("is_source").select("sku_id", "order_multiple", giver="node", from_location_id="location_id")
    takers = nodes.filter(~pl.col("is_source")).select(
        "sku_id", "lane_days", taker="node", to_location_id="location_id"
    )
    flows = givers.join(takers, on="sku_id").join(lanes, on=[*LANE, "lane_days"]).join(feeding, on=MOVE, how="anti")
    flows = flows.sort("giver", "taker")
    if flows.is_empty():
        return pl.DataFrame(schema=_MOVES_SCHEMA)
    count, arcs = steps.height, flows.height
    worth = np.concatenate([steps["value"].to_numpy(), -(flows["cost_per_unit"] * flows["order_multiple"]).to_numpy()])
    # the packs of a place are what flows out of it, or into it
    rows = np.concatenate([steps["node"].to_numpy(), flows["giver"].to_numpy(), flows["taker"].to_numpy()])
    columns = np.concatenate([np.arange(count), count + np.arange(arcs), count + np.arange(arcs)])
    signs = np.concatenate([np.ones(count), -np.ones(2 * arcs)])
    limits = _one_pack_each(steps, count + arcs)
    solved = optimize.linprog(
        -worth,
        A_ub=limits,
        b_ub=None if limits is None else np.ones(limits.shape[0]),
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
            "lane_days",
            qty=pl.col("packs") * pl.col("order_multiple"),
            lost_amount=pl.col("packs") * (pl.col("lost_amount") + pl.col("given_lost")),
            idle_amount=pl.col("packs") * (pl.col("idle_amount") + pl.col("given_idle")),
            cost_amount=pl.col("packs") * pl.col("order_multiple") * pl.col("cost_per_unit"),
        )
    )


def _one_pack_each(steps: pl.DataFrame, variables: int) -> sparse.csr_matrix | None:
    """Rows (packs, variables) that let a pack come over lanes of one number of days only; None where all have one."""
    pack = steps.select(
        column=pl.int_range(pl.len()),
        slot=pl.struct(*PLACE, "is_source", "pack").rank("dense"),
        ways=pl.len().over(*PLACE, "is_source", "pack"),
    ).filter(pl.col("ways") > 1)
    if pack.is_empty():
        return None
    row = pack["slot"].rank("dense").to_numpy().astype(np.int64) - 1
    shape = (int(row.max()) + 1, variables)
    return sparse.csr_matrix((np.ones(len(row)), (row, pack["column"].to_numpy())), shape=shape)


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
    moves = moves.join(lanes, on=[*LANE, "lane_days"])
    sides = _sides(moves, places, steps, demand)
    terms = [name for name in sides.columns if name not in (*PLACE, "order_multiple", "lane_days")]
    source = sides.filter(pl.col("given_qty") > 0).drop("lane_days")
    source = source.rename({"location_id": "from_location_id", **{name: f"source_{name}" for name in terms}})
    destination = sides.drop("order_multiple").rename(
        {"location_id": "to_location_id", **{name: f"destination_{name}" for name in terms}}
    )
    displaced = rivals.filter(pl.col("action") == "order").select(
        "sku_id", to_location_id="location_id", order_gain_amount="value_amount"
    )
    qty = pl.col("qty")
    lines = (
        moves.drop("lost_amount", "idle_amount", "cost_amount")
        .join(source, on=["sku_id", "from_location_id"])
        .join(destination.drop("lane_days"), on=["sku_id", "to_location_id"])
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
    days = pl.duration(days=pl.col("lane_days").cast(pl.Int64))
    lines = lines.with_columns(
        arrives_on=pl.when(pl.col("lead_time_days").is_not_null()).then(pl.col("ship_on") + days),
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
    """The places that give or take, with position, cover and expected lost sales before and after all their moves.

    A row has the lane_days of what comes there, and 0 where units leave.
    """
    out = moves.group_by("sku_id", location_id="from_location_id").agg(given_qty=pl.col("qty").sum())
    into = moves.group_by("sku_id", location_id="to_location_id").agg(taken_qty=pl.col("qty").sum())
    ends = [
        moves.select("sku_id", location_id="from_location_id", lane_days=pl.lit(0.0)),
        moves.select("sku_id", "lane_days", location_id="to_location_id"),
    ]
    most = (
        steps.unique([*PLACE, "is_source", "pack"])
        .group_by(PLACE)
        .agg(
            spare_qty=pl.col("order_multiple").filter("is_source").sum(),
            room_qty=pl.col("order_multiple").filter(~pl.col("is_source")).sum(),
        )
    )
    sides = (
        places.join(out, on=PLACE, how="left")
        .join(into, on=PLACE, how="left")
        .join(most, on=PLACE, how="left")
        .with_columns(pl.col("given_qty", "taken_qty", "spare_qty", "room_qty").fill_null(0.0))
        .join(pl.concat([end.select(*PLACE, "lane_days") for end in ends]).unique(), on=PLACE)
    )
    moved = pl.col("taken_qty") - pl.col("given_qty")
    sides = _with_arrival(sides, demand).with_columns(
        after_qty=pl.col("position_qty") + moved, at_arrival_after_qty=pl.col("at_arrival_qty") + moved
    )
    (lost_before, _), (lost_after, _) = (
        _expected(sides, demand, stock) for stock in ("at_arrival_qty", "at_arrival_after_qty")
    )
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
        "lane_days",
        "lost_before_arrival_qty",
        position_before_qty="position_qty",
        position_after_qty="after_qty",
        cover_days_before=pl.when(rate > 0).then(pl.col("position_qty") / rate),
        cover_days_after=pl.when(rate > 0).then(pl.col("after_qty") / rate),
        expected_lost_before_qty=pl.Series(lost_before),
        expected_lost_after_qty=pl.Series(lost_after),
    )
