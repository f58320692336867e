"""Estimates drawn together: by hand where they can be, and what must hold of any."""

from __future__ import annotations

import numpy as np
import pytest

from ml.response.shrinkage import draw_together


def test_two_products_alike_in_noise_move_to_their_mean_by_the_share_of_noise() -> None:
    # values 0 and 4, noise 2 each: Paule-Mandel spread t solves (4 + 4) / (2 + t) = 1, so t = 6. The group's mean is 2
    # with variance (2 + 6) / 2 = 4, the company's is the same. A product keeps 6 / (6 + 2) of its own value; its
    # variance is 0.75 x 2 + 0.25^2 x 4 = 1.75.
    drawn = draw_together(np.array([0.0, 4.0]), np.array([2.0, 2.0]), [np.zeros(2, int), np.zeros(2, int)])
    assert drawn.spread**2 == pytest.approx(6.0, rel=1e-6)
    assert drawn.mean == pytest.approx([0.5, 3.5], rel=1e-6)
    assert drawn.sd**2 == pytest.approx([1.75, 1.75], rel=1e-6)
    assert (drawn.top_mean, drawn.top_sd**2) == pytest.approx((2.0, 4.0), rel=1e-6)


def test_without_spread_all_are_the_weighed_mean() -> None:
    drawn = draw_together(np.array([1.0, 1.2]), np.array([1.0, 3.0]), [np.zeros(2, int)])
    assert drawn.spread == 0.0
    # (1 / 1 + 1.2 / 3) / (1 + 1 / 3) = 1.05, variance 0.75
    assert drawn.group_mean == pytest.approx([1.05, 1.05])
    assert drawn.top_sd**2 == pytest.approx(0.75)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(40), 25)
    truth = rng.normal(-2, 0.4, 40)[group] + rng.normal(0, 0.5, 1000)
    variance = rng.uniform(0.05, 2.0, 1000)
    drawn = draw_together(truth + rng.normal(0, np.sqrt(variance)), variance, [group])
    inside = np.abs(truth - drawn.mean) <= 1.6449 * drawn.sd
    assert 0.87 <= inside.mean() <= 0.93
    assert np.mean((drawn.mean - truth) ** 2) < 0.85 * np.mean((drawn.group_mean - truth) ** 2)


def test_a_few_members_far_out_do_not_speak_for_all() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(-1.5, 0.5, 400) + rng.normal(0, 0.3, 400)
    values[:20] = rng.choice([-14.0, 15.0], 20)
    drawn = draw_together(values, np.full(400, 0.09), [np.zeros(400, int)])
    assert 0.45 < drawn.spread < 0.8  # 3.3 with squares that count whole
