"""Which places take part in tonight's moves, and what becomes of the order of a place that gets units from another.

What belongs here: from the order lines, and from stock that nothing is forecast for, to the places of the transfer
problem; the value of an order that competes with a move; the sentence on a move. What does not: which moves are best
(transfers), how two actions are weighed (arbiter).

A place that feeds others takes no part: what it gives to them is their order to it (allocation shares it out). Of a
product that a place holds and nothing is forecast for there, nobody wants a unit: all of it may go. A place that sells
a product and cannot order it (no row in erp/sourcing) gives and takes: moves are all that it can get.
"""

from datetime import date
from math import ceil

import numpy as np
import polars as pl

from ml.forecasting.distribution import ALL, DemandDistribution
from ml.planning.arbiter import ACTIONS_SCHEMA, ORDER
from ml.planning.demand_path import KEYS, DemandPath
from ml.planning.formulas import lead_time_variance
from ml.planning.service import Cycle
from ml.planning.service_lines import add_service
from ml.planning.settings import PlanningSettings
from ml.planning.terms import add_stock
from ml.planning.transfers import MOVE, NO_RIVALS, TRANSFERS_SCHEMA, TransferRules, propose_transfers
from ml.planning.words import day, joined_codes, money, number, only_if, plural

_TOLD: dict[str, type[pl.DataType]] = {"reason_codes": pl.String, "explanation": pl.String}
TRANSFER_ORDERS_SCHEMA = pl.Schema([*TRANSFERS_SCHEMA.items(), *_TOLD.items()])
_DAYS = 365.0


def believed_stock(positions: pl.DataFrame, as_of: date, settings: PlanningSettings) -> pl.DataFrame:
    """KEYS, on_hand_qty, reserved_qty, free_qty, inventory_position_qty of the stock records that are believed."""
    stock = add_stock(positions.select(KEYS), positions, as_of, settings).filter(pl.col("stock_fault").is_null())
    return stock.select(*KEYS, "on_hand_qty", "reserved_qty", "free_qty", "inventory_position_qty").drop_nulls()


def stock_without_forecast(
    stock: pl.DataFrame, series: pl.DataFrame, locations: pl.DataFrame, unit_values: pl.DataFrame
) -> pl.DataFrame:
    """Stock at open places of what nothing is forecast for: KEYS, free_qty, inventory_position_qty, unit_cost, price.

    stock: as believed_stock returns it. series: KEYS of what is forecast.
    """
    closed = locations.filter(~pl.col("is_open")).select("location_id")
    numbers = [pl.col(name).cast(pl.Float64) for name in ("unit_cost", "price")]
    return (
        stock.filter(pl.col("free_qty") > 0)
        .join(series.select(KEYS), on=KEYS, how="anti")
        .join(closed, on="location_id", how="anti")
        .join(unit_values.select(*KEYS, *numbers), on=KEYS, how="left")
    )


def places_without_source(
    pairs: pl.DataFrame, path: DemandPath, demand: DemandDistribution, settings: PlanningSettings
) -> pl.DataFrame:
    """The pairs with demand_mean_qty, target_qty, protection_days and most_qty: what moves ask of a place.

    pairs: sold at open places and in stock, without a source: stock as believed_stock returns it, segment, department,
    abc_class, shelf_capacity_qty. path: of the pairs. They bridge the default lead time and review, and aim at the
    stock that lasts so long with the probability of their service target (type 1, by quantile): the price of a lost
    sale is found from order lines, and they have none.
    """
    days = float(ceil(settings.default_lead_time_days) + settings.default_review_days)
    mean = path.demand(np.full(pairs.height, days))
    aimed = add_service(pairs.with_columns(is_feeding_place=pl.lit(False)), settings)
    segment = demand.codes(pairs["segment"])
    target = demand.quantile(np.nan_to_num(mean), days, aimed["service_target"].to_numpy(), segment=segment)
    room = pl.col("shelf_capacity_qty").cast(pl.Float64) - pl.col("inventory_position_qty").clip(0.0)
    return pairs.with_columns(
        demand_mean_qty=pl.Series(mean, dtype=pl.Float64).fill_nan(None),
        target_qty=pl.Series(target, dtype=pl.Float64),
        protection_days=pl.lit(days),
        most_qty=room.clip(0.0).fill_null(np.inf),
    )


def add_moves(
    lines: pl.DataFrame,
    idle: pl.DataFrame,
    unsourced: pl.DataFrame,
    lanes: pl.DataFrame,
    dispersion: pl.DataFrame,
    as_of: date,
    settings: PlanningSettings,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines with what moves do to them, and the moves (TRANSFER_ORDERS_SCHEMA).

    lines: the planning frame after its steps. idle, unsourced: as stock_without_forecast and places_without_source
    return them. lanes: LANES_SCHEMA. Adds moved_in_qty, moved_out_qty, order_gain_amount and move_in_gain_amount (null
    where the two did not compete) and after_arbiter_qty: zero where moving in is worth more than the order.
    """
    demand = DemandDistribution.from_frame(dispersion)
    rules = TransferRules(settings.transfer_min_gain_amount, settings.transfer_max_packs)
    feeding = lines.select("from_location_id", "sku_id", to_location_id="location_id").drop_nulls().select(MOVE)
    orders = NO_RIVALS if lanes.is_empty() else _order_values(lines, demand, settings)
    found = propose_transfers(
        _places(lines, idle, unsourced, settings), lanes, dispersion, rules, as_of, feeding, orders
    )
    into = found.lines.group_by("sku_id", location_id="to_location_id").agg(
        moved_in_qty=pl.col("qty").sum(), won_amount=pl.col("net_gain_amount").sum()
    )
    out = found.lines.group_by("sku_id", location_id="from_location_id").agg(moved_out_qty=pl.col("qty").sum())
    beaten = found.beaten.group_by(KEYS).agg(lost_amount=pl.col("move_in_value_amount").max())
    lines = (
        lines.join(into, on=KEYS, how="left", maintain_order="left")
        .join(out, on=KEYS, how="left", maintain_order="left")
        .join(beaten, on=KEYS, how="left", maintain_order="left")
        .join(orders.select(*KEYS, "value_amount"), on=KEYS, how="left", maintain_order="left")
        .with_columns(
            pl.col("moved_in_qty", "moved_out_qty").fill_null(0.0),
            move_in_gain_amount=pl.when(pl.col("after_smallest_qty") > 0).then(
                pl.coalesce("won_amount", "lost_amount")
            ),
        )
    )
    lines = lines.with_columns(
        order_gain_amount=pl.when(pl.col("move_in_gain_amount").is_not_null()).then(pl.col("value_amount")),
        after_arbiter_qty=pl.when(pl.col("after_smallest_qty").is_not_null() & (pl.col("moved_in_qty") > 0))
        .then(0.0)
        .otherwise("after_smallest_qty"),
    )
    return lines.drop("won_amount", "lost_amount", "value_amount"), _told(found.lines, lines, idle, unsourced)


def _order_values(lines: pl.DataFrame, demand: DemandDistribution, settings: PlanningSettings) -> pl.DataFrame:
    """What tonight's order is worth to a place (ACTIONS_SCHEMA): lost margin avoided less the cost of holding it.

    Units short between this delivery and the next one without the order, less those with it, times the unit's margin
    (its cost where no price is known); holding: its value over the review days.
    """
    orders = lines.filter((pl.col("after_smallest_qty") > 0) & (pl.col("downstream_days") == 0))
    mean, days = orders["demand_mean_qty"].to_numpy(), orders["protection_days"].to_numpy().astype(float)
    review = orders["review_days"].to_numpy()
    spread = lead_time_variance(mean / days, orders["lead_time_sd_days"].to_numpy())
    there = np.maximum(orders["inventory_position_qty"].to_numpy(), 0.0) + orders["after_smallest_qty"].to_numpy()
    cycle = Cycle(
        demand,
        mean,
        days,
        orders["demand_before_qty"].to_numpy(),
        days - review,
        spread,
        demand.codes(orders["segment"]),
    )
    avoided = pl.col("short_if_waiting_qty") - pl.Series(cycle.short_qty(there))
    holding = pl.col("after_smallest_qty") * pl.col("unit_cost").fill_null(0.0) * settings.holding_cost_yearly_pct / 100
    value = avoided * pl.coalesce("unit_margin", "unit_cost").fill_null(0.0) - holding * pl.col("review_days") / _DAYS
    valued = orders.select(*KEYS, action=pl.lit(ORDER), value_amount=value)
    return valued.select(pl.col(name).cast(kind) for name, kind in ACTIONS_SCHEMA.items())


def _places(
    lines: pl.DataFrame, idle: pl.DataFrame, unsourced: pl.DataFrame, settings: PlanningSettings
) -> pl.DataFrame:
    """The places of the transfer problem: those that sell and feed nobody, and stock that nobody asks for.

    Packs of a move are the smallest in which any place of the product is supplied. Where a place has no price or no
    cost of its own, the product's mean over its places speaks for it.
    """
    feeders = lines.select("sku_id", location_id="from_location_id").drop_nulls().unique()
    limit = pl.min_horizontal("shelf_room_qty", "shelf_life_room_qty").fill_null(np.inf)
    planned = lines.filter((pl.col("downstream_days") == 0) & pl.col("withheld_code").is_null()).select(
        *KEYS,
        "target_qty",
        "demand_mean_qty",
        pl.col("protection_days").cast(pl.Float64),
        "segment",
        "unit_margin",
        "unit_cost",
        position_qty="inventory_position_qty",
        movable_qty=pl.col("free_qty").clip(0.0),
        most_qty=limit,
    )
    days = settings.default_lead_time_days + settings.default_review_days
    unasked = idle.join(lines.select(KEYS), on=KEYS, how="anti").select(
        *KEYS,
        target_qty=pl.lit(0.0),
        demand_mean_qty=pl.lit(0.0),
        protection_days=pl.lit(days),
        segment=pl.lit(ALL),
        unit_margin=(pl.col("price") - pl.col("unit_cost")).clip(0.0),
        unit_cost="unit_cost",
        position_qty="inventory_position_qty",
        movable_qty="free_qty",
        most_qty=pl.lit(0.0),
    )
    stranded = unsourced.with_columns(
        unit_margin=(pl.col("price") - pl.col("unit_cost")).clip(0.0),
        position_qty="inventory_position_qty",
        movable_qty=pl.col("free_qty").clip(0.0),
    )
    packs = lines.group_by("sku_id").agg(order_multiple=pl.col("order_multiple").min())
    share = (
        settings.idle_markdown_pct / 100 + settings.holding_cost_yearly_pct / 100 * pl.col("protection_days") / _DAYS
    )
    return (
        pl.concat([planned, *(part.select(planned.columns) for part in (unasked, stranded))])
        .join(feeders, on=KEYS, how="anti")
        .join(packs, on="sku_id", how="left")
        .with_columns(
            pl.col("order_multiple").fill_null(1.0),
            *(pl.col(name).fill_null(pl.col(name).mean().over("sku_id")) for name in ("unit_margin", "unit_cost")),
        )
        .with_columns(idle_unit_amount=pl.col("unit_cost") * share)
        .drop("unit_cost")
    )


def _told(moves: pl.DataFrame, lines: pl.DataFrame, idle: pl.DataFrame, unsourced: pl.DataFrame) -> pl.DataFrame:
    """The moves with their reason codes and the sentence that a planner reads."""
    named = pl.concat(
        [frame.select("sku_id", "product_name", "location_id", "location_name") for frame in (lines, unsourced)]
    )
    names = named.select("sku_id", "product_name").drop_nulls().unique("sku_id")
    places = named.select("location_id", "location_name").drop_nulls().unique("location_id")
    senders = places.select(from_location_id="location_id", from_name="location_name")
    receivers = places.select(to_location_id="location_id", to_name="location_name")
    silent = idle.select("sku_id", from_location_id="location_id", is_unasked=pl.lit(True))
    stranded = unsourced.select("sku_id", to_location_id="location_id", has_no_source=pl.lit(True))
    told = (
        moves.join(names, on="sku_id", how="left")
        .join(senders, on="from_location_id", how="left")
        .join(receivers, on="to_location_id", how="left")
        .join(silent, on=["sku_id", "from_location_id"], how="left")
        .join(stranded, on=["sku_id", "to_location_id"], how="left")
        .with_columns(
            pl.coalesce("product_name", "sku_id"),
            pl.coalesce("from_name", "from_location_id"),
            pl.coalesce("to_name", "to_location_id"),
            pl.col("is_unasked", "has_no_source").fill_null(False),
        )
        .with_columns(reason_codes=_codes(), explanation=_sentence())
    )
    return told.sort(MOVE).select(pl.col(name).cast(kind) for name, kind in TRANSFER_ORDERS_SCHEMA.items())


def _codes() -> pl.Expr:
    given = pl.col("qty") + pl.col("source_to_others_qty")
    taken = pl.col("qty") + pl.col("destination_from_others_qty")
    return joined_codes(
        (pl.col("is_unasked"), "nothing_forecast_at_source"),
        (pl.col("source_position_before_qty") - given <= pl.col("source_target_qty") + 1e-6, "source_kept_at_target"),
        (taken >= pl.col("destination_room_qty") - 1e-6, "destination_filled"),
        (pl.col("unprofitable_qty") > 1e-6, "more_does_not_pay"),
        (pl.col("order_gain_amount").is_not_null(), "instead_of_order"),
        (pl.col("has_no_source"), "destination_has_no_source"),
        (pl.col("lead_time_days").is_null(), "lead_time_unknown"),
    )


def _sentence() -> pl.Expr:
    packs = pl.col("qty") / pl.col("order_multiple")
    return pl.concat_str(
        pl.format("Move {}", number("qty")),
        only_if(
            pl.col("order_multiple") != 1,
            pl.format(" ({} {} of {})", number(packs), plural(packs, "pack"), number("order_multiple")),
        ),
        pl.format(" of {} from {} to {} on {}: ", "product_name", "from_name", "to_name", day("ship_on")),
        pl.when("is_unasked")
        .then(pl.format("{} has {} and nothing is forecast for it there", "from_name", number("source_movable_qty")))
        .otherwise(
            pl.format(
                "{} has {} for a target of {}, of which {} may go",
                "from_name",
                number("source_position_before_qty"),
                number("source_target_qty"),
                number("source_spare_qty"),
            )
        ),
        pl.format(
            "; {} has {} for a target of {} and expects to sell {} in {} days",
            "to_name",
            number("destination_position_before_qty"),
            number("destination_target_qty"),
            number("destination_demand_mean_qty", 1),
            number("destination_protection_days"),
        ),
        only_if(
            pl.col("destination_lost_before_arrival_qty") >= 0.05,
            pl.format(", {} of them lost before the goods are there", number("destination_lost_before_arrival_qty", 1)),
        ),
        pl.format(
            "; lost sales avoided {}, idle stock avoided {}, less {} for moving = {}",
            money("lost_sales_avoided_amount"),
            money("idle_cost_avoided_amount"),
            money("cost_amount"),
            money("net_gain_amount"),
        ),
        only_if(
            pl.col("order_gain_amount").is_not_null(),
            pl.concat_str(
                only_if(
                    pl.col("destination_from_others_qty") > 0,
                    pl.format("; all moves to it {}", money("move_in_gain_amount")),
                ),
                pl.format("; worth more than ordering it ({})", money(pl.col("order_gain_amount").fill_null(0.0))),
            ),
        ),
        only_if(pl.col("unprofitable_qty") > 1e-6, pl.format("; {} more would not pay", number("unprofitable_qty"))),
        pl.lit("."),
    )
