"""Training: backtest, choice, weights, dispersion and the fit on all that is known. And when it is due.

What belongs here: what takes minutes and is done weekly, champion and challenger. What does not: the night's forecast
(pipeline.py), and the form and place of what was trained (trained.py, the registry of orchestration).

Champion and challenger: at each training the challenger's backtest scores all methods and weights, those of the
champion among them, on the same cut-offs. A method or weight takes the champion's place where it is better by
settings.tie_margin; in a tie the champion's stays. The trees are then fitted on the newest history: a fit that has seen
more weeks has no window on which both are unseen, so it is only refused when it is worse than the champion's on weeks
that it has itself seen, which says that it is broken.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.contract import check_events, check_history, check_series, is_counted
from ml.forecasting.daily import learn_day_shares
from ml.forecasting.distribution import DemandDistribution
from ml.forecasting.evaluation.accuracy import Scored, accuracy_table, steps_of
from ml.forecasting.evaluation.backtest import Outlook, Say, Trial, fit_model, look_ahead, run_backtest
from ml.forecasting.evaluation.dispersion import measure_dispersion
from ml.forecasting.evaluation.level_dispersion import measure_level_dispersion
from ml.forecasting.evaluation.offer_worth import OfferWorth, as_known, learn_offer_weights
from ml.forecasting.evaluation.repairs import repair_worth
from ml.forecasting.evaluation.tuning import Tuned, tune
from ml.forecasting.evaluation.weights import LearnedWeights, learn_weights
from ml.forecasting.features import FeatureStore
from ml.forecasting.metrics import demand_classes
from ml.forecasting.models.lightgbm import BlockModel
from ml.forecasting.offers import NightOffers, night_offers
from ml.forecasting.panel import BLOCK_DAYS, Panel, build_panel
from ml.forecasting.reconciliation import reconcile
from ml.forecasting.selection import Choice, Factors, choose, combine, level_factors, wants_lightgbm
from ml.forecasting.settings import ForecastSettings
from ml.forecasting.trained import Trained, from_files, to_files

DRIFT_BLOCKS = 4  # weeks after the cut-off that errors are compared on: those of the first horizon band
GUARD_SERIES = 20_000  # series that a new fit is checked on


@dataclass(frozen=True)
class Night:
    """What is known at the close of as_of.

    given: the history as it came, with repairs; history: checked, demand alone. offers: prices and promotions.
    """

    series: pl.DataFrame
    given: pl.DataFrame
    history: pl.DataFrame
    panel: Panel
    is_count: bool
    warnings: list[str]
    offers: NightOffers | None = None

    @property
    def as_of(self) -> date:
        """Last day known."""
        return self.panel.cutoff


def make_night(
    series: pl.DataFrame,
    history: pl.DataFrame,
    as_of: date,
    events: pl.DataFrame | None,
    prices: pl.DataFrame | None = None,
    promotions: pl.DataFrame | None = None,
) -> Night:
    """Check what came and lay it out as a panel. Raises contract.ContractError when a frame is not as agreed."""
    series = check_series(series)
    checked, warnings = check_history(history, series, as_of)
    panel = build_panel(series, checked, as_of, check_events(events))
    offers = night_offers(prices, promotions, panel.series, panel.blocks, as_of)
    return Night(series, history, checked, panel, is_counted(history), warnings, offers)


def why_train(night: Night, champion: Trained | None, settings: ForecastSettings, say: Say) -> str:
    """Why models are trained this night, in words; empty where the champion serves."""
    if champion is None:
        return "there is no champion yet"
    age = (night.as_of - champion.cutoff).days
    if age < 0:
        return f"the champion has seen days up to {champion.cutoff}, after the day to close"
    if champion.settings_digest != settings.training_digest:
        return "settings that models depend on were changed"
    if champion.is_count != night.is_count:
        return "demand is now counted in units" if night.is_count else "demand is no longer counted in units"
    if age >= settings.retrain_days:
        return f"the champion is {age} days old, {settings.retrain_days} are allowed"
    drift = drift_since(night, champion, settings, say)
    if drift > settings.retrain_drift:
        return (
            f"its error since training is {drift:.0%} above that of the backtest, {settings.retrain_drift:.0%} allowed"
        )
    return ""


def drift_since(night: Night, champion: Trained, settings: ForecastSettings, say: Say) -> float:
    """Relative error of the champion on the whole weeks since its training over that of its backtest, less 1.

    The moving average is the yardstick of both, so a quiet or a wild week is not mistaken for drift. 0 where no whole
    week has passed, or nothing was backtested.
    """
    weeks = min((night.as_of - champion.cutoff).days // BLOCK_DAYS, DRIFT_BLOCKS, night.panel.blocks - 1)
    if weeks < 1 or not champion.relative_error > 0:
        return 0.0
    past = night.panel.earlier(weeks)
    segments = demand_classes(past.demand, past.born)
    asked = wants_lightgbm(segments, champion.choice)
    outlook = look_ahead(past, night.history, segments, asked, champion.model, settings, say, has_prophet=False)
    actual = night.panel.demand[:, past.blocks :]
    error = relative_error([(outlook, combine(outlook, champion.choice, champion.factors)[0], actual)])
    return error / champion.relative_error - 1 if np.isfinite(error) else 0.0


def relative_error(forecasts: list[tuple[Outlook, np.ndarray, np.ndarray]]) -> float:
    """Summed absolute error of block forecasts over that of the moving average, first DRIFT_BLOCKS blocks; or NaN.

    forecasts: (outlook, its selected forecast, what came) of each cut-off.
    """
    own, usual = 0.0, 0.0
    for outlook, selected, actual in forecasts:
        came = actual[:, :DRIFT_BLOCKS].astype(np.float64)
        own += float(np.abs(selected[:, : came.shape[1]] - came).sum())
        usual += float(np.abs(outlook.forecasts["moving_average"][:, : came.shape[1]] - came).sum())
    return own / usual if usual > 0 else float("nan")


def train(night: Night, champion: Trained | None, settings: ForecastSettings, say: Say) -> Trained:
    """Backtest, choose, measure and fit with what the night knows; champion: what is in use, or None.

    A model that cannot be fitted is replaced and counted, nothing is raised.
    """
    if champion is not None and champion.cutoff > night.as_of:
        champion = None  # what it chose was chosen on days that are still to come
    panel, history = night.panel, night.history
    digest = settings.training_digest
    tuned, tuned_on = _tuning(night, champion, settings, say)
    settings = settings.model_copy(update=tuned)
    trials = run_backtest(panel, history, settings, say)
    choice = choose(trials, settings, champion.choice if champion else None)
    asked = wants_lightgbm(demand_classes(panel.demand, panel.born), choice)
    with ThreadPoolExecutor(1) as beside:  # the fit grows in a worker while this process measures (demo: 225 -> 153 s)
        fitting = beside.submit(fit_model, panel, asked, settings, settings.train_rows, say)
        factors = level_factors(trials, [combine(trial.outlook, choice)[0] for trial in trials])
        selected = [combine(trial.outlook, choice, factors)[0] for trial in trials]
        learned = learn_weights(trials, selected, settings, champion.learned.weights if champion else None)
        final = [
            reconcile(blocks, trial.outlook.targets, learned.weights)
            for trial, blocks in zip(trials, selected, strict=True)
        ]
        offers = night.offers.blocks if night.offers else None
        worth = learn_offer_weights(trials, final, offers, settings)
        final = as_known(trials, final, offers, worth.weights)
        dispersion, accuracy = _measure(night, trials, selected, final, settings)
        say(f"dispersion measured on {int(dispersion['windows'].sum()):,} windows")
        model, failed = fitting.result()
    fallbacks = Counter(failed)
    for trial in trials:
        fallbacks.update(trial.outlook.fallbacks)
    warnings = [*_warnings(trials, learned), *_offer_warnings(worth)]
    if model is not None and champion is not None and champion.model is not None:
        excess = _excess_error(model, champion.model, night, asked, settings)
        if excess > settings.retrain_drift:
            fallbacks["new fit refused, that of the champion stays"] += 1
            warnings.append(
                f"the new fit of LightGBM was {excess:.0%} worse than the champion's on the last {DRIFT_BLOCKS} weeks, "
                "which it has seen; the champion's stays"
            )
            model = champion.model
    trained = Trained(
        cutoff=night.as_of,
        settings_digest=digest,
        tuned=tuned,
        tuned_on=tuned_on,
        is_count=night.is_count,
        model=model,
        choice=choice,
        factors=factors,
        learned=learned,
        dispersion=dispersion,
        level_dispersion=measure_level_dispersion(trials, final, night.is_count, settings.seed),
        accuracy=pl.concat([accuracy, worth.accuracy]),
        offer_weights=worth.weights,
        relative_error=relative_error([(t.outlook, s, t.actual) for t, s in zip(trials, selected, strict=True)]),
        models=[facts for trial in trials for facts in trial.outlook.models]
        + _facts(model, choice, factors, learned, worth),
        fallbacks=dict(fallbacks),
        warnings=warnings,
    )
    return from_files(to_files(trained))


def _tuning(night: Night, champion: Trained | None, settings: ForecastSettings, say: Say) -> tuple[Tuned, date]:
    """(settings of LightGBM that the last tuning found better, its day). The first training counts as one.

    Settings that were changed by hand start anew.
    """
    if champion is None or champion.settings_digest != settings.training_digest:
        return {}, night.as_of
    if (night.as_of - champion.tuned_on).days < settings.tune_days:
        return champion.tuned, champion.tuned_on
    in_use = settings.model_copy(update=champion.tuned)
    return champion.tuned | tune(night.panel, in_use, say), night.as_of


def _measure(
    night: Night, trials: list[Trial], selected: list[np.ndarray], final: list[np.ndarray], settings: ForecastSettings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(dispersion over all trials, accuracy of every step; quantiles scored with a dispersion of the other trials)."""
    shares = [learn_day_shares(night.history, trial.outlook.panel, settings.holiday_country) for trial in trials]

    def measure(kept: list[int]) -> pl.DataFrame:
        chosen = ([trials[k] for k in kept], [final[k] for k in kept], [shares[k] for k in kept])
        return measure_dispersion(*chosen, night.history, night.is_count, settings)

    scored = []
    for k, trial in enumerate(trials):
        others = [other for other in range(len(trials)) if other != k] or [k]
        steps = steps_of(trial, selected[k], final[k])
        scored.append(Scored(trial, steps, DemandDistribution.from_frame(measure(others))))
    accuracy = pl.concat([accuracy_table(scored), repair_worth(trials, night.panel, night.given)])
    return measure(list(range(len(trials)))), accuracy


def _excess_error(
    model: BlockModel, champion: BlockModel, night: Night, asked: np.ndarray, settings: ForecastSettings
) -> float:
    """How much larger the summed absolute error of a model is than the champion's, as a share, on the last weeks."""
    past = night.panel.earlier(min(DRIFT_BLOCKS, night.panel.blocks - 1))
    alive = asked[past.born[asked] < past.blocks]
    rows = np.sort(np.random.default_rng(settings.seed).permutation(alive)[:GUARD_SERIES])
    actual = night.panel.demand[rows, past.blocks :]
    errors = []
    for each in (model, champion):
        store = FeatureStore(past, settings.holiday_country, each.code_labels)
        made = each.predict(store, rows, settings.threads)[:, : actual.shape[1]]
        errors.append(float(np.abs(made - actual).sum(dtype=np.float64)))
    return errors[0] / errors[1] - 1 if errors[1] > 0 else 0.0


def _facts(
    model: BlockModel | None, choice: Choice, factors: Factors, learned: LearnedWeights, worth: OfferWorth
) -> list[dict[str, object]]:
    """What the manifest says of the fit, the selection and the reconciliation."""
    return [
        *([model.facts] if model else []),
        {
            "name": "selection",
            "choice": {f"{segment} {band}": name for (segment, band), name in choice.items()},
            "level": {f"{segment} {band}": factor for (segment, band), factor in factors.items()},
        },
        {
            "name": "reconciliation",
            "weights": {band: list(how) for band, how in learned.weights.items()},
            "rmsse_without": {band: round(before, 4) for band, (before, _) in learned.scores.items()},
            "rmsse_with": {band: round(after, 4) for band, (_, after) in learned.scores.items()},
        },
        *_offer_facts(worth),
    ]


def _warnings(trials: list[Trial], learned: LearnedWeights) -> list[str]:
    """What a planner should know about how the models came about."""
    warnings = []
    if not trials:
        warnings.append("history is too short for a backtest: methods and quantiles are defaults, accuracy is unknown")
    off = [band for band, (_, weight) in learned.weights.items() if weight == 0]
    if trials and off:
        warnings.append(
            f"weeks {', '.join(off)}: drawing the series towards the aggregates lost in the backtest and is off"
        )
    return warnings


def _offer_facts(worth: OfferWorth) -> list[dict[str, object]]:
    return [
        {
            "name": f"effect of {kind}",
            "weights": weights,
            "error_without": {band: round(before, 4) for band, (before, _) in worth.errors[kind].items()},
            "error_with": {band: round(after, 4) for band, (_, after) in worth.errors[kind].items()},
        }
        for kind, weights in worth.weights.items()
        if weights
    ]


def _offer_warnings(worth: OfferWorth) -> list[str]:
    """Effects that the backtest did not confirm, in words."""
    off = {kind: [band for band, weight in weights.items() if not weight] for kind, weights in worth.weights.items()}
    return [
        f"weeks {', '.join(bands)}: the effect of a {kind} was no gain in the backtest and is off"
        for kind, bands in off.items()
        if bands
    ]
