"""Forecasts that need no fitting: what every model has to beat, and what serves where none can be fitted.

Each function takes a panel and returns demand a block: float32 (series, blocks ahead). They know nothing but the panel.
"""

import numpy as np

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.features import YEAR
from ml.forecasting.panel import Panel

# Bins of the rate table: blocks with demand among the last 52, age, blocks since the last demand.
_SOLD_BINS = np.array([1, 2, 3, 4, 5, 9, 17])
_AGE_BINS = np.array([5, 14, 27])
_SINCE_BINS = np.array([4, 13, 26])


def seasonal_naive(panel: Panel, ahead: int = HORIZON_BLOCKS) -> np.ndarray:
    """The same block a year (364 days) ago where two years are known, else the last block again (season of a week)."""
    if panel.blocks >= 2 * YEAR:
        start = panel.blocks - YEAR
        return panel.demand[:, start : start + ahead].astype(np.float32)
    return np.repeat(panel.demand[:, -1:], ahead, axis=1).astype(np.float32)


def moving_average(panel: Panel, ahead: int = HORIZON_BLOCKS) -> np.ndarray:
    """Mean of the last 13 blocks (8 where less than half a year is known), since birth where that is shorter."""
    window = min(13 if panel.blocks >= 26 else 8, panel.blocks)
    recent = panel.demand[:, panel.blocks - window :].sum(axis=1, dtype=np.float64)
    alive = np.clip(panel.blocks - panel.born, 1, window)
    return np.repeat((recent / alive)[:, None], ahead, axis=1).astype(np.float32)


def rate_table(panel: Panel, ahead: int = HORIZON_BLOCKS) -> np.ndarray:
    """Mean of the last 52 blocks times what became of such series: by blocks sold, age and time since the last sale.

    A series that sold once, last week, will sell less than once a week, but more than one that sold once a year ago.
    How much is measured on up to four past origins with half a year before them, 13 blocks each, over all series; a
    bin with fewer than 200 series leans on the mean of all. Meant for the many series that sell a few times a year.
    """
    origins = [panel.blocks - 13 * k for k in (1, 2, 3, 4) if panel.blocks - 13 * k >= 8]
    origins = [origin for origin in origins if origin >= 26] or origins[:1]
    bins_now, level_now = _rate_bins(panel.demand, panel.born)
    if not origins:
        return np.repeat(level_now[:, None], ahead, axis=1).astype(np.float32)
    size = (len(_SOLD_BINS) + 1) * (len(_AGE_BINS) + 1) * (len(_SINCE_BINS) + 1)
    later, expected, count = np.zeros(size), np.zeros(size), np.zeros(size)
    for origin in origins:
        then = panel.earlier(panel.blocks - origin)
        bins, level = _rate_bins(then.demand, then.born)
        known = then.born < origin
        future = panel.demand[:, origin : origin + 13].mean(axis=1, dtype=np.float64)
        later += np.bincount(bins[known], weights=future[known], minlength=size)
        expected += np.bincount(bins[known], weights=level[known], minlength=size)
        count += np.bincount(bins[known], minlength=size)
    overall = later.sum() / expected.sum() if expected.sum() > 0 else 1.0
    own = np.divide(later, expected, out=np.full(size, overall), where=expected > 0)
    trust = count / (count + 200.0)
    factor = trust * own + (1 - trust) * overall
    return np.repeat((level_now * factor[bins_now])[:, None], ahead, axis=1).astype(np.float32)


def _rate_bins(demand: np.ndarray, born: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bin of each series, its demand over the last 52 blocks divided by the blocks there were, 52 at most)."""
    blocks = demand.shape[1]
    recent = demand[:, max(blocks - YEAR, 0) :]
    sold = (recent > 0).sum(axis=1)
    since = np.where(sold > 0, (recent[:, ::-1] > 0).argmax(axis=1), blocks)
    shape = (len(_SOLD_BINS) + 1, len(_AGE_BINS) + 1, len(_SINCE_BINS) + 1)
    place = (
        np.searchsorted(_SOLD_BINS, sold, side="right"),
        np.searchsorted(_AGE_BINS, blocks - born, side="right"),
        np.searchsorted(_SINCE_BINS, since, side="right"),
    )
    return np.ravel_multi_index(place, shape), recent.sum(axis=1, dtype=np.float64) / max(recent.shape[1], 1)
