"""How far the series are drawn towards the aggregates, and which ones: per level and horizon band, by backtest.

What belongs here: the choice. What does not: the scaling itself (ml.forecasting.reconciliation).

The scaling is the same for all series of a place and department, so the choice is made on their sums: 70 cells instead
of 30,490 series in the benchmark. Scored levels: total, region, department, place, place x department.
"""

from dataclasses import dataclass

import numpy as np

from ml.forecasting.contract import BANDS
from ml.forecasting.evaluation.backtest import Trial
from ml.forecasting.evaluation.scores import HierarchyScore
from ml.forecasting.panel import Panel, sum_groups
from ml.forecasting.reconciliation import LEVELS, SEASONAL, SOURCES, WEIGHTS, Targets, Weights, reconcile
from ml.forecasting.settings import ForecastSettings

NONE = (SEASONAL, 0.0)
PRIOR = (SEASONAL, 0.5)
_CELL_LEVELS = ("total", "region", "department", "location", "sku_location")  # the last: the cells themselves


@dataclass(frozen=True)
class _Cells:
    """A trial summed to place x department."""

    forecast: np.ndarray
    actual: np.ndarray
    targets: Targets
    codes: dict[str, np.ndarray]
    score: HierarchyScore

    def error(self, weights: Weights, first: int, last: int) -> float:
        """Hierarchy score of blocks first … last with these weights."""
        end = min(last, self.actual.shape[1])
        drawn = reconcile(self.forecast[:, :end], self.targets, weights, self.codes)
        return self.score.of(self.actual[:, first - 1 : end], drawn[:, first - 1 :])


def learn_weights(trials: list[Trial], combined: list[np.ndarray], settings: ForecastSettings) -> Weights:
    """(source, weight) of each (level, band), from total to department, each with the ones before it in place.

    combined: forecasts of the selected methods at each trial. A band starts from what is right before any evidence:
    half-way to the seasonal level at the first level there is, nothing at the others. Another choice must have a
    better hierarchy score at every trial that reaches the band, and by settings.reconciliation_margin on average.

    Half-way, because two or three cut-offs say little about a weight, and the mean of two forecasts is hard to beat:
    in the backtests before d_1577 of the benchmark half was better than none at four of five (cut-off, band), full at
    none; over the half-years after d_1395, d_1486 and d_1577 both were better than none each time.
    """
    cells = [_collapse(trial, blocks) for trial, blocks in zip(trials, combined, strict=True)]
    weights: Weights = {}
    for level in LEVELS:
        for band, first, last in BANDS:
            usable = [c for c in cells if (level, SEASONAL) in c.targets and c.actual.shape[1] >= first]
            if usable:
                prior = PRIOR if not any((above, band) in weights for above in LEVELS if above != level) else NONE
                weights[(level, band)] = _best(usable, weights, (level, band), (first, last), prior, settings)
    return weights


def _best(
    usable: list[_Cells],
    weights: Weights,
    key: tuple[str, str],
    blocks: tuple[int, int],
    prior: tuple[str, float],
    settings: ForecastSettings,
) -> tuple[str, float]:
    sources = [source for source in SOURCES if all((key[0], source) in cells.targets for cells in usable)]
    options = [NONE, *((source, weight) for source in sources for weight in WEIGHTS if weight > 0)]
    scores = {option: [cells.error({**weights, key: option}, *blocks) for cells in usable] for option in options}
    usual = np.array(scores[prior])
    better = [
        option
        for option in options
        if np.all(scores[option] < usual)
        and np.mean(scores[option]) < usual.mean() * (1 - settings.reconciliation_margin)
    ]
    return min(better, key=lambda option: (np.mean(scores[option]), option[1]), default=prior)


def _collapse(trial: Trial, blocks: np.ndarray) -> _Cells:
    panel = trial.outlook.panel
    cell = panel.codes["location_department"]
    _, member = np.unique(cell, return_index=True)  # any member: the scored groupings are the same within a cell
    codes = {name: panel.codes[name][member] for name in ("total", "region", "department", "location")}
    demand = sum_groups(panel.demand, cell)
    cells = Panel(panel.cutoff, demand, np.zeros(len(demand), dtype=np.int32), codes)
    return _Cells(
        sum_groups(blocks, cell).astype(np.float32),
        sum_groups(trial.actual, cell),
        trial.outlook.targets,
        codes,
        HierarchyScore(cells, _CELL_LEVELS),
    )
