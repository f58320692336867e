"""What to order tonight: order-up-to on the quantile of demand over the protection period, every term on the line.

What belongs here: the decision, from terms to quantity, and the frames that go in and come out. What does not:
the terms of a line (terms), rounding and limits (steps), the columns that come out (order_lines), the sentence a buyer
reads (explain), where stock and sourcing come from (dbt: int_stock_positions, int_sourcing_resolved).

The rule, periodic review (R,S) (Snyder and Shen, section 4.3; numbers.md section 3), for one product at one place:

    wait_days        order_on - as_of - 1: days that pass before the order can be placed
    protection_days  wait_days + lead_time_days (whole days, upwards) + review_days: from tomorrow to the day before the
                     order after this one can arrive; a delivery counts from the morning of its day
    target_qty       smallest S with P(demand over the protection days <= S) >= service_target; demand has the
                     forecast's distribution, its variance raised by rate^2 * lead_time_sd_days^2 (rate = mean a day):
                     the negative binomial (gamma) with that mean and that variance, not a normal
    need_qty         max(0, target - inventory position), then the steps

Everything is a column expression over all lines; nothing loops over them.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.distribution import DemandDistribution
from ml.planning.demand_path import KEYS, DemandPath
from ml.planning.explain import WITHHELD, explanation
from ml.planning.formulas import lead_time_variance
from ml.planning.order_lines import LINES_SCHEMA, TARGETS_SCHEMA, Replenishment, ReplenishmentNotes
from ml.planning.settings import PlanningSettings
from ml.planning.steps import DECIMALS, STEPS, apply_steps, step_codes
from ml.planning.terms import add_names, add_protection, add_service, add_stock, classify_series

_DAY_MS = 86_400_000
_INPUT_KEYS = {
    "positions": KEYS,
    "sourcing": KEYS,
    "suppliers": ["supplier_id"],
    "products": ["sku_id"],
    "locations": ["location_id"],
}


@dataclass(frozen=True)
class ReplenishmentInputs:
    """The frames of one night. Columns beyond those named are ignored; Decimal quantities are taken as floats.

    forecast_daily: sku_id, location_id, date, mean; from as_of + 1 on.
    forecast_weekly: sku_id, location_id, week_start, mean.
    dispersion: the table ml.forecast_dispersion.
    positions: sku_id, location_id, snapshot_date and STOCK_TERMS; one row a pair, its newest snapshot.
    sourcing: sku_id, location_id, supplier_id or from_location_id, lead_time_days, lead_time_sd_days, min_order_qty,
        order_multiple, unit_cost; one row a pair, the source to order from.
    suppliers: supplier_id, supplier_name, order_weekdays, min_order_value.
    products: sku_id, product_name, department.
    locations: location_id, location_name, is_open.
    """

    forecast_daily: pl.DataFrame
    forecast_weekly: pl.DataFrame
    dispersion: pl.DataFrame
    positions: pl.DataFrame
    sourcing: pl.DataFrame
    suppliers: pl.DataFrame
    products: pl.DataFrame
    locations: pl.DataFrame


def propose_orders(inputs: ReplenishmentInputs, as_of: date, settings: PlanningSettings) -> Replenishment:
    """Propose the orders of the night after business day `as_of`. The order of input rows does not matter.

    Raises:
        ValueError: a frame holds its key twice, a snapshot is dated after as_of, the forecast is not this as_of's, or a
            supplier's order_weekdays cannot be read.
    """
    _require_keys(inputs)
    series = classify_series(inputs.forecast_daily, inputs.locations, inputs.sourcing)
    lines = series.filter(pl.col("fate") == "plan").drop("fate")
    lines = add_names(lines, inputs.products, inputs.suppliers, inputs.locations)
    lines = add_service(lines, settings)
    lines = add_protection(lines, inputs.suppliers, as_of, settings)
    lines = add_stock(lines, inputs.positions, as_of, settings)
    lines = _add_demand(lines.sort(KEYS), inputs, as_of)
    lines = apply_steps(_add_need(lines))
    lines = _add_order(lines, settings)
    listed = lines.filter((pl.col("order_qty") > 0) | pl.col("withheld_reason").is_not_null())
    listed = listed.with_columns(reason_codes=_reason_codes(), explanation=explanation())
    listed = listed.select(pl.col(name).cast(dtype) for name, dtype in LINES_SCHEMA.items())
    targets = lines.select(pl.col(name).cast(dtype) for name, dtype in TARGETS_SCHEMA.items())
    return Replenishment(listed, targets, _notes(series, listed, inputs.products, settings))


def _require_keys(inputs: ReplenishmentInputs) -> None:
    """Refuse frames whose key is not unique: each further row would order the same need once more."""
    for name, key in _INPUT_KEYS.items():
        frame: pl.DataFrame = getattr(inputs, name)
        twice = frame.select(key).filter(pl.struct(key).is_duplicated())
        if not twice.is_empty():
            example = twice.sort(key).row(0, named=True)
            raise ValueError(f"{name}: must hold one row a {', '.join(key)}; {example} stands there more than once")


def _add_demand(lines: pl.DataFrame, inputs: ReplenishmentInputs, as_of: date) -> pl.DataFrame:
    """Add demand_mean_qty, target_qty, stockout_on and expected_lost_qty.

    Null where the forecast does not reach or the stock record is not believed. stockout_on counts on what lies there
    now (on hand - reserved - backorder), not on deliveries: it is the day by which one of them has to be there.
    expected_lost_qty is E[(demand - position)+] over the protection days with every open order in time and no new
    one; a negative position counts as none, for what is owed already is not lost by waiting.
    """
    path = DemandPath.from_forecasts(lines, inputs.forecast_daily, inputs.forecast_weekly, as_of)
    distribution = DemandDistribution.from_frame(inputs.dispersion)
    days = lines["protection_days"].to_numpy()
    demand = path.demand(days)
    mean = np.nan_to_num(demand)
    extra = lead_time_variance(mean / days, lines["lead_time_sd_days"].to_numpy())
    target = distribution.quantile(mean, days, lines["service_target"].to_numpy(), extra_variance=extra)
    position = lines["inventory_position_qty"].fill_null(np.nan).to_numpy()
    lost = distribution.expected_shortage(mean, days, np.maximum(np.nan_to_num(position), 0.0), extra_variance=extra)
    stockout = path.first_day_exceeding(lines["free_qty"].fill_null(np.inf).to_numpy())
    known = ~np.isnan(demand)
    lost[~known | np.isnan(position)] = np.nan
    return lines.with_columns(
        demand_mean_qty=pl.Series(demand).fill_nan(None),
        target_qty=pl.Series(np.where(known, target, np.nan)).fill_nan(None).round(DECIMALS),
        expected_lost_qty=pl.Series(lost).fill_nan(None),
        stockout_on=pl.lit(as_of) + pl.Series(stockout * _DAY_MS).fill_nan(None).cast(pl.Duration("ms")),
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
    """Add order_qty (the last step's quantity), its value, and whether all lines of a supplier stay below its minimum.

    The minimum is compared with the orders of all places for that supplier and day: a claim that holds however the
    company splits them into purchase orders. A line without cost makes the sum unknown.
    """
    lines = lines.with_columns(order_qty=pl.col(STEPS[-1].column).fill_null(0.0))
    lines = lines.with_columns(order_value=(pl.col("order_qty") * pl.col("unit_cost")).round(settings.money_decimals))
    is_priced = pl.col("order_value").is_not_null() | (pl.col("order_qty") == 0)
    whole = pl.when(is_priced.all()).then(pl.col("order_value").sum()).over("supplier_id", "order_on")
    return lines.with_columns(source_order_value=whole).with_columns(
        is_below_supplier_minimum=(
            (pl.col("order_qty") > 0)
            & pl.col("supplier_id").is_not_null()
            & (pl.col("source_order_value") < pl.col("min_order_value"))
        ).fill_null(False)
    )


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
        *step_codes(),
        flag("is_below_supplier_minimum", "below_supplier_minimum"),
        pl.when(pl.col("unit_cost").is_null()).then(pl.lit("no_unit_cost")),
    ]
    return pl.concat_str(codes, separator=";", ignore_nulls=True)


def _notes(
    series: pl.DataFrame, listed: pl.DataFrame, products: pl.DataFrame, settings: PlanningSettings
) -> ReplenishmentNotes:
    fates = dict(series["fate"].value_counts().iter_rows())
    withheld = listed["withheld_reason"].drop_nulls()
    ordered = listed.height - len(withheld)
    return ReplenishmentNotes(
        series=series.height,
        pooled=fates.get("pooled", 0),
        at_closed_locations=fates.get("closed", 0),
        without_sourcing=fates.get("unsourced", 0),
        covered=fates.get("plan", 0) - listed.height,
        ordered=ordered,
        withheld=len(withheld),
        withheld_by_reason=dict(sorted(withheld.value_counts().iter_rows())),
        unused_departments=sorted(set(settings.service_target_by_department) - set(products["department"])),
    )
