"""Levels for a service target, against closed forms and against the replay."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml.forecasting.distribution import ALL, COUNT, DISPERSION_SCHEMA, MEASURE, DemandDistribution
from ml.planning.service import Cycle, common_price, cycle_target, expected_fill, fill_rate_target, value_target
from ml.simulation.outcome import by_item
from ml.simulation.policies import PlannedLevels
from ml.simulation.replay import Problem, replay


def distribution(alpha: float = 1e-9, family: str = COUNT) -> DemandDistribution:
    return DemandDistribution.from_frame(
        pl.DataFrame([(family, ALL, 0, 7, 1.0, alpha, 0.0, 0)], schema=DISPERSION_SCHEMA, orient="row")
    )


def cycle(rate, lead, review, alpha=1e-9, family=COUNT, lead_variance=0.0) -> Cycle:
    """Lines of these daily rates (one or an array), an order that comes after `lead` days and one `review` later."""
    rates = np.atleast_1d(np.asarray(rate, dtype=float))
    n = np.ones(len(rates))
    days = lead + review
    return Cycle(
        distribution(alpha, family),
        rates * days,
        days * n,
        rates * lead,
        lead * n,
        lead_variance * n,
        0 * n.astype(int),
    )


def level(rate, lead, review, service, alpha=1e-9, family=COUNT):
    return fill_rate_target(cycle(rate, lead, review, alpha, family), service * np.ones(1))[0]


def test_without_lead_time_it_is_the_loss_function():
    # review 7, demand Poisson(14): the smallest S with E[(D - S)+] <= 2 % of 14
    found = level(2.0, 0, 7, 0.98)
    losses = [stats.poisson(14).sf(np.arange(s, 200)).sum() for s in range(40)]
    assert found == next(s for s, lost in enumerate(losses) if lost <= 0.02 * 14 + 1e-12)


def test_fill_asks_for_less_than_cycle_service_of_the_same_number():
    one = np.ones(1)
    assert level(2.0, 7, 7, 0.95, alpha=0.3) < cycle_target(cycle(2.0, 7, 7, 0.3), 0.95 * one)[0]


def test_measured_goods_have_levels_between_units():
    found = level(2.0, 0, 7, 0.98, alpha=0.1, family=MEASURE)
    assert found != round(found)
    short = cycle(2.0, 0, 7, 0.1, MEASURE).short_qty(np.array([found]))[0]
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
    # the test's distribution is Poisson; what demand varies more comes in as the variance of the days
    spread = Cycle(
        distribution(), rate * days * n, days * n, rate * lead * n, lead * n, days * rate * 0.8 * n, 0 * n.astype(int)
    )
    target = fill_rate_target(spread, service * n)
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


@pytest.mark.parametrize(("holding", "penalty", "mean", "best"), [(1.0, 4.0, 6.0, 8), (0.18, 0.70, 50.0, 56)])
def test_by_value_one_day_at_a_time_is_the_newsvendor(holding, penalty, mean, best):
    """numbers.md section 3, rows 3 and 4: the smallest S with F(S) >= p / (p + h)."""
    found = value_target(cycle(mean, 0, 1), np.ones(1), np.array([penalty / holding]))
    assert found[0] == best


@pytest.mark.parametrize("lot", [1, 6, 20])
@pytest.mark.parametrize("price", [10.0, 60.0, 400.0])
def test_by_value_the_level_has_the_least_cost_of_all_levels(lot, price):
    """The cost of whole lots, summed by hand: positions lie evenly on S ... S + lot - 1 after each review."""
    rate, lead, review = 0.8, 3, 7

    def cost(position: int) -> float:
        demand = [stats.poisson(rate * day) for day in range(lead, lead + review + 1)]
        units = np.arange(400)
        short = [np.maximum(units - position, 0) @ day.pmf(units) for day in (demand[-1], demand[0])]
        held = sum(np.maximum(position - units, 0) @ day.pmf(units) for day in demand[1:])
        return price * (short[0] - short[1]) + held

    costs = np.array([cost(position) for position in range(90)])
    best = int(np.argmin(np.convolve(costs, np.ones(lot), mode="valid")))
    found = value_target(cycle(rate, lead, review), np.array([float(lot)]), np.array([price]))[0]
    assert abs(found - best) <= (1 if lot > 1 else 0), "two days stand for seven in the stock held"


def test_larger_lots_wait_longer():
    one, twelve = value_target(cycle([2.0, 2.0], 7, 7, 0.3), np.array([1.0, 12.0]), np.array([60.0, 60.0]))
    assert twelve < one


@pytest.mark.parametrize("service", [0.9, 0.95, 0.99])
def test_one_price_serves_the_share_that_was_asked_for(service):
    rates = np.random.default_rng(3).lognormal(-1.0, 1.5, 800)
    lines, lot = cycle(rates, 7, 7, 0.4), np.tile([1.0, 6.0], 400)
    price = common_price(lines, lot, np.ones(800), service)
    level = value_target(lines, lot, np.full(800, price))
    served = expected_fill(lines, lot, level) @ lines.review_demand / lines.review_demand.sum()
    assert served == pytest.approx(service, abs=0.003)


def test_by_value_the_same_service_takes_less_stock_than_the_same_share_for_each_line():
    # many that sell once in three months, few that sell daily
    lines = cycle(np.repeat([0.011, 1.0], [400, 20]), 7, 7, 0.4)
    lot, worth, demand = np.ones(420), np.ones(420), lines.review_demand
    each = fill_rate_target(lines, np.full(420, 0.95))
    served_each = expected_fill(lines, lot, each) @ demand / demand.sum()
    level = value_target(lines, lot, common_price(lines, lot, worth, served_each) * worth)
    assert expected_fill(lines, lot, level) @ demand / demand.sum() == pytest.approx(served_each, abs=0.003)
    assert lines.held_qty_days(level).sum() < 0.8 * lines.held_qty_days(each).sum()


def test_what_is_worth_more_is_served_better():
    lines = cycle([1.0, 1.0], 7, 7, 0.4)
    cheap, dear = value_target(lines, np.ones(2), np.array([20.0, 80.0]))
    assert dear > cheap


@settings(max_examples=50, deadline=None)
@given(
    st.floats(0.01, 20),
    st.integers(0, 10),
    st.integers(1, 14),
    st.floats(5, 500),
    st.floats(1e-4, 2),
    st.integers(1, 24),
)
def test_a_dearer_lost_sale_never_takes_less_stock(rate, lead, review, price, alpha, lot):
    lines = cycle([rate, rate], lead, review, alpha)
    low, high = value_target(lines, np.full(2, float(lot)), np.array([price, 1.2 * price]))
    assert low <= high


def test_the_stock_held_is_the_sum_over_the_days():
    position, rate = 25, 1.3
    units = np.arange(200)
    by_hand = sum(np.maximum(position - units, 0) @ stats.poisson(rate * day).pmf(units) for day in range(8, 15))
    assert cycle(rate, 7, 7).held_qty_days(np.array([float(position)]))[0] == pytest.approx(by_hand, rel=2e-3)
