"""Which method serves which series, and at which level: by backtest, per segment (demand class) and horizon band.

What belongs here: the rule. What does not: the forecasts it compares (evaluation/backtest.py).

Rule: least squared error, each series scaled by its own naive error (RMSSE), so that the mean is judged, not the
median; times (1 + bias_penalty * |bias|)^2, for errors that all point one way add up in every total. That is a guard,
not a cure: on the demo the choice was the same with 1 and 2, the chosen methods were 7 to 13 % low in total, and the
reconciliation brought the total back within 2 %. A method must beat every simpler one by settings.tie_margin; series
that never sold take the rate table, which is 0 for them (models/launch.py serves new ones). A segment seen in fewer
than 30 series takes the choice of all series together (rare, new and unsold series: the rate table); a band that no
cut-off reaches takes that of the band before.

Level: a class whose chosen forecasts were too low, or too high, in total at every cut-off is raised or lowered by the
least that any of them asks for (level_factors). What comes back to life is the case it is for: of series that sold in
four weeks of a year or fewer, 24 to 53 % of the benchmark's demand was not forecast, at each of its cut-offs.
"""

import numpy as np

from ml.forecasting.contract import BANDS
from ml.forecasting.evaluation.backtest import LIGHTGBM, METHODS, Outlook, Trial
from ml.forecasting.evaluation.scores import naive_scale
from ml.forecasting.metrics import CLASSES
from ml.forecasting.settings import ForecastSettings

Choice = dict[tuple[str, str], str]  # (segment, band) -> method
Factors = dict[tuple[str, str], float]  # (segment, band) -> what the chosen method's forecast is multiplied by
MIN_SERIES = 30
# a class that is less far off is left to the reconciliation: with 5 % the benchmark's intermittent series were raised
# by 8 % in weeks 14-26 after d_1577, and WMAPE there was .523 in place of .521
MIN_SHIFT = 0.10
MAX_SHIFT = 2.0  # times; more would be another forecast
UNTRIED = {"rare": "rate_table", "new": "rate_table", "unsold": "rate_table"}


def choose(trials: list[Trial], settings: ForecastSettings, champion: Choice | None = None) -> Choice:
    """The method of each (segment, band).

    champion: the choice in use; a method of it stays unless another one beats it, too, by settings.tie_margin.
    """
    choice: Choice = {}
    in_use = champion or {}
    scales = [_scale(trial) for trial in trials]
    for segment in CLASSES:
        before = UNTRIED.get(segment, "moving_average")
        for band, first, last in BANDS:
            scores = _scores(trials, scales, segment, first, last) if segment != "unsold" else None
            if scores is None and segment not in UNTRIED:
                scores = _scores(trials, scales, None, first, last)
            before = _pick(scores, settings, in_use.get((segment, band), "")) if scores else before
            choice[(segment, band)] = before
    return choice


def level_factors(trials: list[Trial], chosen: list[np.ndarray]) -> Factors:
    """What a class's forecasts are multiplied by, where every cut-off says that they are too low, or too high.

    chosen: what `combine` made of the choice at each trial. The factor is sum(actual) / sum(forecast) of the trial
    where that is nearest to 1, at most MAX_SHIFT. It is left out below MIN_SHIFT, with fewer than two trials or
    MIN_SERIES series in one, and where it raises the scaled squared error that methods are chosen by.
    """
    factors: Factors = {}
    scales = [_scale(trial) for trial in trials]
    for segment in CLASSES:
        for band, first, last in BANDS:
            ratios, pairs = [], []
            for trial, blocks, scale in zip(trials, chosen, scales, strict=True):
                rows = np.flatnonzero(trial.outlook.segments == segment)
                window = slice(first - 1, min(last, trial.ahead))
                made, came = blocks[rows, window].astype(np.float64), trial.actual[rows, window].astype(np.float64)
                if trial.ahead < first:
                    continue
                ratios.append(came.sum() / made.sum() if len(rows) >= MIN_SERIES and made.sum() > 0 else 1.0)
                known = np.isfinite(scale[rows])
                pairs.append((made[known], came[known], scale[rows][known, None]))
            factor = _agreed(ratios)
            if abs(np.log(factor)) >= np.log1p(MIN_SHIFT) and _squared(pairs, factor) < _squared(pairs, 1.0):
                factors[(segment, band)] = round(factor, 4)
    return factors


def _agreed(ratios: list[float]) -> float:
    """The ratio nearest to 1 where at least two lie on the same side of it, else 1."""
    logs = np.log(np.maximum(ratios, 1e-9))
    if len(logs) < 2 or not (np.all(logs > 0) or np.all(logs < 0)):
        return 1.0
    return float(np.exp(np.clip(logs[np.abs(logs).argmin()], -np.log(MAX_SHIFT), np.log(MAX_SHIFT))))


def _squared(pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]], factor: float) -> float:
    return sum(float(((factor * made - came) ** 2 / scale).sum()) for made, came, scale in pairs)


def combine(outlook: Outlook, choice: Choice, factors: Factors | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(block means of the chosen methods: float32 (series, blocks); the method's index in METHODS of each, int8).

    Where the chosen method has no forecast (LightGBM not fitted or not asked), the rate table serves. factors: as
    level_factors returns them; None: the methods as they are.
    """
    spare = METHODS.index("rate_table")
    shape = outlook.forecasts["rate_table"].shape
    blocks, method = np.zeros(shape, dtype=np.float32), np.full(shape, spare, dtype=np.int8)
    for segment in CLASSES:
        rows = np.flatnonzero(outlook.segments == segment)
        for band, first, last in BANDS:
            name = choice[(segment, band)]
            window = slice(first - 1, min(last, shape[1]))
            own = outlook.forecasts.get(name, np.full((1, 1), np.nan, dtype=np.float32))
            values = own[rows, window] if len(own) == shape[0] else np.full((len(rows), 1), np.nan)
            chosen = np.isfinite(values)
            blocks[rows, window] = np.where(chosen, values, outlook.forecasts["rate_table"][rows, window])
            blocks[rows, window] *= (factors or {}).get((segment, band), 1.0)
            method[rows, window] = np.where(chosen, METHODS.index(name), spare)
    return np.maximum(blocks, 0.0), method


def wants_lightgbm(segments: np.ndarray, choice: Choice) -> np.ndarray:
    """Indices of the series whose segment is served by LightGBM in any band."""
    served = [segment for segment in CLASSES if any(choice[(segment, band)] == LIGHTGBM for band, _, _ in BANDS)]
    return np.flatnonzero(np.isin(segments, served))


def _scores(
    trials: list[Trial], scales: list[np.ndarray], segment: str | None, first: int, last: int
) -> dict[str, tuple[float, float]] | None:
    """Per method (mean scaled squared error, bias) over the rows that all methods cover; None with too few series."""
    error = dict.fromkeys(METHODS, 0.0)
    gap = dict.fromkeys(METHODS, 0.0)
    count, demand = 0, 0.0
    for trial, scale in zip(trials, scales, strict=True):
        if trial.ahead < first:
            continue
        outlook = trial.outlook
        rows = np.ones(len(scale), dtype=bool) if segment is None else outlook.segments == segment
        window = slice(first - 1, min(last, trial.ahead))
        if LIGHTGBM in outlook.forecasts:
            rows &= np.isfinite(outlook.forecasts[LIGHTGBM][:, 0])
        rows &= np.isfinite(scale)
        index = np.flatnonzero(rows)
        count += len(index)
        actual = trial.actual[index, window]
        demand += float(actual.sum())
        for name in METHODS:
            if name not in outlook.forecasts:
                error[name] = np.inf
                continue
            off = outlook.forecasts[name][index, window] - actual
            error[name] += float(((off.astype(np.float64) ** 2) / scale[index, None]).sum())
            gap[name] += float(off.sum())
    if count == 0 or (segment is not None and count < MIN_SERIES):
        return None
    return {name: (error[name], abs(gap[name]) / max(demand, 1e-9)) for name in METHODS if np.isfinite(error[name])}


def _pick(scores: dict[str, tuple[float, float]], settings: ForecastSettings, in_use: str) -> str:
    errors = {name: error * (1 + settings.bias_penalty * bias) ** 2 for name, (error, bias) in scores.items()}
    best = ""
    for name in METHODS:  # from the simplest
        if name in errors and (not best or errors[name] < errors[best] * (1 - settings.tie_margin)):
            best = name
    if in_use in errors and errors[best] >= errors[in_use] * (1 - settings.tie_margin):
        return in_use
    return best


def _scale(trial: Trial) -> np.ndarray:
    """Naive scale of each series, at least that of one unit in ten blocks, so that rare series do not rule the sum."""
    return np.maximum(naive_scale(trial.outlook.panel.demand), 0.1)
