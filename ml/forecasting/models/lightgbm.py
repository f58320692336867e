"""LightGBM over all series at once: demand of a block h blocks ahead, directly, with h as a feature.

What belongs here: drawing training rows, fitting, predicting. What does not: what a feature is (features.py), whether
the model is used (selection.py).

The loss is Tweedie on demand itself, started from the series' own level (init score), so that trees learn by what
factor a level changes: one tree serves a series of 0.1 and one of 1,000 a week. On three stores of the benchmark (26
weeks after d_1577, Poisson) the start from the level lowered WMAPE from .440 .511 .537 to .433 .501 .526 in weeks
1-4, 5-13, 14-26. The variance power is 1.5: on all series after d_1577 it gave .529 in weeks 14-26 where 1.3 gave .533.

Two models share the horizon: in weeks 1-4 one of their own had a WMAPE of .415 after d_1577 and .440 after d_1395,
where the model of all weeks had .429 and .451; the later weeks gained nothing from a further split.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.features import (
    DRIVERS,
    FeatureStore,
    categorical_features,
    driver_of,
    feature_names,
    neutral,
)
from ml.forecasting.settings import ForecastSettings
from ml.workers.trees import Trees, grow, grown

_PARTS = (4, HORIZON_BLOCKS)  # last block ahead of each model
_CHUNK_ROWS = 400_000
_FIRST_ORIGIN = 8  # blocks known before a training origin, at least


class TooFewRows(ValueError):
    """There is not enough history to fit on; the message says how many rows there were."""


@dataclass(frozen=True)
class BlockModel:
    """Fitted models and what the manifest says of them.

    parts: (last block ahead, model), in the order of the horizon. code_labels: those of the store it was fitted on; a
    store to predict from must be built with them.
    """

    parts: tuple[tuple[int, lgb.Booster], ...]
    facts: dict[str, object]
    code_labels: dict[str, list[str]]

    def predict(
        self, store: FeatureStore, series: np.ndarray, threads: int, blocks: int = HORIZON_BLOCKS
    ) -> np.ndarray:
        """Demand of each block ahead from the end of the store's panel: float32 (len(series), blocks).

        Raises ValueError when the store codes groups otherwise than the one that the model was fitted on.
        """
        if store.code_labels != self.code_labels:
            raise ValueError("the feature store was not built with the code_labels of the model")
        result = np.empty((len(series), blocks), dtype=np.float32)
        step = max(_CHUNK_ROWS // blocks, 1)
        first = 1
        for last, booster in self.parts:
            horizons = np.arange(first, min(last, blocks) + 1)
            if not len(horizons):
                break
            for start in range(0, len(series), step):
                part = series[start : start + step]
                rows, ahead = np.repeat(part, len(horizons)), np.tile(horizons, len(part))
                origin = np.full(len(rows), store.panel.blocks)
                score = booster.predict(store.matrix(rows, origin, ahead), raw_score=True, num_threads=threads)
                factor = np.asarray(score) + _start(store, rows, origin)
                result[start : start + len(part), first - 1 : horizons[-1]] = np.exp(factor).reshape(
                    len(part), len(horizons)
                )
            first = last + 1
        return result

    def build_up(self, store: FeatureStore, series: np.ndarray, blocks: int, threads: int) -> dict[str, np.ndarray]:
        """Demand of the first `blocks` blocks ahead, in all, as driver after driver comes in: amount of each by series.

        blocks: as far as the first part of the model reaches, at most. The amounts sum to the forecast.
        """
        names = [driver_of(name) for name in feature_names()]
        amounts = {driver: np.zeros(len(series)) for driver in DRIVERS if driver in names}
        booster = self.parts[0][1]
        step = max(_CHUNK_ROWS // blocks, 1)
        for start in range(0, len(series), step):
            part = series[start : start + step]
            rows, ahead = np.repeat(part, blocks), np.tile(np.arange(1, blocks + 1), len(part))
            origin = np.full(len(rows), store.panel.blocks)
            matrix = store.matrix(rows, origin, ahead)
            level, current, before = _start(store, rows, origin), neutral(matrix), 0.0
            for driver, amount in amounts.items():
                columns = np.flatnonzero([name == driver for name in names])
                current[:, columns] = matrix[:, columns]
                score = np.asarray(booster.predict(current, raw_score=True, num_threads=threads))
                made = np.exp(score + level).reshape(len(part), blocks).sum(axis=1)
                amount[start : start + len(part)] = made - before
                before = made
        return amounts


def fit(store: FeatureStore, settings: ForecastSettings, rows: int, grow: Callable[[Trees], str] = grow) -> BlockModel:
    """Fit on rows drawn from all origins and horizons that the panel holds in full, as many for each part.

    A part of the horizon that the panel is too short for is left to the part before it. grow must be importable by
    name. Raises TooFewRows below settings.min_train_rows, NotGrown where a worker has no answer.
    """
    longest = min(HORIZON_BLOCKS, store.panel.blocks - _FIRST_ORIGIN)
    drawn: list[int] = []

    def tasks() -> Iterator[tuple[str, Trees]]:
        first = 1
        for last in _PARTS:
            if first <= longest:
                series, origin, horizon = draw_rows(store, settings, rows, first, min(last, longest))
                if len(series) >= settings.min_train_rows or not drawn:
                    drawn.append(len(series))
                    yield str(last), _trees(store, settings, series, origin, horizon)
            first = last + 1

    made = grown(tasks(), settings.lightgbm_timeout_seconds, grow)
    parts = [(int(last), booster) for last, booster in made.items()]
    if not parts:
        raise TooFewRows(f"{store.panel.blocks} blocks of history, more than {_FIRST_ORIGIN} needed")
    parts[-1] = (HORIZON_BLOCKS, parts[-1][1])
    facts: dict[str, object] = {
        "name": "lightgbm",
        "cutoff": store.panel.cutoff.isoformat(),
        "window_start": store.panel.block_start(_first_target(store, settings)).isoformat(),
        "rows": sum(drawn),
        "parts": [f"to week {last}: {count} rows" for (last, _), count in zip(parts, drawn, strict=True)],
        "features": feature_names(),
        "trees": settings.trees,
        "leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "objective": f"tweedie {settings.tweedie_power}",
        "seed": settings.seed,
    }
    return BlockModel(tuple(parts), facts, store.code_labels)


def _trees(
    store: FeatureStore, settings: ForecastSettings, series: np.ndarray, origin: np.ndarray, horizon: np.ndarray
) -> Trees:
    if len(series) < settings.min_train_rows:
        raise TooFewRows(f"{len(series)} training rows, {settings.min_train_rows} needed")
    target = store.panel.demand[series, origin + horizon - 1]
    if not target.any():
        raise TooFewRows("no demand in any training target")
    parameters: dict[str, object] = {
        "objective": "tweedie",
        "tweedie_variance_power": settings.tweedie_power,
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": min(200, max(20, len(series) // 100)),
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "max_bin": 63,
        "seed": settings.seed,
        "num_threads": settings.threads,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
    return Trees(
        store.matrix(series, origin, horizon),
        feature_names(),
        target,
        parameters,
        settings.trees,
        categorical_features(),
        _start(store, series, origin),
    )


def draw_rows(
    store: FeatureStore, settings: ForecastSettings, rows: int, shortest: int, longest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Up to `rows` rows (series, origin, horizon), seeded: the series was alive at the origin, the target is known."""
    panel = store.panel
    rng = np.random.default_rng(settings.seed)
    drawn = int(min(rows, 4 * panel.series * panel.blocks) * 2)
    horizon = rng.integers(shortest, longest + 1, drawn)
    first = np.maximum(_FIRST_ORIGIN, _first_target(store, settings) - horizon + 1)
    origin = first + (rng.random(drawn) * (panel.blocks - horizon - first + 1)).astype(np.int64)
    series = rng.integers(0, panel.series, drawn)
    usable = panel.born[series] < origin
    return series[usable][:rows], origin[usable][:rows], horizon[usable][:rows]


def _first_target(store: FeatureStore, settings: ForecastSettings) -> int:
    return max(store.panel.blocks - settings.train_weeks, _FIRST_ORIGIN)


def _start(store: FeatureStore, series: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """log of the level that trees start from: half the last 4 blocks, half the last 26."""
    return np.log(0.1 + 0.5 * store.level(series, origin, 4) + 0.5 * store.level(series, origin, 26))
