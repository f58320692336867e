"""Whether effects of promotions and prices are used: by kind and horizon band, by backtest; and what they are worth.

What belongs here: the choice, and rows of `forecast_accuracy` for the steps `with_<kind>` and `without_<kind>`. What
does not: the effects (models/offer_effects.py).

The backtest asks what an effect does to a forecast when the offer is known, so the offers of the weeks after a cut-off
stand as they came; effects are learned from demand before it. What a night applies is the plan that it has. Scored are
the series and blocks that an effect changes by CHANGED at least. A weight (factor ** weight) must be better than none
at every cut-off that reaches the band, and by settings.tie_margin in all; so an effect that loses is switched off.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from ml.forecasting import metrics
from ml.forecasting.contract import ACCURACY_SCHEMA, BANDS, HORIZON_BLOCKS
from ml.forecasting.evaluation.backtest import NAIVE, Trial
from ml.forecasting.evaluation.scores import naive_scale
from ml.forecasting.models.offer_effects import FACTORS, learn_effects
from ml.forecasting.offers import Offers
from ml.forecasting.settings import ForecastSettings

OfferWeights = dict[str, dict[str, float]]  # kind (one of FACTORS) -> band -> weight
WEIGHTS = (0.5, 1.0)
CHANGED = 0.02
LEVEL, SEGMENT = "sku_location", "offered"


@dataclass(frozen=True)
class OfferWorth:
    """The weights, accuracy with and without (ACCURACY_SCHEMA), and per kind and band the error without and with.

    errors: mean of `_Scored.error`; a band that nothing was scored in is missing.
    """

    weights: OfferWeights
    accuracy: pl.DataFrame
    errors: dict[str, dict[str, tuple[float, float]]]


NOTHING = OfferWorth(
    {kind: {} for kind in FACTORS}, pl.DataFrame(schema=ACCURACY_SCHEMA), {kind: {} for kind in FACTORS}
)


@dataclass(frozen=True)
class _Scored:
    """Blocks of one trial that an effect changes: arrays of equal length."""

    actual: np.ndarray
    forecast: np.ndarray
    factor: np.ndarray
    naive: np.ndarray
    scale: np.ndarray
    block: np.ndarray
    series: np.ndarray
    cutoff: str

    def within(self, first: int, last: int) -> "_Scored":
        kept = (self.block >= first) & (self.block <= last)
        return replace(self, **{name: getattr(self, name)[kept] for name in _ARRAYS})

    def made(self, weight: float) -> np.ndarray:
        return self.forecast * self.factor**weight

    def error(self, weight: float, bias_penalty: float) -> float:
        """Scaled squared error times (1 + penalty x |bias|) ** 2, as methods are chosen (selection.py)."""
        off = self.made(weight) - self.actual
        bias = abs(float(off.sum())) / max(float(self.actual.sum()), 1e-9)
        return float((off**2 / self.scale).sum()) * (1 + bias_penalty * bias) ** 2


_ARRAYS = tuple(each.name for each in fields(_Scored) if each.name != "cutoff")


def learn_offer_weights(
    trials: list[Trial], final: list[np.ndarray], offers: Offers | None, settings: ForecastSettings
) -> OfferWorth:
    """Weights of the effects by kind and band; final: the reconciled forecast of each trial, without any effect."""
    if offers is None or not trials:
        return NOTHING
    worth = OfferWorth({}, NOTHING.accuracy, {})
    rows: list[dict[str, object]] = []
    scored = [_scored(trial, blocks, offers) for trial, blocks in zip(trials, final, strict=True)]
    for kind in FACTORS:
        worth.weights[kind], worth.errors[kind] = {}, {}
        for band, first, last in BANDS:
            parts = [each[kind].within(first, last) for each in scored]
            parts = [part for part in parts if len(part.block)]
            if not parts:
                continue
            weight = _best(parts, settings)
            count = sum(len(part.block) for part in parts)
            worth.weights[kind][band] = weight
            shown = weight or WEIGHTS[-1]  # of an effect that is off the page says what it would have done
            worth.errors[kind][band] = (
                sum(part.error(0.0, settings.bias_penalty) for part in parts) / count,
                sum(part.error(shown, settings.bias_penalty) for part in parts) / count,
            )
            rows += _accuracy(kind, band, shown, parts)
    return OfferWorth(worth.weights, pl.DataFrame(rows, schema=ACCURACY_SCHEMA), worth.errors)


def as_known(
    trials: list[Trial], final: list[np.ndarray], offers: Offers | None, weights: OfferWeights
) -> list[np.ndarray]:
    """Forecasts of the trials with the effects of what was known at each cut-off, as a night would publish them."""
    acting = [kind for kind, of_band in weights.items() if any(of_band.values())]
    if offers is None or not acting:
        return final
    made = []
    for trial, blocks in zip(trials, final, strict=True):
        panel = trial.outlook.panel
        known = offers.earlier(offers.blocks - panel.blocks)
        effects, rows, result = learn_effects(panel, known), np.arange(panel.series), blocks
        for kind in acting:
            factors = FACTORS[kind](effects, panel, known, rows, blocks.shape[1])
            result = (result * factors ** powers(weights[kind], blocks.shape[1])).astype(np.float32)
        made.append(result)
    return made


def powers(weights: dict[str, float], ahead: int = HORIZON_BLOCKS) -> np.ndarray:
    """The weight of each block ahead, 0 where its band has none: factors are raised to it."""
    power = np.zeros(ahead)
    for band, first, last in BANDS:
        power[first - 1 : last] = weights.get(band, 0.0)
    return power


def _scored(trial: Trial, blocks: np.ndarray, offers: Offers) -> dict[str, _Scored]:
    past, ahead = trial.outlook.panel, trial.ahead
    back = offers.blocks - past.blocks
    came = offers.as_they_came(back, ahead)
    effects = learn_effects(past, came)
    scale = np.maximum(naive_scale(past.demand), 0.1)  # as in the choice of methods (selection.py)
    rows = np.flatnonzero(np.isfinite(scale))
    found = {}
    for kind, factors in FACTORS.items():
        factor = factors(effects, past, came, rows, ahead)
        series, block = np.nonzero(np.abs(factor - 1.0) >= CHANGED)
        which = rows[series]
        found[kind] = _Scored(
            trial.actual[which, block].astype(np.float64),
            blocks[which, block].astype(np.float64),
            factor[series, block],
            trial.outlook.forecasts[NAIVE][which, block].astype(np.float64),
            scale[which],
            block + 1,
            which,
            trial.outlook.cutoff.isoformat(),
        )
    return found


def _best(parts: list[_Scored], settings: ForecastSettings) -> float:
    without = [part.error(0.0, settings.bias_penalty) for part in parts]
    errors = {weight: [part.error(weight, settings.bias_penalty) for part in parts] for weight in WEIGHTS}
    better = [
        weight
        for weight in WEIGHTS
        if all(own < none for own, none in zip(errors[weight], without, strict=True))
        and sum(errors[weight]) < sum(without) * (1 - settings.tie_margin)
    ]
    return min(better, key=lambda weight: sum(errors[weight]), default=0.0)


def _accuracy(kind: str, band: str, weight: float, parts: list[_Scored]) -> list[dict[str, object]]:
    """Rows of both steps: wmape and bias over what the effect changes; weight: the one to show."""
    actual = np.concatenate([part.actual for part in parts])
    naive = np.concatenate([part.naive for part in parts])
    shared = {
        "level": LEVEL,
        "horizon_band": band,
        "segment": SEGMENT,
        "series": sum(len(np.unique(part.series)) for part in parts) // len(parts),
        "cutoffs": ", ".join(part.cutoff for part in parts),
    }
    return [
        {
            **shared,
            "step": f"{word}_{kind}",
            "metric": name,
            "value": metric(actual, np.concatenate([part.made(power) for part in parts])),
            "baseline_value": metric(actual, naive),
        }
        for word, power in (("with", weight), ("without", 0.0))
        for name, metric in (("wmape", metrics.wmape), ("bias", metrics.bias))
    ]
