"""What promotions of a category do to the rest of it: cannibalisation where it sells less, halo where it sells more.

What belongs here: units that the products at rest lose or win for each unit that a discount or mechanic brings. What
does not: the products' own answer (regression).

By category and week, against 13 weeks around:

    rest      what products at rest sold over what was expected of them without season
    brought   units brought by offers over units expected of the whole category without any

and rest = a + cross x brought by least squares, so cross x (share of the category at rest) is units a unit. Below zero
is cannibalisation. Weeks of all categories count; each category's cross effect is drawn to its department's.
"""

from __future__ import annotations

import numpy as np

from ml.response.panel import PRICE, TREND, WeekPanel
from ml.response.regression import Fit

AROUND = 6  # weeks either way: what is slower is the season, not an offer
_LEAST_UNITS = 20.0  # expected at rest in a week, below which it says nothing
_LEAST_WEEKS = 8


def cross_effects(panel: WeekPanel, fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """(effect, variance) by category; variance infinite where too little is seen."""
    offered = [i for i, name in enumerate(panel.names) if name not in (PRICE, TREND)]
    lift = np.exp(np.einsum("rk,rk->r", panel.values[:, offered], fit.coefficients[panel.sku][:, offered]))
    without = fit.expected / np.where(lift > 0, lift, 1.0)
    plain = without / fit.season
    cell = panel.category[panel.sku] * panel.weeks + panel.week
    shape = (len(panel.categories), panel.weeks)

    def table(values: np.ndarray) -> np.ndarray:
        return np.bincount(cell, values, minlength=shape[0] * shape[1]).reshape(shape)

    rest = panel.is_at_rest()
    sold, usual = table(panel.units * rest), table(plain * rest)
    brought, whole = table(fit.expected - without), table(without)
    known = (usual >= _LEAST_UNITS) & (whole > 0)
    answer = _against_around(np.divide(sold, usual, out=np.zeros(shape), where=known), known)
    offer = _against_around(np.divide(brought, whole, out=np.zeros(shape), where=known), known)
    weight = np.where(known, usual, 0.0)
    square = (weight * offer**2).sum(axis=1)
    weeks = known.sum(axis=1)
    effect = np.divide((weight * offer * answer).sum(axis=1), square, out=np.zeros(shape[0]), where=square > 0)
    scores = (weight * offer * (answer - effect[:, None] * offer)) ** 2
    variance = np.divide(scores.sum(axis=1), square**2, out=np.full(shape[0], np.inf), where=square > 0)
    variance = variance * np.where(weeks > 0, weeks / np.maximum(weeks - 2, 1), 1.0)
    share = np.divide((usual * known).sum(axis=1), (whole * known).sum(axis=1), out=np.ones(shape[0]), where=weeks > 0)
    usable = (weeks >= _LEAST_WEEKS) & (variance > 0)
    return effect * share, np.where(usable, variance * share**2, np.inf)


def _against_around(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values less their mean within AROUND columns; 0 where not known."""
    total, count = np.zeros(values.shape), np.zeros(values.shape)
    for shift in range(-AROUND, AROUND + 1):
        start, end = max(0, shift), values.shape[1] + min(0, shift)
        if end <= start:
            continue
        own = slice(start - shift, end - shift)
        total[:, own] += (values * known)[:, start:end]
        count[:, own] += known[:, start:end]
    return np.where(known, values - total / np.maximum(count, 1), 0.0)
