"""How many units may be promised for a date from a pool of places, at a stated risk of promising too much.

What belongs here: one pool of stock against one promise (a live stream, a partner, a pre-order). What does not: which
place fulfils an order that has come in (order_sourcing), what to reorder (replenishment).

For one product, a date and a pool (own shops, dealers, a platform's warehouse):

    supply        free stock (on hand - reserved) + what of the shipments under way has come by the date
    competing     demand of the pool's own customers until the date: they buy from the same stock
    promise       the largest q with P(competing + q > supply) <= risk

A shipment has come by the date with the probability that its lateness is at most the days between; lateness is given
as its measured distribution. Shipments are late independently of each other and of demand. With few of them every
combination is weighed; `scenarios` says how many, the largest shipments count singly and the rest only if certain.
"""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.distribution import DemandDistribution

RISKS = (0.01, 0.05, 0.10)
POOL = ["pool", "sku_id"]
PROMISE_SCHEMA = pl.Schema(
    {
        "pool": pl.String,
        "sku_id": pl.String,
        "promised_for": pl.Date,
        "on_hand_qty": pl.Float64,
        "reserved_qty": pl.Float64,
        "under_way_qty": pl.Float64,
        "expected_arrivals_qty": pl.Float64,
        "competing_demand_mean_qty": pl.Float64,
        **{f"promise_{round(risk * 100):02d}pct_qty": pl.Float64 for risk in RISKS},
    }
)
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

    stock: POOL, on_hand_qty, reserved_qty. shipments: POOL, qty > 0, expected_on, lane (any key of lateness).
    lateness: lane, days_late, share: the measured distribution of (received - expected), shares of a lane sum to 1; a
    lane that is not there is on time. competing: POOL, demand_mean_qty until the date. dispersion:
    ml.forecast_dispersion.

    Whole units; never below zero; a higher risk never promises less.
    """
    demand = DemandDistribution.from_frame(dispersion)
    days = float((promised_for - as_of).days)
    if days < 1:
        raise ValueError(f"promised_for {promised_for} must lie after the business day {as_of}")
    rows = (
        stock.select(*POOL, pl.col("on_hand_qty").cast(pl.Float64), pl.col("reserved_qty").cast(pl.Float64))
        .join(competing.select(*POOL, competing_demand_mean_qty=pl.col("demand_mean_qty")), on=POOL, how="left")
        .with_columns(pl.col("competing_demand_mean_qty", "reserved_qty").fill_null(0.0))
        .sort(POOL)
        .with_row_index("row")
    )
    arriving = rows.select("row", *POOL).join(_with_chance(shipments, lateness, promised_for), on=POOL)
    supply, weight = _scenarios(rows, arriving)
    mean = rows["competing_demand_mean_qty"].to_numpy()
    promises = {
        f"promise_{round(risk * 100):02d}pct_qty": _largest(supply, weight, mean, days, demand, risk) for risk in RISKS
    }
    expected = arriving.group_by("row").agg(
        under_way_qty=pl.col("qty").sum(), expected_arrivals_qty=(pl.col("qty") * pl.col("chance")).sum()
    )
    return (
        rows.join(expected, on="row", how="left")
        .with_columns(
            pl.col("under_way_qty", "expected_arrivals_qty").fill_null(0.0), promised_for=pl.lit(promised_for)
        )
        .with_columns(**{name: pl.Series(values) for name, values in promises.items()})
        .sort(POOL)
        .select(pl.col(name).cast(kind) for name, kind in PROMISE_SCHEMA.items())
    )


def _with_chance(shipments: pl.DataFrame, lateness: pl.DataFrame, promised_for: date) -> pl.DataFrame:
    """Add the chance that a shipment has come: a delivery counts from the morning of its day."""
    slack = shipments.with_columns(slack=(pl.lit(promised_for) - pl.col("expected_on")).dt.total_days()).with_row_index(
        "shipment"
    )
    told = (
        slack.join(lateness, on="lane", how="inner")
        .group_by("shipment")
        .agg(told=pl.col("share").filter(pl.col("days_late") <= pl.col("slack")).sum())
    )
    return slack.join(told, on="shipment", how="left").select(
        *POOL,
        pl.col("qty").cast(pl.Float64),
        chance=pl.coalesce("told", (pl.col("slack") >= 0).cast(pl.Float64)).clip(0.0, 1.0),
    )


def _scenarios(rows: pl.DataFrame, arriving: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Supply and its probability, both (rows, 2 ** _SINGLE): free stock plus each combination of large shipments."""
    free = (rows["on_hand_qty"] - rows["reserved_qty"]).to_numpy()
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
