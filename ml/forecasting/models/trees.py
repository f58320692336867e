"""Trees grown by LightGBM from arrays, as its text: what runs in a worker, for native code may crash or hang.

Kept apart from lightgbm.py so that a worker reads nothing but LightGBM: a new one costs 0.1 s.
"""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np


@dataclass(frozen=True)
class Trees:
    """What growing takes: features (rows, columns), target and start (init score) by row, LightGBM's parameters."""

    features: np.ndarray
    columns: list[str]
    categorical: list[str]
    target: np.ndarray
    start: np.ndarray
    parameters: dict[str, object]
    rounds: int


def grow(trees: Trees) -> str:
    """The model as LightGBM's text, which it is kept as too."""
    data = lgb.Dataset(
        trees.features,
        trees.target,
        init_score=trees.start,
        feature_name=trees.columns,
        categorical_feature=trees.categorical,
        params={"max_bin": trees.parameters["max_bin"], "verbosity": -1},
    )
    return lgb.train(trees.parameters, data, num_boost_round=trees.rounds).model_to_string()
