"""Replays history day by day under a policy: deliveries, sales, what was lost, what was ordered.

What belongs here: the clock and the bookkeeping of units, for all products at places at once. What does not: how much
to order (policies), money and comparisons (outcome), forecasts (they come in with the policy).

A day, as in the order lists (ml/planning/replenishment.py):

    morning   what was ordered arrives
    day       demand takes from the shelf; what is not there is lost, or waits where `is_backordered`
    close     on review days the policy says up to which level to order; the order goes out the next morning and
              arrives `lead_time_days` later, in the morning

so an order decided at the close of day t with lead time L serves from day t + 1 + L, and with review period R it has
to last R + L days. All policies of a comparison see the same demand and the same lead times (common random numbers).

Units are conserved exactly: what was there + delivered = sold + what is there; ordered = delivered + under way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Problem:
    """What happened, and the terms of supply. n products at places, d days; the days before day 0 are `past`.

    demand: (n, d) units that customers wanted. past: (n, p) units sold before, what a rule on averages starts from.
    lead_time_days: (n, d) days from an order that goes out after the close of that day to its delivery, drawn once.
    is_review: (d,) or (n, d), may order at the close of the day. order_multiple > 0, min_order_qty >= 0: (n,).
    initial_qty: (n,) on the shelf in the morning of day 0. is_backordered: what is short waits. is_demand_known: rules
    on averages see the demand itself, as if every lost sale had been written down; else what they sold.
    """

    demand: np.ndarray
    past: np.ndarray
    lead_time_days: np.ndarray
    is_review: np.ndarray
    order_multiple: np.ndarray
    min_order_qty: np.ndarray
    initial_qty: np.ndarray
    is_backordered: bool = False
    is_demand_known: bool = False

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other, and terms that cannot be.

        Raises:
            ValueError: a shape differs, demand or a lead time is negative, an order multiple is not above zero.
        """
        n, days = self.demand.shape
        shapes = {
            "past": (self.past.shape[0], n),
            "lead_time_days": (self.lead_time_days.shape, (n, days)),
            "is_review": (self.is_review.shape[-1], days),
            "order_multiple": (self.order_multiple.shape, (n,)),
            "min_order_qty": (self.min_order_qty.shape, (n,)),
            "initial_qty": (self.initial_qty.shape, (n,)),
        }
        for name, (given, expected) in shapes.items():
            if given != expected:
                raise ValueError(f"{name}: shape {given}, demand asks for {expected}")
        if (self.demand < 0).any() or (self.lead_time_days < 0).any() or (self.initial_qty < 0).any():
            raise ValueError("demand, lead times and the initial stock are never below zero")
        if (self.order_multiple <= 0).any() or (self.min_order_qty < 0).any():
            raise ValueError("order multiples are above zero and minimum quantities not below it")


@dataclass(frozen=True)
class Known:
    """What a policy may look at when it decides at the close of `day`: its own past, never what is to come.

    sold: (n, p + day + 1) units sold a day (wanted, where demand is known), the days before day 0 first. position_qty:
    (n,) on hand + on order, less what waits.
    """

    day: int
    sold: np.ndarray
    position_qty: np.ndarray


class Policy(Protocol):
    """A rule for stock: order when the position is at or below the reorder point, up to the level."""

    @property
    def name(self) -> str:
        """Return what the rule is called."""
        ...

    def levels(self, known: Known) -> tuple[np.ndarray, np.ndarray]:
        """Return (reorder_point_qty, order_up_to_qty), each (n,)."""
        ...


@dataclass(frozen=True)
class Replay:
    """What came of it, all (n, d): units wanted and served at once, units lost (or made to wait), stock at the close.

    ordered_qty: units ordered at the close; delivered_qty: units that came in the morning. on_order_qty: (n,) still
    under way after the last day; waiting_qty: (n,) still owed then.
    """

    policy: str
    demand_qty: np.ndarray
    served_qty: np.ndarray
    lost_qty: np.ndarray
    on_hand_qty: np.ndarray
    ordered_qty: np.ndarray
    delivered_qty: np.ndarray
    on_order_qty: np.ndarray
    waiting_qty: np.ndarray


def replay(problem: Problem, policy: Policy) -> Replay:
    """Run a policy through the problem. 30,000 products at places and 182 days take about a second."""
    n, days = problem.demand.shape
    past = problem.past.shape[1]
    review = np.broadcast_to(problem.is_review, (n, days))
    sold = np.concatenate([problem.past, np.zeros((n, days))], axis=1)
    lost, stock, ordered = (np.zeros((n, days)) for _ in range(3))
    # an order may arrive after the last day: those columns are what is still under way
    arriving = np.zeros((n, days + 1 + int(problem.lead_time_days.max(initial=0)) + 1))
    on_hand, on_order, waiting = problem.initial_qty.astype(float), np.zeros(n), np.zeros(n)
    row = np.arange(n)
    for day in range(days):
        on_hand = on_hand + arriving[:, day]
        on_order -= arriving[:, day]
        freed = np.minimum(on_hand, waiting)
        on_hand, waiting = on_hand - freed, waiting - freed
        served = np.minimum(on_hand, problem.demand[:, day])
        short = problem.demand[:, day] - served
        on_hand = on_hand - served
        waiting = waiting + short if problem.is_backordered else waiting
        sold[:, past + day] = served + (short if problem.is_backordered or problem.is_demand_known else 0.0)
        lost[:, day], stock[:, day] = short, on_hand
        if not review[:, day].any():
            continue
        position = on_hand + on_order - waiting
        quantity = _quantity(problem, policy, Known(day, sold[:, : past + day + 1], position))
        quantity = np.where(review[:, day], quantity, 0.0)
        ordered[:, day] = quantity
        on_order += quantity
        arriving[row, day + 1 + problem.lead_time_days[:, day]] += quantity
    served_at_once = problem.demand - lost
    return Replay(
        policy.name, problem.demand, served_at_once, lost, stock, ordered, arriving[:, :days], on_order, waiting
    )


def _quantity(problem: Problem, policy: Policy, known: Known) -> np.ndarray:
    """Order up to the level where the position has fallen to the reorder point: minimum first, then whole packs."""
    reorder_point, level = policy.levels(known)
    need = np.where(known.position_qty <= reorder_point, np.maximum(level - known.position_qty, 0.0), 0.0)
    quantity = np.where(need > 0, np.maximum(need, problem.min_order_qty), 0.0)
    # a need that only floats make is none
    return np.ceil(np.maximum(quantity / problem.order_multiple - 1e-9, 0.0)) * problem.order_multiple
