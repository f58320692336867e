"""What a replay came to: service, stock, money, and how sure a difference between two rules is.

What belongs here: metrics of one replay, curves of stock against service, paired differences with intervals. What does
not: running replays (replay).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from ml.simulation.replay import Replay

OUTCOME_SCHEMA = pl.Schema(
    {
        "policy": pl.String,
        "items": pl.Int64,
        "demand_qty": pl.Float64,
        "fill_rate": pl.Float64,
        "availability": pl.Float64,
        "average_stock_qty": pl.Float64,
        "stock_days": pl.Float64,
        "orders": pl.Float64,
        "lost_margin_amount": pl.Float64,
        "holding_cost_amount": pl.Float64,
        "total_cost_amount": pl.Float64,
    }
)


@dataclass(frozen=True)
class Money:
    """What units are worth, (n,) each: margin of a unit sold, cost of holding a unit a day, cost of an order line."""

    unit_margin: np.ndarray
    holding_cost_a_day: np.ndarray
    order_cost: np.ndarray


@dataclass(frozen=True)
class ItemOutcome:
    """One replay by product at place, (n,) each, over the days that count."""

    policy: str
    days: int
    demand_qty: np.ndarray
    lost_qty: np.ndarray
    average_stock_qty: np.ndarray
    days_in_stock: np.ndarray
    orders: np.ndarray


def by_item(replay: Replay, warm_up_days: int = 0, until_day: int | None = None) -> ItemOutcome:
    """Sum a replay over its days up to `until_day` (not included; None: all).

    The first `warm_up_days` are left out: they still tell of the stock it began with.
    """
    counted = slice(warm_up_days, until_day)
    stock, lost = replay.on_hand_qty[:, counted], replay.lost_qty[:, counted]
    return ItemOutcome(
        replay.policy,
        stock.shape[1],
        replay.demand_qty[:, counted].sum(axis=1),
        lost.sum(axis=1),
        stock.mean(axis=1),
        # a day on which nothing was lost and something, or nothing more than was wanted, lay there
        ((stock > 0) | (lost == 0)).sum(axis=1),
        (replay.ordered_qty[:, counted] > 0).sum(axis=1),
    )


def summarise(outcome: ItemOutcome, money: Money, groups: pl.Series | None = None) -> pl.DataFrame:
    """Return OUTCOME_SCHEMA, one row; with `groups` (n,) one row a group, its column first.

    fill_rate = 1 - lost / demand (type 2). availability: share of days that did not end in a lost sale with an empty
    shelf. stock_days = average stock / demand a day. Money: lost margin, holding, order lines; their sum is the total.
    """
    frame = pl.DataFrame(
        {
            "demand_qty": outcome.demand_qty,
            "lost_qty": outcome.lost_qty,
            "average_stock_qty": outcome.average_stock_qty,
            "days_in_stock": outcome.days_in_stock,
            "orders": outcome.orders.astype(float),
            "lost_margin_amount": outcome.lost_qty * money.unit_margin,
            "holding_cost_amount": outcome.average_stock_qty * outcome.days * money.holding_cost_a_day,
            "order_cost_amount": outcome.orders * money.order_cost,
        }
    ).with_columns(group=groups if groups is not None else pl.lit(""))
    demand = pl.col("demand_qty").sum()
    table = (
        frame.group_by("group")
        .agg(
            policy=pl.lit(outcome.policy),
            items=pl.len().cast(pl.Int64),
            demand_qty=demand,
            fill_rate=1 - pl.col("lost_qty").sum() / demand,
            availability=pl.col("days_in_stock").sum() / (pl.len() * outcome.days),
            average_stock_qty=pl.col("average_stock_qty").sum(),
            stock_days=pl.col("average_stock_qty").sum() * outcome.days / demand,
            orders=pl.col("orders").sum(),
            lost_margin_amount=pl.col("lost_margin_amount").sum(),
            holding_cost_amount=pl.col("holding_cost_amount").sum(),
            total_cost_amount=pl.sum_horizontal(
                pl.col("lost_margin_amount", "holding_cost_amount", "order_cost_amount").sum()
            ),
        )
        .sort("group")
    )
    columns = list(OUTCOME_SCHEMA) if groups is None else ["group", *OUTCOME_SCHEMA]
    return table.select(columns)


@dataclass(frozen=True)
class StockAtService:
    """Average stock that a rule needs for a fill rate, read from its curve, with an interval over products.

    `ratio` and its bounds compare it with the other rule of `compare_at_service`; None where a curve does not reach
    the fill rate.
    """

    fill_rate: float
    stock_qty: float | None
    other_stock_qty: float | None
    ratio: float | None
    low: float | None
    high: float | None

    @property
    def claim(self) -> str:
        """Say what may be said: nothing where the interval holds 1."""
        if self.ratio is None or self.low is None or self.high is None:
            return "no claim: a curve does not reach this service"
        if self.low <= 1.0 <= self.high:
            return "no claim: the interval crosses 1"
        return f"{'less' if self.ratio < 1 else 'more'} stock: {self.ratio:.3f} [{self.low:.3f}, {self.high:.3f}]"


def compare_at_service(
    rule: Sequence[ItemOutcome],
    other: Sequence[ItemOutcome],
    fill_rate: float,
    *,
    unit_value: np.ndarray | None = None,
    draws: int = 500,
    share: float = 0.9,
    seed: int = 0,
) -> StockAtService:
    """Compare the average stock of two rules at the same fill rate, read between the points of their curves.

    rule, other: outcomes of the same products at places at rising settings of the rule's dial. The interval holds
    `share` of the ratios over `draws` bootstrap samples of products: both curves are read anew in each, so the
    difference is paired. unit_value: (n,) money a unit; then fill rate and stock are in money.
    """
    if unit_value is not None:
        rule, other = (
            [
                replace(
                    point,
                    **{
                        name: getattr(point, name) * unit_value
                        for name in ("demand_qty", "lost_qty", "average_stock_qty")
                    },
                )
                for point in curve
            ]
            for curve in (rule, other)
        )
    whole = np.ones((1, len(rule[0].demand_qty)))
    generator = np.random.default_rng(seed)
    n = whole.shape[1]
    samples = np.stack([np.bincount(generator.integers(0, n, n), minlength=n) for _ in range(draws)]).astype(float)
    weights = np.concatenate([whole, samples])
    mine, theirs = _stock_at(rule, weights, fill_rate), _stock_at(other, weights, fill_rate)
    ratios = mine / theirs
    if np.isnan(ratios[0]):
        return StockAtService(fill_rate, _number(mine[0]), _number(theirs[0]), None, None, None)
    tail = (1 - share) / 2
    low, high = np.nanquantile(ratios[1:], [tail, 1 - tail])
    return StockAtService(fill_rate, _number(mine[0]), _number(theirs[0]), float(ratios[0]), float(low), float(high))


def _stock_at(curve: Sequence[ItemOutcome], weights: np.ndarray, fill_rate: float) -> np.ndarray:
    """Average stock at a fill rate for each row of weights (draws, n); NaN where the curve does not reach it.

    Between two points it is read on the logarithm of the share lost, in which such curves are nearly straight.
    """
    demand = weights @ curve[0].demand_qty
    lost = np.stack([weights @ point.lost_qty for point in curve], axis=1) / demand[:, None]
    stock = np.stack([weights @ point.average_stock_qty for point in curve], axis=1)
    wanted = np.log(1 - fill_rate)
    result = np.full(len(weights), np.nan)
    for i, (shares, stocks) in enumerate(zip(np.log(np.maximum(lost, 1e-12)), stock, strict=True)):
        order = np.argsort(shares)
        if shares[order[0]] <= wanted <= shares[order[-1]]:
            result[i] = np.interp(wanted, shares[order], stocks[order])
    return result


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
