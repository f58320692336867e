"""Backtest, selection, weights and dispersion on made-up demand whose truth is known."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting.contract import BANDS
from ml.forecasting.daily import HORIZON_DAYS, DayShares, learn_day_shares, open_days
from ml.forecasting.distribution import COUNT, LEVELS, DemandDistribution
from ml.forecasting.evaluation.backtest import METHODS, Outlook, Trial, cutoffs
from ml.forecasting.evaluation.dispersion import measure_dispersion
from ml.forecasting.evaluation.scores import naive_scale
from ml.forecasting.evaluation.weights import NONE, PRIOR, learn_weights
from ml.forecasting.hierarchy import hierarchy_of
from ml.forecasting.metrics import CLASSES
from ml.forecasting.models import baselines
from ml.forecasting.panel import Panel, build_panel
from ml.forecasting.reconciliation import PROPHET, REGRESSION, Targets
from ml.forecasting.selection import MAX_SHIFT, choose, combine, level_factors, wants_lightgbm
from ml.forecasting.settings import ForecastSettings

SETTINGS = ForecastSettings()


def panel_of(demand: np.ndarray) -> Panel:
    """Blocks given directly; every series in its own place, two departments."""
    count = len(demand)
    codes = {
        "total": np.zeros(count, dtype=np.int32),
        "sku": np.arange(count, dtype=np.int32),
        "region": np.zeros(count, dtype=np.int32),
        "location": (np.arange(count) % 5).astype(np.int32),
        "department": (np.arange(count) % 2).astype(np.int32),
    }
    codes |= dict.fromkeys(("category", "location_department", "region_department"), codes["department"])
    born = np.where(demand.any(axis=1), (demand > 0).argmax(axis=1), demand.shape[1]).astype(np.int32)
    return Panel(AS_OF, demand.astype(np.float32), born, codes)


def trial_of(forecasts: dict[str, np.ndarray], actual: np.ndarray, segment: str = "smooth") -> Trial:
    count = len(actual)
    past = panel_of(np.random.default_rng(0).poisson(10, (count, 60)))
    forecasts = {name: forecasts[name].astype(np.float32) for name in METHODS if name in forecasts}
    targets = Targets(hierarchy_of(past.codes), {})
    return Trial(Outlook(past, np.full(count, segment), forecasts, targets), actual)


def test_the_better_method_wins_ties_go_to_the_simpler_and_bias_is_punished() -> None:
    rng = np.random.default_rng(1)
    actual = rng.poisson(10, (200, 26)).astype(float)
    exact = np.full((200, 27), 10.0)
    methods = {"moving_average": exact + 3, "naive_seasonal": exact, "rate_table": exact, "lightgbm": exact * 1.001}
    choice = choose([trial_of(methods, actual)], SETTINGS)
    assert {choice[("smooth", band)] for band, _, _ in BANDS} == {"naive_seasonal"}
    assert choice[("rare", "1-4")] == "rate_table"
    low, noisy = exact - 2.5, exact + rng.choice([-3.0, 3.0], exact.shape)
    methods = {"moving_average": low, "naive_seasonal": low, "rate_table": low, "lightgbm": noisy}
    assert choose([trial_of(methods, actual)], SETTINGS)[("smooth", "5-13")] == "lightgbm"
    unpunished = SETTINGS.model_copy(update={"bias_penalty": 0.0})
    assert choose([trial_of(methods, actual)], unpunished)[("smooth", "5-13")] == "moving_average"


def test_combining_falls_back_where_the_chosen_method_has_nothing() -> None:
    actual = np.ones((4, 26))
    base = np.ones((4, 27))
    forecasts = {"moving_average": base, "naive_seasonal": base * 2, "rate_table": base * 3, "lightgbm": base * 4}
    forecasts["lightgbm"][2] = np.nan
    trial = trial_of(forecasts, actual)
    choice = {(segment, band): "lightgbm" for segment in CLASSES for band, _, _ in BANDS}
    blocks, method = combine(trial.outlook, choice)
    assert blocks[:, 0].tolist() == [4, 4, 3, 4]
    assert [METHODS[k] for k in method[:, 5]] == ["lightgbm", "lightgbm", "rate_table", "lightgbm"]
    assert wants_lightgbm(trial.outlook.segments, choice).tolist() == [0, 1, 2, 3]
    assert wants_lightgbm(trial.outlook.segments, dict.fromkeys(choice, "rate_table")).tolist() == []


def test_a_class_that_every_cutoff_found_too_low_is_raised_by_the_least_of_them() -> None:
    made = np.full((40, 27), 2.0, dtype=np.float32)

    def trial(level: float, count: int = 40) -> Trial:
        return trial_of({"rate_table": made[:count]}, np.full((count, 26), 2.0 * level), "rare")

    def factors(*trials: Trial) -> dict[tuple[str, str], float]:
        return level_factors(list(trials), [made[: len(each.actual)] for each in trials])

    assert factors(trial(1.5), trial(1.2)) == {("rare", band): 1.2 for band, _, _ in BANDS}
    assert factors(trial(0.5), trial(0.8)) == {("rare", band): 0.8 for band, _, _ in BANDS}
    assert set(factors(trial(9.0), trial(8.0)).values()) == {MAX_SHIFT}
    assert factors(trial(1.5), trial(0.9)) == {}  # they do not agree
    assert factors(trial(1.5)) == {}  # one cut-off may be luck
    assert factors(trial(1.09), trial(1.5)) == {}  # the reconciliation sees to so little
    assert factors(trial(1.5), trial(1.5, count=20)) == {}  # too few series
    raised, _ = combine(trial(1.5).outlook, choose([], SETTINGS), {("rare", "5-13"): 1.5})
    assert raised[0, [0, 4, 12, 13]].tolist() == [2, 3, 3, 2]


def test_a_level_that_makes_errors_larger_is_left_alone() -> None:
    # one series of forty sells all: three times its forecast where nothing comes of the others
    made = np.full((40, 27), 1.0, dtype=np.float32)
    came = np.zeros((40, 26))
    came[0] = 60.0
    quiet = trial_of({"rate_table": made}, came, "rare")
    noisy = quiet.actual.copy()
    made[1] = 20.0  # the forecast is as high as that at the wrong one
    assert level_factors([quiet, trial_of({"rate_table": made}, noisy, "rare")], [made, made]) == {}


def test_aggregates_are_used_where_they_help_and_not_where_they_hurt() -> None:
    rng = np.random.default_rng(2)
    actual = rng.poisson(12, (100, 26)).astype(float)
    blocks = np.full((100, 27), 12.0, dtype=np.float32)
    blocks[:, 13:] *= 0.7
    trial = trial_of({"rate_table": blocks}, actual)
    cells = trial.outlook.targets.by_source
    right, wrong = np.full((2, 27), 600.0), np.full((2, 27), 330.0)
    cells[REGRESSION] = right
    learned = learn_weights([trial], [blocks], SETTINGS)
    assert learned.weights == PRIOR  # weeks 1-13: the aggregates say the same, nothing speaks for or against
    before, after = learned.scores["14-26"]
    assert after < 0.5 * before
    cells[REGRESSION] = wrong
    learned = learn_weights([trial], [blocks], SETTINGS)
    assert set(learned.weights.values()) == {NONE}  # a step that loses is off
    assert all(before == after for before, after in learned.scores.values())
    cells[PROPHET] = right
    assert learn_weights([trial], [blocks], SETTINGS).weights["14-26"] == (PROPHET, 1.0)
    other = trial_of({"rate_table": blocks}, actual)
    other.outlook.targets.by_source.update({REGRESSION: right, PROPHET: wrong})
    assert learn_weights([trial, other], [blocks, blocks], SETTINGS).weights["14-26"] != (PROPHET, 1.0)  # one of two
    assert learn_weights([], [], SETTINGS).weights == PRIOR


def test_dispersion_recovers_the_overdispersion_of_generated_demand() -> None:
    rng = np.random.default_rng(3)
    count, alpha = 3000, 0.5
    mean = np.exp(rng.uniform(np.log(0.7), np.log(70), count))
    actual = rng.poisson(rng.gamma(1 / alpha, alpha * np.repeat(mean[:, None], 26, axis=1)))
    blocks = np.repeat(mean[:, None], 27, axis=1).astype(np.float32)
    trial = trial_of({"rate_table": blocks}, actual.astype(float))
    even, one = np.full((count, 7), 1 / 7), np.ones((1, HORIZON_DAYS))
    shares = DayShares(even, one[0], one, np.zeros(count, dtype=np.int32))
    history = make_history(3, 30)
    table = measure_dispersion([trial], [blocks], [shares], history, True, SETTINGS)
    demand = DemandDistribution.from_frame(table)
    for rate in (0.3, 1.0, 3.0):
        assert demand.alpha(np.array([7 * rate]), 7)[0] == pytest.approx(alpha, rel=0.3)
        assert demand.alpha(np.array([28 * rate]), 28)[0] == pytest.approx(alpha / 4, rel=0.35)
    quantiles = demand.published_quantiles(np.repeat(mean, 26), 7)
    flat = actual.ravel()
    for level, column in zip(LEVELS, quantiles.T, strict=True):
        below, at = (flat < column).mean(), (flat == column).mean()
        assert below - 0.02 <= level <= below + at + 0.02
    assert set(table["family"]) == {COUNT}


def test_dispersion_tells_demand_classes_apart_and_finds_what_stands_idle() -> None:
    rng = np.random.default_rng(4)
    count, mean = 3000, 7.0
    alpha = np.where(np.arange(count) % 2 == 0, 0.2, 2.0)[:, None]
    idle = (rng.random((count, 26)) < 0.18) & (alpha == 0.2)
    inner = np.where(alpha == 0.2, mean / (1 - 0.18), mean)
    actual = rng.poisson(rng.gamma(1 / alpha, alpha * inner, (count, 26))) * ~idle
    blocks = np.full((count, 27), mean, dtype=np.float32)
    trial = trial_of({"rate_table": blocks}, actual.astype(float))
    trial.outlook.segments[:] = np.where(alpha[:, 0] == 0.2, "smooth", "lumpy")
    one = np.ones((1, HORIZON_DAYS))
    shares = DayShares(np.full((count, 7), 1 / 7), one[0], one, np.zeros(count, dtype=np.int32))
    table = measure_dispersion([trial], [blocks], [shares], make_history(3, 30), True, SETTINGS)
    demand = DemandDistribution.from_frame(table)
    codes = demand.codes(pl.Series(["smooth", "lumpy"]))
    assert demand.alpha(np.full(2, mean), 7, segment=codes) == pytest.approx([0.2, 2.0], rel=0.3)
    weekly = table.filter(window_days=7, lead_days=0).group_by("segment").agg(pl.col("idle_share").first())
    shares_found = dict(weekly.iter_rows())
    assert shares_found["smooth"] == 0.18
    assert shares_found["lumpy"] <= 0.015  # the next to nothing


def test_without_trials_the_dispersion_is_a_usable_default() -> None:
    table = measure_dispersion([], [], [], make_history(3, 30), True, SETTINGS)
    demand = DemandDistribution.from_frame(table)
    assert (demand.quantile(np.array([0.5, 5.0, 50.0]), 14, 0.95) > np.array([0.5, 5.0, 50.0])).all()


def test_cutoffs_leave_enough_history() -> None:
    assert cutoffs(panel_of(np.ones((2, 90))), SETTINGS) == [52, 26, 13]
    assert cutoffs(panel_of(np.ones((2, 60))), SETTINGS) == [26, 13]
    assert cutoffs(panel_of(np.ones((2, 35))), SETTINGS) == [13]
    assert cutoffs(panel_of(np.ones((2, 9))), SETTINGS) == [3]
    assert cutoffs(panel_of(np.ones((2, 5))), SETTINGS) == []


def test_naive_scale_against_its_definition() -> None:
    demand = np.array([[0, 0, 3, 0, 2, 5, 0, 4.0], [0, 0, 0, 0, 0, 0, 1, 2.0], [0] * 8])
    scale = naive_scale(demand)
    assert scale[0] == pytest.approx(np.mean(np.diff([3, 0, 2, 5, 0, 4]) ** 2))
    assert np.isnan(scale[1:]).all()


def test_rate_table_knows_that_a_first_sale_is_not_a_rate() -> None:
    rng = np.random.default_rng(5)
    demand = (rng.random((4000, 60)) < 0.02).astype(float)
    panel = panel_of(demand)
    recent_first = np.flatnonzero((panel.born >= 57) & (panel.born < 60))
    assert baselines.moving_average(panel)[recent_first, 0].mean() > 0.3
    everything = baselines.rate_table(panel)
    assert everything[panel.born < 60, 0].mean() == pytest.approx(0.02, rel=0.25)


def test_seasonal_naive_is_last_year_or_the_last_week() -> None:
    demand = np.arange(220.0).reshape(2, 110)
    panel = panel_of(demand + 1)
    assert baselines.seasonal_naive(panel)[0, :3].tolist() == [59, 60, 61]
    assert baselines.seasonal_naive(panel.earlier(30))[0, :3].tolist() == [80, 80, 80]


def test_weekday_profile_and_closed_days() -> None:
    series, history = make_series(12), make_history(12, 800, highest=20.0)
    closed = [date(2023, 4, 13), date(2022, 4, 13)]  # 45 days ahead is 13 April
    history = history.filter(~pl.col("date").is_in(closed))
    panel = build_panel(series, history, AS_OF)
    shares = learn_day_shares(history, panel, None)
    np.testing.assert_allclose(shares.weekday.sum(axis=1), 1, rtol=1e-5)
    assert np.flatnonzero(open_days(history, AS_OF) == 0).tolist() == [44]
    blocks = np.full((12, 27), 14.0)
    days = shares.split(blocks, slice(None))
    assert (days[:, 44] == 0).all()
    np.testing.assert_allclose(days.reshape(12, 27, 7).sum(axis=2), blocks, rtol=1e-9)
