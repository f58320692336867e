"""Which places make a pool that stock may be promised from, and what stands in the way of a promise there.

What belongs here: from places and their stock to the pools of available_to_promise, for each date asked for; the
sentence on a line. What does not: how many units may be promised (availability).

Pools: `all` places that are open, and each `ownership` that erp/locations names (own, dealer, platform).
"""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.planning.availability import POOL, PROMISE_SCHEMA, available_to_promise
from ml.planning.demand_path import KEYS, DemandPath
from ml.planning.replenishment import ReplenishmentInputs
from ml.planning.settings import PlanningSettings
from ml.planning.words import day, joined_codes, number, plural

ALL = "all"
_COUNTS: dict[str, type[pl.DataType]] = {
    "as_of": pl.Date,
    "location_count": pl.Int64,
    "unknown_location_count": pl.Int64,
}
_TOLD: dict[str, type[pl.DataType]] = {"reason_codes": pl.String, "explanation": pl.String}
PROMISES_SCHEMA = pl.Schema([*PROMISE_SCHEMA.items(), *_COUNTS.items(), *_TOLD.items()])


def promise_pools(
    stock: pl.DataFrame,
    owed: pl.DataFrame,
    sourced: pl.DataFrame | None,
    inputs: ReplenishmentInputs,
    under_way: pl.DataFrame,
    lateness: pl.DataFrame,
    as_of: date,
    settings: PlanningSettings,
) -> pl.DataFrame:
    """Return PROMISES_SCHEMA: one row a pool, product with a stock record that is believed, and date; sorted.

    stock: as believed_stock returns it. owed: KEYS, open_order_qty. sourced: the list order_sourcing; what it found no
    place for is taken off the pool of all places, None: the feed is not there. under_way, lateness: as SupplyInputs.
    Competing demand is that of the pool's places which hold the product: others do not sell from this stock.
    """
    pools = _pools(inputs.locations)
    held = stock.join(pools, on="location_id").join(owed, on=KEYS, how="left")
    held = held.with_columns(pl.col("open_order_qty").fill_null(0.0))
    summed = held.group_by(POOL).agg(
        pl.col("on_hand_qty", "reserved_qty", "open_order_qty").sum(), location_count=pl.len().cast(pl.Int64)
    )
    if sourced is not None:
        unserved = sourced.filter(pl.col("location_id").is_null()).group_by("sku_id").agg(pl.col("short_qty").sum())
        summed = summed.join(unserved.with_columns(pool=pl.lit(ALL)), on=POOL, how="left").with_columns(
            open_order_qty=pl.col("open_order_qty") + pl.col("short_qty").fill_null(0.0)
        )
    unknown = inputs.positions.select(KEYS).join(stock, on=KEYS, how="anti").join(pools, on="location_id")
    counts = unknown.group_by(POOL).agg(unknown_location_count=pl.len().cast(pl.Int64))
    summed = summed.join(counts, on=POOL, how="left").with_columns(pl.col("unknown_location_count").fill_null(0))
    shipments = under_way.join(pools, on="location_id").select(*POOL, "qty", "expected_on", "lane")
    until = _demand_until(held, inputs, as_of)
    rows = summed.select(POOL).sort(POOL)
    parts = []
    for days in settings.promise_days:
        competing = rows.with_columns(demand_mean_qty=until(rows, days))
        day_asked = as_of + timedelta(days=days)
        parts.append(available_to_promise(summed, shipments, lateness, competing, inputs.dispersion, as_of, day_asked))
    counted = summed.select(*POOL, "location_count", "unknown_location_count")
    return _told(pl.concat(parts).join(counted, on=POOL), inputs, as_of, sourced is not None)


def _pools(locations: pl.DataFrame) -> pl.DataFrame:
    """location_id, pool: every open place in `all`, and in the pool of its ownership."""
    is_open = locations.filter(pl.col("is_open").fill_null(True))
    everyone = is_open.select("location_id", pool=pl.lit(ALL))
    by_owner = is_open.select("location_id", pool=pl.col("ownership").cast(pl.String)).drop_nulls()
    return pl.concat([everyone, by_owner]).unique().sort("pool", "location_id")


def _demand_until(
    held: pl.DataFrame, inputs: ReplenishmentInputs, as_of: date
) -> Callable[[pl.DataFrame, int], pl.Series]:
    """A function of pools and days: mean demand of their places that hold the product, until then."""
    members = held.select(*KEYS, "pool")
    daily, weekly = (
        members.join(frame.select(*KEYS, time, "mean"), on=KEYS)
        .group_by("sku_id", "pool", time)
        .agg(pl.col("mean").sum())
        .rename({"pool": "location_id"})
        for frame, time in ((inputs.forecast_daily, "date"), (inputs.forecast_weekly, "week_start"))
    )

    def until(rows: pl.DataFrame, days: int) -> pl.Series:
        if daily.is_empty():
            return pl.Series(np.zeros(rows.height))
        path = DemandPath.from_forecasts(rows.rename({"pool": "location_id"}), daily, weekly, as_of)
        return pl.Series(np.nan_to_num(path.demand(np.full(rows.height, float(days)))))

    return until


def _told(promises: pl.DataFrame, inputs: ReplenishmentInputs, as_of: date, knows_orders: bool) -> pl.DataFrame:
    """The promises with their reason codes and the sentence that a planner reads."""
    products = inputs.products.select("sku_id", "product_name")
    told = promises.join(products, on="sku_id", how="left").with_columns(
        pl.coalesce("product_name", "sku_id"), as_of=pl.lit(as_of)
    )
    codes = joined_codes(
        (pl.col("promise_10pct_qty") <= 0, "nothing_safe"),
        (pl.col("unknown_location_count") > 0, "some_stock_unknown"),
        (pl.lit(not knows_orders), "open_orders_unknown"),
    )
    sentence = pl.concat_str(
        pl.format(
            "{} of {} can be declared for {} at 5 % risk of overselling ({} at 1 %, {} at 10 %): ",
            number("promise_05pct_qty"),
            "product_name",
            day("promised_for"),
            number("promise_01pct_qty"),
            number("promise_10pct_qty"),
        ),
        pl.format("{} on hand at {} ", number("on_hand_qty"), "location_count"),
        plural(pl.col("location_count"), "place"),
        pl.format(", {} reserved, {} in open orders", number("reserved_qty"), number("open_order_qty")),
        pl.format(
            ", {} under way of which {} are expected by then",
            number("under_way_qty"),
            number("expected_arrivals_qty", 1),
        ),
        pl.format("; these places expect to sell {} until then", number("competing_demand_mean_qty", 1)),
        pl.when(pl.col("promise_05pct_qty") > 0)
        .then(pl.format("; {} are kept back against late arrivals and more demand.", number("cushion_05pct_qty", 1)))
        .otherwise(pl.lit("; that leaves nothing that is safe.")),
    )
    told = told.with_columns(reason_codes=codes, explanation=sentence).sort(*POOL, "promised_for")
    return told.select(pl.col(name).cast(kind) for name, kind in PROMISES_SCHEMA.items())
