"""The stock that a service target asks for: by the worth of the next unit, type 2 (fill rate), type 1 (cycle service),
or the newsvendor's balance.

What belongs here: from a line's demand distribution and its target to the order-up-to level. What does not: what the
target is (settings, terms) and how it becomes an order (replenishment, steps).

The position after ordering, S, has to last until the order after this one arrives. With `days_before` the days until
this order arrives (wait + lead) and `days` those until the next one arrives (+ review), the units that go short in
between are

    short(S) = E[(D(days) - S)+] - E[(D(days_before) - S)+]

(the loss over the protection period less what was lost before the delivery could come; Silver, Pyke and Thomas,
Inventory and Production Management, section 6.11, for (R,S) with backorders). The fill rate of the cycle is
1 - short(S) / E[D(review)], of which lost sales leave a little more: lost demand does not come back as demand. What
lies on the shelf in between, in unit-days, is

    held(S) = sum over t = days_before + 1 ... days of E[(S - D(t))+]

By value: one price of a lost sale for all lines of a target, so many unit-days of holding. The level is the least S
from which one further lot is not worth what it is held for,

    price * (short(S) - short(S + lot)) <= held(S + lot) - held(S)

which is Zheng's condition for the best reorder point of (r, nQ): the cost of a cycle is the same from r and from r + Q
(Zheng 1992, On properties of stochastic inventory systems; Federgruen and Zheng 1992). With a lot of 1 it is the
newsvendor of the cycle. The price is found so that the lines together serve the target: equal service for every line
would hold units where they hardly ever sell, and leave out units that sell next week.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from ml.forecasting.distribution import COUNT, DemandDistribution

VALUE, FILL_RATE, CYCLE, NEWSVENDOR = "value", "fill_rate", "cycle", "newsvendor"
_SURE = 1 - 1e-7  # no target asks for more than this quantile
_MEASURED_STEP = 1e-3  # levels of goods that are measured, not counted: quantities have three decimals
_PRICE_LINES = 5_000  # lines that a price is found from
_GAUSS = (0.5 - np.sqrt(1 / 12), 0.5 + np.sqrt(1 / 12))
_PRICE_STEPS = 15  # of a factor of e: beyond that no price reaches the target, or every price does
_PRICE_GAP = 0.01  # of the share lost, which moves a share of 0.95 by 0.0005


@dataclass(frozen=True)
class Cycle:
    """Demand that n lines face until their next delivery and until the one after it; all arrays (n,).

    mean, days: of the protection days. mean_before, days_before: of the days until this order comes. lead_variance:
    what uncertain lead times add to the variance of either, in units squared. segment: demand classes, as codes of
    `demand`.
    """

    demand: DemandDistribution
    mean: np.ndarray
    days: np.ndarray
    mean_before: np.ndarray
    days_before: np.ndarray
    lead_variance: np.ndarray
    segment: np.ndarray

    @property
    def step(self) -> float:
        """Return what levels are whole multiples of: a unit where demand is counted."""
        return 1.0 if self.demand.family == COUNT else _MEASURED_STEP

    @property
    def review_demand(self) -> np.ndarray:
        """Return the mean demand between this delivery and the next one."""
        return np.maximum(self.mean - self.mean_before, 0.0)

    def of(self, rows: np.ndarray) -> Cycle:
        """Return the cycle of some lines (indices or a mask)."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "demand"}
        return replace(self, **{name: values[rows] for name, values in arrays.items()})

    def shortage(self, stock: np.ndarray, share: float | np.ndarray) -> np.ndarray:
        """Return E[(D(t) - stock)+], t the day that lies `share` of the review period behind this delivery."""
        days = self.days_before + share * (self.days - self.days_before)
        mean = self.mean_before + share * (self.mean - self.mean_before)
        lost = self.demand.expected_shortage(
            mean, np.maximum(days, 1.0), stock, extra_variance=self.lead_variance, segment=self.segment
        )
        return np.where(days > 0, lost, 0.0)

    def short_qty(self, stock: np.ndarray) -> np.ndarray:
        """Return the expected units short between this delivery and the next with a position of `stock`."""
        return np.maximum(self.shortage(stock, 1.0) - self.shortage(stock, 0.0), 0.0)

    def held_qty_days(self, stock: np.ndarray) -> np.ndarray:
        """Return the expected stock at the close of the days between this delivery and the next, summed over the days.

        From two of the days, by Gauss's rule.
        """
        review = self.days - self.days_before
        total = np.zeros(len(stock))
        for node in _GAUSS:
            share = (1.0 + node * (review - 1.0)) / np.maximum(review, 1.0)
            mean = self.mean_before + share * (self.mean - self.mean_before)
            total += review / 2 * (stock - mean + self.shortage(stock, share))
        return total


def cycle_target(cycle: Cycle, service: np.ndarray) -> np.ndarray:
    """The smallest S with P(D(days) <= S) >= service: type 1 service, and the newsvendor with its critical ratio."""
    return cycle.demand.quantile(
        cycle.mean, cycle.days, service, extra_variance=cycle.lead_variance, segment=cycle.segment
    )


def fill_rate_target(cycle: Cycle, service: np.ndarray) -> np.ndarray:
    """The smallest S with short(S) <= (1 - service) E[D(review)], in whole units where demand is counted."""
    allowed = (1 - service) * cycle.review_demand
    return _least_level(cycle, lambda some, rows, stock: some.short_qty(stock) <= allowed[rows] + 1e-12)


def value_target(cycle: Cycle, lot: np.ndarray, price: np.ndarray) -> np.ndarray:
    """The smallest S from which a further lot is not worth holding.

    lot: the smallest order, > 0. price: of a unit lost, in unit-days of holding (its worth / the cost of a unit-day).
    """

    def is_enough(some: Cycle, rows: np.ndarray, stock: np.ndarray) -> np.ndarray:
        more = stock + lot[rows]
        saved = price[rows] * (some.short_qty(stock) - some.short_qty(more))
        return saved <= some.held_qty_days(more) - some.held_qty_days(stock)

    return _least_level(cycle, is_enough)


def expected_fill(cycle: Cycle, lot: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Share of demand served where each review orders whole lots up to a level or just above it; 1 without demand.

    The position after ordering lies evenly between the level and one lot less a step above it (Hadley and Whitin): the
    mean of both ends and twice the middle.
    """
    above = np.maximum(lot - cycle.step, 0.0)
    points = ((level, 0.25), (level + np.floor(above / 2 / cycle.step) * cycle.step, 0.5), (level + above, 0.25))
    short = sum(weight * cycle.short_qty(stock) for stock, weight in points)
    served = cycle.review_demand
    return np.where(served > 0, 1 - short / np.where(served > 0, served, 1.0), 1.0)


def common_price(cycle: Cycle, lot: np.ndarray, worth: np.ndarray, service: float, near: float | None = None) -> float:
    """The price of a lost sale at which all lines together serve the share `service` of their demand.

    worth: of a unit of each line, in any measure over its cost of a unit-day; the price multiplies it. near: a price
    to begin from, last week's. Found on logarithms, in which price and share lost are nearly a line, by the secant
    kept between its ends (Illinois), until the share lost is met to 1 %; of very many lines, evenly chosen ones in
    the order of their demand speak.
    """
    order = np.argsort(cycle.review_demand, kind="stable")
    few = order[np.linspace(0, len(order) - 1, min(len(order), _PRICE_LINES)).astype(np.int64)]
    cycle, lot, worth = cycle.of(few), lot[few], worth[few]
    served = cycle.review_demand
    if served.sum() <= 0:
        return 1.0

    def excess(log_price: float) -> float:
        level = value_target(cycle, lot, np.exp(log_price) * worth)
        lost = ((1 - expected_fill(cycle, lot, level)) * served).sum() / served.sum()
        return float(np.log(max(lost, 1e-9) / (1 - service)))

    # a lost unit worth 60 days of holding is a usual price; last week's is a fifth off at most
    here, step = (np.log(60.0 / np.median(worth)), 1.0) if near is None else (np.log(near), 0.2)
    gap = excess(here)
    step = step if gap > 0 else -step
    there, other = here, gap
    for _ in range(_PRICE_STEPS):
        if abs(gap) <= _PRICE_GAP or gap * other < 0:
            break
        there, other = here, gap
        here += step
        gap = excess(here)
    for _ in range(_PRICE_STEPS):
        if abs(gap) <= _PRICE_GAP or abs(here - there) <= 1e-3 or gap * other > 0:
            break
        middle = here - gap * (here - there) / (gap - other)
        found = excess(middle)
        # the end that stays twice counts half, so that both ends move
        there, other = (here, gap) if found * gap < 0 else (there, other / 2)
        here, gap = middle, found
    return float(np.exp(here))


def _least_level(cycle: Cycle, is_enough: Callable[[Cycle, np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """The smallest level from which on `is_enough(cycle of the rows, rows, level)` holds, by halving; 0 without demand.

    In whole steps: first upwards from two standard deviations above the mean until a level is enough, then halving;
    lines that are found drop out.
    """
    mean, step = cycle.mean, cycle.step
    spread = np.sqrt(cycle.demand.variance(mean, cycle.days, segment=cycle.segment) + cycle.lead_variance)
    high = np.where(mean > 0, np.ceil((mean + 2 * spread) / step), 0.0)
    low = np.full(len(high), -1.0)
    rows = np.flatnonzero(mean > 0)
    while len(rows):
        rows = rows[~is_enough(cycle.of(rows), rows, high[rows] * step)]
        low[rows], high[rows] = high[rows], 2 * high[rows] + 1
    rows = np.flatnonzero(high - low > 1)
    while len(rows):
        middle = np.floor((low[rows] + high[rows]) / 2)
        enough = is_enough(cycle.of(rows), rows, middle * step)
        high[rows] = np.where(enough, middle, high[rows])
        low[rows] = np.where(enough, low[rows], middle)
        rows = rows[high[rows] - low[rows] > 1]
    return high * step
