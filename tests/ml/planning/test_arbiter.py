"""One action a product and place: the one that is worth most, and all values shown."""

from __future__ import annotations

import polars as pl
import pytest

from ml.planning.arbiter import ACTIONS_SCHEMA, arbitrate


def actions(*rows: tuple[str, str, str, float | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=ACTIONS_SCHEMA, orient="row")


def test_the_action_worth_most_is_chosen_and_every_value_is_shown():
    found = arbitrate(
        actions(
            ("A", "S1", "order", 5.0),
            ("A", "S1", "move_in", 7.0),
            ("A", "S2", "move_in", 7.0),
            ("A", "S2", "order", 8.0),
            ("B", "S1", "order", -1.0),
        )
    )
    assert found.rows() == [
        ("A", "S1", "move_in", 5.0, 7.0),
        ("A", "S2", "order", 8.0, 7.0),
        ("B", "S1", "order", -1.0, None),
    ]
    assert found.columns[2:] == ["chosen_action", "order_value_amount", "move_in_value_amount"]


def test_of_two_that_are_worth_the_same_the_order_stays_whatever_the_rows_order():
    rows = [("A", "S1", "move_in", 5.0), ("A", "S1", "order", 5.0)]
    assert arbitrate(actions(*rows))["chosen_action"].to_list() == ["order"]
    assert arbitrate(actions(*rows[::-1]))["chosen_action"].to_list() == ["order"]


def test_a_value_that_nobody_knows_counts_as_nothing():
    found = arbitrate(actions(("A", "S1", "order", None), ("A", "S1", "move_in", 0.1)))
    assert found["chosen_action"].to_list() == ["move_in"]


def test_an_action_that_it_does_not_know_is_refused():
    with pytest.raises(ValueError, match="burn — the arbiter knows order, move_in"):
        arbitrate(actions(("A", "S1", "burn", 1.0)))
