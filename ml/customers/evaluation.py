"""How right an estimate was, once the quarter is over.

Belongs here: metrics. Not here: estimates (models.py), the choice that follows (pipeline.py).
"""

import numpy as np

VALUE, REPURCHASE = "value", "repurchase"
# by which the contender is chosen: squares for value, so that the mean is right, not the median
DECIDING = {VALUE: "rmse", REPURCHASE: "log_loss"}
_CERTAIN = 1e-4


def value_scores(expected: np.ndarray, actual: np.ndarray) -> dict[str, float]:
    """Return rmse and mae in money, wmape and bias as shares of the actual total (0 when nobody bought)."""
    total = float(actual.sum())
    return {
        "rmse": float(np.sqrt(np.mean((expected - actual) ** 2))),
        "mae": float(np.mean(np.abs(expected - actual))),
        "wmape": float(np.abs(expected - actual).sum() / total) if total else 0.0,
        "bias": float(expected.sum() / total - 1) if total else 0.0,
    }


def repurchase_scores(probability: np.ndarray, is_back: np.ndarray) -> dict[str, float]:
    """Return log loss, Brier score and bias (mean probability less share that came back)."""
    back = is_back.astype(float)
    sure = np.clip(probability, _CERTAIN, 1 - _CERTAIN)
    return {
        "log_loss": float(-np.mean(back * np.log(sure) + (1 - back) * np.log(1 - sure))),
        "brier": float(np.mean((probability - back) ** 2)),
        "bias": float(np.mean(probability) - np.mean(back)),
    }
