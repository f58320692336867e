"""Targets tuned by replay: what to ask for so that what was wanted is served, learned on one period, proved on another.

What belongs here: reading the target to ask from a curve of asked and served. What does not: replays (study).

The expected service of a level rests on the forecast's distribution and counts what is short as owed; under lost sales,
and where the distribution is too wide or too narrow, another share is served. How much so is the company's own, and a
replay of its history tells.
"""

from __future__ import annotations

import numpy as np

_LEAST, _MOST = 0.5, 0.999


def target_to_ask(wanted: float, asked: np.ndarray, served: np.ndarray) -> float:
    """The target to ask for so that the share `wanted` is served.

    asked, served: (points,) of a curve, asked rising. Read between its points on the logarithms of the shares lost, in
    which such curves are nearly straight; beyond its ends the gap of the end is kept. Within 0.5 and 0.999.
    """
    lost_asked, lost_served = np.log(1 - asked), np.log(np.maximum(1 - served, 1e-6))
    # more asked never serves less: what a curve wavers by is chance
    lost_served = np.minimum.accumulate(lost_served)
    goal = np.log(1 - wanted)
    if goal >= lost_served[0]:
        log_lost = lost_asked[0] + goal - lost_served[0]
    elif goal <= lost_served[-1]:
        log_lost = lost_asked[-1] + goal - lost_served[-1]
    else:
        log_lost = np.interp(goal, lost_served[::-1], lost_asked[::-1])
    return float(np.clip(1 - np.exp(log_lost), _LEAST, _MOST))
