"""The rules that a replay compares: what users of simple tools do, the textbook's rule, and the proposed one.

What belongs here: a rule as a class with `levels`. What does not: the clock (replay) and what a level is worth
(outcome).

Every rule has one dial, so that rules can be compared at the same service: days of cover, or a probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.planning import formulas
from ml.simulation.replay import Known


@dataclass(frozen=True)
class MinMax:
    """Minimum and maximum as days of average sales: what Odoo's and ERPNext's users set by hand or by a script.

    max = cover_days x average of the last `window_days` days sold; min = max less `order_days` of that average (the
    days that one order is to last): with order_days 0 every review fills up to the maximum.
    """

    cover_days: np.ndarray | float
    window_days: int = 30
    order_days: float = 0.0
    name: str = "min/max on average sales"

    def levels(self, known: Known) -> tuple[np.ndarray, np.ndarray]:
        """Return (minimum, maximum)."""
        average = known.sold[:, -self.window_days :].mean(axis=1)
        maximum = self.cover_days * average
        # with nothing to spare the minimum is the maximum: below it by any amount is below it
        return maximum - self.order_days * average - (1e-9 if self.order_days == 0 else 0.0), maximum


@dataclass(frozen=True)
class NormalSafetyStock:
    """The textbook's (R,S): moving average and normal safety stock (Chopra and Meindl; ml/planning/formulas.py).

    Level = mean over the protection days + z sqrt(days sd^2 + mean^2 s_L^2), of the last `window_days` days sold.
    """

    service: float
    protection_days: np.ndarray | float
    lead_time_sd_days: np.ndarray | float
    window_days: int = 56
    name: str = "normal safety stock on a moving average"

    def levels(self, known: Known) -> tuple[np.ndarray, np.ndarray]:
        """Return (level, level): every review orders up to it."""
        recent = known.sold[:, -self.window_days :]
        rate, sd = recent.mean(axis=1), recent.std(axis=1, ddof=1)
        spread = formulas.demand_sd(sd, self.protection_days, rate, self.lead_time_sd_days)
        level = np.rint(formulas.order_up_to(rate * self.protection_days, spread, self.service))
        return level, level


@dataclass(frozen=True)
class EmpiricalQuantile:
    """The quantile of past sums: how much the last `window_days` days ever sold in as many days as must be bridged."""

    service: float
    protection_days: int
    window_days: int = 182
    name: str = "quantile of past sums"

    def levels(self, known: Known) -> tuple[np.ndarray, np.ndarray]:
        """Return (level, level)."""
        total = np.cumsum(known.sold[:, -self.window_days - self.protection_days :], axis=1)
        sums = total[:, self.protection_days :] - total[:, : -self.protection_days]
        level = np.ceil(np.quantile(sums, self.service, axis=1))
        return level, level


@dataclass(frozen=True)
class PlannedLevels:
    """The proposed rule, or any other that is known before the replay: order-up-to levels made from forecasts.

    level_qty: (n, reviews) order up to this at each review, from what was known then. review_of_day: (d,) the column
    that a day's review uses.
    """

    level_qty: np.ndarray
    review_of_day: np.ndarray
    name: str = "level from the forecast's distribution"

    def levels(self, known: Known) -> tuple[np.ndarray, np.ndarray]:
        """Return (level, level)."""
        level = self.level_qty[:, self.review_of_day[known.day]]
        return level, level
