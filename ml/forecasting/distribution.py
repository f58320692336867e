"""The distribution of demand summed over n days, given its forecast mean: quantiles, shortage, probabilities.

What belongs here: turning (mean, days) into quantiles, with the dispersion that the backtest measured. The room
`ml.planning` builds on this module alone, through the table `ml.forecast_dispersion`:

    demand = DemandDistribution.from_frame(dispersion)
    segment = demand.codes(lines["segment"])                          # demand classes, as numbers
    target = demand.quantile(mean, days, level, segment=segment)      # smallest q with P(D <= q) >= level
    lost = demand.expected_shortage(mean, days, stock, segment=segment)  # E[(D - stock)+]
    safe = demand.quantile(mean, days, 0.95, extra_variance=rate**2 * lead_time_sd_days**2)

What does not: measuring the dispersion (evaluation/dispersion.py) and choosing a service level (ml.planning).

Form: with probability idle_share nothing sells at all (a shelf that stands empty unseen, a product that is gone), else
demand is negative binomial with mean m = mean / (1 - idle_share), size 1/alpha and variance m + alpha * m**2 (Poisson
at alpha 0); where the history is measured, not counted (kilograms, litres), gamma with variance alpha * m**2.
alpha falls with the demand rate and with the length of the window, grows with how far ahead it starts, and differs
between demand classes: at the same rate a lumpy series strays further than a smooth one. It was measured on errors of
forecasts made on past cut-offs, so it holds the error of the forecast, not only the noise of demand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from scipy import special, stats

LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
LEVEL_NAMES = ("p05", "p10", "p25", "p50", "p75", "p90", "p95", "p99")

COUNT = "negative_binomial"
MEASURE = "gamma"

ALL = "all"  # the segment of what no demand class is known of

# One row a (segment, lead_days, window_days, rate_per_day): alpha at that node; between nodes it is interpolated on
# logarithms. Every segment has every node.
DISPERSION_SCHEMA = pl.Schema(
    {
        "family": pl.String,  # negative_binomial | gamma, the same in every row
        "segment": pl.String,  # demand class of the series (metrics.CLASSES), or ALL
        "lead_days": pl.Int32,  # days between as_of and the first day of the window
        "window_days": pl.Int32,  # length of the window that demand is summed over
        "rate_per_day": pl.Float64,  # forecast mean of the window / window_days
        "alpha": pl.Float64,  # variance = m + alpha * m**2 (gamma: alpha * m**2), m = mean / (1 - idle_share)
        "idle_share": pl.Float64,  # probability that nothing sells; the same at every rate
        "windows": pl.Int64,  # how many forecast errors the node was measured on (0 = taken from its neighbours)
    }
)

MIN_ALPHA = 1e-4
MAX_ALPHA = 1e3
_MIN_MEAN = 1e-6


@dataclass(frozen=True)
class DemandDistribution:
    """Demand over a window of days as a distribution around its forecast mean. Immutable; all methods are vectorised.

    `log_alpha[segment, lead, window, rate]` holds log(alpha) at the nodes of the four axes, idle[segment, lead, window]
    the probability that nothing sells.
    """

    family: str
    segments: tuple[str, ...]
    leads: np.ndarray
    windows: np.ndarray
    rates: np.ndarray
    log_alpha: np.ndarray
    idle: np.ndarray

    @classmethod
    def from_frame(cls, dispersion: pl.DataFrame) -> "DemandDistribution":
        """Read the table `ml.forecast_dispersion` (columns: DISPERSION_SCHEMA).

        Raises ValueError when the table is empty, mixes families or does not hold every node once.
        """
        families = dispersion["family"].unique().to_list()
        if len(families) != 1 or families[0] not in (COUNT, MEASURE):
            raise ValueError(
                f"forecast_dispersion: family must be one of {COUNT}, {MEASURE} in all rows, got {families}"
            )
        ordered = dispersion.sort("segment", "lead_days", "window_days", "rate_per_day")
        segments = tuple(ordered["segment"].unique(maintain_order=True))
        axes = [np.sort(dispersion[name].unique().to_numpy()) for name in ("lead_days", "window_days", "rate_per_day")]
        shape = [len(segments), *(len(axis) for axis in axes)]
        if dispersion.height != np.prod(shape) or ALL not in segments:
            raise ValueError(
                f"forecast_dispersion: every segment x lead_days x window_days x rate_per_day needs exactly one row, "
                f"and the segment {ALL!r} must be there"
            )
        alpha = np.clip(ordered["alpha"].to_numpy(), MIN_ALPHA, MAX_ALPHA).reshape(shape)
        idle = ordered["idle_share"].to_numpy().reshape(shape)[..., 0]
        return cls(families[0], segments, axes[0], axes[1], axes[2], np.log(alpha), idle)

    def codes(self, segments: pl.Series | np.ndarray) -> np.ndarray:
        """The segments (names; null or unknown: ALL) as the numbers that the methods take: int64 (n,)."""
        names = pl.Series("segment", segments, dtype=pl.String)
        known = {name: code for code, name in enumerate(self.segments)}
        return names.replace_strict(known, default=known[ALL], return_dtype=pl.Int64).to_numpy()

    def alpha(
        self, mean: np.ndarray, days: np.ndarray | float, lead_days: int = 0, segment: np.ndarray | None = None
    ) -> np.ndarray:
        """Overdispersion of demand summed over `days` days that start `lead_days` after as_of (0: tomorrow).

        mean: forecast demand of the whole window; the demand rate mean/days picks the node. Same shape as mean.
        segment: codes of the demand classes, as `codes` gives them; None: ALL.
        """
        mean = np.asarray(mean, dtype=float)
        return self._alpha(mean, self._place(mean, days, lead_days, segment))

    def variance(
        self, mean: np.ndarray, days: np.ndarray | float, lead_days: int = 0, segment: np.ndarray | None = None
    ) -> np.ndarray:
        """Variance of demand summed over the window (units squared)."""
        inner, alpha, idle = self._shape(np.asarray(mean, dtype=float), days, lead_days, 0.0, segment)
        poisson = inner if self.family == COUNT else 0.0
        return (1 - idle) * (poisson + (alpha + idle) * inner**2)

    def quantile(
        self,
        mean: np.ndarray | pl.Series,
        days: np.ndarray | float,
        level: np.ndarray | float,
        *,
        lead_days: int = 0,
        extra_variance: np.ndarray | float = 0.0,
        segment: np.ndarray | None = None,
    ) -> np.ndarray:
        """Smallest q with P(demand <= q) >= level, per element; 0 where the mean is 0.

        mean: demand of the window (not a day's). level: probability in (0, 1), one or one per element.
        extra_variance: variance from elsewhere to fold in, in units squared (lead time: rate**2 * sd_days**2).
        About 3 microseconds an element (count data); for millions of rows use `published_quantiles`.
        """
        inner, alpha, idle = self._shape(_as_array(mean), days, lead_days, extra_variance, segment)
        above_idle = (np.asarray(level, dtype=float) - idle) / (1 - idle)
        return np.where(above_idle > 0, quantile(inner, alpha, np.maximum(above_idle, 1e-12), self.family), 0.0)

    def expected_shortage(
        self,
        mean: np.ndarray | pl.Series,
        days: np.ndarray | float,
        stock: np.ndarray | pl.Series | float,
        *,
        lead_days: int = 0,
        extra_variance: np.ndarray | float = 0.0,
        segment: np.ndarray | None = None,
    ) -> np.ndarray:
        """E[(demand - stock)+]: units short over the window when `stock` units are there and none arrive."""
        inner, alpha, idle = self._shape(_as_array(mean), days, lead_days, extra_variance, segment)
        there = _as_array(stock)
        lost = expected_shortage(inner, alpha, np.maximum(there, 0.0), self.family)
        return (1 - idle) * lost - np.minimum(there, 0.0)

    def probability_covered(
        self,
        mean: np.ndarray | pl.Series,
        days: np.ndarray | float,
        stock: np.ndarray | pl.Series | float,
        *,
        lead_days: int = 0,
        extra_variance: np.ndarray | float = 0.0,
        segment: np.ndarray | None = None,
    ) -> np.ndarray:
        """P(demand <= stock): the probability that `stock` units see the window through."""
        inner, alpha, idle = self._shape(_as_array(mean), days, lead_days, extra_variance, segment)
        there = _as_array(stock)
        return idle * (there >= 0) + (1 - idle) * cdf(inner, alpha, there, self.family)

    def published_quantiles(
        self, mean: np.ndarray, days: np.ndarray | float, lead_days: int = 0, segment: np.ndarray | None = None
    ) -> np.ndarray:
        """The eight published quantiles (LEVELS) of many windows at once: shape (len(mean), 8), never crossing.

        Read from a table over (mean, alpha) with steps of 1 % and 10 %: 0.1 microseconds an element.
        """
        inner, alpha, idle = self._shape(np.asarray(mean, dtype=float), days, lead_days, 0.0, segment)
        return table_quantiles(inner, alpha, self.family, np.broadcast_to(idle, inner.shape))

    def _place(
        self, mean: np.ndarray, days: np.ndarray | float, lead_days: int, segment: np.ndarray | None
    ) -> "_Place":
        """Where each element lies between the nodes of segment, lead and window."""
        length = np.maximum(np.broadcast_to(np.asarray(days, dtype=float), mean.shape), 1.0)
        own = np.asarray(self.segments.index(ALL)) if segment is None else segment
        lead, lead_weight = _position(self.leads.astype(float), np.asarray(float(lead_days)))
        window, window_weight = _position(np.log(self.windows), np.log(length))
        return _Place(length, own, lead, lead_weight, window, window_weight)

    def _alpha(self, mean: np.ndarray, at: "_Place") -> np.ndarray:
        next_lead, next_window = _after(at.lead, self.leads), _after(at.window, self.windows)
        table = (1 - at.lead_weight) * self.log_alpha[:, at.lead] + at.lead_weight * self.log_alpha[:, next_lead]
        rate, rate_weight = _position(np.log(self.rates), np.log(np.maximum(mean / at.days, 1e-9)))
        next_rate = _after(rate, self.rates)
        low, high = (
            (1 - rate_weight) * table[at.segment, window, rate] + rate_weight * table[at.segment, window, next_rate]
            for window in (at.window, next_window)
        )
        return np.exp((1 - at.window_weight) * low + at.window_weight * high)

    def _idle_share(self, at: "_Place") -> np.ndarray:
        """Probability that nothing sells, of the nearest lead and window: there are few, so tables stay few."""
        lead = np.where(at.lead_weight > 0.5, _after(at.lead, self.leads), at.lead)
        return self.idle[at.segment, lead, np.where(at.window_weight > 0.5, _after(at.window, self.windows), at.window)]

    def _shape(
        self,
        mean: np.ndarray,
        days: np.ndarray | float,
        lead_days: int,
        extra_variance: np.ndarray | float,
        segment: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(mean where anything sells, its alpha with the extra variance folded in, idle share) of each element."""
        at = self._place(mean, days, lead_days, segment)
        idle = self._idle_share(at)
        inner = mean / (1 - idle)
        extra = np.asarray(extra_variance, dtype=float) / (1 - idle) / np.maximum(inner, _MIN_MEAN) ** 2
        return inner, np.minimum(self._alpha(mean, at) + extra, 1e6), idle


@dataclass(frozen=True)
class _Place:
    """Node at or below each element on the axes of lead and window, the weight of the next one, and the segment."""

    days: np.ndarray
    segment: np.ndarray
    lead: np.ndarray
    lead_weight: np.ndarray
    window: np.ndarray
    window_weight: np.ndarray


# ------------------------------------------------------------------ the two families, with alpha given


def quantile(mean: np.ndarray, alpha: np.ndarray, level: np.ndarray | float, family: str = COUNT) -> np.ndarray:
    """Smallest q with P(D <= q) >= level for D of the family with this mean and alpha; 0 where mean is 0."""
    mean, alpha, level = np.broadcast_arrays(
        np.asarray(mean, float), np.asarray(alpha, float), np.asarray(level, float)
    )
    safe = np.maximum(mean, _MIN_MEAN)
    size = 1.0 / np.maximum(alpha, 1e-9)
    if family == MEASURE:
        result = special.gammaincinv(size, level) * safe / size
    else:
        result = _where_poisson(
            alpha,
            stats.nbinom.ppf(level, size, size / (size + safe)),
            lambda rows: stats.poisson.ppf(level[rows], safe[rows]),
        )
    return np.where(mean > _MIN_MEAN, result, 0.0)


def cdf(mean: np.ndarray, alpha: np.ndarray, stock: np.ndarray, family: str = COUNT) -> np.ndarray:
    """P(D <= stock)."""
    mean, alpha, stock = np.broadcast_arrays(
        np.asarray(mean, float), np.asarray(alpha, float), np.asarray(stock, float)
    )
    return np.where(
        stock < 0, 0.0, np.where(mean > _MIN_MEAN, 1.0 - _tail(mean, alpha, np.maximum(stock, 0.0), family), 1.0)
    )


def log_density(mean: np.ndarray, alpha: np.ndarray, demand: np.ndarray, family: str = COUNT) -> np.ndarray:
    """log P(D = demand), demand rounded to whole units; gamma: log of the density, demand > 0. mean > 0."""
    size = 1.0 / np.maximum(alpha, 1e-9)
    if family == MEASURE:
        came = np.maximum(demand, _MIN_MEAN)
        return size * np.log(size / mean) + (size - 1) * np.log(came) - came * size / mean - special.gammaln(size)
    came = np.rint(demand)
    combinations = special.gammaln(came + size) - special.gammaln(size) - special.gammaln(came + 1)
    return combinations - size * np.log1p(mean / size) - came * np.log1p(size / mean)


def expected_shortage(mean: np.ndarray, alpha: np.ndarray, stock: np.ndarray, family: str = COUNT) -> np.ndarray:
    """E[(D - stock)+], the loss function, in closed form.

    E[D; D > q] = mean * P(D' > q - 1) where D' has size + 1 (negative binomial) or is the same Poisson;
    = mean * P(D' > q) with shape + 1 (gamma). Vectors: design/numbers.md section 3, row 15.
    """
    mean, alpha, stock = np.broadcast_arrays(
        np.asarray(mean, float), np.asarray(alpha, float), np.asarray(stock, float)
    )
    covered = np.maximum(stock, 0.0)
    tail, share_above = _tails(mean, alpha, covered, family)
    above = mean * share_above - covered * tail
    return np.where(mean > _MIN_MEAN, np.maximum(above, 0.0) - np.minimum(stock, 0.0), np.maximum(-stock, 0.0))


def _tail(mean: np.ndarray, alpha: np.ndarray, stock: np.ndarray, family: str) -> np.ndarray:
    """P(D > stock), stock >= 0."""
    size = 1.0 / np.maximum(alpha, 1e-9)
    safe = np.maximum(mean, _MIN_MEAN)
    if family == MEASURE:
        return special.gammaincc(size, stock * size / safe)
    k = np.floor(stock)
    tail = special.betainc(k + 1, size, safe / (size + safe))
    return _where_poisson(alpha, tail, lambda rows: special.gammainc(k[rows] + 1, safe[rows]))


def _tails(mean: np.ndarray, alpha: np.ndarray, stock: np.ndarray, family: str) -> tuple[np.ndarray, np.ndarray]:
    """P(D > stock), stock >= 0, and the share of the mean that lies above stock, E[D; D > stock] / mean.

    For counts the second follows from the first: with x = mean / (size + mean) and k = floor(stock),
    I_x(k, size + 1) = I_x(k + 1, size) + x^k (1 - x)^size (1/k + 1/size) / B(k, size) (DLMF 8.17.20 and 8.17.21),
    a fifth of the time of a second incomplete beta function.
    """
    tail = _tail(mean, alpha, stock, family)
    size = 1.0 / np.maximum(alpha, 1e-9)
    safe = np.maximum(mean, _MIN_MEAN)
    if family == MEASURE:
        return tail, special.gammaincc(size + 1, stock * size / safe)
    k = np.maximum(np.floor(stock), 1.0)
    total = size + safe
    log_weight = k * np.log(safe / total) + size * np.log(size / total)
    log_weight += special.gammaln(k + size + 1) - special.gammaln(k + 1) - special.gammaln(size + 1)
    share = np.where(stock < 1, 1.0, np.minimum(tail + np.exp(log_weight), 1.0))
    return tail, _where_poisson(
        alpha, share, lambda rows: np.where(stock[rows] < 1, 1.0, special.gammainc(k[rows], safe[rows]))
    )


def _where_poisson(alpha: np.ndarray, otherwise: np.ndarray, poisson: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`otherwise`, but `poisson(rows)` where there is no overdispersion to speak of."""
    rows = alpha < MIN_ALPHA / 10
    if rows.any():
        otherwise = np.array(otherwise)
        otherwise[rows] = poisson(rows)
    return otherwise


# ------------------------------------------------------------------ tables for the published quantiles

_MEAN_STEP = 0.01
_MEAN_GRID = np.exp(np.arange(np.log(1e-3), np.log(2e4), _MEAN_STEP))
_ALPHA_STEP = 0.1
_ALPHA_GRID = np.exp(np.arange(np.log(MIN_ALPHA), np.log(MAX_ALPHA) + _ALPHA_STEP, _ALPHA_STEP))


@lru_cache(maxsize=1024)
def _column(alpha_index: int, family: str, idle: float) -> np.ndarray:
    """Quantiles at one alpha and idle share: (means of the grid, levels), NaN where none was asked for yet."""
    return np.full((len(_MEAN_GRID), len(LEVELS)), np.nan)


def _fill(column: np.ndarray, rows: np.ndarray, alpha_index: int, family: str, idle: float) -> None:
    """Compute those of `rows` that are missing: a column is asked for a few of its 1,682 means (demo: 18 -> 4 s)."""
    asked = np.zeros(len(column), dtype=bool)
    asked[rows] = True
    missing = np.flatnonzero(asked & np.isnan(column[:, 0]))
    if not len(missing):
        return
    levels = (np.asarray(LEVELS)[None, :] - idle) / (1 - idle)
    alpha = np.asarray(_ALPHA_GRID[alpha_index])
    found = quantile(_MEAN_GRID[missing, None], alpha, np.maximum(levels, 1e-12), family)
    column[missing] = np.where(levels > 0, found, 0.0)


def table_quantiles(mean: np.ndarray, alpha: np.ndarray, family: str, idle: np.ndarray) -> np.ndarray:
    """The published quantiles (rows, levels) with alpha and idle share given, from a table over (mean, alpha).

    mean: where anything sells. idle: few values. The nearest alpha of the table; all levels share it, so none cross.
    """
    node = _alpha_node(np.clip(alpha, MIN_ALPHA, MAX_ALPHA))
    shares, share = np.unique(idle, return_inverse=True)
    both = node + len(_ALPHA_GRID) * share
    result = np.empty((len(mean), len(LEVELS)))
    for index in np.unique(both):
        chosen = np.flatnonzero(both == index)
        of = (int(index % len(_ALPHA_GRID)), family, float(shares[index // len(_ALPHA_GRID)]))
        column, own = _column(*of), mean[chosen]
        rows = _mean_node(own)
        _fill(column, rows, *of)
        result[chosen] = _read(column, rows, own, family)
    return result


def _alpha_node(alpha: np.ndarray) -> np.ndarray:
    return np.rint((np.log(alpha) - np.log(MIN_ALPHA)) / _ALPHA_STEP).astype(np.int64)


def _mean_node(mean: np.ndarray) -> np.ndarray:
    """Row of the table at the nearest mean."""
    row = np.rint((np.log(np.maximum(mean, _MEAN_GRID[0])) - np.log(_MEAN_GRID[0])) / _MEAN_STEP).astype(np.int64)
    return np.minimum(row, len(_MEAN_GRID) - 1)


def _read(column: np.ndarray, row: np.ndarray, mean: np.ndarray, family: str) -> np.ndarray:
    """Rows of a column of the table; beyond the largest mean the shape is kept and scaled."""
    scale = np.maximum(mean / _MEAN_GRID[-1], 1.0)
    result = column[row] * scale[:, None]
    if family == MEASURE:  # exact in the mean: the shape does not depend on it
        result *= (np.maximum(mean, _MIN_MEAN) / (_MEAN_GRID[row] * scale))[:, None]
    result[mean < _MEAN_GRID[0] / 2] = 0.0
    return result


# ------------------------------------------------------------------ helpers


def _position(nodes: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the node at or below each value and the weight of the next one; flat outside the nodes."""
    index = np.clip(np.searchsorted(nodes, value, side="right") - 1, 0, len(nodes) - 1)
    following = _after(index, nodes)
    gap = nodes[following] - nodes[index]
    weight = np.where(gap > 0, (value - nodes[index]) / np.where(gap > 0, gap, 1.0), 0.0)
    return index, np.clip(weight, 0.0, 1.0)


def _after(index: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    return np.minimum(index + 1, len(nodes) - 1)


def _as_array(values: np.ndarray | pl.Series | float) -> np.ndarray:
    return values.to_numpy().astype(float) if isinstance(values, pl.Series) else np.asarray(values, dtype=float)
