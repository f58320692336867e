"""When to order, and up to where, under demand that is not known: newsvendor, (r,Q), (s,S), each with its source.

What belongs here: exact or well-known rules for one product at one place. What does not: the night's own rule, an
order-up-to level on the forecast's distribution (replenishment), and the normal's short forms (formulas).

Distributions are scipy's frozen ones. h: cost of a unit left over (a period), p: cost of a unit short. S&S: Snyder and
Shen, Fundamentals of Supply Chain Theory, 2nd ed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate, optimize, stats

from ml.planning import formulas


def loss(demand: Any, stock: float) -> float:
    """E[(D - stock)+] of any distribution: mean - stock + E[(stock - D)+] (S&S appendix C)."""
    if hasattr(demand.dist, "pmf"):
        below = np.arange(0, np.floor(stock) + 1)
        left = float(((stock - below) * demand.pmf(below)).sum())
    else:
        start = max(float(demand.support()[0]), float(demand.ppf(1e-14)))
        left = integrate.quad(demand.cdf, start, stock, limit=200)[0] if stock > start else 0.0
    return float(demand.mean() - stock + left)


def newsvendor(demand: Any, holding_cost: float, stockout_cost: float) -> float:
    """The stock of least cost for one period: the smallest S with P(D <= S) >= p / (p + h) (S&S section 4.3)."""
    return float(demand.ppf(formulas.critical_ratio(stockout_cost, holding_cost)))


def newsvendor_cost(demand: Any, holding_cost: float, stockout_cost: float, stock: float) -> float:
    """Expected cost of a stock for one period, h E[(S - D)+] + p E[(D - S)+]."""
    short = loss(demand, stock)
    return holding_cost * (stock - demand.mean() + short) + stockout_cost * short


def _second_order_loss(z: float) -> float:
    """E[((Z - z)+)^2] / 2 of the standard normal (S&S appendix C)."""
    return float(((z * z + 1) * stats.norm.sf(z) - z * stats.norm.pdf(z)) / 2)


def reorder_point_cost(
    reorder_point: float,
    quantity: float,
    holding_cost: float,
    stockout_cost: float,
    order_cost: float,
    mean: float,
    sd: float,
    demand: float,
) -> float:
    """Cost a period of (r,Q) with normal demand over the lead time (mean, sd): (K d + integral of g over (r, r+Q]) / Q.

    g(y) = h E[(y - D)+] + p E[(D - y)+] (Zheng 1992; S&S section 5.1.2). The integrals are second-order losses.
    """
    low, high = (reorder_point - mean) / sd, (reorder_point + quantity - mean) / sd
    short = sd * sd * (_second_order_loss(low) - _second_order_loss(high))
    level = ((reorder_point + quantity - mean) ** 2 - (reorder_point - mean) ** 2) / 2
    return (order_cost * demand + holding_cost * level + (holding_cost + stockout_cost) * short) / quantity


def reorder_point_quantity(
    holding_cost: float, stockout_cost: float, order_cost: float, mean: float, sd: float, demand: float
) -> tuple[float, float, float]:
    """Return (r, Q, cost a period) of least cost, exactly: the cost is convex in both (Zheng 1992)."""
    start = [mean, np.sqrt(2 * order_cost * demand / holding_cost)]
    terms = (holding_cost, stockout_cost, order_cost, mean, sd, demand)
    best = optimize.minimize(
        lambda x: reorder_point_cost(x[0], np.exp(x[1]), *terms),
        [start[0], np.log(start[1])],
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000},
    )
    return float(best.x[0]), float(np.exp(best.x[1])), float(best.fun)


def lot_size_reorder_point(
    holding_cost: float, stockout_cost: float, order_cost: float, mean: float, sd: float, demand: float
) -> tuple[float, float]:
    """Return (Q, R) of the textbook's iteration: each from the other until neither moves (Hadley and Whitin; Nahmias).

    Q = sqrt(2 d (K + p n(R)) / h), 1 - F(R) = Q h / (p d), demand over the lead time normal.
    """
    quantity, point = np.sqrt(2 * order_cost * demand / holding_cost), 0.0
    for _ in range(200):
        previous = quantity
        point = float(stats.norm.isf(quantity * holding_cost / (stockout_cost * demand), mean, sd))
        short = float(formulas.expected_shortage(point, mean, sd))
        quantity = np.sqrt(2 * demand * (order_cost + stockout_cost * short) / holding_cost)
        if abs(quantity - previous) < 1e-10:
            break
    return float(quantity), point


def safety_factor_for_fill_rate(fill_rate: float, order_qty: float, sd: float) -> float:
    """The z with sd G(z) = (1 - fill) Q: what stands above the mean so that the share `fill_rate` is served at once.

    Source: type 2 service with backorders (Nahmias; Chopra and Meindl, safety inventory for a fill rate).
    """
    wanted = (1 - fill_rate) * order_qty / sd
    return float(optimize.brentq(lambda z: formulas.expected_shortage(z, 0.0, 1.0) - wanted, -wanted - 10, 40))


def s_s_policy(demand: Any, holding_cost: float, stockout_cost: float, order_cost: float) -> tuple[int, int, float]:
    """Return (s, S, cost a period) of least cost for demand in whole units, exactly (Zheng and Federgruen 1991).

    Costs are counted at the end of each period, the lead time is in the demand.
    """

    def period_cost(level: int) -> float:
        return newsvendor_cost(demand, holding_cost, stockout_cost, float(level))

    # M(j), m(j): renewal sums of the demand's probabilities
    mass = demand.pmf(np.arange(0, 10_000))
    renewal = [1 / (1 - mass[0])]

    def weight(j: int) -> float:
        while len(renewal) <= j:
            k = len(renewal)
            renewal.append(float(sum(mass[i] * renewal[k - i] for i in range(1, k + 1)) / (1 - mass[0])))
        return renewal[j]

    def average_cost(s: int, level: int) -> float:
        span = range(level - s)
        total = sum(weight(j) for j in span)
        return (order_cost + sum(weight(j) * period_cost(level - j) for j in span)) / total

    best_level = int(newsvendor(demand, holding_cost, stockout_cost))
    s = best_level - 1
    while average_cost(s, best_level) > period_cost(s):
        s -= 1
    cost, best, level = average_cost(s, best_level), best_level, best_level + 1
    while period_cost(level) <= cost:
        if average_cost(s, level) < cost:
            best = level
            while average_cost(s, best) <= period_cost(s + 1):
                s += 1
            cost = average_cost(s, best)
        level += 1
    return s, best, cost


def power_approximation(
    mean: float, sd: float, holding_cost: float, stockout_cost: float, order_cost: float
) -> tuple[float, float]:
    """Return (s, S) by the power approximation (Ehrhardt and Mosier 1984; S&S section 4.4.4), without lead time."""
    quantity = 1.30 * mean**0.494 * (order_cost / holding_cost) ** 0.506 * (1 + sd**2 / mean**2) ** 0.116
    z = np.sqrt(quantity * holding_cost / (sd * stockout_cost))
    s = 0.973 * mean + sd * (0.183 / z + 1.063 - 2.192 * z)
    return float(s), float(s + quantity)
