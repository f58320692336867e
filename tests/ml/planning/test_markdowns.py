"""Price paths by hand, against every other path, and by throwing dice."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.planning.markdowns import STATES, Clearance, best_policy, plan_paths, worth_of_path

STEPS = np.array([0.0, 0.2, 0.5])


def _stocks(stock, price, elasticity, mean, **more) -> Clearance:
    rows = len(stock)
    given = {"kept_qty": 0.0, "kept_value": 0.0, "salvage": 0.0, "held": 0.0, "spread": 0.0, **more}
    return Clearance(
        stock=np.array(stock, float),
        price=np.array(price, float),
        elasticity=np.array(elasticity, float),
        mean=np.array(mean, float),
        **{name: np.broadcast_to(np.asarray(value, float), (rows,)).copy() for name, value in given.items()},
    )


def _plan(stocks: Clearance, **more):
    return plan_paths(stocks, stocks.elasticity, stocks.elasticity, STEPS, flat_step=1, **more)


def test_one_unit_and_one_period_by_hand() -> None:
    # demand is Poisson: 0.1 at 10.00, 0.1 / 0.8^2 = 0.15625 at 8.00, 0.4 at 5.00
    # 10 (1 - e^-0.1) = 0.951626, 8 (1 - e^-0.15625) = 1.157226, 5 (1 - e^-0.4) = 1.648400
    found = _plan(_stocks([1], [10], [-2], [[0.1]]))
    assert found.step.tolist() == [[2]]
    assert found.recovery == pytest.approx([1.648400], abs=1e-4)
    assert found.nothing == pytest.approx([0.951626], abs=1e-4)
    assert found.flat == pytest.approx([1.157226], abs=1e-4)
    assert found.left_qty == pytest.approx([np.exp(-0.4)], abs=1e-4)


def test_what_is_worth_keeping_is_not_marked_down() -> None:
    kept = _stocks([10], [10], [-2], [[0.5] * 4], kept_qty=10.0, kept_value=8.0)
    assert _plan(kept).step.max() == 0
    assert _plan(_stocks([10], [10], [-2], [[0.5] * 4])).step.max() == 2


def test_the_expected_money_lies_in_its_interval_where_a_stronger_answer_sells_what_was_worth_keeping() -> None:
    # 317 units at 45.00, of which 39 keep 20.25 each: sold at 18.00 they bring less
    stocks = _stocks([317], [45], [-2.17], [[3.3] * 8], kept_qty=39.2, kept_value=20.25, salvage=2.0, held=0.08)
    weak, strong = stocks.elasticity + 0.12, stocks.elasticity - 0.12
    steps = np.arange(8) / 10
    found = plan_paths(stocks, weak, strong, steps, flat_step=3)
    assert worth_of_path(stocks.answering(strong), steps, found.step)[0] < found.recovery
    assert found.low < found.recovery <= found.high


def test_demand_that_does_not_answer_keeps_its_price() -> None:
    assert _plan(_stocks([10], [10], [0.0], [[0.5] * 4])).step.max() == 0


def test_no_path_that_never_goes_up_is_worth_more_than_the_plan() -> None:
    stocks = _stocks(
        [6, 9], [10, 4], [-1.7, -2.6], [[0.6, 0.5, 0.4], [0.5, 0.9, 0.7]], salvage=0.4, held=0.05, spread=0.3
    )
    _, value = best_policy(stocks, STEPS)
    paths = [path for path in itertools.product(range(3), repeat=3) if list(path) == sorted(path)]
    worth = np.stack([worth_of_path(stocks, STEPS, np.tile(path, (2, 1)))[0] for path in paths])
    found = _plan(stocks)
    assert (value >= worth.max(axis=0) - 1e-9).all()
    assert (found.recovery >= 0.98 * worth.max(axis=0)).all()
    assert found.looking_again == pytest.approx(value)


def test_expected_money_is_what_dice_bring() -> None:
    stocks = _stocks([7], [10], [-2], [[0.8, 0.8, 0.8]], salvage=1.0, held=0.1)
    policy, value = best_policy(stocks, STEPS)
    rng = np.random.default_rng(2)
    runs = 40_000
    left, at, money = np.full(runs, 7.0), np.zeros(runs, np.int64), np.zeros(runs)
    many = type(policy)([np.repeat(c, runs, axis=0) for c in policy.choice], np.ones(runs))
    for period in range(3):
        at = many.step(period, left, at)
        sold = np.minimum(rng.poisson(0.8 * (1 - STEPS[at]) ** -2.0), left)
        left = left - sold
        money += sold * 10 * (1 - STEPS[at]) - 0.1 * left
    assert (money + left * 1.0).mean() == pytest.approx(value[0], rel=0.01)


def test_large_stocks_are_counted_in_lots_and_demand_keeps_its_mean() -> None:
    # a stock that lasts for ever sells what is demanded
    lots = STATES * 20.0
    found = _plan(_stocks([lots, lots], [10, 10], [-1.0, -1.0], [[30.0, 45.0], [2.0, 3.0]], spread=0.3))
    assert found.sold[0].sum() == pytest.approx(75 / (1 - 0.2 * (found.step[0, 0] == 1)), rel=0.35)
    nothing = worth_of_path(
        _stocks([lots], [10], [-1.0], [[30.0, 45.0]], spread=0.3), STEPS, np.zeros((1, 2), np.int64)
    )
    assert lots - nothing[1][0] == pytest.approx(75, rel=0.02)


def test_a_sell_through_target_goes_deeper_where_prices_can_reach_it() -> None:
    stocks = _stocks([8], [10], [-2.5], [[0.7] * 5], kept_qty=8.0, kept_value=7.0)
    free, eager = _plan(stocks), _plan(stocks, sell_through=0.9)
    assert eager.left_qty[0] < free.left_qty[0]
    assert eager.left_qty[0] <= 0.1 * 8 + 0.3
    assert eager.recovery[0] <= free.recovery[0]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 300), st.floats(0.5, 100), st.floats(-4, 0), st.floats(0.01, 20), st.floats(0, 2)),
        min_size=1,
        max_size=6,
    )
)
def test_what_holds_of_any_stock(rows: list[tuple[int, float, float, float, float]]) -> None:
    stock, price, elasticity, mean, spread = (np.array(column, float) for column in zip(*rows, strict=True))
    stocks = _stocks(stock, price, elasticity, np.repeat(mean[:, None], 4, axis=1), spread=spread, salvage=0.1)
    found = _plan(stocks)
    assert (np.diff(found.step, axis=1) >= 0).all()
    assert (np.diff(np.column_stack([stock, found.left]), axis=1) <= 1e-9).all()
    assert (found.left >= -1e-6).all()
    assert (found.looking_again >= np.maximum(found.nothing, found.flat) - 1e-6 * price * stock).all()
    assert (found.recovery <= price * stock + 1e-6).all()
    assert found.sold.sum(axis=1) + found.left[:, -1] == pytest.approx(stock)
