"""What groups of places differ by when nobody did anything: the yardstick of every pilot.

Groups of the pilot's size are drawn from all places, its own among them: if nothing was done its group is one of these
(Fisher's randomisation test), so that false alarms are ALPHA also with few places. Their statistic is the sum of
differences over the root of the summed squares of their noise: places that jump about weigh no more than calm ones
(Hagemann 2019; Abadie, Diamond, Hainmueller 2010 for placebo places).
"""

import numpy as np

from ml.pilots.panel import TooFewPlaces

DRAWS = 4_000
# false alarms allowed, both sides together
ALPHA = 0.10
POWER = 0.80
# fewer groups than this and the tenth in the tails is a handful
MIN_POOL = 12


def statistic(effect: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the studentised difference of each group; the last axis holds its places."""
    return effect.sum(axis=-1) / np.sqrt((noise**2).sum(axis=-1))


def placebo_statistics(effect: np.ndarray, noise: np.ndarray, size: int, seed: int, draws: int = DRAWS) -> np.ndarray:
    """Return the statistic of `draws` groups of `size` places each, drawn without repeats within a group.

    The middle of all places is taken off first: what all share is no difference.

    Raises:
        TooFewPlaces: fewer than MIN_POOL places, or than twice the group.
    """
    places = len(effect)
    if places < max(MIN_POOL, 2 * size):
        raise TooFewPlaces(
            f"{places} places with sales in nearly every week are too few to tell {size} of them from chance"
        )
    draw = np.random.default_rng(seed)
    groups = np.argsort(draw.random((draws, places)), axis=1)[:, :size]
    centred = effect - np.median(effect)
    return statistic(centred[groups], noise[groups])


def critical(placebo: np.ndarray) -> float:
    """Return what a statistic has to exceed in size so that ALPHA of the placebo ones do."""
    return float(np.quantile(np.abs(placebo), 1 - ALPHA))


def detectable(placebo: np.ndarray, noise: np.ndarray) -> float:
    """Return the smallest effect (in logarithms) that a group with such noise shows with probability POWER."""
    reach = critical(placebo) - float(np.quantile(placebo, 1 - POWER))
    return reach * float(np.sqrt((noise**2).sum())) / len(noise)
