"""How many units may be promised for a date from a pool of places, at a stated risk of promising too much.

What belongs here: one pool of stock against one promise (a live stream, a partner, a pre-order). What does not: which
place fulfils an order that has come in (order_sourcing), what to reorder (replenishment).

For one product, a date and a pool (own shops, dealers, a platform's warehouse):

    supply        free stock (on hand - reserved - open orders) + what of the shipments under way has come by the date
    competing     demand of the pool's own customers until the date: they buy from the same stock
    promise       the largest q with P(competing + q > supply) <= risk

A shipment has come by the date with the probability that its lateness is at most the days between, given that it has
not come by now; lateness is given as its measured distribution. One that is later than anything measured is not counted
on. Shipments are late independently of each other and of demand. With few of them every combination is weighed: the
five largest count singly, the rest only if certain.

What keeps a promise below the mean balance, free + expected arrivals - competing mean, is the cushion for what may come
late and for what the pool's customers may want beyond the mean:  promise = balance - cushion.
"""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.distribution import DemandDistribution

RISKS = (0.01, 0.05, 0.10)
POOL = ["pool", "sku_id"]
_NAMES = {risk: f"{round(risk * 100):02d}pct" for risk in RISKS}
_COLUMNS: dict[str, type[pl.DataType]] = {
    "pool": pl.String,
    "sku_id": pl.String,
    "promised_for": pl.Date,
    **dict.fromkeys(
        (
            "on_hand_qty",
            "reserved_qty",
            "open_order_qty",
            "free_qty",
            "under_way_qty",
            "expected_arrivals_qty",
            "competing_demand_mean_qty",
            "balance_mean_qty",
            *(f"cushion_{name}_qty" for name in _NAMES.values()),
            *(f"promise_{name}_qty" for name in _NAMES.values()),
        ),
        pl.Float64,
    ),
}
PROMISE_SCHEMA = pl.Schema(_COLUMNS)
_SINGLE = 5  # shipments that are weighed one by one: 32 combinations


def available_to_promise(
    stock: pl.DataFrame,
    shipments: pl.DataFrame,
    lateness: pl.DataFrame,
    competing: pl.DataFrame,
    dispersion: pl.DataFrame,
    as_of: date,
    promised_for: date,
) -> pl.DataFrame:
    """Return PROMISE_SCHEMA, one row a pool and product with a stock record, sorted.

    stock: POOL, on_hand_qty, reserved_qty (null: 0), open_order_qty beyond what is reserved. shipments: POOL, qty > 0,
    expected_on, lane (any key of lateness). lateness: lane, days_late, share: the measured distribution of (received -
    expected), shares of a lane sum to 1; a lane that is not there is on time, and what is overdue on it is not counted
    on. competing: POOL, demand_mean_qty until the date. dispersion: ml.forecast_dispersion.

    Whole units; never below zero; a higher risk never promises less.
    """
    demand = DemandDistribution.from_frame(dispersion)
    days = float((promised_for - as_of).days)
    if days < 1:
        raise ValueError(f"promised_for {promised_for} must lie after the business day {as_of}")
    rows = (
        stock.select(*POOL, *(pl.col(n).cast(pl.Float64) for n in ("on_hand_qty", "reserved_qty", "open_order_qty")))
        .join(competing.select(*POOL, competing_demand_mean_qty=pl.col("demand_mean_qty")), on=POOL, how="left")
        .with_columns(pl.col("competing_demand_mean_qty", "reserved_qty", "open_order_qty").fill_null(0.0))
        .with_columns(free_qty=pl.col("on_hand_qty") - pl.col("reserved_qty") - pl.col("open_order_qty"))
        .sort(POOL)
        .with_row_index("row")
    )
    arriving = rows.select("row", *POOL).join(_with_chance(shipments, lateness, as_of, promised_for), on=POOL)
    supply, weight = _scenarios(rows, arriving)
    mean = rows["competing_demand_mean_qty"].to_numpy()
    expected = arriving.group_by("row").agg(
        under_way_qty=pl.col("qty").sum(), expected_arrivals_qty=(pl.col("qty") * pl.col("chance")).sum()
    )
    balance = pl.col("free_qty") + pl.col("expected_arrivals_qty") - pl.col("competing_demand_mean_qty")
    rows = (
        rows.join(expected, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col("under_way_qty", "expected_arrivals_qty").fill_null(0.0), promised_for=pl.lit(promised_for)
        )
        .with_columns(balance_mean_qty=balance)
    )
    for risk, name in _NAMES.items():
        promise = pl.Series(_largest(supply, weight, mean, days, demand, risk))
        rows = rows.with_columns(
            promise.alias(f"promise_{name}_qty"),
            (pl.col("balance_mean_qty") - promise).alias(f"cushion_{name}_qty"),
        )
    return rows.sort(POOL).select(pl.col(name).cast(kind) for name, kind in PROMISE_SCHEMA.items())


def _with_chance(shipments: pl.DataFrame, lateness: pl.DataFrame, as_of: date, promised_for: date) -> pl.DataFrame:
    """Add the chance that a shipment has come, not having come by as_of: a delivery counts from the morning of its day.

    P(waited < L <= slack) / P(L > waited), waited = as_of - expected_on, slack = promised_for - expected_on.
    """
    slack = shipments.with_columns(
        slack=(pl.lit(promised_for) - pl.col("expected_on")).dt.total_days(),
        waited=(pl.lit(as_of) - pl.col("expected_on")).dt.total_days(),
    ).with_row_index("shipment")
    late, share = pl.col("days_late"), pl.col("share")
    is_open = late > pl.col("waited")
    told = (
        slack.join(lateness, on="lane", how="inner")
        .group_by("shipment")
        .agg(
            in_time=share.filter(is_open & (late <= pl.col("slack"))).sum(),
            still_open=share.filter(is_open).sum(),
        )
        .with_columns(
            told=pl.when(pl.col("still_open") > 0).then(pl.col("in_time") / pl.col("still_open")).otherwise(0.0)
        )
    )
    on_time = ((pl.col("slack") >= 0) & (pl.col("waited") < 0)).cast(pl.Float64)
    # nobody knows when it is expected: not counted on
    return slack.join(told, on="shipment", how="left").select(
        *POOL,
        pl.col("qty").cast(pl.Float64),
        chance=pl.coalesce("told", on_time, pl.lit(0.0)).clip(0.0, 1.0),
    )


def _scenarios(rows: pl.DataFrame, arriving: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Supply and its probability, both (rows, 2 ** _SINGLE): free stock plus each combination of large shipments."""
    free = rows["free_qty"].to_numpy()
    certain = pl.col("chance") >= 1 - 1e-9
    sure = arriving.filter(certain).group_by("row").agg(pl.col("qty").sum())
    base = free.copy()
    base[sure["row"].to_numpy()] += sure["qty"].to_numpy()
    doubtful = (
        arriving.filter(~certain & (pl.col("chance") > 0))
        .sort("row", "qty", "chance", descending=[False, True, True])
        .with_columns(place=pl.int_range(pl.len()).over("row"))
        .filter(pl.col("place") < _SINGLE)  # the smaller ones are not counted on
    )
    quantity, chance = np.zeros((rows.height, _SINGLE)), np.zeros((rows.height, _SINGLE))
    at = (doubtful["row"].to_numpy(), doubtful["place"].to_numpy())
    quantity[at], chance[at] = doubtful["qty"].to_numpy(), doubtful["chance"].to_numpy()
    comes = np.array(list(itertools.product((0.0, 1.0), repeat=_SINGLE)))
    weight = np.ones((rows.height, len(comes)))
    for k in range(_SINGLE):
        weight *= np.where(comes[:, k] == 1, chance[:, [k]], 1 - chance[:, [k]])
    return base[:, None] + quantity @ comes.T, weight


def _largest(
    supply: np.ndarray, weight: np.ndarray, mean: np.ndarray, days: float, demand: DemandDistribution, risk: float
) -> np.ndarray:
    """The largest whole q >= 0 with P(competing + q > supply) <= risk, by halving; 0 where even none is safe."""
    low, high = np.zeros(len(mean)), np.floor(np.maximum(supply.max(axis=1), 0.0)) + 1
    live = weight > 0
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        left = np.where(live, supply - middle[:, None], -1.0)
        row, column = np.nonzero(live)
        covered = np.zeros(supply.shape)
        covered[row, column] = demand.probability_covered(mean[row], days, left[row, column])
        is_safe = (weight * (1 - covered)).sum(axis=1) <= risk + 1e-9  # shares are sums of floats
        low, high = np.where(is_safe, middle, low), np.where(is_safe, high, middle)
    return low
