"""How far the series are drawn towards the aggregates, per level and horizon band: chosen by backtest.

What belongs here: the choice. What does not: the scaling itself (ml.forecasting.reconciliation).
"""

import numpy as np

from ml.forecasting.contract import BANDS
from ml.forecasting.evaluation.backtest import Trial
from ml.forecasting.evaluation.scores import HierarchyScore
from ml.forecasting.reconciliation import LEVELS, WEIGHTS, Weights, reconcile
from ml.forecasting.settings import ForecastSettings


def learn_weights(trials: list[Trial], combined: list[np.ndarray], settings: ForecastSettings) -> Weights:
    """Weight of each (level, band), from total to department, each with the ones before it in place.

    combined: forecasts of the selected methods at each trial. A weight above 0 must better the mean hierarchy score of
    the trials that reach the band by settings.reconciliation_margin; among equals the smallest wins.
    """
    weights: Weights = {}
    scored = [
        (trial, blocks, HierarchyScore(trial.outlook.panel)) for trial, blocks in zip(trials, combined, strict=True)
    ]
    for level in LEVELS:
        for band, first, last in BANDS:
            usable = [(t, b, s) for t, b, s in scored if level in t.outlook.targets and t.ahead >= first]
            if usable:
                weights[(level, band)] = _best_weight(usable, weights, level, band, first, last, settings)
    return weights


def _best_weight(
    usable: list[tuple[Trial, np.ndarray, HierarchyScore]],
    weights: Weights,
    level: str,
    band: str,
    first: int,
    last: int,
    settings: ForecastSettings,
) -> float:
    scores = {}
    for weight in WEIGHTS:
        tried = {**weights, (level, band): weight}
        scores[weight] = float(
            np.nanmean([_score(trial, blocks, score, tried, first, last) for trial, blocks, score in usable])
        )
    best = min(scores, key=lambda weight: (scores[weight], weight))
    return best if scores[best] < scores[0.0] * (1 - settings.reconciliation_margin) else 0.0


def _score(trial: Trial, blocks: np.ndarray, score: HierarchyScore, weights: Weights, first: int, last: int) -> float:
    end = min(last, trial.ahead)
    drawn = reconcile(blocks[:, :end], trial.outlook.targets, weights, trial.outlook.panel.codes)
    return score.of(trial.actual[:, first - 1 : end], drawn[:, first - 1 :])
