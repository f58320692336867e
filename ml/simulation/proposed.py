"""The rules that order on forecasts, as a replay asks them: levels from the distribution of demand, or from a normal.

What belongs here: from past forecasts and terms of supply to levels on a review day, by the same functions as the
night's orders (ml.planning.service). What does not: rules on averages (policies), the clock (replay).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.forecasting.panel import BLOCK_DAYS
from ml.planning import formulas
from ml.planning.service import (
    CYCLE,
    FILL_RATE,
    NEWSVENDOR,
    VALUE,
    Cycle,
    common_price,
    cycle_target,
    fill_rate_target,
    value_target,
)
from ml.simulation.past_forecasts import PastForecasts
from ml.simulation.replay import Known


@dataclass(frozen=True)
class Terms:
    """Terms of supply that planning knows, n products at places, d days.

    lead_time_days: (n,) whole days. lead_time_sd_days: (n,). review_days: (n, d) days from the review at the close of a
    day to the next one, 0 where that day has none. lot_qty: (n,) the smallest order. worth: (n,) of a unit lost, over
    its cost of holding (ml.planning.service_lines.relative_worth). group: (n,) whose service is aimed at together.
    """

    lead_time_days: np.ndarray
    lead_time_sd_days: np.ndarray
    review_days: np.ndarray
    lot_qty: np.ndarray
    worth: np.ndarray
    group: np.ndarray


def cycle_on(forecasts: PastForecasts, terms: Terms, day: int, rows: np.ndarray, review: np.ndarray) -> Cycle:
    """The demand that an order decided at the close of `day` has to bridge, from the last forecast made by then.

    Day 0 follows the first forecast. rows: indices; review: (rows,) days to the next review.
    """
    week = min((day + 1) // BLOCK_DAYS, len(forecasts.blocks) - 1)
    gone = day + 1 - week * BLOCK_DAYS
    blocks = forecasts.blocks[week, rows].astype(float)
    before = terms.lead_time_days[rows].astype(float)
    days = before + review
    told = _demand_until(blocks, np.full(len(rows), float(gone)))
    mean, mean_before = (_demand_until(blocks, gone + span) - told for span in (days, before))
    variance = formulas.lead_time_variance(mean / days, terms.lead_time_sd_days[rows])
    return Cycle(forecasts.demand, mean, days, mean_before, before, variance, forecasts.segments[week, rows])


def _demand_until(blocks: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Mean demand of the first `days` days, even within a block; beyond the last block as in it."""
    cumulated = np.concatenate([np.zeros((len(blocks), 1)), np.cumsum(blocks, axis=1)], axis=1)
    whole = np.minimum(days // BLOCK_DAYS, blocks.shape[1] - 1).astype(np.int64)
    row = np.arange(len(blocks))
    return cumulated[row, whole] + (days / BLOCK_DAYS - whole) * blocks[row, whole]


@dataclass
class Proposed:
    """The night's own rule (ml.planning.service_lines), asked on past days.

    service: target by group (name of a group: share or probability). kind: what the target means, as
    planning.service_type. By value the prices are found anew with each week's forecast. A newsvendor's price is that
    of its costs, holding_cost_yearly_pct of the unit's cost, divided by `ease`, which is its dial.
    """

    forecasts: PastForecasts
    terms: Terms
    service: dict[str, float]
    kind: str = VALUE
    holding_cost_yearly_pct: float = 20.0
    ease: float = 1.0
    name: str = "proposed"
    _prices: dict[tuple[int, str], float] = field(default_factory=dict)

    def levels(self, known: Known) -> tuple[np.ndarray, np.ndarray]:
        """Return (level, level) of those that review today; 0 for the others, who do not order."""
        review = self.terms.review_days[:, known.day]
        rows = np.flatnonzero(review > 0)
        cycle = cycle_on(self.forecasts, self.terms, known.day, rows, review[rows])
        level = np.zeros(len(review))
        level[rows] = self._levels(known.day, rows, cycle)
        return level, level

    def _levels(self, day: int, rows: np.ndarray, cycle: Cycle) -> np.ndarray:
        group = self.terms.group[rows]
        of_group = {name: self._price(day, name) for name in self.service} if self.kind == VALUE else self.service
        value = np.select([group == name for name in of_group], list(of_group.values()), default=np.nan)
        if self.kind == FILL_RATE:
            return fill_rate_target(cycle, value)
        if self.kind == CYCLE:
            return cycle_target(cycle, value)
        if self.kind == NEWSVENDOR:
            value = np.full(len(rows), 36_500 / max(self.holding_cost_yearly_pct, 1e-3) / self.ease)
        return value_target(cycle, self.terms.lot_qty[rows], value * self.terms.worth[rows])

    def _price(self, day: int, group: str) -> float:
        """The group's price with the forecast that this day has."""
        key = ((day + 1) // BLOCK_DAYS, group)
        if key not in self._prices:
            rows = np.flatnonzero(self.terms.group == group)
            usual = np.maximum(self.terms.review_days[rows].max(axis=1), 1)
            cycle = cycle_on(self.forecasts, self.terms, day, rows, usual)
            lot, worth = self.terms.lot_qty[rows], self.terms.worth[rows]
            last_week = self._prices.get((key[0] - 1, group))
            self._prices[key] = common_price(cycle, lot, worth, self.service[group], last_week)
        return self._prices[key]


@dataclass(frozen=True)
class ByProbability:
    """Order up to what lasts through the protection period with probability `service`; is_normal: of a normal."""

    forecasts: PastForecasts
    terms: Terms
    service: float
    is_normal: bool = False

    @property
    def name(self) -> str:
        """Return the rule's name."""
        return "same forecast, normal distribution" if self.is_normal else "same forecast, one probability for all"

    def levels(self, known: Known) -> tuple[np.ndarray, np.ndarray]:
        """Return (level, level) of those that review today; 0 for the others."""
        review = self.terms.review_days[:, known.day]
        rows = np.flatnonzero(review > 0)
        cycle = cycle_on(self.forecasts, self.terms, known.day, rows, review[rows])
        if self.is_normal:
            spread = np.sqrt(cycle.demand.variance(cycle.mean, cycle.days, segment=cycle.segment) + cycle.lead_variance)
            wanted = np.rint(formulas.order_up_to(cycle.mean, spread, self.service))
        else:
            wanted = cycle_target(cycle, np.full(len(rows), self.service))
        level = np.zeros(len(review))
        level[rows] = np.maximum(wanted, 0.0)
        return level, level
