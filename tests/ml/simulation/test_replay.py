"""The replay against closed forms (row numbers: design/numbers.md, section 3), and that it loses no unit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml.planning import formulas
from ml.simulation.replay import Known, Problem, replay


@dataclass(frozen=True)
class Fixed:
    """Order up to a level that never changes."""

    level: float
    reorder_point: float | None = None
    name: str = "fixed"

    def levels(self, known: Known) -> tuple[np.ndarray, np.ndarray]:
        point = self.level if self.reorder_point is None else self.reorder_point
        n = len(known.position_qty)
        return np.full(n, float(point)), np.full(n, float(self.level))


def problem(demand: np.ndarray, *, lead: int = 0, review: int = 1, initial: float = 0.0, **terms) -> Problem:
    n, days = demand.shape
    given_terms = {
        "order_multiple": np.full(n, terms.pop("pack", 1e-6)),
        "min_order_qty": np.full(n, terms.pop("minimum", 0.0)),
    }
    return Problem(
        demand,
        np.zeros((n, 1)),
        np.full((n, days), lead),
        np.arange(days) % review == 0,
        initial_qty=np.full(n, float(initial)),
        **given_terms,
        **terms,
    )


def test_base_stock_poisson_of_row_25():
    demand = np.random.default_rng(1).poisson(1.5, (400, 600)).astype(float)
    for level, in_stock in ((8, 0.847237), (9, 0.916076)):
        done = replay(problem(demand, lead=3, initial=level, is_backordered=True, pack=1.0), Fixed(level))
        owed = np.maximum(done.demand_qty.cumsum(axis=1) - done.delivered_qty.cumsum(axis=1) - level, 0)[:, 50:]
        assert (owed == 0).mean() == pytest.approx(in_stock, abs=0.003)
        if level == 8:
            assert owed.mean() == pytest.approx(0.314021, abs=0.006)


def test_periodic_review_with_normal_demand_keeps_its_cycle_service():
    mean, sd, lead, review = 100.0, 20.0, 2, 4
    level = formulas.order_up_to(mean * (lead + review), formulas.demand_sd(sd, lead + review), 0.9)
    demand = np.maximum(np.random.default_rng(2).normal(mean, sd, (300, 800)), 0)
    done = replay(problem(demand, lead=lead, review=review, initial=level, is_backordered=True), Fixed(float(level)))
    # the day before a delivery is the last of its cycle: an order of day t serves from t + 1 + lead on
    last_of_cycle = np.arange(40 * review + lead, 800, review)
    assert (done.on_hand_qty[:, last_of_cycle] > 0).mean() == pytest.approx(0.9, abs=0.005)


@pytest.mark.parametrize(
    ("distribution", "level", "cost"),
    [(stats.norm(50, 8), 56.603956, 1.997605), (stats.norm(50, 8), 40.0, 7.356132), (stats.poisson(50), 56, 1.797235)],
)
def test_newsvendor_of_rows_1_and_3(distribution, level, cost):
    demand = distribution.rvs((2000, 300), random_state=3).astype(float)
    # what is left at the close is thrown away: one day of demand a problem, many problems
    done = replay(problem(demand.reshape(-1, 1), initial=level), Fixed(0.0))
    assert np.mean(0.18 * done.on_hand_qty + 0.70 * done.lost_qty) == pytest.approx(cost, rel=0.01)


def test_fill_rate_of_lost_sales_lies_above_that_of_backorders_at_the_same_level():
    demand = np.random.default_rng(4).poisson(3.0, (300, 400)).astype(float)
    at = {"lead": 4, "review": 7, "initial": 30.0, "pack": 1.0}
    waiting = replay(problem(demand, **at, is_backordered=True), Fixed(33.0))
    lost = replay(problem(demand, **at), Fixed(33.0))
    assert lost.lost_qty.sum() < waiting.lost_qty.sum()


def test_an_order_arrives_after_its_lead_time_and_not_before():
    done = replay(problem(np.full((1, 8), 1.0), lead=2, review=4, initial=3.0, pack=1.0), Fixed(5.0))
    assert done.ordered_qty[0].tolist() == [3, 0, 0, 0, 4, 0, 0, 0]
    assert done.delivered_qty[0].tolist() == [0, 0, 0, 3, 0, 0, 0, 4]
    assert done.on_hand_qty[0].tolist() == [2, 1, 0, 2, 1, 0, 0, 3]
    assert done.lost_qty[0].tolist() == [0, 0, 0, 0, 0, 0, 1, 0]


def test_minimum_and_packs_follow_a_need_and_never_make_one():
    done = replay(problem(np.array([[0.0, 2.0, 0.0]]), initial=5.0, pack=6.0, minimum=8.0), Fixed(5.0, 3.0))
    assert done.ordered_qty[0].tolist() == [0, 12, 0]


units = st.integers(0, 9)


@settings(max_examples=60, deadline=None)
@given(
    demand=st.lists(st.lists(units, min_size=12, max_size=12), min_size=1, max_size=4),
    lead=st.lists(st.integers(0, 5), min_size=12, max_size=12),
    level=st.integers(0, 25),
    pack=st.integers(1, 7),
    initial=st.integers(0, 20),
    is_backordered=st.booleans(),
)
def test_no_unit_is_made_or_lost(demand, lead, level, pack, initial, is_backordered):
    wanted = np.array(demand, dtype=float)
    n, days = wanted.shape
    case = problem(wanted, review=3, initial=initial, pack=float(pack), is_backordered=is_backordered)
    case = replace(case, lead_time_days=np.broadcast_to(np.array(lead), (n, days)))
    done = replay(case, Fixed(float(level)))
    left = done.on_hand_qty[:, -1]
    handed_out = wanted.sum(axis=1) - (done.waiting_qty if is_backordered else done.lost_qty.sum(axis=1))
    assert (initial + done.delivered_qty.sum(axis=1) == handed_out + left).all()
    assert (done.ordered_qty.sum(axis=1) == done.delivered_qty.sum(axis=1) + done.on_order_qty).all()
    assert (done.on_hand_qty >= 0).all()
    assert (done.ordered_qty % pack == 0).all()
    assert ((done.served_qty + done.lost_qty) == wanted).all()


def test_what_does_not_fit_is_refused():
    good = problem(np.ones((2, 3)))
    with pytest.raises(ValueError, match="initial_qty"):
        replace(good, initial_qty=np.ones(3))
    with pytest.raises(ValueError, match="above zero"):
        replace(good, order_multiple=np.zeros(2))
    with pytest.raises(ValueError, match="below zero"):
        replace(good, demand=np.full((2, 3), -1.0))
