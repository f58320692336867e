"""Metrics by hand, and intervals that hold what they should."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ml.simulation.outcome import ItemOutcome, Money, by_item, compare_at_service, summarise
from ml.simulation.replay import Replay


def outcome(lost: np.ndarray, stock: np.ndarray, demand: np.ndarray | None = None) -> ItemOutcome:
    n = len(lost)
    wanted = np.full(n, 100.0) if demand is None else demand
    return ItemOutcome("rule", 10, wanted, lost, stock, np.full(n, 9), np.full(n, 2))


def test_a_replay_is_summed_after_its_warm_up():
    rows = {
        "demand_qty": [[5, 2, 0, 4]],
        "lost_qty": [[5, 0, 0, 1]],
        "on_hand_qty": [[0, 4, 0, 0]],
        "ordered_qty": [[7, 0, 0, 3]],
    }
    arrays = {name: np.array(value, dtype=float) for name, value in rows.items()}
    empty = np.zeros((1, 4))
    done = Replay(
        "rule", served_qty=empty, delivered_qty=empty, on_order_qty=empty[:, 0], waiting_qty=empty[:, 0], **arrays
    )
    result = by_item(done, warm_up_days=1)
    assert (result.days, result.demand_qty[0], result.lost_qty[0]) == (3, 6, 1)
    assert result.average_stock_qty[0] == pytest.approx(4 / 3)
    assert result.days_in_stock[0] == 2, "an empty shelf that nobody missed counts as available"
    assert result.orders[0] == 1


def test_a_summary_has_service_stock_and_money_by_group():
    money = Money(np.array([2.0, 1.0]), np.array([0.1, 0.1]), np.array([5.0, 5.0]))
    result = outcome(np.array([10.0, 0.0]), np.array([30.0, 70.0]))
    whole = summarise(result, money).row(0, named=True)
    assert whole["fill_rate"] == pytest.approx(0.95)
    assert whole["availability"] == pytest.approx(0.9)
    assert whole["stock_days"] == pytest.approx(100 * 10 / 200)
    assert (whole["lost_margin_amount"], whole["holding_cost_amount"]) == (20, 100)
    assert whole["total_cost_amount"] == 20 + 100 + 4 * 5
    by_class = summarise(result, money, pl.Series(["slow", "fast"]))
    assert by_class["group"].to_list() == ["fast", "slow"]
    assert by_class["fill_rate"].to_list() == pytest.approx([1.0, 0.9])


def curve(scale: float, n: int = 200, noise: float = 0.0, seed: int = 0) -> list[ItemOutcome]:
    generator = np.random.default_rng(seed)
    swing = 1 + noise * generator.standard_normal(n)
    return [
        outcome(np.full(n, share * 100), np.maximum(stock * scale * swing, 0))
        for share, stock in ((0.1, 10.0), (0.05, 14.0), (0.02, 20.0))
    ]


def test_rules_are_compared_at_the_same_fill_rate():
    found = compare_at_service(curve(0.8), curve(1.0), 0.95)
    assert found.ratio == pytest.approx(0.8)
    assert found.other_stock_qty == pytest.approx(14.0 * 200)
    assert found.claim.startswith("less stock: 0.800")


def test_between_two_points_it_is_read_on_the_logarithm_of_what_is_lost():
    found = compare_at_service(curve(1.0), curve(1.0), 1 - np.sqrt(0.1 * 0.05))
    assert found.stock_qty == pytest.approx(12.0 * 200)


def test_no_claim_where_the_interval_crosses_one_or_a_curve_ends():
    close = compare_at_service(curve(0.99, noise=1.0), curve(1.0, noise=1.0, seed=1), 0.95)
    assert close.claim == "no claim: the interval crosses 1"
    assert compare_at_service(curve(0.8), curve(1.0), 0.99).claim == "no claim: a curve does not reach this service"
