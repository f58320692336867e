"""What steps say beside their tables: each its own, in one table."""

from __future__ import annotations

import duckdb
import pytest

from orchestration import notes


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """A warehouse with nothing but the schema of the ml steps."""
    con = duckdb.connect()
    con.execute("create schema ml")
    return con


def test_a_step_replaces_its_own_notes_and_no_other_steps(con: duckdb.DuckDBPyConnection) -> None:
    notes.keep(con, "prices", ["two prices stay"], {"markdown_plan": "no stock"})
    notes.keep(con, "forecasts", ["a slow model", "a late one"])
    notes.keep(con, "prices", [], {"promotion_roi": "no promotion"})
    assert notes.warnings(con) == ["a slow model", "a late one"]
    assert notes.absent(con) == {"promotion_roi": "no promotion"}


def test_the_order_is_that_of_the_steps_names_whichever_ran_first(con: duckdb.DuckDBPyConnection) -> None:
    notes.keep(con, "prices", ["c", "a"])
    notes.keep(con, "forecasts", ["b"])
    assert notes.warnings(con) == ["b", "c", "a"]


def test_a_step_with_nothing_to_say_takes_back_what_it_said(con: duckdb.DuckDBPyConnection) -> None:
    notes.keep(con, "range_lists", absent={"store_clusters": "too few places"})
    notes.keep(con, "range_lists")
    assert notes.absent(con) == {}
    assert notes.warnings(con) == []


def test_a_note_that_cannot_be_written_leaves_what_stood_there(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes.keep(con, "prices", ["a price stays"])

    def fails(*_: object) -> None:
        raise duckdb.IOException("disk full")

    monkeypatch.setattr(notes, "append_frame", fails)
    with pytest.raises(duckdb.IOException, match="disk full"):
        notes.keep(con, "prices", ["another"])
    assert notes.warnings(con) == ["a price stays"]
