"""What repairing demand is worth: the same forecast with and without one rule, where the rule said nothing.

What belongs here: rows of `forecast_accuracy` for the steps `with_<rule>_repair` and `without_<rule>_repair`. What does
not: the rules (ml.forecasting.demand), and the accuracy of the published forecast (accuracy.py).

Each rule that changed something is taken back alone, at the cut-offs of the backtest. The forecast is the moving
average of 13 blocks: it costs nothing, and it stands or falls with the level of history, which is what a repair
changes. Scored are the series that the rule touched within those blocks, on later blocks that it did not touch: no
repair is scored against itself. The gain of a better model from the same repair may be smaller; what is measured is the
direction.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.forecasting import metrics
from ml.forecasting.contract import ACCURACY_SCHEMA, BANDS
from ml.forecasting.demand import RULES
from ml.forecasting.evaluation.backtest import Trial
from ml.forecasting.models.baselines import moving_average, seasonal_naive
from ml.forecasting.panel import BLOCK_DAYS, Panel

WINDOW_BLOCKS = 13  # what the moving average reads
LEVEL, SEGMENT = "sku_location", "touched"


@dataclass(frozen=True)
class _Change:
    """What a rule changed: repaired less sold, per series (row of the panel) and block; and whether it touched it."""

    row: np.ndarray
    added: np.ndarray  # (len(row), blocks)
    touched: np.ndarray  # bool, the same shape


def repair_worth(trials: list[Trial], panel: Panel, history: pl.DataFrame) -> pl.DataFrame:
    """Measure each rule of ml.demand_history on the trials; ACCURACY_SCHEMA, empty without rules or trials.

    panel: the newest one, built from `history` (series_id, date, quantity, sales_qty, repair_rule). Metrics are wmape
    and bias over all scored blocks of all cut-offs; baseline_value is the seasonal naive on the same rows.
    """
    if "repair_rule" not in history.columns:
        return pl.DataFrame(schema=ACCURACY_SCHEMA)
    repaired = history.filter(pl.col("repair_rule").is_not_null() & (pl.col("date") <= panel.cutoff))
    present = set(repaired["repair_rule"].unique())
    rows: list[dict[str, object]] = []
    for rule in (name for name in RULES if name in present):
        change = _change(panel, repaired.filter(pl.col("repair_rule") == rule))
        for band, first, last in BANDS:
            rows += _band_rows(rule, band, first, last, trials, change)
    return pl.DataFrame(rows, schema=ACCURACY_SCHEMA)


def _change(panel: Panel, repaired: pl.DataFrame) -> _Change:
    days_ago = repaired.select((pl.lit(panel.cutoff) - pl.col("date")).dt.total_days()).to_series().to_numpy()
    block = panel.blocks - 1 - days_ago // BLOCK_DAYS
    whole = block >= 0
    row, place = np.unique(repaired["series_id"].to_numpy()[whole].astype(np.int64) - 1, return_inverse=True)
    added = np.zeros((len(row), panel.blocks))
    np.add.at(added, (place, block[whole]), (repaired["quantity"] - repaired["sales_qty"]).to_numpy()[whole])
    touched = np.zeros(added.shape, dtype=bool)
    touched[place, block[whole]] = True
    return _Change(row, added, touched)


def _band_rows(
    rule: str, band: str, first: int, last: int, trials: list[Trial], change: _Change
) -> list[dict[str, object]]:
    """Rows of one rule and band: two steps by two metrics, over the trials that reach the band."""
    actual, forecasts, series, cutoffs = [], [], 0, []
    for trial in trials:
        past, end = trial.outlook.panel, min(last, trial.ahead)
        if end < first:
            continue
        window = slice(max(past.blocks - WINDOW_BLOCKS, 0), past.blocks)
        chosen = np.flatnonzero(change.touched[:, window].any(axis=1))
        ahead = slice(past.blocks + first - 1, past.blocks + end)
        free = ~change.touched[chosen, ahead]
        if not free.any():
            continue
        with_repair, without = _panels(past, change, chosen)
        came = trial.actual[change.row[chosen], first - 1 : end].astype(np.float64)
        made = [moving_average(with_repair), moving_average(without), seasonal_naive(with_repair)]
        actual.append(came[free])
        forecasts.append([blocks[:, first - 1 : end].astype(np.float64)[free] for blocks in made])
        series += len(chosen)
        cutoffs.append(trial.outlook.cutoff.isoformat())
    if not actual:
        return []
    came = np.concatenate(actual)
    kept, left, naive = (np.concatenate(blocks) for blocks in zip(*forecasts, strict=True))
    shared = {"level": LEVEL, "horizon_band": band, "segment": SEGMENT}
    return [
        {
            **shared,
            "step": f"{word}_{rule}_repair",
            "metric": name,
            "value": metric(came, forecast),
            "baseline_value": metric(came, naive),
            "series": series // len(actual),
            "cutoffs": ", ".join(cutoffs),
        }
        for word, forecast in (("with", kept), ("without", left))
        for name, metric in (("wmape", metrics.wmape), ("bias", metrics.bias))
    ]


def _panels(past: Panel, change: _Change, chosen: np.ndarray) -> tuple[Panel, Panel]:
    """Return what was known of the chosen series at the cut-off, with the rule and without it."""
    rows = change.row[chosen]
    demand, born = past.demand[rows], past.born[rows]
    sold = np.maximum(demand - change.added[chosen, : past.blocks], 0.0).astype(np.float32)
    return Panel(past.cutoff, demand, born, {}), Panel(past.cutoff, sold, born, {})
