"""Levels for a service target, against closed forms and against the replay."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml.forecasting.distribution import COUNT, DISPERSION_SCHEMA, MEASURE, DemandDistribution
from ml.planning.service import cycle_target, fill_rate_target, short_qty
from ml.simulation.outcome import by_item
from ml.simulation.policies import PlannedLevels
from ml.simulation.replay import Problem, replay


def distribution(alpha: float = 1e-9, family: str = COUNT) -> DemandDistribution:
    return DemandDistribution.from_frame(
        pl.DataFrame([(family, 0, 7, 1.0, alpha, 0)], schema=DISPERSION_SCHEMA, orient="row")
    )


def level(rate, lead, review, service, alpha=1e-9, family=COUNT):
    n = np.ones(1)
    days, before = (lead + review) * n, lead * n
    return fill_rate_target(
        distribution(alpha, family), rate * days, days, rate * before, before, service * n, 0 * n, 0 * n
    )[0]


def test_without_lead_time_it_is_the_loss_function():
    # review 7, demand Poisson(14): the smallest S with E[(D - S)+] <= 2 % of 14
    found = level(2.0, 0, 7, 0.98)
    losses = [stats.poisson(14).sf(np.arange(s, 200)).sum() for s in range(40)]
    assert found == next(s for s, lost in enumerate(losses) if lost <= 0.02 * 14 + 1e-12)


def test_fill_asks_for_less_than_cycle_service_of_the_same_number():
    one = np.ones(1)
    cycle = cycle_target(distribution(0.3), 28 * one, 14 * one, 0.95 * one, 0 * one)[0]
    assert level(2.0, 7, 7, 0.95, alpha=0.3) < cycle


def test_measured_goods_have_levels_between_units():
    found = level(2.0, 0, 7, 0.98, alpha=0.1, family=MEASURE)
    assert found != round(found)
    n = np.ones(1)
    short = short_qty(distribution(0.1, MEASURE), 14 * n, 7 * n, 0 * n, 0 * n, found * n, 0 * n, 0 * n)[0]
    assert short == pytest.approx(0.02 * 14, abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 20), st.integers(0, 10), st.integers(1, 14), st.floats(0.5, 0.99), st.floats(1e-4, 2))
def test_more_service_never_takes_less_stock(rate, lead, review, service, alpha):
    assert level(rate, lead, review, service, alpha) <= level(rate, lead, review, service + 0.009, alpha)


def test_nothing_demanded_needs_nothing():
    assert level(0.0, 3, 7, 0.98) == 0


@pytest.mark.parametrize("service", [0.9, 0.95, 0.98])
def test_the_replay_finds_the_fill_rate_that_was_asked_for(service):
    rate, lead, review, n = 1.5, 4, 7, np.ones(1)
    # independent days, each with the variance rate + 0.8 rate: a window of d days has d times that
    size = rate / 0.8
    demand = np.random.default_rng(5).negative_binomial(size, size / (size + rate), (300, 700)).astype(float)
    days = lead + review
    spread = (days * rate * 0.8 * n, lead * rate * 0.8 * n)
    target = fill_rate_target(
        distribution(), rate * days * n, days * n, rate * lead * n, lead * n, service * n, *spread
    )
    problem = Problem(
        demand,
        np.zeros((300, 1)),
        np.full((300, 700), lead),
        np.arange(700) % review == 0,
        np.ones(300),
        np.zeros(300),
        np.full(300, target[0]),
        is_backordered=True,
    )
    rule = PlannedLevels(np.full((300, 1), target[0]), np.zeros(700, dtype=int))
    done = by_item(replay(problem, rule), warm_up_days=50)
    realised = 1 - done.lost_qty.sum() / done.demand_qty.sum()
    # whole units overshoot a little; never under by more than chance
    assert service - 0.004 <= realised <= service + 0.02
