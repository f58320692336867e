"""The price path that clears a stock by its exit date: dynamic programming over stock and time, prices never up again.

What belongs here: the best path of one stock against its expected demand, for all stocks at once. What does not: which
stock has to go (clearance), what elasticities are (ml/response).

    V_t(s, k) = max over k' >= k of  E[price_k' min(D, s) - held (s - D)+ + V_t+1((s - D)+, k')]
    V_end(s)  = worth of what is left

s: units left, k: step of the markdown, D: demand of the period at that price, mean x (price / price today)^elasticity.
This is the finite-horizon problem of Gallego and van Ryzin (1994) with the steps and the one way down that shops have.

Stocks above STATES units are counted in equal lots, so that each has the same grid. Demand in lots has the mean that it
has in units and, as far as whole lots allow, its variance m + spread x m^2: the (a, b, 0) class of Panjer (1981), which
holds the negative binomial, the Poisson and the binomial distribution, by its recursion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

STATES = 48
_CHUNK = 1_000
_PENALTIES = (0.5, 1.0, 2.0, 4.0)  # of today's price a unit left, in turn, where the sell-through target is not met


@dataclass(frozen=True)
class Clearance:
    """Stocks to clear, a row each.

    stock: units > 0. price: today's. elasticity: of demand to price, below zero. mean (rows, periods): expected units a
    period at today's price. kept_qty: units left that keep kept_value each; salvage: what any further is worth.
    held: cost of a unit left in a period. spread: of demand, variance = mean + spread x mean^2.
    """

    stock: np.ndarray
    price: np.ndarray
    elasticity: np.ndarray
    mean: np.ndarray
    kept_qty: np.ndarray
    kept_value: np.ndarray
    salvage: np.ndarray
    held: np.ndarray
    spread: np.ndarray

    def rows(self, which: slice) -> Clearance:
        """Some of the stocks."""
        return Clearance(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    def answering(self, elasticity: np.ndarray) -> Clearance:
        """The same stocks with other elasticities."""
        return replace(self, elasticity=elasticity)


@dataclass(frozen=True)
class Paths:
    """step, sold, left (rows, periods): the path along the expected stock, and its expected units.

    recovery: expected money of that path; nothing: of today's price throughout; flat: of one given step throughout;
    low, high: the least and the most of the path where customers answer as expected or as in the two given
    elasticities; looking_again: of the best plan that looks at the stock each period. left_qty, left_nothing_qty: units
    expected on the exit date.
    """

    step: np.ndarray
    sold: np.ndarray
    left: np.ndarray
    recovery: np.ndarray
    nothing: np.ndarray
    flat: np.ndarray
    low: np.ndarray
    high: np.ndarray
    looking_again: np.ndarray
    left_qty: np.ndarray
    left_nothing_qty: np.ndarray


@dataclass(frozen=True)
class Policy:
    """choice[t][row, lots, step so far]: step to take. lot: units of a lot by row."""

    choice: list[np.ndarray]
    lot: np.ndarray

    def step(self, period: int, left: np.ndarray, so_far: np.ndarray) -> np.ndarray:
        """Step to take with `left` units of each row."""
        lots = np.clip(np.rint(left / self.lot).astype(np.int64), 0, STATES)
        return self.choice[period][np.arange(len(left)), lots, so_far].astype(np.int64)


def plan_paths(
    stocks: Clearance,
    weak: np.ndarray,
    strong: np.ndarray,
    discounts: np.ndarray,
    *,
    flat_step: int,
    sell_through: float | None = None,
) -> Paths:
    """Plan every stock. discounts (steps,): share off today's price, rising from 0. weak, strong: other elasticities.

    sell_through: share of the stock to be sold by the end, where a path can; None: what brings in most.
    """
    parts = [
        _plan(stocks.rows(rows), weak[rows], strong[rows], discounts, flat_step, sell_through)
        for rows in (slice(k, k + _CHUNK) for k in range(0, len(stocks.stock), _CHUNK))
    ]
    return Paths(*(np.concatenate([getattr(part, name) for part in parts]) for name in Paths.__dataclass_fields__))


def best_policy(stocks: Clearance, discounts: np.ndarray) -> tuple[Policy, np.ndarray]:
    """(policy, its expected money by row)."""
    lot = np.maximum(np.ceil(stocks.stock / STATES), 1.0)
    off = np.broadcast_to(discounts, (len(lot), len(discounts)))
    choice: list[np.ndarray] = []
    value = _end(stocks, lot, len(discounts))
    for period in reversed(range(stocks.mean.shape[1])):
        each = _one_period(stocks, lot, off, period, value)
        value = np.maximum.accumulate(each[:, :, ::-1], axis=2)[:, :, ::-1]
        choice.append(_first_best(each, value))
    choice.reverse()
    return Policy(choice, lot), _at_start(stocks, lot, value)


def worth_of_path(stocks: Clearance, discounts: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(expected money, units expected to be left) of fixed steps (rows, periods)."""
    lot = np.maximum(np.ceil(stocks.stock / STATES), 1.0)
    value = _end(stocks, lot, 1)
    left = np.broadcast_to((_lots() * lot[:, None])[:, :, None], value.shape)
    for period in reversed(range(stocks.mean.shape[1])):
        off = discounts[step[:, period]][:, None]
        chance = _demand(stocks, lot, off, period)
        value = _one_period(stocks, lot, off, period, value, chance)
        left = _goes_on(chance, left, _beyond(chance))
    return _at_start(stocks, lot, value), _at_start(stocks, lot, left)


def _plan(
    stocks: Clearance,
    weak: np.ndarray,
    strong: np.ndarray,
    discounts: np.ndarray,
    flat_step: int,
    sell_through: float | None,
) -> Paths:
    policy, looking_again = best_policy(stocks, discounts)
    step, sold, left = _along(stocks, policy, discounts)
    recovery, left_qty = worth_of_path(stocks, discounts, step)
    if sell_through is not None:
        wanted = (1.0 - sell_through) * stocks.stock
        for penalty in _PENALTIES:
            short = left_qty > wanted + 1e-9
            if not short.any():
                break
            worth = -penalty * stocks.price
            eager, _ = best_policy(replace(stocks, salvage=worth, kept_value=worth), discounts)
            again = _along(stocks, eager, discounts)
            step, sold, left = (
                np.where(short[:, None], new, old) for new, old in zip(again, (step, sold, left), strict=True)
            )
            recovery, left_qty = worth_of_path(stocks, discounts, step)
    nothing, left_nothing = worth_of_path(stocks, discounts, np.zeros_like(step))
    # a stronger answer may bring less: it sells what was worth more kept. So the expected stands among the ends
    ends = (recovery, *(worth_of_path(stocks.answering(e), discounts, step)[0] for e in (weak, strong)))
    return Paths(
        step=step,
        sold=sold,
        left=left,
        recovery=recovery,
        nothing=nothing,
        flat=worth_of_path(stocks, discounts, np.full_like(step, flat_step))[0],
        low=np.minimum.reduce(ends),
        high=np.maximum.reduce(ends),
        looking_again=looking_again,
        left_qty=left_qty,
        left_nothing_qty=left_nothing,
    )


def _lots() -> np.ndarray:
    return np.arange(STATES + 1, dtype=float)[None, :]


def _end(stocks: Clearance, lot: np.ndarray, steps: int) -> np.ndarray:
    """Worth of what is left: (rows, lots, steps)."""
    left = _lots() * lot[:, None]
    kept = np.minimum(left, stocks.kept_qty[:, None])
    worth = kept * stocks.kept_value[:, None] + (left - kept) * stocks.salvage[:, None]
    return np.repeat(worth[:, :, None], steps, axis=2)


def _at_start(stocks: Clearance, lot: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Value of today's stock at step 0, between two whole lots where it lies there."""
    exact = stocks.stock / lot
    below = np.minimum(np.floor(exact + 1e-9).astype(np.int64), STATES)
    above = np.minimum(below + 1, STATES)
    row, part = np.arange(len(lot)), np.maximum(exact - below, 0.0)
    return value[row, below, 0] * (1.0 - part) + value[row, above, 0] * part


def _demand(stocks: Clearance, lot: np.ndarray, off: np.ndarray, period: int) -> np.ndarray:
    """Probability of a demand of so many lots, at each step: (rows, lots, steps). off: (rows, steps)."""
    lift = np.exp(np.clip(stocks.elasticity[:, None] * np.log1p(-off), -5.0, 5.0))
    mean = np.maximum(stocks.mean[:, period, None] * lift / lot[:, None], 1e-9)
    part = mean - np.floor(mean)
    # whole lots cannot vary less than part x (1 - part); with it the recursion stays a distribution
    variance = np.maximum(mean / lot[:, None] + stocks.spread[:, None] * mean**2, part * (1.0 - part))
    variance = np.maximum(variance, 0.05 * mean)
    a = 1.0 - mean / variance
    a = np.where(np.abs(a) < 1e-6, 1e-6, a)
    b = mean * (1.0 - a) - a
    chance = np.empty((len(lot), STATES + 1, off.shape[1]))
    chance[:, 0] = np.exp(np.clip((a + b) / a * np.log1p(-a), -700.0, 0.0))
    for lots in range(1, STATES + 1):
        chance[:, lots] = chance[:, lots - 1] * np.maximum(a + b / lots, 0.0)
    total = chance.sum(axis=1, keepdims=True)
    return np.where(total > 1.0, chance / np.maximum(total, 1e-300), chance)


def _one_period(
    stocks: Clearance,
    lot: np.ndarray,
    off: np.ndarray,
    period: int,
    after: np.ndarray,
    chance: np.ndarray | None = None,
) -> np.ndarray:
    """Expected money from a period on at each step: what sells, less holding, and what is after."""
    chance = _demand(stocks, lot, off, period) if chance is None else chance
    beyond = _beyond(chance)
    sold = np.zeros(chance.shape)
    sold[:, 1:] = np.cumsum(beyond[:, 1:], axis=1)
    price = stocks.price[:, None] * (1.0 - off)
    held = stocks.held[:, None, None] * (_lots()[:, :, None] - sold)
    return _goes_on(chance, after, beyond) + (price[:, None, :] * sold - held) * lot[:, None, None]


def _goes_on(chance: np.ndarray, after: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """Expectation of what is after, by lots now and step."""
    goes_on = beyond * after[:, :1]
    for lots in range(STATES):
        # of s lots, `lots` < s are wanted: s - lots are left
        goes_on[:, lots + 1 :] += chance[:, lots, None] * after[:, 1 : STATES + 1 - lots]
    return goes_on


def _beyond(chance: np.ndarray) -> np.ndarray:
    """P(demand >= s): 1 at none."""
    beyond = np.ones(chance.shape)
    beyond[:, 1:] = np.maximum(1.0 - np.cumsum(chance, axis=1)[:, :-1], 0.0)
    return beyond


def _first_best(each: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Smallest step from k on that is worth what the best of them is."""
    steps = each.shape[2]
    choice = np.empty(each.shape, dtype=np.int8)
    choice[:, :, steps - 1] = steps - 1
    for k in range(steps - 2, -1, -1):
        choice[:, :, k] = np.where(each[:, :, k] >= best[:, :, k] - 1e-9, k, choice[:, :, k + 1])
    return choice


def _along(stocks: Clearance, policy: Policy, discounts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(step, sold, left) of each period along the expected stock."""
    rows, periods = stocks.mean.shape
    at, left = np.zeros(rows, dtype=np.int64), stocks.stock.astype(float)
    step, sold = np.zeros((rows, periods), dtype=np.int64), np.zeros((rows, periods))
    remaining = np.zeros((rows, periods))
    for period in range(periods):
        at = policy.step(period, left, at)
        expected = _expected_sold(stocks, policy.lot, discounts[at][:, None], period, left)
        left = left - expected
        step[:, period], sold[:, period], remaining[:, period] = at, expected, left
    return step, sold, remaining


def _expected_sold(stocks: Clearance, lot: np.ndarray, off: np.ndarray, period: int, left: np.ndarray) -> np.ndarray:
    """Units expected to sell of `left`."""
    beyond = _beyond(_demand(stocks, lot, off, period))[:, :, 0]
    whole = np.concatenate([np.zeros((len(lot), 1)), np.cumsum(beyond[:, 1:], axis=1)], axis=1)
    exact = left / lot
    below = np.minimum(np.floor(exact + 1e-9).astype(np.int64), STATES)
    above, row = np.minimum(below + 1, STATES), np.arange(len(lot))
    part = np.clip(exact - below, 0.0, 1.0)
    return np.minimum((whole[row, below] * (1 - part) + whole[row, above] * part) * lot, left)
