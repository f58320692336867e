"""Offers on a part of the week, or at a part of the places: what the whole week shows of them.

What belongs here: the regressors of such weeks. What does not: estimating.

An offer that multiplies demand by exp(b) on a part s of the week multiplies the week by 1 + s (exp(b) - 1), so the
regressor of b is

    log(1 + s (exp(b) - 1)) / b

with b as the product's group shows it; it is s where b is small, 1 where s is 1. Of a discount the week shows the mean
price alone: with d the elasticity and x the log of price over price paid on the days of the offer, these days have the
share q = s exp(d x) / (1 - s + s exp(d x)) of the units, and the mean price is q (1 - exp(-x)) below the other days'.
x is what makes that the mean that was paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ml.response.panel import DEEPEST, DISCOUNT, MECHANIC, WeekPanel

_BISECTIONS = 40
_NOTHING = 1e-3  # an effect so small that it adds up in parts


def has_parts(panel: WeekPanel) -> bool:
    """Whether any offer held on a part of a week."""
    shown = panel.values[:, [name.startswith(MECHANIC) for name in panel.names]]
    return bool((panel.discount_part < 1.0).any() or ((shown > 0.0) & (shown < 1.0)).any())


def of_whole_weeks(panel: WeekPanel, effects: Mapping[str, np.ndarray]) -> WeekPanel:
    """The panel with the regressors of parts of weeks as above; panel as laid out, effects: by product, of a regressor.

    A regressor without an effect stays as it is.
    """
    values, depth = panel.values.copy(), panel.depth
    for column, name in enumerate(panel.names):
        if name not in effects:
            continue
        effect = effects[name][panel.sku]
        if name.startswith(MECHANIC):
            values[:, column] = _of_part(values[:, column], effect)
        elif name == DISCOUNT:
            depth = _depth(panel, np.maximum(effect, _NOTHING))
            values[:, column] = depth * _of_part(panel.discount_part, effect * depth)
    return replace(panel, values=values, depth=depth)


def _of_part(part: np.ndarray, effect: np.ndarray) -> np.ndarray:
    usual = np.where(np.abs(effect) < _NOTHING, 1.0, effect)
    return np.where(np.abs(effect) < _NOTHING, part, np.log1p(part * np.expm1(usual)) / usual)


def _depth(panel: WeekPanel, elasticity: np.ndarray) -> np.ndarray:
    """Log of price over price paid on the days of the offer, at most DEEPEST; that of the week where it held for all of
    it."""
    inside = np.flatnonzero((panel.discount_part < 1.0) & (panel.depth > 0.0))
    part, elastic = panel.discount_part[inside], elasticity[inside]
    paid_less = -np.expm1(-panel.depth[inside])
    low, high = panel.depth[inside], np.full(len(inside), DEEPEST)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        lifted = part * np.exp(elastic * middle)
        is_less = lifted / (1.0 - part + lifted) * -np.expm1(-middle) < paid_less
        low, high = np.where(is_less, middle, low), np.where(is_less, high, middle)
    depth = panel.depth.copy()
    depth[inside] = high
    return depth
