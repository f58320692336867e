"""What a night of training leaves for the nights after it, and its form as plain files.

What belongs here: the state, and its way to bytes and back: LightGBM as its own text, all the rest one JSON. What does
not: how it comes about (training.py), and where the files lie (the registry of orchestration).

A state that was just trained goes to bytes and back before it forecasts, so the night that trains and the nights that
read the files compute with the same numbers.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import lightgbm as lgb
import polars as pl

from ml.forecasting.contract import ACCURACY_SCHEMA
from ml.forecasting.distribution import DISPERSION_SCHEMA
from ml.forecasting.evaluation.level_dispersion import LEVEL_DISPERSION_SCHEMA
from ml.forecasting.evaluation.offer_worth import OfferWeights
from ml.forecasting.evaluation.tuning import Tuned
from ml.forecasting.evaluation.weights import LearnedWeights
from ml.forecasting.features import feature_names
from ml.forecasting.models.lightgbm import BlockModel
from ml.forecasting.selection import Choice, Factors

STATE_FILE = "trained.json"
FORM = 3  # of the files; a state of another form is of another version of the project: models are trained anew


class TrainedFilesError(ValueError):
    """Files of a trained state cannot be read; the message names the file and says what to do."""


@dataclass(frozen=True)
class Trained:
    """Everything that a night without training needs.

    cutoff: last day that training has seen. settings_digest: ForecastSettings.training_digest. tuned: fields of the
    settings that the last tuning, on tuned_on, found better. is_count: demand counts
    units. model: None where no segment is served by LightGBM or it could not be fitted. relative_error: summed absolute
    error of the selected methods over that of the moving average, weeks 1-4 of the backtest (NaN without one).
    """

    cutoff: date
    settings_digest: str
    tuned: Tuned
    tuned_on: date
    is_count: bool
    model: BlockModel | None
    choice: Choice
    factors: Factors
    learned: LearnedWeights
    offer_weights: OfferWeights
    dispersion: pl.DataFrame
    level_dispersion: pl.DataFrame
    accuracy: pl.DataFrame
    relative_error: float
    models: list[dict[str, object]]
    fallbacks: dict[str, int]
    warnings: list[str]


def to_files(trained: Trained) -> dict[str, bytes]:
    """The state as files, by name: trained.json and one text a LightGBM model."""
    files = {}
    model = None
    if trained.model is not None:
        parts = []
        for last, booster in trained.model.parts:
            name = f"lightgbm_to_week_{last}.txt"
            files[name] = booster.model_to_string().encode()
            parts.append({"last_block": last, "file": name})
        model = {"parts": parts, "facts": trained.model.facts, "code_labels": trained.model.code_labels}
    state = {
        "form": FORM,
        "cutoff": trained.cutoff.isoformat(),
        "settings_digest": trained.settings_digest,
        "tuned": trained.tuned,
        "tuned_on": trained.tuned_on.isoformat(),
        "is_count": trained.is_count,
        "features": feature_names(),
        "model": model,
        "choice": [[segment, band, method] for (segment, band), method in trained.choice.items()],
        "factors": [[segment, band, factor] for (segment, band), factor in trained.factors.items()],
        "weights": {band: list(how) for band, how in trained.learned.weights.items()},
        "weight_scores": {band: list(scores) for band, scores in trained.learned.scores.items()},
        "offer_weights": trained.offer_weights,
        "dispersion": _columns(trained.dispersion),
        "level_dispersion": _columns(trained.level_dispersion),
        "accuracy": _columns(trained.accuracy),
        "relative_error": trained.relative_error,
        "models": trained.models,
        "fallbacks": trained.fallbacks,
        "warnings": trained.warnings,
    }
    files[STATE_FILE] = (json.dumps(_plain(state), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
    return files


def is_of_this_form(files: Mapping[str, bytes]) -> bool:
    """Whether this version of the project wrote the files; damaged ones count as its own: from_files says what ails."""
    try:
        return json.loads(files[STATE_FILE]).get("form", 1) == FORM
    except (KeyError, ValueError, AttributeError):
        return True


def from_files(files: Mapping[str, bytes]) -> Trained:
    """The state that `to_files` wrote. Raises TrainedFilesError when a file is missing or not of its form."""
    try:
        state = json.loads(files[STATE_FILE])
        model = state["model"]
        return Trained(
            cutoff=date.fromisoformat(state["cutoff"]),
            settings_digest=state["settings_digest"],
            tuned=state["tuned"],
            tuned_on=date.fromisoformat(state["tuned_on"]),
            is_count=state["is_count"],
            model=None if model is None else _block_model(model, files),
            choice={(segment, band): method for segment, band, method in state["choice"]},
            factors={(segment, band): factor for segment, band, factor in state["factors"]},
            learned=LearnedWeights(
                {band: (how[0], how[1]) for band, how in state["weights"].items()},
                {band: (_float(a), _float(b)) for band, (a, b) in state["weight_scores"].items()},
            ),
            offer_weights=state["offer_weights"],
            dispersion=_frame(state["dispersion"], DISPERSION_SCHEMA),
            level_dispersion=_frame(state["level_dispersion"], LEVEL_DISPERSION_SCHEMA),
            accuracy=_frame(state["accuracy"], ACCURACY_SCHEMA),
            relative_error=_float(state["relative_error"]),
            models=state["models"],
            fallbacks=state["fallbacks"],
            warnings=state["warnings"],
        )
    except (KeyError, ValueError, TypeError, lgb.basic.LightGBMError) as error:
        raise TrainedFilesError(
            f"the files of a trained model cannot be read ({type(error).__name__}: {error}); they hold "
            f"{', '.join(sorted(files)) or 'nothing'} — remove the model's folder, and the next night trains anew"
        ) from error


def _block_model(model: Mapping[str, Any], files: Mapping[str, bytes]) -> BlockModel:
    parts = tuple((part["last_block"], lgb.Booster(model_str=files[part["file"]].decode())) for part in model["parts"])
    return BlockModel(parts, model["facts"], model["code_labels"])


def _columns(frame: pl.DataFrame) -> dict[str, list[object]]:
    return {name: frame[name].to_list() for name in frame.columns}


def _frame(columns: Mapping[str, list[object]], schema: pl.Schema) -> pl.DataFrame:
    frame = pl.DataFrame({name: columns[name] for name in schema}, schema=schema)
    return frame.with_columns(pl.col(pl.Float64).fill_null(float("nan")))


def _plain(value: object) -> object:
    """The value as JSON has it: NaN, of a score that could not be taken, is null there."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _float(value: float | None) -> float:
    return float("nan") if value is None else value
