"""The target to ask for, read from a curve of asked and served."""

from __future__ import annotations

import numpy as np
import pytest

from ml.simulation.tuning import target_to_ask

ASKED = np.array([0.8, 0.9, 0.95, 0.98])


def test_what_is_served_as_asked_is_asked_as_wanted():
    assert target_to_ask(0.93, ASKED, ASKED) == pytest.approx(0.93)


def test_where_half_of_the_loss_comes_true_twice_the_loss_is_asked_for():
    served = 1 - (1 - ASKED) / 2
    assert target_to_ask(0.95, ASKED, served) == pytest.approx(0.9)
    assert target_to_ask(0.97, ASKED, served) == pytest.approx(0.94)


def test_beyond_the_ends_the_gap_is_kept():
    served = 1 - (1 - ASKED) / 2
    assert target_to_ask(0.995, ASKED, served) == pytest.approx(0.99)
    assert target_to_ask(0.85, ASKED, served) == pytest.approx(0.7)


def test_chance_in_the_curve_does_not_turn_it_round():
    served = np.array([0.9, 0.95, 0.94, 0.99])
    assert 0.9 <= target_to_ask(0.95, ASKED, served) <= 0.95


def test_it_stays_where_targets_make_sense():
    assert target_to_ask(0.9999, ASKED, ASKED - 0.1) == 0.999
    assert target_to_ask(0.5, ASKED, ASKED + 0.019) == 0.5
