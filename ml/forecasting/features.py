"""Features of (series, origin, horizon): the one definition, for training and for forecasting alike.

What belongs here: what a model may know at an origin. What does not: drawing training rows (models/lightgbm.py).

An origin o is the number of blocks known: blocks 0 … o - 1 are the past, the target is block t = o + h - 1 with
horizon h >= 1. Every feature of a row reads blocks < o only, so rows of any origin may stand in one matrix. All are
looked up in running sums: a million rows x 60 features take about 4 s.

What sells elsewhere tells of a product what its own few sales here cannot: with the last blocks of the product over all
places and over its region, and the last four blocks one by one, WMAPE of weeks 1-4, 5-13, 14-26 of the benchmark fell
from .423 .502 .537 to .415 .493 .533 (all series after d_1577; one model a band).
"""

from datetime import timedelta

import numpy as np

from ml.forecasting.calendar import BLOCK_CALENDAR, block_calendar
from ml.forecasting.panel import BLOCK_DAYS, Panel, sum_groups

YEAR = 52  # blocks: 364 days, so weekdays stay aligned
LEVELS = (1, 2, 4, 8, 13, 26, 52)
RECENT = (2, 3, 4)  # blocks back, one by one; the last block is level_1
SEASON_GROUPS = ("total", "department", "category", "location", "location_department", "sku")
TREND_GROUPS = ("department", "location", "location_department", "sku")
PRODUCT_GROUPS = ("sku", "region_sku")
_PRODUCT_RATIOS = ((1, 13), (2, 8), (13, 52))  # newer window over older one, in blocks
CODE_GROUPS = ("location", "region", "department", "category")
MAX_CODES = 64  # the largest groups keep their own code, the rest share one: more categories slow LightGBM and overfit


def feature_names() -> list[str]:
    """Names of the columns of `FeatureStore.matrix`, in order."""
    return [
        "horizon",
        *[f"level_{w}" for w in LEVELS],
        *[f"block_{k}" for k in RECENT],
        "trend_4_13",
        "trend_13_52",
        "sold_share_13",
        "sold_share_52",
        "spread_13",
        "age",
        "since_sale",
        "year_ago",
        "year_ago_near",
        "year_ago_level",
        *[f"season_{g}" for g in SEASON_GROUPS],
        *[f"season2_{g}" for g in SEASON_GROUPS],
        *[f"growth_{g}" for g in SEASON_GROUPS],
        *[f"trend_{g}" for g in TREND_GROUPS],
        "sku_level_13",
        *[f"{group}_{new}_{old}" for group in PRODUCT_GROUPS for new, old in _PRODUCT_RATIOS],
        "sku_share_4_26",
        *BLOCK_CALENDAR,
        *[f"code_{g}" for g in CODE_GROUPS],
    ]


LEVEL, SEASON, PRICE, PROMOTION, EVENTS = "level", "season", "price", "promotion", "events"
DRIVERS = (LEVEL, SEASON, PRICE, PROMOTION, EVENTS)
_DRIVER_PREFIXES = {  # first fit counts; every other feature tells of the level
    "season": SEASON,
    "year_sin": SEASON,
    "year_cos": SEASON,
    "month_day": SEASON,
    "early_days": SEASON,
    "price": PRICE,
    "promo": PROMOTION,
    "holiday": EVENTS,
    "event": EVENTS,
}
_NEUTRAL = {"month_day": 15.5, "early_days": 70 / 30.4}  # the middle of a month, as many early days as in a usual week
_SEASON_OF_LEVEL = ("year_ago", "year_ago_near")  # the same weeks a year ago; neutral: the level before them


def driver_of(name: str) -> str:
    """The driver (one of DRIVERS) that a feature belongs to."""
    if name in _SEASON_OF_LEVEL:
        return SEASON
    return next((driver for prefix, driver in _DRIVER_PREFIXES.items() if name.startswith(prefix)), LEVEL)


def neutral(matrix: np.ndarray) -> np.ndarray:
    """A copy of `FeatureStore.matrix` in which nothing but the level speaks; what is missing stays so."""
    names = feature_names()
    result = matrix.copy()
    for column, name in enumerate(names):
        if name in _SEASON_OF_LEVEL:
            result[:, column] = matrix[:, names.index("year_ago_level")]
        elif driver_of(name) != LEVEL:
            result[:, column] = _NEUTRAL.get(name, 0.0)
    return np.where(np.isnan(matrix), np.nan, result)


def categorical_features() -> list[str]:
    """The columns that hold codes, not amounts."""
    return [f"code_{g}" for g in CODE_GROUPS]


class FeatureStore:
    """Running sums of a panel, from which the features of any (series, origin, horizon) are read.

    code_labels: for each of CODE_GROUPS the names of the groups with a code of their own, from code 1 on; given, the
    codes are those of an earlier store (of a fitted model), whatever groups have come since.
    """

    def __init__(
        self, panel: Panel, country: str | None = None, code_labels: dict[str, list[str]] | None = None
    ) -> None:
        self.panel = panel
        self.country = country
        demand = panel.demand.astype(np.float64)
        self._sum = _running(demand)
        self._sold = _running(demand > 0).astype(np.float32)
        self._square = _running(demand**2)
        self._last_sale = _last_sale(panel.demand)
        self._groups = {}
        for name in dict.fromkeys((*SEASON_GROUPS, *TREND_GROUPS, *PRODUCT_GROUPS)):
            self._groups[name] = _running(sum_groups(panel.demand, panel.codes[name]))
        self.code_labels = code_labels or {name: _largest_groups(panel, name) for name in CODE_GROUPS}
        self._codes = {name: _codes_of(panel, name, labels) for name, labels in self.code_labels.items()}

    def level(self, series: np.ndarray, origin: np.ndarray, window: int) -> np.ndarray:
        """Mean demand a block over the last `window` blocks before the origin, since birth where that is shorter."""
        start = np.maximum(origin - window, np.minimum(self.panel.born[series], origin))
        total = self._sum[series, origin] - self._sum[series, start]
        return total / np.maximum(origin - start, 1)

    def matrix(self, series: np.ndarray, origin: np.ndarray, horizon: np.ndarray) -> np.ndarray:
        """Features of each row: float32 (rows, len(feature_names())). Missing (no year of history) is NaN."""
        columns = [horizon.astype(np.float32)]
        levels = {window: self.level(series, origin, window) for window in LEVELS}
        columns += [np.log1p(levels[window]) for window in LEVELS]
        columns += [np.log1p(self._block(series, origin, back)) for back in RECENT]
        columns += [log_ratio(levels[4], levels[13]), log_ratio(levels[13], levels[52])]
        columns += self._shape(series, origin, levels[13])
        columns += self._year_ago(series, origin, horizon)
        for years_back in (1, 2):
            columns += [self._season(name, series, origin, horizon, years_back) for name in SEASON_GROUPS]
        columns += [self._growth(name, series, origin) for name in SEASON_GROUPS]
        columns += [self._trend(name, series, origin) for name in TREND_GROUPS]
        columns.append(np.log1p(self._group_level("sku", series, origin, 13)))
        columns += self._product(series, origin, levels)
        columns += self._calendar(origin, horizon)
        columns += [self._codes[name][series] for name in CODE_GROUPS]
        return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)

    def _block(self, series: np.ndarray, origin: np.ndarray, back: int) -> np.ndarray:
        """Demand of the block `back` blocks before the origin (1 = the last known), 0 before the panel begins."""
        return np.where(origin >= back, self.panel.demand[series, np.maximum(origin - back, 0)], 0.0)

    def _product(self, series: np.ndarray, origin: np.ndarray, levels: dict[int, np.ndarray]) -> list[np.ndarray]:
        """How the product moves over all places and over its region, and how this place's share of it does."""
        ratios = [
            log_ratio(self._group_level(name, series, origin, new), self._group_level(name, series, origin, old))
            for name in PRODUCT_GROUPS
            for new, old in _PRODUCT_RATIOS
        ]
        shares = [log_ratio(levels[window], self._group_level("sku", series, origin, window)) for window in (4, 26)]
        return [*ratios, shares[0] - shares[1]]

    def _shape(self, series: np.ndarray, origin: np.ndarray, level: np.ndarray) -> list[np.ndarray]:
        born = np.minimum(self.panel.born[series], origin)
        columns = []
        for window in (13, 52):
            start = np.maximum(origin - window, born)
            columns.append((self._sold[series, origin] - self._sold[series, start]) / np.maximum(origin - start, 1))
        start = np.maximum(origin - 13, born)
        square = (self._square[series, origin] - self._square[series, start]) / np.maximum(origin - start, 1)
        columns.append(np.sqrt(np.maximum(square - level**2, 0.0)) / (level + 0.1))
        age = origin - born
        since = origin - 1 - self._last_sale[series, np.maximum(origin - 1, 0)]
        return [*columns, age, np.where(age > 0, since, -1)]

    def _year_ago(self, series: np.ndarray, origin: np.ndarray, horizon: np.ndarray) -> list[np.ndarray]:
        target = origin + horizon - 1 - YEAR
        known = target - 1 >= self.panel.born[series]
        at = np.clip(target, 1, self.panel.blocks - 2) if self.panel.blocks > 2 else np.zeros_like(target)
        one = self._sum[series, np.minimum(at + 1, self.panel.blocks)] - self._sum[series, at]
        near = (self._sum[series, np.minimum(at + 2, self.panel.blocks)] - self._sum[series, np.maximum(at - 1, 0)]) / 3
        level = self.level(series, np.maximum(origin - YEAR, 0), 13)
        return [np.where(known, np.log1p(value), np.nan) for value in (one, near, level)]

    def _season(
        self, name: str, series: np.ndarray, origin: np.ndarray, horizon: np.ndarray, years_back: int
    ) -> np.ndarray:
        """log(group demand around the target block n years ago / its mean of 13 blocks before that origin)."""
        running, group = self._groups[name], self.panel.codes[name][series]
        then = origin - YEAR * years_back
        target = then + horizon - 1
        known = then >= 8
        start, at = np.maximum(then - 13, 0), np.clip(target, 1, max(self.panel.blocks - 2, 1))
        end = np.minimum(at + 2, self.panel.blocks)
        near = (running[group, end] - running[group, np.maximum(at - 1, 0)]) / 3
        level = (running[group, np.maximum(then, 0)] - running[group, start]) / np.maximum(then - start, 1)
        return np.where(known, log_ratio(near, level), np.nan)

    def _growth(self, name: str, series: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """log(last 13 blocks of the group / the same 13 a year ago)."""
        running, group = self._groups[name], self.panel.codes[name][series]
        then = origin - YEAR
        known = then >= 13
        now = running[group, origin] - running[group, np.maximum(origin - 13, 0)]
        before = running[group, np.maximum(then, 0)] - running[group, np.maximum(then - 13, 0)]
        return np.where(known, log_ratio(now, before), np.nan)

    def _trend(self, name: str, series: np.ndarray, origin: np.ndarray) -> np.ndarray:
        return log_ratio(self._group_level(name, series, origin, 4), self._group_level(name, series, origin, 26))

    def _group_level(self, name: str, series: np.ndarray, origin: np.ndarray, window: int) -> np.ndarray:
        running, group = self._groups[name], self.panel.codes[name][series]
        start = np.maximum(origin - window, 0)
        return (running[group, origin] - running[group, start]) / np.maximum(origin - start, 1)

    def _calendar(self, origin: np.ndarray, horizon: np.ndarray) -> list[np.ndarray]:
        target = origin + horizon - 1
        first = int(target.min()) if len(target) else 0
        last = int(target.max()) if len(target) else 0
        start = self.panel.block_start(first)
        table = np.array(
            [
                block_calendar(start + timedelta(days=BLOCK_DAYS * k), BLOCK_DAYS, self.country)
                for k in range(last - first + 1)
            ],
            dtype=np.float32,
        )
        return list(table[target - first].T)


def _running(values: np.ndarray) -> np.ndarray:
    """Running sums with a leading zero: sum of columns a … b - 1 is result[:, b] - result[:, a]."""
    result = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=result[:, 1:])
    return result


def _last_sale(demand: np.ndarray) -> np.ndarray:
    """Index of the last block with demand at or before each block; -1 where there was none."""
    position = np.where(demand > 0, np.arange(demand.shape[1], dtype=np.int16)[None, :], np.int16(-1))
    return np.maximum.accumulate(position, axis=1)


def _largest_groups(panel: Panel, name: str) -> list[str]:
    """Names of the MAX_CODES groups with most series, the largest first (ties: the earlier name)."""
    order = np.argsort(-np.bincount(panel.codes[name]), kind="stable")[:MAX_CODES]
    return [panel.labels[name][group] for group in order]


def _codes_of(panel: Panel, name: str, labels: list[str]) -> np.ndarray:
    """Code of each series: 1 … len(labels) by name of its group, 0 for all others."""
    known = {label: code for code, label in enumerate(labels, start=1)}
    table = np.array([known.get(label, 0) for label in panel.labels[name]], dtype=np.int32)
    return table[panel.codes[name]]


def log_ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """log of a ratio of demands, drawn to 0 where both are near nothing, within ±3."""
    return np.clip(np.log((numerator + 0.05) / (denominator + 0.05)), -3.0, 3.0)
