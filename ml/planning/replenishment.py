"""What to order tonight: order-up-to a service target on the forecast's distribution, every term on the line.

What belongs here: the decision, from terms to quantity, and the frames that go in and come out. What does not: the
terms of a line (terms), what a service target asks for (service), what feeding places see (echelons), rounding and
limits (steps, joint_steps), the columns that come out (order_lines), the sentence a buyer reads (explain), where stock
and sourcing come from (dbt: int_stock_positions, int_sourcing_resolved).

The rule, periodic review (R,S) (Snyder and Shen, section 4.3; numbers.md section 3), for one product at one place:

    wait_days        order_on - as_of - 1: days that pass before the order can be placed
    protection_days  wait_days + lead_time_days (whole days, upwards) + review_days: from tomorrow to the day before the
                     order after this one can arrive; a delivery counts from the morning of its day
    target_qty       what service_target asks for (service.py) of the demand over the protection days, which has the
                     forecast's distribution, its variance raised by rate^2 * lead_time_sd_days^2 (rate = mean a day):
                     the negative binomial (gamma) with that mean and variance, not a normal; at least the mean and
                     what the shelf shall show (presentation_min_qty)
    need_qty         max(0, target - inventory position), then the steps

Everything is a column expression over all lines; nothing loops over them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.distribution import COUNT, DemandDistribution
from ml.planning.allocation import share_out
from ml.planning.demand_path import KEYS, DemandPath
from ml.planning.echelons import add_feeding_places, echelon_path, local_terms
from ml.planning.explain import WITHHELD, explanation
from ml.planning.formulas import lead_time_variance
from ml.planning.joint_steps import fill_supplier_minimum, keep_budget
from ml.planning.moves import add_moves, believed_stock, places_without_source, stock_without_forecast
from ml.planning.order_lines import LINES_SCHEMA, TARGETS_SCHEMA, Replenishment, ReplenishmentNotes
from ml.planning.service import Cycle
from ml.planning.service_lines import add_service, stock_for_service
from ml.planning.settings import PlanningSettings
from ml.planning.steps import DECIMALS, apply_steps, changed_code, step_codes
from ml.planning.terms import (
    add_names,
    add_protection,
    add_shelf_and_price,
    add_stock,
    classify_series,
)
from ml.planning.transfers import LANE, LANES_SCHEMA

_DAY_MS = 86_400_000
_INPUT_KEYS = {
    "positions": KEYS,
    "sourcing": KEYS,
    "suppliers": ["supplier_id"],
    "products": ["sku_id"],
    "locations": ["location_id"],
    "shelves": KEYS,
    "lanes": LANE,
    "unit_values": KEYS,
}
UNIT_VALUES_SCHEMA = pl.Schema(
    {"sku_id": pl.String, "location_id": pl.String, "price": pl.Float64, "unit_cost": pl.Float64}
)


@dataclass(frozen=True)
class ReplenishmentInputs:
    """The frames of one night. Columns beyond those named are ignored; Decimal quantities are taken as floats.

    forecast_daily: sku_id, location_id, date, mean, segment (demand class); from as_of + 1 on.
    forecast_weekly: sku_id, location_id, week_start, mean.
    dispersion: the table ml.forecast_dispersion.
    positions: sku_id, location_id, snapshot_date and STOCK_TERMS; one row a pair, its newest snapshot.
    sourcing: sku_id, location_id, supplier_id or from_location_id, lead_time_days, lead_time_sd_days,
        lead_time_source (measured_lane, measured_location_type, delivered), min_order_qty, order_multiple, unit_cost;
        one row a pair, the source to order from.
    suppliers: supplier_id, supplier_name, order_weekdays, min_order_value.
    products: sku_id, product_name, department, abc_class, shelf_life_days.
    locations: location_id, location_name, is_open.
    shelves: sku_id, location_id, presentation_min_qty, shelf_capacity_qty, price (what a unit sells for tomorrow);
        one row a pair.
    lanes: from_location_id, to_location_id, lead_time_days, cost_per_unit, cost_per_shipment; none: nothing is moved.
    unit_values: sku_id, location_id, price, unit_cost of pairs with stock; read of those that nothing is forecast for,
        and of those without a source.
    """

    forecast_daily: pl.DataFrame
    forecast_weekly: pl.DataFrame
    dispersion: pl.DataFrame
    positions: pl.DataFrame
    sourcing: pl.DataFrame
    suppliers: pl.DataFrame
    products: pl.DataFrame
    locations: pl.DataFrame
    shelves: pl.DataFrame
    lanes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LANES_SCHEMA))
    unit_values: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNIT_VALUES_SCHEMA))


def propose_orders(
    inputs: ReplenishmentInputs, as_of: date, settings: PlanningSettings, tuned: Mapping[str, float] | None = None
) -> Replenishment:
    """Propose the orders of the night after business day `as_of`. The order of input rows does not matter.

    tuned: by service_group the target to ask for, where a replay told (service_lines.add_service).

    Raises:
        ValueError: a frame holds its key twice, a snapshot is dated after as_of, the forecast is not this as_of's, or a
            supplier's order_weekdays cannot be read.
    """
    _require_keys(inputs)
    demand = DemandDistribution.from_frame(inputs.dispersion)
    series = classify_series(inputs.forecast_daily, inputs.locations, inputs.sourcing)
    lines = planned_lines(inputs, series, as_of, settings, tuned)
    lines = _add_demand(lines, inputs, demand, as_of, settings)
    lines = apply_steps(_add_room(_add_need(lines)))
    stock = believed_stock(inputs.positions, as_of, settings)
    idle = stock_without_forecast(stock, series, inputs.locations, inputs.unit_values)
    pairs = _pairs_without_source(series, stock, inputs)
    path = DemandPath.from_forecasts(pairs, inputs.forecast_daily, inputs.forecast_weekly, as_of)
    unsourced = places_without_source(pairs, path, demand, settings)
    lines, moves = add_moves(lines, idle, unsourced, inputs.lanes, inputs.dispersion, as_of, settings)
    lines, allocation = share_out(lines, stock, inputs.dispersion, as_of, settings)
    lines = fill_supplier_minimum(lines, demand, settings)
    lines = keep_budget(lines, demand, settings.order_budget)
    lines = _add_order(lines, settings)
    listed = lines.filter((pl.col("order_qty") > 0) | pl.col("withheld_reason").is_not_null())
    listed = listed.with_columns(reason_codes=_reason_codes(), confidence=_confidence(), explanation=explanation())
    listed = listed.select(pl.col(name).cast(dtype) for name, dtype in LINES_SCHEMA.items())
    targets = lines.select(pl.col(name).cast(dtype) for name, dtype in TARGETS_SCHEMA.items())
    notes = _notes(series, lines, listed, inputs.products, settings)
    is_fed = bool(lines["from_location_id"].is_not_null().any())
    return Replenishment(listed, targets, notes, moves, allocation, is_fed)


def _pairs_without_source(series: pl.DataFrame, stock: pl.DataFrame, inputs: ReplenishmentInputs) -> pl.DataFrame:
    """What is sold at open places and in stock there and cannot be ordered, with names, price, cost and shelf."""
    values = inputs.unit_values.select(*KEYS, pl.col("price").cast(pl.Float64), pl.col("unit_cost").cast(pl.Float64))
    return (
        series.filter(pl.col("fate") == "unsourced")
        .select(*KEYS, "segment", "location_name")
        .join(stock, on=KEYS)
        .join(inputs.products.select("sku_id", "product_name", "department", "abc_class"), on="sku_id", how="left")
        .join(values, on=KEYS, how="left")
        .join(inputs.shelves.select(*KEYS, "shelf_capacity_qty"), on=KEYS, how="left")
        .sort(KEYS)
    )


def planned_lines(
    inputs: ReplenishmentInputs,
    series: pl.DataFrame,
    as_of: date,
    settings: PlanningSettings,
    tuned: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Every pair that is planned, sorted, with its terms and its stock: all that is known before demand comes in.

    series: as classify_series returns it.
    """
    planned = add_feeding_places(series.filter(pl.col("fate") == "plan"), inputs.sourcing, inputs.locations)
    lines = planned.drop("fate")
    lines = add_names(lines, inputs.products, inputs.suppliers, inputs.locations)
    lines = add_service(lines, settings, tuned)
    lines = add_protection(lines, inputs.suppliers, as_of, settings)
    lines = add_stock(lines, inputs.positions, as_of, settings)
    lines = add_shelf_and_price(lines, inputs.shelves)
    return local_terms(lines.sort(KEYS))


def _require_keys(inputs: ReplenishmentInputs) -> None:
    """Refuse frames whose key is not unique: each further row would order the same need once more."""
    for name, key in _INPUT_KEYS.items():
        frame: pl.DataFrame = getattr(inputs, name)
        twice = frame.select(key).filter(pl.struct(key).is_duplicated())
        if not twice.is_empty():
            example = twice.sort(key).row(0, named=True)
            raise ValueError(f"{name}: must hold one row a {', '.join(key)}; {example} stands there more than once")


def _add_demand(
    lines: pl.DataFrame,
    inputs: ReplenishmentInputs,
    demand: DemandDistribution,
    as_of: date,
    settings: PlanningSettings,
) -> pl.DataFrame:
    """Add the demand of the protection days, the target, and what is lost without an order.

    Null where the forecast does not reach or the stock record is not believed. demand_before_qty is the demand until
    the order arrives. stockout_on counts on what lies there now (on hand - reserved - backorder), not on deliveries: it
    is the day by which one of them has to be there. expected_lost_qty is E[(demand - position)+] over the protection
    days with every open order in time and no new one; a negative position counts as none, for what is owed already is
    not lost by waiting. stockout_probability is P(demand > position) over the same days. short_if_waiting_qty: units
    short until the order after next, if this one is not placed.
    """
    path = echelon_path(lines, inputs.forecast_daily, inputs.forecast_weekly, as_of)
    days = lines["protection_days"].to_numpy().astype(float)
    before = days - lines["review_days"].to_numpy()
    known = path.demand(days)
    mean, mean_before = np.nan_to_num(known), np.nan_to_num(path.demand(before))
    extra = lead_time_variance(mean / days, lines["lead_time_sd_days"].to_numpy())
    segment = demand.codes(lines["segment"])
    cycle = Cycle(demand, mean, days, mean_before, before, extra, segment)
    lines, target = stock_for_service(lines, cycle, settings)
    position = lines["echelon_position_qty"].fill_null(np.nan).to_numpy()
    there = np.maximum(np.nan_to_num(position), 0.0)
    lost = demand.expected_shortage(mean, days, there, extra_variance=extra, segment=segment)
    stockout_probability = 1 - demand.probability_covered(mean, days, there, extra_variance=extra, segment=segment)
    waiting = cycle.short_qty(there)
    lying = (lines["free_qty"] + lines["downstream_position_qty"]).fill_null(np.inf)
    stockout = path.first_day_exceeding(lying.to_numpy())
    is_known = ~np.isnan(known)
    lost[~is_known | np.isnan(position)] = np.nan
    stockout_probability[np.isnan(lost)] = np.nan
    life = lines["shelf_life_days"].fill_null(0.0).to_numpy()
    shelf_life_demand = np.where(life > 0, path.demand(before + life), np.nan)
    lines = lines.with_columns(
        demand_mean_qty=pl.Series(known).fill_nan(None),
        demand_before_qty=pl.Series(mean_before),
        shelf_life_demand_qty=pl.Series(shelf_life_demand).fill_nan(None),
        service_target_qty=pl.Series(np.where(is_known, target, np.nan)).fill_nan(None).round(DECIMALS),
        expected_lost_qty=pl.Series(lost).fill_nan(None),
        stockout_probability=pl.Series(stockout_probability).fill_nan(None).clip(0.0, 1.0).round(4),
        short_if_waiting_qty=pl.Series(waiting),
        stockout_on=pl.lit(as_of) + pl.Series(stockout * _DAY_MS).fill_nan(None).cast(pl.Duration("ms")),
    )
    shown = pl.col("demand_mean_qty") + pl.col("presentation_min_qty")
    if demand.family == COUNT:  # whole units: a mean of 1.2 does not ask for a second one
        shown = shown.round()
    local = pl.max_horizontal("service_target_qty", pl.when(pl.col("service_target_qty").is_not_null()).then(shown))
    return lines.with_columns(
        # a feeding place's level is that of all it feeds, less what they have: never below zero on its own
        target_qty=pl.max_horizontal(
            local - pl.col("downstream_position_qty"), pl.when(local.is_not_null()).then(0.0)
        ).round(DECIMALS),
        is_shown_more=(shown > pl.col("service_target_qty")).fill_null(False),
        expected_lost_amount=(pl.col("expected_lost_qty") * pl.col("unit_margin")).round(settings.money_decimals),
    )


def _add_room(lines: pl.DataFrame) -> pl.DataFrame:
    """Add expected_at_arrival_qty, and what may come at most: shelf_room_qty, shelf_life_room_qty (null: no limit).

    The shelf holds its capacity less what is expected to lie there when the goods come. What comes has to sell within
    its shelf life behind what is there already: mean demand until then, less the position.
    """
    arrival = (pl.col("echelon_position_qty") - pl.col("demand_before_qty")).clip(0.0)
    return lines.with_columns(expected_at_arrival_qty=arrival).with_columns(
        shelf_room_qty=(pl.col("shelf_capacity_qty") - pl.col("expected_at_arrival_qty")).clip(0.0),
        shelf_life_room_qty=(pl.col("shelf_life_demand_qty") - pl.col("echelon_position_qty")).clip(0.0),
    )


def _add_need(lines: pl.DataFrame) -> pl.DataFrame:
    """Add why a line is withheld (withheld_code, withheld_reason) and need_qty, null on withheld lines."""
    code = (
        pl.when(pl.col("stock_fault").is_not_null())
        .then(pl.col("stock_fault"))
        .when("has_impossible_terms")
        .then(pl.lit("impossible_terms"))
        .when(pl.col("target_qty").is_null())
        .then(pl.lit("beyond_forecast"))
    )
    need = pl.col("target_qty") - pl.col("inventory_position_qty")  # both rounded: equal ones leave exactly nothing
    return lines.with_columns(withheld_code=code).with_columns(
        withheld_reason=pl.col("withheld_code").replace_strict(WITHHELD, return_dtype=pl.String),
        need_qty=pl.when(pl.col("withheld_code").is_null()).then(pl.max_horizontal(need, 0.0)),
    )


def _add_order(lines: pl.DataFrame, settings: PlanningSettings) -> pl.DataFrame:
    """Add order_qty (the last step's quantity) and its value; a need that came to nothing is withheld with a reason."""
    lines = lines.with_columns(order_qty=pl.col("after_budget_qty").fill_null(0.0))
    is_dropped = (pl.col("need_qty") > 0) & (pl.col("order_qty") <= 0) & pl.col("withheld_code").is_null()
    code = (
        pl.when(is_dropped & (pl.col("moved_in_qty") > 0) & (pl.col("after_smallest_qty") > 0))
        .then(pl.lit("moved_in_instead"))
        .when(is_dropped & (pl.col("after_arbiter_qty") > 0) & (pl.col("after_allocation_qty") <= 0))
        .then(pl.lit("nothing_allocated"))
        .when(is_dropped & pl.col("is_below_supplier_minimum"))
        .then(pl.lit("below_supplier_minimum"))
        .when(is_dropped & (pl.col("after_supplier_minimum_qty") > 0))
        .then(pl.lit("over_budget"))
        .when(is_dropped)
        .then(pl.lit("no_room"))
        .otherwise("withheld_code")
    )
    return lines.with_columns(
        withheld_code=code, order_value=(pl.col("order_qty") * pl.col("unit_cost")).round(settings.money_decimals)
    ).with_columns(withheld_reason=pl.col("withheld_code").replace_strict(WITHHELD, return_dtype=pl.String))


def _reason_codes() -> pl.Expr:
    """All codes of a line, joined by ';': why it is withheld, what was assumed, which steps changed the quantity."""

    def flag(column: str, code: str) -> pl.Expr:
        return pl.when(pl.col(column)).then(pl.lit(code))

    codes = [
        pl.col("withheld_code"),
        flag("is_default_lead_time", "default_lead_time"),
        flag("is_lead_time_sd_unknown", "lead_time_sd_unknown"),
        flag("is_default_review", "default_review"),
        pl.when((pl.col("snapshot_age_days") > 0) & pl.col("stock_fault").is_null()).then(pl.lit("old_snapshot")),
        flag("is_shown_more", "presentation_minimum"),
        *step_codes(),
        flag("is_source_stock_unknown", "source_stock_unknown"),
        pl.when((pl.col("move_in_gain_amount").is_not_null()) & (pl.col("moved_in_qty") <= 0)).then(
            pl.lit("worth_more_than_moving_in")
        ),
        pl.when(pl.col("after_allocation_qty") > 0).then(
            changed_code("after_allocation_qty", "after_arbiter_qty", None, "cut_to_allocation")
        ),
        changed_code("after_supplier_minimum_qty", "after_allocation_qty", "filled_to_supplier_minimum", None),
        changed_code("after_budget_qty", "after_supplier_minimum_qty", None, "cut_to_budget"),
        pl.when(pl.col("unit_cost").is_null()).then(pl.lit("no_unit_cost")),
    ]
    return pl.concat_str(codes, separator=";", ignore_nulls=True)


def _confidence() -> pl.Expr:
    """How far the terms of an ordered line can be trusted; null on a withheld one.

    low: a term was assumed, the stock record is of an earlier day, or the class of demand has next to no past (new,
    rare, unsold). medium: demand swings (erratic, lumpy). high: neither. A feeding place is judged by its terms alone.
    """
    assumed = ("is_default_lead_time", "is_lead_time_sd_unknown", "is_default_review", "is_source_stock_unknown")
    is_assumed = pl.any_horizontal(pl.col(name).fill_null(False) for name in assumed)
    is_old = (pl.col("snapshot_age_days") > 0).fill_null(False)
    return (
        pl.when(pl.col("withheld_code").is_not_null())
        .then(pl.lit(None, pl.String))
        .when(is_assumed | is_old | pl.col("segment").is_in(["new", "rare", "unsold"]))
        .then(pl.lit("low"))
        .when(pl.col("segment").is_in(["erratic", "lumpy"]))
        .then(pl.lit("medium"))
        .otherwise(pl.lit("high"))
    )


def _notes(
    series: pl.DataFrame, lines: pl.DataFrame, listed: pl.DataFrame, products: pl.DataFrame, settings: PlanningSettings
) -> ReplenishmentNotes:
    fates = dict(series["fate"].value_counts().iter_rows())
    withheld = listed["withheld_reason"].drop_nulls()
    ordered = listed.height - len(withheld)
    return ReplenishmentNotes(
        series=series.height,
        feeding_places=lines.filter("is_feeding_place").height,
        pooled=fates.get("pooled", 0),
        at_closed_locations=fates.get("closed", 0),
        without_sourcing=fates.get("unsourced", 0),
        covered=lines.height - listed.height,
        ordered=ordered,
        withheld=len(withheld),
        withheld_by_reason=dict(sorted(withheld.value_counts().iter_rows())),
        unused_targets=sorted(
            {*settings.service_target_by_department} - {*products["department"]}
            | {*settings.service_target_by_class} - {*products["abc_class"]}
        ),
    )
