"""Estimates of products drawn to those of their category, these to the department's, these to the company's.

The normal-normal model of empirical Bayes (Morris 1983, Parametric empirical Bayes inference): what a product shows is
its own value and noise of known variance; values of a group are spread around the group's. The spread within a level is
one for the whole company, by the moment estimator of Paule and Mandel (1982), so groups of two products have one too.
Of what is not known of a group, its products carry the part that they take from it (the error variance of the best
linear prediction, Henderson 1975).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BISECTIONS = 60
_FAR = 2.0  # standard deviations
_USUAL_SQUARE = 0.92054  # E[min(Z^2, _FAR^2)] of a standard normal Z
_MANY = 10


@dataclass(frozen=True)
class Drawn:
    """mean, sd by product; group_mean, group_sd by product: what it is drawn to; top_mean, top_sd: of the company.

    by_level: (mean, sd) of each group of a level, coarse to fine, as the groups are numbered. spread: sd of products
    around their group."""

    mean: np.ndarray
    sd: np.ndarray
    group_mean: np.ndarray
    group_sd: np.ndarray
    by_level: tuple[tuple[np.ndarray, np.ndarray], ...]
    top_mean: float
    top_sd: float
    spread: float


def draw_together(estimate: np.ndarray, variance: np.ndarray, levels: Sequence[np.ndarray]) -> Drawn:
    """Draw estimates together.

    estimate, variance > 0: by product. levels: group of each product, coarse to fine; groups of a finer level lie
    within one of the coarser. Needs one product at least.
    """
    tops = np.zeros(len(estimate), dtype=np.int64)
    chain = [*(np.asarray(level) for level in levels)]
    # upwards: each group's own estimate, from its members
    seen: list[tuple[np.ndarray, np.ndarray]] = [(estimate, variance)]
    member: list[np.ndarray] = []
    spreads: list[float] = []
    own = np.arange(len(estimate))
    for level in [*reversed(chain), tops]:
        count = int(own.max()) + 1
        of_member = np.zeros(count, dtype=np.int64)
        of_member[own] = level
        values, noise = seen[-1]
        spread = _spread(values, noise, of_member)
        weight = 1.0 / (noise + spread)
        total = np.bincount(of_member, weight)
        seen.append((np.bincount(of_member, weight * values) / total, 1.0 / total))
        member.append(of_member)
        spreads.append(spread)
        own = level
    # downwards: what is above is the prior of what is below
    top_mean, top_variance = seen[-1]
    mean, uncertain = top_mean, top_variance
    found = []
    group_mean, group_variance = mean, uncertain
    for (values, noise), of_member, spread in zip(
        reversed(seen[:-1]), reversed(member), reversed(spreads), strict=True
    ):
        group_mean, group_variance = mean[of_member], uncertain[of_member]
        keep = spread / (spread + noise)
        mean = keep * values + (1.0 - keep) * group_mean
        uncertain = keep * noise + (1.0 - keep) ** 2 * group_variance
        found.append((mean, np.sqrt(uncertain)))
    return Drawn(
        mean=mean,
        sd=np.sqrt(uncertain),
        group_mean=group_mean,
        group_sd=np.sqrt(group_variance + spreads[0]),
        by_level=tuple(found[:-1]),
        top_mean=float(top_mean[0]),
        top_sd=float(np.sqrt(top_variance[0])),
        spread=float(np.sqrt(spreads[0])),
    )


def _spread(values: np.ndarray, noise: np.ndarray, group: np.ndarray) -> float:
    """Variance of members around their groups at which the weighed squares are as many as expected; 0 where fewer.

    Of _MANY members and more a square counts _FAR^2 at most, here and in what is expected: a few far out do not speak
    for all."""
    freedom = len(values) - len(np.unique(group))
    if freedom <= 0:
        return 0.0
    most, usual = (_FAR**2, _USUAL_SQUARE) if freedom >= _MANY else (np.inf, 1.0)

    def excess(spread: float) -> float:
        weight = 1.0 / (noise + spread)
        centre = np.bincount(group, weight * values) / np.maximum(np.bincount(group, weight), 1e-300)
        return float(np.minimum(weight * (values - centre[group]) ** 2, most).sum()) - freedom * usual

    low, high = 0.0, float(np.var(values) + noise.max()) + 1e-12
    if excess(0.0) <= 0.0:
        return 0.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2
