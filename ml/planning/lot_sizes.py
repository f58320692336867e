"""How much to order at once: the closed forms and exact small programs of lot sizing, each with its source.

What belongs here: quantities per order when demand is known. What does not: unknown demand (formulas, reorder_points)
and the packs and minima of an order line (steps).

Symbols: K cost of an order, h cost of holding a unit for a period, demand a period. S&S: Snyder and Shen, Fundamentals
of Supply Chain Theory, 2nd ed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def economic_order_quantity(order_cost: float, holding_cost: float, demand: float) -> tuple[float, float]:
    """Return (Q, cost a period): Q = sqrt(2 K d / h) (Harris; S&S section 3.2). 20 % off Q costs less than 2 %."""
    return float(np.sqrt(2 * order_cost * demand / holding_cost)), float(
        np.sqrt(2 * order_cost * demand * holding_cost)
    )


def order_quantity_with_backorders(
    order_cost: float, holding_cost: float, demand: float, backorder_cost: float
) -> tuple[float, float, float]:
    """Return (Q, share of demand that waits, cost a period) where a unit may wait at a cost (S&S section 3.5)."""
    ratio = (holding_cost + backorder_cost) / backorder_cost
    quantity = np.sqrt(2 * order_cost * demand * ratio / holding_cost)
    share = holding_cost / (holding_cost + backorder_cost)
    return float(quantity), float(share), float(np.sqrt(2 * order_cost * demand * holding_cost / ratio))


def economic_production_quantity(
    order_cost: float, holding_cost: float, demand: float, production_rate: float
) -> tuple[float, float]:
    """Return (Q, cost a period) where the lot comes in at a finite rate: holding counts 1 - demand / rate (S&S 3.3)."""
    return economic_order_quantity(order_cost, holding_cost * (1 - demand / production_rate), demand)


def all_units_discount(
    order_cost: float, holding_rate: float, demand: float, breakpoints: Sequence[float], unit_costs: Sequence[float]
) -> tuple[float, float]:
    """Return (Q, cost a period with purchase) where the whole lot has the price of its size (S&S section 3.4.1).

    breakpoints: from which quantity each price holds, the first 0. The best Q is the EOQ of a price, or a breakpoint.
    """
    ends = [*breakpoints[1:], np.inf]
    candidates = []
    for start, end, cost in zip(breakpoints, ends, unit_costs, strict=True):
        best = economic_order_quantity(order_cost, holding_rate * cost, demand)[0]
        quantity = max(best, start)
        if quantity < end:
            total = cost * demand + order_cost * demand / quantity + holding_rate * cost * quantity / 2
            candidates.append((total, quantity))
    total, quantity = min(candidates)
    return float(quantity), float(total)


def incremental_discount(
    order_cost: float, holding_rate: float, demand: float, breakpoints: Sequence[float], unit_costs: Sequence[float]
) -> tuple[float, float]:
    """Return (Q, cost a period with purchase) where only the units beyond a breakpoint have its price (S&S 3.4.2).

    What the units below cost more acts like a further cost of the order.
    """
    ends, more, candidates = [*breakpoints[1:], np.inf], 0.0, []
    for place, (start, end, cost) in enumerate(zip(breakpoints, ends, unit_costs, strict=True)):
        if place:
            more += (unit_costs[place - 1] - cost) * start
        quantity = np.sqrt(2 * (order_cost + more) * demand / (holding_rate * cost))
        if start <= quantity < end:
            total = (
                cost * demand + (order_cost + more) * demand / quantity + holding_rate * (more + cost * quantity) / 2
            )
            candidates.append((total, quantity))
    total, quantity = min(candidates)
    return float(quantity), float(total)


def joint_replenishment(
    family_cost: float, order_costs: np.ndarray, holding_costs: np.ndarray, demand: np.ndarray
) -> tuple[float, np.ndarray, float]:
    """Return (cycle, multiples of it by item, cost a period) of items that share the cost of an order (Silver 1976).

    The item with the smallest k / (h d) is in every order, another one in every m-th: m rounds its own best cycle
    over that item's.
    """
    weight = order_costs / (holding_costs * demand)
    first = int(np.argmin(weight))
    ideal = np.sqrt(weight * holding_costs[first] * demand[first] / (family_cost + order_costs[first]))
    multiples = np.maximum(np.rint(ideal), 1).astype(int)
    multiples[first] = 1
    fixed = family_cost + (order_costs / multiples).sum()
    variable = (holding_costs * demand * multiples).sum()
    return float(np.sqrt(2 * fixed / variable)), multiples, float(np.sqrt(2 * fixed * variable))


def wagner_whitin(order_cost: float, holding_cost: float, demand: Sequence[float]) -> tuple[list[float], float]:
    """Return (lots by period, cost): the cheapest plan for demand that is known (Wagner and Whitin 1958; S&S 3.7).

    cost[t] = the cheapest way from period t on; a lot in t covers t … j - 1, and each period waited costs h a unit.
    """
    periods = len(demand)
    cost, end = [0.0] * (periods + 1), [periods] * periods
    for t in reversed(range(periods)):
        options, held = [], 0.0
        for j in range(t, periods):
            held += holding_cost * (j - t) * demand[j]
            options.append((order_cost + held + cost[j + 1], j + 1))
        cost[t], end[t] = min(options)
    lots, t = [0.0] * periods, 0
    while t < periods:
        lots[t] = float(sum(demand[t : end[t]]))
        t = end[t]
    return lots, cost[0]


def silver_meal(order_cost: float, holding_cost: float, demand: Sequence[float]) -> tuple[list[float], float]:
    """Return (lots by period, cost): a lot grows while its cost per period covered falls (Silver and Meal 1973)."""
    starts, t = [0], 0
    while t < len(demand):
        held, average, j = 0.0, np.inf, t
        while j < len(demand):
            held += holding_cost * (j - t) * demand[j]
            if (order_cost + held) / (j - t + 1) > average:
                break
            average, j = (order_cost + held) / (j - t + 1), j + 1
        t = j
        starts.append(t)
    lots, cost = [0.0] * len(demand), 0.0
    for start, end in pairwise(starts):
        lots[start] = float(sum(demand[start:end]))
        cost += order_cost + sum(holding_cost * (j - start) * demand[j] for j in range(start, end))
    return lots, cost
