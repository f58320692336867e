"""Trees grown by LightGBM from arrays in a worker of its own, for native code may crash or hang.

Reads nothing but LightGBM, so that a worker does neither: a new one costs 0.1 s.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import lightgbm as lgb
import numpy as np

from ml.workers.processes import Failed, run_tasks

# LightGBM's own default
MAX_BIN = 255


class NotGrown(RuntimeError):
    """The worker that grew the trees raised, crashed or hung; the message says which."""


@dataclass(frozen=True)
class Trees:
    """What growing takes: features (rows, columns), target by row, LightGBM's parameters, trees.

    start: the score by row that trees begin from (init score); None = one for all, LightGBM's own.
    """

    features: np.ndarray
    columns: list[str]
    target: np.ndarray
    parameters: dict[str, object]
    rounds: int
    categorical: list[str] = field(default_factory=list)
    start: np.ndarray | None = None


def grow(trees: Trees) -> str:
    """The model as LightGBM's text, which it is kept as too."""
    data = lgb.Dataset(
        trees.features,
        trees.target,
        init_score=trees.start,
        feature_name=trees.columns,
        categorical_feature=trees.categorical,
        params={"max_bin": trees.parameters.get("max_bin", MAX_BIN), "verbosity": -1},
    )
    return lgb.train(trees.parameters, data, num_boost_round=trees.rounds).model_to_string()


def grown(
    tasks: Iterable[tuple[str, Trees]], timeout_seconds: float, grow: Callable[[Trees], str] = grow
) -> dict[str, lgb.Booster]:
    """Return the model of each task by name, grown one after the other in one worker.

    timeout_seconds: for one model. grow: must be importable by name.

    Raises:
        NotGrown: the worker raised, crashed or gave no answer in time.
    """
    boosters = {}
    for name, answer in run_tasks(grow, tasks, 1, timeout_seconds).items():
        if isinstance(answer, Failed):
            raise NotGrown(answer.why)
        boosters[name] = lgb.Booster(model_str=answer)
    return boosters
