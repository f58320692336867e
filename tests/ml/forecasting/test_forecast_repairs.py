"""What a repair is worth is measured where the rule said nothing, on the series that it touched."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from small_companies import make_series

from ml.forecasting.contract import ACCURACY_SCHEMA
from ml.forecasting.evaluation.backtest import Outlook, Trial
from ml.forecasting.evaluation.repairs import repair_worth
from ml.forecasting.panel import build_panel

AS_OF = date(2024, 12, 29)
DAYS = 7 * 40


def history(rules: dict[tuple[int, int], tuple[str, float, float]]) -> pl.DataFrame:
    """Three series that sell 1 a day; rules: (series, days ago) -> rule, sold, repaired."""
    rows = []
    for series in (1, 2, 3):
        for ago in range(DAYS):
            rule, sold, quantity = rules.get((series, ago), (None, 1.0, 1.0))
            rows.append((series, AS_OF - timedelta(days=ago), quantity, sold, rule))
    names = ["series_id", "date", "quantity", "sales_qty", "repair_rule"]
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides={"repair_rule": pl.String})


def measured(rules: dict[tuple[int, int], tuple[str, float, float]]) -> pl.DataFrame:
    frame = history(rules)
    panel = build_panel(make_series(3), frame, AS_OF)
    past = panel.earlier(13)
    outlook = Outlook(past, np.array(["smooth"] * 3), {}, {})
    return repair_worth([Trial(outlook, panel.demand[:, past.blocks :])], panel, frame)


def value(table: pl.DataFrame, step: str, metric: str, band: str = "1-4") -> float:
    row = table.filter((pl.col("step") == step) & (pl.col("metric") == metric) & (pl.col("horizon_band") == band))
    return row["value"].item()


def test_an_outlier_repair_is_worth_what_the_spike_would_have_cost() -> None:
    # 13 blocks of seven 1s; the spike of 92 in the window adds 91 / 13 = 7 to a forecast of 7
    table = measured({(1, 7 * 15): ("outlier", 92.0, 1.0)})
    assert table.schema == ACCURACY_SCHEMA
    assert value(table, "with_outlier_repair", "wmape") == pytest.approx(0.0)
    assert value(table, "without_outlier_repair", "wmape") == pytest.approx(1.0)
    assert value(table, "without_outlier_repair", "bias") == pytest.approx(1.0)
    assert set(table["series"]) == {1}, "two series that the rule did not touch say nothing of it"
    assert set(table["cutoffs"]) == {str(AS_OF - timedelta(days=91))}


def test_blocks_that_the_rule_touched_are_not_scored() -> None:
    # the repaired block ahead would be scored against its own repair: 50 instead of 7
    rules = {(1, 7 * 15): ("stock_out", 0.0, 1.0), (1, 7 * 12): ("stock_out", 0.0, 44.0)}
    assert value(measured(rules), "with_stock_out_repair", "wmape") == pytest.approx(0.0)


def test_rules_are_taken_back_one_by_one_and_only_where_they_can_be_seen() -> None:
    rules = {
        (1, 7 * 15): ("outlier", 92.0, 1.0),
        (2, 7 * 16): ("missing_till_day", 0.0, 1.0),
        (3, 7 * 39): ("replaced", 5.0, 1.0),  # before the blocks that the forecast reads
    }
    table = measured(rules)
    assert set(table["step"]) == {
        f"{word}_{rule}_repair" for word in ("with", "without") for rule in ("outlier", "missing_till_day")
    }
    assert value(table, "without_missing_till_day_repair", "bias") == pytest.approx(-1 / 91, rel=1e-4)


def test_nothing_is_measured_without_rules_or_trials() -> None:
    assert measured({}).is_empty()
    frame = history({(1, 7 * 15): ("outlier", 92.0, 1.0)})
    panel = build_panel(make_series(3), frame, AS_OF)
    assert repair_worth([], panel, frame).is_empty()
    assert repair_worth([], panel, frame.drop("repair_rule")).is_empty()
