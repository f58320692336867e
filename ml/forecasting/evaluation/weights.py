"""How far the series are drawn towards the aggregates, and which forecast of them: per horizon band, by backtest.

What belongs here: the choice and what spoke for it. What does not: the scaling itself (ml.forecasting.reconciliation).

The scaling is the same for all series of a cell (place x department), so the choice is made on sums over cells: 70 in
the benchmark in place of 30,490 series. Scored levels: total, region, department, place, and the cells themselves.
"""

from dataclasses import dataclass

import numpy as np

from ml.forecasting.contract import BANDS
from ml.forecasting.evaluation.backtest import Trial
from ml.forecasting.evaluation.scores import HierarchyScore
from ml.forecasting.panel import Panel, sum_groups
from ml.forecasting.reconciliation import REGRESSION, SOURCES, WEIGHTS, Hierarchy, Targets, Weights, reconcile
from ml.forecasting.settings import ForecastSettings

NONE = (REGRESSION, 0.0)
PRIOR: Weights = {"1-4": (REGRESSION, 0.75), "5-13": (REGRESSION, 1.0), "14-26": (REGRESSION, 1.0)}
_CELL_LEVELS = ("total", "region", "department", "location", "sku_location")  # the last: the cells themselves


@dataclass(frozen=True)
class LearnedWeights:
    """The weights, and for each band the mean score of the backtest without and with them (weighted RMSSE)."""

    weights: Weights
    scores: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class _Cells:
    """A trial summed to cells."""

    forecast: np.ndarray
    actual: np.ndarray
    targets: Targets
    score: HierarchyScore

    def error(self, choice: tuple[str, float], band: str, first: int, last: int) -> float:
        """Hierarchy score of blocks first … last with this choice."""
        end = min(last, self.actual.shape[1])
        drawn = reconcile(self.forecast[:, :end], self.targets, {band: choice})
        return self.score.of(self.actual[:, first - 1 : end], drawn[:, first - 1 :])


def learn_weights(
    trials: list[Trial],
    combined: list[np.ndarray],
    settings: ForecastSettings,
    champion: Weights | None = None,
) -> LearnedWeights:
    """(source, weight) of each band.

    combined: forecasts of the selected methods at each trial. A band starts from what is right before any evidence,
    PRIOR: the regression in full, in weeks 1-4 three quarters of it. Another choice, none of it included, must have a
    better hierarchy score at every trial that reaches the band, and by settings.reconciliation_margin on average; so
    a step that loses is switched off, and one lucky window decides nothing.

    The prior is what was best over five cut-offs of the benchmark, 13 weeks and more apart; weights left free took the
    best of two or three cut-offs and were wrong at the next. With a margin of 3 % the backtest before d_1577 (no public
    holidays) chose three quarters for weeks 5-13: WRMSSE 0.914 there and 0.981 in all, with 5 % 0.849 and 0.959.

    champion: the weights in use. Other than PRIOR they stay while they are better than it on average, unless the new
    choice beats them by settings.tie_margin.
    """
    cells = [_collapse(trial, blocks) for trial, blocks in zip(trials, combined, strict=True)]
    weights, scores = dict(PRIOR), {}
    for band, first, last in BANDS:
        usable = [each for each in cells if each.actual.shape[1] >= first]
        if usable:
            weights[band], scores[band] = _best(usable, band, first, last, settings, (champion or PRIOR)[band])
    return LearnedWeights(weights, scores)


def _best(
    usable: list[_Cells], band: str, first: int, last: int, settings: ForecastSettings, in_use: tuple[str, float]
) -> tuple[tuple[str, float], tuple[float, float]]:
    sources = [source for source in SOURCES if all(source in each.targets.by_source for each in usable)]
    options = [NONE, *((source, weight) for source in sources for weight in WEIGHTS if weight > 0)]
    errors = {option: [each.error(option, band, first, last) for each in usable] for option in options}
    usual = np.array(errors[PRIOR[band]])
    better = [
        option
        for option in options
        if np.all(errors[option] < usual)
        and np.mean(errors[option]) < usual.mean() * (1 - settings.reconciliation_margin)
    ]
    chosen = min(better, key=lambda option: (np.mean(errors[option]), option[1]), default=PRIOR[band])
    if in_use in errors and np.mean(errors[in_use]) < usual.mean():
        beaten = np.mean(errors[chosen]) < np.mean(errors[in_use]) * (1 - settings.tie_margin)
        chosen = chosen if beaten else in_use
    return chosen, (float(np.mean(errors[NONE])), float(np.mean(errors[chosen])))


def _collapse(trial: Trial, blocks: np.ndarray) -> _Cells:
    panel, targets = trial.outlook.panel, trial.outlook.targets
    cell_of = targets.hierarchy.cell_of
    demand = sum_groups(panel.demand, cell_of)
    cells = Panel(panel.cutoff, demand, np.zeros(len(demand), dtype=np.int32), dict(targets.hierarchy.levels))
    levels = tuple(name for name in _CELL_LEVELS if name in cells.codes or name == "sku_location")
    own = Hierarchy(np.arange(targets.hierarchy.cells), targets.hierarchy.levels)
    return _Cells(
        sum_groups(blocks, cell_of).astype(np.float32),
        sum_groups(trial.actual, cell_of),
        Targets(own, targets.by_source),
        HierarchyScore(cells, levels),
    )
