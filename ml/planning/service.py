"""The stock that a service target asks for: type 2 (fill rate), type 1 (cycle service), or the newsvendor's balance.

What belongs here: from a line's demand distribution and its target to the order-up-to level. What does not: what the
target is (settings, terms) and how it becomes an order (replenishment, steps).

The position after ordering, S, has to last until the order after this one arrives. With `days_before` the days until
this order arrives (wait + lead) and `days` those until the next one arrives (+ review), the units that go short in
between are

    short(S) = E[(D(days) - S)+] - E[(D(days_before) - S)+]

(the loss over the protection period less what was lost before the delivery could come; Silver, Pyke and Thomas,
Inventory and Production Management, section 6.11, for (R,S) with backorders). The fill rate of the cycle is
1 - short(S) / E[D(review)], of which lost sales leave a little more: lost demand does not come back as demand.
"""

from __future__ import annotations

import numpy as np

from ml.forecasting.distribution import COUNT, DemandDistribution

FILL_RATE, CYCLE, NEWSVENDOR = "fill_rate", "cycle", "newsvendor"
_SURE = 1 - 1e-7  # no target asks for more than this quantile


def cycle_target(
    demand: DemandDistribution, mean: np.ndarray, days: np.ndarray, service: np.ndarray, extra_variance: np.ndarray
) -> np.ndarray:
    """The smallest S with P(D(days) <= S) >= service: type 1 service, and the newsvendor with its critical ratio."""
    return demand.quantile(mean, days, service, extra_variance=extra_variance)


def short_qty(
    demand: DemandDistribution,
    mean: np.ndarray,
    days: np.ndarray,
    mean_before: np.ndarray,
    days_before: np.ndarray,
    stock: np.ndarray,
    extra_variance: np.ndarray,
    extra_variance_before: np.ndarray,
) -> np.ndarray:
    """Expected units short between this delivery and the next one with a position of `stock` after ordering."""
    whole = demand.expected_shortage(mean, days, stock, extra_variance=extra_variance)
    before = demand.expected_shortage(
        mean_before, np.maximum(days_before, 1), stock, extra_variance=extra_variance_before
    )
    return np.maximum(whole - np.where(days_before > 0, before, 0.0), 0.0)


def fill_rate_target(
    demand: DemandDistribution,
    mean: np.ndarray,
    days: np.ndarray,
    mean_before: np.ndarray,
    days_before: np.ndarray,
    service: np.ndarray,
    extra_variance: np.ndarray,
    extra_variance_before: np.ndarray,
) -> np.ndarray:
    """The smallest S with short(S) <= (1 - service) E[D(review)], in whole units where demand is counted.

    All arrays (n,). Found by halving between 0 and a quantile that no target passes; 0 where nothing is demanded.
    """
    step = 1.0 if demand.family == COUNT else 1e-3
    allowed = (1 - service) * np.maximum(mean - mean_before, 0.0)
    high = np.ceil(demand.quantile(mean, days, _SURE, extra_variance=extra_variance) / step)
    low = np.full(len(mean), -1.0)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        terms = (middle * step, extra_variance, extra_variance_before)
        is_enough = short_qty(demand, mean, days, mean_before, days_before, *terms) <= allowed + 1e-12
        is_open = high - low > 1
        high = np.where(is_open & is_enough, middle, high)
        low = np.where(is_open & ~is_enough, middle, low)
    return np.where(mean > 0, high * step, 0.0)
