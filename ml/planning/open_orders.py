"""Tonight's open customer orders against the stock that places have: who serves what, said so that people can follow.

What belongs here: what a unit is worth where it lies (its keep value), the frames that order_sourcing reads, the
sentence on a line. What does not: the choice of places (order_sourcing).

    keep value  margin x P(the place's own demand takes the last unit) - idle cost x P(it does not)

over the days until the place's next order arrives: what the place gives up, or is glad to be rid of.
"""

from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.distribution import DemandDistribution
from ml.planning.demand_path import KEYS, DemandPath
from ml.planning.echelons import echelon_path
from ml.planning.order_sourcing import LINE, SHORT, SOURCED_SCHEMA, SourcingRules, source_orders
from ml.planning.replenishment import ReplenishmentInputs
from ml.planning.settings import PlanningSettings
from ml.planning.words import joined_codes, money, number, only_if

_TOLD: dict[str, type[pl.DataType]] = {"as_of": pl.Date, "reason_codes": pl.String, "explanation": pl.String}
ORDER_SOURCING_SCHEMA = pl.Schema([*list(SOURCED_SCHEMA.items())[:-1], *_TOLD.items()])


def source_open_orders(
    open_orders: pl.DataFrame,
    stock: pl.DataFrame,
    lines: pl.DataFrame | None,
    inputs: ReplenishmentInputs,
    as_of: date,
    settings: PlanningSettings,
) -> pl.DataFrame:
    """Return ORDER_SOURCING_SCHEMA: one row an open order line and place that serves it, and one for what nobody can.

    stock: as believed_stock returns it. lines: the planned pairs (planned_lines); None: nothing is planned. Where
    open_orders_are_reserved, the units reserved at a place are there for them.
    """
    rules = SourcingRules(
        settings.sourcing_cost_per_km,
        settings.sourcing_cost_per_parcel,
        settings.sourcing_split_penalty,
        settings.sourcing_other_region_km,
        settings.sourcing_places_considered,
    )
    closed = inputs.locations.filter(~pl.col("is_open")).select("location_id")
    asked = stock.join(open_orders.select("sku_id").unique(), on="sku_id", how="semi")
    asked = asked.join(closed, on="location_id", how="anti").sort(KEYS)
    free = pl.col("on_hand_qty") if settings.open_orders_are_reserved else pl.col("free_qty")
    shelves = _keep_values(asked, lines, inputs, as_of, settings).select(*KEYS, "keep_value", free_qty=free)
    numbers = [pl.col(name).cast(pl.Float64) for name in ("quantity", "latitude", "longitude")]
    wanted = open_orders.select(*LINE, "sku_id", pl.col("region").cast(pl.String), *numbers)
    places = inputs.locations.select("location_id", pl.col("region").cast(pl.String), "latitude", "longitude")
    return _told(source_orders(wanted, places, shelves, rules), inputs, as_of)


def _keep_values(
    stock: pl.DataFrame,
    lines: pl.DataFrame | None,
    inputs: ReplenishmentInputs,
    as_of: date,
    settings: PlanningSettings,
) -> pl.DataFrame:
    """The stock records with keep_value: what a unit is worth where it lies.

    A planned place looks at its protection days, one that feeds others with all that it feeds; any other place at the
    default lead time and review.
    """
    demand = DemandDistribution.from_frame(inputs.dispersion)
    days = float(np.ceil(settings.default_lead_time_days) + settings.default_review_days)
    own = _own_demand(stock, inputs, days, as_of)
    values = inputs.unit_values.select(*KEYS, pl.col("price").cast(pl.Float64), pl.col("unit_cost").cast(pl.Float64))
    known = stock.join(own, on=KEYS, how="left").join(values, on=KEYS, how="left")
    planned = _planned_demand(lines, inputs, as_of)
    holding = settings.holding_cost_yearly_pct / 100 * pl.col("days") / 365
    known = known.join(planned, on=KEYS, how="left").with_columns(
        mean=pl.coalesce("planned_mean", "own_mean", pl.lit(0.0)),
        days=pl.coalesce("planned_days", pl.lit(days)),
        position=pl.coalesce("echelon_position_qty", "inventory_position_qty"),
        margin=(pl.col("price") - pl.col("unit_cost")).clip(0.0),
    )
    filled = (
        pl.col(name).fill_null(pl.col(name).mean().over("sku_id")).fill_null(0.0) for name in ("margin", "unit_cost")
    )
    known = known.with_columns(filled)
    covered = demand.probability_covered(
        known["mean"].to_numpy(), known["days"].to_numpy(), known["position"].to_numpy() - 1
    )
    stays = pl.Series(covered)
    idle = pl.col("unit_cost") * (settings.idle_markdown_pct / 100 + holding)
    return known.with_columns(keep_value=(pl.col("margin") * (1 - stays) - idle * stays).round(6)).sort(KEYS)


def _planned_demand(lines: pl.DataFrame | None, inputs: ReplenishmentInputs, as_of: date) -> pl.DataFrame:
    """KEYS, planned_mean over planned_days, echelon_position_qty of the planned pairs."""
    numbers = dict.fromkeys(("planned_mean", "planned_days", "echelon_position_qty"), pl.Float64)
    if lines is None or lines.is_empty():
        return pl.DataFrame(schema={**dict.fromkeys(KEYS, pl.String), **numbers})
    days = lines["protection_days"].to_numpy().astype(float)
    mean = echelon_path(lines, inputs.forecast_daily, inputs.forecast_weekly, as_of).demand(days)
    return lines.select(
        *KEYS,
        pl.Series("planned_mean", mean).fill_nan(None),
        planned_days=pl.col("protection_days").cast(pl.Float64),
        echelon_position_qty="echelon_position_qty",
    )


def _own_demand(stock: pl.DataFrame, inputs: ReplenishmentInputs, days: float, as_of: date) -> pl.DataFrame:
    """KEYS, own_mean: forecast demand of the pairs with stock over so many days; null where nothing is forecast."""
    pairs = stock.select(KEYS).join(inputs.forecast_daily.select(KEYS).unique(), on=KEYS, how="semi")
    if pairs.is_empty():
        return pl.DataFrame(schema={**dict.fromkeys(KEYS, pl.String), "own_mean": pl.Float64})
    path = DemandPath.from_forecasts(pairs, inputs.forecast_daily, inputs.forecast_weekly, as_of)
    return pairs.with_columns(own_mean=pl.Series(path.demand(np.full(pairs.height, days))).fill_nan(None))


def _told(sourced: pl.DataFrame, inputs: ReplenishmentInputs, as_of: date) -> pl.DataFrame:
    """The lines with their reason codes and the sentence that a planner reads."""
    places = inputs.locations.select("location_id", place=pl.coalesce("location_name", "location_id"))
    products = inputs.products.select("sku_id", "product_name")
    told = (
        sourced.join(places, on="location_id", how="left")
        .join(products, on="sku_id", how="left")
        .with_columns(pl.coalesce("place", "location_id"), pl.coalesce("product_name", "sku_id"), as_of=pl.lit(as_of))
    )
    is_short = pl.col("reason") == SHORT
    codes = joined_codes(
        (is_short, "no_place_has_it_free"),
        (~is_short & (pl.col("parcels") > 1), "order_split"),
        (~is_short & (pl.col("served_elsewhere_qty") > 0), "line_split"),
        (~is_short & (pl.col("keep_value_unit_amount") < 0), "place_is_glad_to_be_rid_of_it"),
        (~is_short & (pl.col("free_after_qty") <= 0), "last_units_there"),
    )
    sentence = pl.when(is_short).then(_short_sentence()).otherwise(_served_sentence())
    told = told.with_columns(reason_codes=codes, explanation=sentence).sort(*LINE, "location_id", nulls_last=True)
    return told.select(pl.col(name).cast(kind) for name, kind in ORDER_SOURCING_SCHEMA.items())


def _served_sentence() -> pl.Expr:
    return pl.concat_str(
        pl.format(
            "Send {} of {} for order {} line {} ", number("sourced_qty"), "product_name", "order_id", "line_number"
        ),
        pl.format("from {}, {} km away: ", "place", number("distance_km", 0)),
        pl.format(
            "{} for the way, {} for what the units are worth there, {} for the parcel = {}",
            money("transport_amount"),
            money("keep_value_amount"),
            money("parcel_amount"),
            money("landed_cost_amount"),
        ),
        pl.format("; {} are free there, ", number("free_before_qty")),
        pl.format("{} go to other order lines, {} are left", number("taken_by_others_qty"), number("free_after_qty")),
        only_if(pl.col("parcels") > 1, pl.format("; the order comes in {} parcels", "parcels")),
        pl.lit("."),
    )


def _short_sentence() -> pl.Expr:
    return pl.concat_str(
        pl.format("{} of {} for order {} line {} ", number("short_qty"), "product_name", "order_id", "line_number"),
        pl.lit("can be sent from nowhere: no place whose stock record is believed has them free"),
        only_if(
            pl.col("served_elsewhere_qty") > 0, pl.format("; {} of the line are sent", number("served_elsewhere_qty"))
        ),
        pl.lit("."),
    )
