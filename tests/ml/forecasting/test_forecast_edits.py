"""Planners' edits: strict to read, exact in what they do, and scored when demand has come."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_companies import AS_OF, make_history, make_series

from ml.forecasting.contract import ACCURACY_SCHEMA
from ml.forecasting.daily import HORIZON_DAYS
from ml.forecasting.distribution import LEVEL_NAMES
from ml.forecasting.edits import EDIT_COLUMNS, EDITS_SCHEMA, EditsError, apply_edits, check_edits
from ml.forecasting.evaluation.edits import edit_worth, worth_in_words
from ml.forecasting.pipeline import run
from ml.forecasting.settings import ForecastSettings

SERIES = make_series(6)
DAY = timedelta(days=1)


def edit(**given_values: object) -> dict[str, object]:
    row: dict[str, object] = {
        "level": "total",
        "node": "total",
        "starts_on": AS_OF + DAY,
        "ends_on": AS_OF + 10 * DAY,
        "factor": None,
        "quantity": None,
        "owner": "Ann",
        "reason": "fair in town",
        "expires_on": AS_OF + 30 * DAY,
        "file": "forecast_edits.csv",
        "line": 2,
    }
    return row | given_values


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=EDIT_COLUMNS)


def flat(rows: np.ndarray) -> np.ndarray:
    """Row i is forecast i + 1 a day."""
    return np.repeat(rows[:, None] + 1.0, HORIZON_DAYS, axis=1)


def layer_of(*rows: dict[str, object], chunk: int = 100):
    return apply_edits(check_edits(frame(*rows), SERIES), SERIES, AS_OF, flat, chunk)


EVERY = np.arange(6)


def test_a_factor_and_a_quantity_by_hand() -> None:
    sku = SERIES["sku_id"][0]
    members = np.flatnonzero((SERIES["sku_id"] == sku).to_numpy())
    layer = layer_of(edit(level="sku", node=sku, factor=1.5), edit(quantity=420.0, line=3))
    after = layer.apply(flat(EVERY), EVERY)
    # 1 + 2 + … + 6 = 21 a day, 210 in ten days; the product's series once and a half of theirs
    first = 210.0 + 10 * 0.5 * (members + 1).sum()
    assert after[:, :10].sum() == pytest.approx(420.0)
    assert after[members[0], 0] == pytest.approx((members[0] + 1) * 1.5 * 420 / first)
    assert (after[:, 10:] == flat(EVERY)[:, 10:]).all()
    assert layer.listed["unedited_qty"].to_list() == [pytest.approx(10.0 * (members + 1).sum()), pytest.approx(210.0)]
    assert layer.listed["edited_qty"][1] == pytest.approx(420.0)
    assert layer.listed["covers_to"].to_list() == [AS_OF + 10 * DAY] * 2


def test_of_a_period_under_way_a_quantity_counts_by_its_days_left() -> None:
    layer = layer_of(edit(starts_on=AS_OF - 9 * DAY, ends_on=AS_OF + 10 * DAY, quantity=400.0))
    assert layer.apply(flat(EVERY), EVERY)[:, :10].sum() == pytest.approx(200.0)


def test_a_node_without_any_forecast_gets_its_quantity_in_equal_parts() -> None:
    edits = check_edits(frame(edit(quantity=120.0)), SERIES)
    layer = apply_edits(edits, SERIES, AS_OF, lambda rows: np.zeros((len(rows), HORIZON_DAYS)), 100)
    after = layer.apply(np.zeros((6, HORIZON_DAYS)), EVERY)
    assert after[:, :10] == pytest.approx(2.0)
    assert after[:, 10:].sum() == 0


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"expires_on": AS_OF}, "expired"),
        ({"expires_on": AS_OF + DAY}, "applied"),
        ({"starts_on": AS_OF - 5 * DAY, "ends_on": AS_OF}, "outside the horizon"),
        ({"starts_on": AS_OF + 190 * DAY, "ends_on": AS_OF + 200 * DAY}, "outside the horizon"),
    ],
)
def test_what_does_not_count_changes_nothing_and_says_so(change: dict[str, object], state: str) -> None:
    layer = layer_of(edit(factor=3.0, **change))
    assert layer.listed["state"].to_list() == [state]
    assert (layer.apply(flat(EVERY), EVERY).sum() == flat(EVERY).sum()) == (state != "applied")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"level": "departement"}, ["'level'", "'departement'", "did you mean 'department'"]),
        ({"level": "region", "node": "sauth"}, ["'node'", "'sauth'", "no region of this name", "'south'"]),
        ({"level": "category", "node": "C0"}, ["'node'", "department / category"]),
        ({"ends_on": AS_OF}, ["'ends_on'", "before starts_on"]),
        ({"quantity": 5.0}, ["'factor'", "a factor and a quantity", "one of the two"]),
        ({"factor": None}, ["'factor'", "(empty)", "neither"]),
        ({"factor": -0.5}, ["'factor'", "'-0.5'", "not between 0"]),
        ({"factor": float("nan")}, ["'factor'", "not between 0"]),
        ({"factor": None, "quantity": -1.0}, ["'quantity'", "'-1.0'"]),
        ({"owner": " "}, ["'owner'", "empty"]),
        ({"expires_on": None}, ["'expires_on'", "no date"]),
    ],
)
def test_an_edit_that_cannot_be_followed_is_refused_with_file_line_column_value(
    change: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(EditsError) as refused:
        check_edits(frame(edit(factor=1.1), edit(**{"factor": 1.1, "line": 7} | change)), SERIES)
    (message,) = refused.value.messages
    for text in ("forecast_edits.csv, line 7, column", " — ", *words):
        assert text in message, message


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(EditsError) as refused:
        check_edits(frame(edit(factor=-1.0, owner=""), edit(level="x", factor=1.0, line=3)), SERIES)
    assert len(refused.value.messages) == 3


@given(
    factors=st.lists(st.floats(0, 5), min_size=1, max_size=4),
    spans=st.lists(st.tuples(st.integers(-5, 180), st.integers(0, 60)), min_size=4, max_size=4),
    chunk=st.integers(1, 7),
)
def test_edits_do_the_same_in_any_chunks(factors: list[float], spans: list[tuple[int, int]], chunk: int) -> None:
    rows = [
        edit(
            level=("total", "region")[k % 2],
            node=("total", SERIES["region"][0])[k % 2],
            factor=factor if k != 1 else None,
            quantity=100.0 * factor if k == 1 else None,
            starts_on=AS_OF + start * DAY,
            ends_on=AS_OF + (start + length) * DAY,
            line=k,
        )
        for k, (factor, (start, length)) in enumerate(zip(factors, spans, strict=False))
    ]
    whole, parts = layer_of(*rows), layer_of(*rows, chunk=chunk)
    together = whole.apply(flat(EVERY), EVERY)
    split = np.concatenate([parts.apply(flat(EVERY[k : k + chunk]), EVERY[k : k + chunk]) for k in range(0, 6, chunk)])
    assert split == pytest.approx(together, rel=1e-9, abs=1e-9)
    assert (together >= 0).all()


def test_published_tables_carry_the_edit_and_stay_coherent(settings: ForecastSettings) -> None:
    series, history = make_series(12), make_history(12, 200)
    rows = frame(
        edit(level="region", node="south", factor=1.5, ends_on=AS_OF + 40 * DAY),
        edit(level="department", node="D1", quantity=0.0, line=3),
    )
    plain = run(series, history, AS_OF, settings, lambda _: None)
    edited = run(series, history, AS_OF, settings, lambda _: None, edits=rows)
    both = plain.weekly.join(
        edited.weekly.join(
            series.select("sku_id", "location_id", "region", "department"), on=["sku_id", "location_id"]
        ),
        on=["sku_id", "location_id", "week_start"],
        suffix="_edited",
    )
    raised = both.filter(
        pl.col("region") == "south",
        pl.col("department") != "D1",
        pl.col("week_start") > AS_OF,
        pl.col("week_start") < AS_OF + 33 * DAY,
    )
    assert raised.height > 4
    for name in ("mean", *LEVEL_NAMES):
        assert (raised[f"{name}_edited"] - 1.5 * raised[name]).abs().max() < 1e-9
    untouched = both.filter(pl.col("week_start") > AS_OF + 41 * DAY)
    assert (untouched["mean_edited"] == untouched["mean"]).all()
    first_days = edited.daily.join(series.select("sku_id", "location_id", "department"), on=["sku_id", "location_id"])
    closed = first_days.filter(pl.col("department") == "D1", pl.col("date") <= AS_OF + 10 * DAY)
    assert closed.select("mean", "p50", "p99").to_numpy().max() == 0
    total = edited.hierarchy.filter(pl.col("level") == "total", pl.col("period_type") == "week")
    by_week = edited.weekly.group_by("week_start").agg(pl.col("mean").sum()).sort("week_start")
    assert total["mean"].to_list() == pytest.approx(by_week["mean"].to_list(), abs=1e-6)
    assert edited.edits["state"].to_list() == ["applied", "applied"]
    assert edited.drivers.filter(pl.col("driver") == "edit").height > 0


def past_edit(**given_values: object) -> dict[str, object]:
    row = dict.fromkeys(EDITS_SCHEMA) | {
        "as_of": AS_OF - 20 * DAY,
        "level": "total",
        "node": "total",
        "state": "applied",
        "covers_from": AS_OF - 19 * DAY,
        "covers_to": AS_OF - 10 * DAY,
        "unedited_qty": 80.0,
        "edited_qty": 120.0,
    }
    return row | given_values


def test_an_edit_is_scored_when_its_days_have_come() -> None:
    # one unit a day of series 1, and ten units on each of the same days a year before
    days = [AS_OF - k * DAY for k in range(400)]
    history = pl.DataFrame(
        {
            "series_id": [1] * 400,
            "date": days,
            "quantity": [10.0 if day <= AS_OF - 360 * DAY else 1.0 for day in days],
        },
        schema_overrides={"series_id": pl.Int32},
    )
    past = pl.DataFrame(
        [
            past_edit(unedited_qty=8.0, edited_qty=12.0),
            past_edit(level="sku", node=SERIES["sku_id"][0], unedited_qty=9.0, edited_qty=14.0),
            past_edit(covers_to=AS_OF + DAY),  # not over yet
        ],
        schema=EDITS_SCHEMA,
    )
    worth = edit_worth(past, SERIES, history, AS_OF)
    assert worth.schema == ACCURACY_SCHEMA
    found = {
        (row["level"], row["step"], row["metric"]): (row["value"], row["baseline_value"], row["series"])
        for row in worth.iter_rows(named=True)
    }
    # ten days of one unit came: 10; a year before (364 days) 100
    assert found[("total", "reconciled", "wmape")] == (pytest.approx(0.2), pytest.approx(9.0), 1)
    assert found[("total", "planner_edit", "wmape")] == (pytest.approx(0.2), pytest.approx(9.0), 1)
    assert found[("total", "planner_edit", "bias")][0] == pytest.approx(0.2)
    assert found[("sku", "reconciled", "wmape")][0] == pytest.approx(0.1)
    assert found[("sku", "planner_edit", "wmape")][0] == pytest.approx(0.4)
    assert set(worth["horizon_band"]) == {"1-4"}
    assert set(worth["segment"]) == {"edited"}
    (sentence,) = worth_in_words(worth)
    assert "level sku, weeks 1-4, made the forecast worse" in sentence
    assert "40% of demand with them, 10% without" in sentence
    assert edit_worth(None, SERIES, history, AS_OF).is_empty()
    assert edit_worth(past.tail(1), SERIES, history, AS_OF).is_empty()
