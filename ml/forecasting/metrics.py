"""Forecast metrics on numpy arrays, as design/numbers.md section 1 defines them.

What belongs here: one function a metric, plus demand classes. What does not: which rows they are taken on
(evaluation/).
"""

import numpy as np

ADI_CUT = 1.32  # Syntetos and Boylan (2005)
CV2_CUT = 0.49


def wmape(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Sum of absolute errors over sum of demand; NaN without demand."""
    return _ratio(np.abs(actual - forecast).sum(), actual.sum())


def bias(actual: np.ndarray, forecast: np.ndarray) -> float:
    """(forecast - demand) over demand, in sums: positive = too high; NaN without demand."""
    return _ratio((forecast - actual).sum(), actual.sum())


def vn1(actual: np.ndarray, forecast: np.ndarray) -> float:
    """WMAPE + |bias|: neither zero forecasts nor a shifted level pay."""
    return wmape(actual, forecast) + abs(bias(actual, forecast))


def rmsse(actual: np.ndarray, forecast: np.ndarray, train: np.ndarray) -> float:
    """Root mean squared error over that of the naive forecast in training, from the first sale on."""
    return float(np.sqrt(_ratio(np.mean((actual - forecast) ** 2), np.mean(np.diff(_trimmed(train)) ** 2))))


def mase(actual: np.ndarray, forecast: np.ndarray, train: np.ndarray, season: int = 1) -> float:
    """Mean absolute error over that of the seasonal naive forecast in training, from the first sale on."""
    trimmed = _trimmed(train)
    return _ratio(np.mean(np.abs(actual - forecast)), np.mean(np.abs(trimmed[season:] - trimmed[:-season])))


def pinball(actual: np.ndarray, quantile: np.ndarray, level: float) -> float:
    """Mean pinball loss of a quantile forecast, in units."""
    return float(np.mean(np.where(quantile <= actual, (actual - quantile) * level, (quantile - actual) * (1 - level))))


def scaled_pinball(actual: np.ndarray, quantile: np.ndarray, level: float, train: np.ndarray) -> float:
    """Pinball loss over the mean absolute step of training, from the first sale on."""
    return _ratio(pinball(actual, quantile, level), np.mean(np.abs(np.diff(_trimmed(train)))))


def coverage(actual: np.ndarray, quantile: np.ndarray) -> float:
    """Share of demand at or below the quantile."""
    return float(np.mean(actual <= quantile)) if actual.size else float("nan")


def demand_classes(demand: np.ndarray, born: np.ndarray) -> np.ndarray:
    """Segment of each series from its last 52 blocks (series x blocks): one of CLASSES.

    unsold: no demand ever; new: born in the last 8 blocks; rare: demand in at most 4 of the last 52 blocks; the rest
    by Syntetos and Boylan on blocks of seven days: ADI 1.32, CV2 of the non-zero sizes 0.49.
    """
    blocks = demand.shape[1]
    recent = demand[:, max(blocks - 52, 0) :].astype(np.float64)
    alive = np.clip(blocks - born, 0, recent.shape[1])
    count = (recent > 0).sum(axis=1)
    size = recent.sum(axis=1) / np.maximum(count, 1)
    variance = np.maximum((recent**2).sum(axis=1) / np.maximum(count, 1) - size**2, 0.0)
    regular = alive / np.maximum(count, 1) < ADI_CUT
    steady = variance / np.maximum(size, 1e-9) ** 2 < CV2_CUT
    names = np.where(regular, np.where(steady, "smooth", "erratic"), np.where(steady, "intermittent", "lumpy")).astype(
        object
    )
    names[count <= RARE_BLOCKS] = "rare"
    names[blocks - born <= NEW_BLOCKS] = "new"
    names[born >= blocks] = "unsold"
    return names.astype(str)


CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "rare", "new", "unsold")
RARE_BLOCKS = 4
NEW_BLOCKS = 8


def _trimmed(train: np.ndarray) -> np.ndarray:
    sold = np.flatnonzero(train > 0)
    return train[sold[0] :] if len(sold) else train


def _ratio(numerator: float | np.floating, denominator: float | np.floating) -> float:
    return float(numerator / denominator) if denominator > 0 else float("nan")
