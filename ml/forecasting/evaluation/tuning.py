"""Tuning of LightGBM: a bounded search of its settings on past cut-offs, a few times a year.

What belongs here: the space, the search and what it costs. What does not: when it is due and what follows from it
(ml.forecasting.training).

Bounded by trials and rows, never by time: a search that stops by the clock finds something else on a busier machine.
The settings in use are the first candidate, and others take their place only where they are better by
settings.tie_margin on the mean of all cut-offs, so a search that finds nothing changes nothing.
"""

import numpy as np

from ml.forecasting.evaluation.backtest import Say, cutoffs
from ml.forecasting.evaluation.scores import naive_scale
from ml.forecasting.features import FeatureStore
from ml.forecasting.models import lightgbm
from ml.forecasting.panel import Panel
from ml.forecasting.settings import ForecastSettings
from ml.workers.trees import NotGrown

SERIES = 4_000  # that candidates are scored on, drawn by seed
BLOCKS = 13  # ahead
SHORTEST, LONGEST = 13, 26  # weeks back of the cut-offs: recent ones, with enough to score
LEAVES, RATE, POWER = (15, 255), (0.03, 0.2), (1.1, 1.7)

Tuned = dict[str, float | int]


def tune(panel: Panel, settings: ForecastSettings, say: Say) -> Tuned:
    """Settings of LightGBM that beat those in `settings` on past cut-offs; empty where none does, or none can be tried.

    Keys are fields of ForecastSettings: leaves, learning_rate, tweedie_power.
    """
    folds = [panel.earlier(back) for back in cutoffs(panel, settings) if SHORTEST <= back <= LONGEST]
    if not folds:
        return {}
    import optuna  # half a second, a few times a year

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    stores = [FeatureStore(fold, settings.holiday_country) for fold in folds]

    def score(trial: optuna.Trial) -> float:
        tried = {
            "leaves": trial.suggest_int("leaves", *LEAVES, log=True),
            "learning_rate": trial.suggest_float("learning_rate", *RATE, log=True),
            "tweedie_power": trial.suggest_float("tweedie_power", *POWER),
        }
        candidate = settings.model_copy(update=tried)
        return float(np.mean([_error(panel, store, candidate) for store in stores]))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=settings.seed))
    study.enqueue_trial(
        {
            "leaves": int(np.clip(settings.leaves, *LEAVES)),
            "learning_rate": float(np.clip(settings.learning_rate, *RATE)),
            "tweedie_power": float(np.clip(settings.tweedie_power, *POWER)),
        }
    )
    study.optimize(score, n_trials=settings.tuning_trials, catch=(lightgbm.TooFewRows, NotGrown))
    scored = [trial for trial in study.trials if trial.value is not None and np.isfinite(trial.value)]
    if not scored or scored[0].number != 0:
        return {}
    in_use, best = scored[0].value or 0.0, min(scored, key=lambda trial: (trial.value, trial.number))
    say(f"tuning: {len(scored)} candidates on {len(folds)} cut-offs, error {best.value:.4f}, in use {in_use:.4f}")
    return dict(best.params) if (best.value or 0.0) < in_use * (1 - settings.tie_margin) else {}


def _error(panel: Panel, store: FeatureStore, settings: ForecastSettings) -> float:
    """Mean squared error of the first blocks ahead over each series' own naive error, square root."""
    past = store.panel
    scale = naive_scale(past.demand)
    known = np.flatnonzero(np.isfinite(scale))
    rows = np.sort(np.random.default_rng(settings.seed).permutation(known)[:SERIES])
    actual = panel.demand[rows, past.blocks : past.blocks + BLOCKS]
    model = lightgbm.fit(store, settings, settings.tuning_rows)
    made = model.predict(store, rows, settings.threads)[:, : actual.shape[1]]
    off = (made - actual).astype(np.float64) ** 2
    return float(np.sqrt((off.mean(axis=1) / np.maximum(scale[rows], 0.1)).mean()))
