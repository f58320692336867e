"""One night's forecast, from demand history to published tables: the only module that knows the order of the steps.

    check → panel → backtest → select → reconcile → measure dispersion → forecast → tables

What belongs here: that order, and what is handed from step to step. What does not: any number.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.contract import ForecastResult, check_events, check_history, check_series, is_counted
from ml.forecasting.daily import learn_day_shares
from ml.forecasting.distribution import DemandDistribution
from ml.forecasting.evaluation.accuracy import Scored, accuracy_table, steps_of
from ml.forecasting.evaluation.backtest import LIGHTGBM, METHODS, Trial, look_ahead, run_backtest
from ml.forecasting.evaluation.dispersion import measure_dispersion
from ml.forecasting.evaluation.repairs import repair_worth
from ml.forecasting.evaluation.weights import learn_weights
from ml.forecasting.metrics import demand_classes
from ml.forecasting.models.launch import launch_levels
from ml.forecasting.panel import Panel, build_panel
from ml.forecasting.reconciliation import SEASON_BLOCKS, Weights, reconcile
from ml.forecasting.selection import choose, combine, wants_lightgbm
from ml.forecasting.settings import ForecastSettings
from ml.forecasting.tables import Final, publish

LAUNCH = "like_products"


def run(
    series: pl.DataFrame,
    history: pl.DataFrame,
    as_of: date,
    settings: ForecastSettings,
    say: Callable[[str], None],
    events: pl.DataFrame | None = None,
) -> ForecastResult:
    """Forecast demand of every series from as_of + 1 on, with what was known at the close of as_of.

    series: ml.demand_series (contract.SERIES_COLUMNS, optionally launched_on), series_id 1 … n. history: sparse
    ml.demand_history; a missing day since the first demand is zero demand. events: the company's calendar (date,
    event_name, region), past and to come. Raises contract.ContractError when a frame is not as agreed; a failing model
    never stops the run, it is replaced and counted in `fallbacks`.
    """
    series = check_series(series)
    is_count = is_counted(history)
    given = history
    history, warnings = check_history(given, series, as_of)
    panel = build_panel(series, history, as_of, check_events(events))
    say(f"{panel.series:,} series, {history.height:,} days with demand, {panel.blocks} weeks of history")
    trials = run_backtest(panel, history, settings, say)
    choice = choose(trials, settings)
    selected = [combine(trial.outlook, choice)[0] for trial in trials]
    learned = learn_weights(trials, selected, settings)
    final_trials = [
        reconcile(blocks, trial.outlook.targets, learned.weights)
        for trial, blocks in zip(trials, selected, strict=True)
    ]
    shares = [learn_day_shares(history, trial.outlook.panel, settings.holiday_country) for trial in trials]

    def measure(kept: list[int]) -> pl.DataFrame:
        chosen = ([trials[k] for k in kept], [final_trials[k] for k in kept], [shares[k] for k in kept])
        return measure_dispersion(*chosen, history, is_count, settings)

    dispersion = measure(list(range(len(trials))))
    say(f"dispersion measured on {int(dispersion['windows'].sum()):,} windows")
    scored = []
    for k, trial in enumerate(trials):
        others = [other for other in range(len(trials)) if other != k] or [k]
        steps = steps_of(trial, selected[k], final_trials[k])
        scored.append(Scored(trial, steps, DemandDistribution.from_frame(measure(others))))
    accuracy = pl.concat([accuracy_table(scored), repair_worth(trials, panel, given)])

    segments = demand_classes(panel.demand, panel.born)
    asked = wants_lightgbm(segments, choice)
    outlook = look_ahead(panel, history, segments, asked, settings, settings.train_rows, say)
    blocks, model = combine(outlook, choice)
    blocks = reconcile(blocks, outlook.targets, learned.weights)
    launch = launch_levels(series, panel)
    new = np.flatnonzero(launch > 0)
    blocks[new] = launch[new, None]
    model[new] = len(METHODS)
    final = Final(blocks, model, (*METHODS, LAUNCH), segments)
    daily, weekly, monthly = publish(
        series,
        final,
        learn_day_shares(history, panel, settings.holiday_country),
        DemandDistribution.from_frame(dispersion),
        as_of,
        settings,
    )
    say(f"{daily.height:,} days, {weekly.height:,} weeks, {monthly.height:,} months")
    outlooks = [trial.outlook for trial in trials] + [outlook]
    fallbacks: Counter[str] = Counter()
    for each in outlooks:
        fallbacks.update(each.fallbacks)
    if len(asked) and LIGHTGBM not in outlook.forecasts:
        fallbacks["series on baselines for want of LightGBM"] += len(asked)
    models = [facts for each in outlooks for facts in each.models]
    warnings += _warnings(trials, learned.weights, panel)
    models.append(
        {"name": "selection", "choice": {f"{segment} {band}": name for (segment, band), name in choice.items()}}
    )
    models.append(
        {
            "name": "reconciliation",
            "weights": {band: list(how) for band, how in learned.weights.items()},
            "rmsse_without": {band: round(before, 4) for band, (before, _) in learned.scores.items()},
            "rmsse_with": {band: round(after, 4) for band, (_, after) in learned.scores.items()},
        }
    )
    return ForecastResult(daily, weekly, monthly, accuracy, dispersion, models, dict(fallbacks), warnings)


def _warnings(trials: list[Trial], weights: Weights, panel: Panel) -> list[str]:
    """What a planner should know about how this night's forecast came about."""
    warnings = []
    if not trials:
        warnings.append("history is too short for a backtest: methods and quantiles are defaults, accuracy is unknown")
    if panel.blocks < SEASON_BLOCKS:
        warnings.append("history is shorter than two years: aggregates have no yearly season of their own")
    off = [band for band, (_, weight) in weights.items() if weight == 0]
    if trials and off:
        warnings.append(
            f"weeks {', '.join(off)}: drawing the series towards the aggregates lost in the backtest and is off"
        )
    return warnings
