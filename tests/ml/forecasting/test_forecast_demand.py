"""Demand, not sales: stock-outs are filled up to the level of days in stock."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from small_companies import make_series

from ml.forecasting.contract import DEMAND_HISTORY_SCHEMA, ContractError
from ml.forecasting.demand import MAX_DAYS_OUT, estimate_demand

START = date(2024, 1, 1)


def observed(sales: np.ndarray, out: np.ndarray) -> pl.DataFrame:
    count, days = sales.shape
    frame = pl.DataFrame(
        {
            "series_id": np.repeat(np.arange(1, count + 1), days),
            "date": [START + timedelta(days=k) for k in range(days)] * count,
            "sales_qty": sales.ravel(),
            "is_stockout": out.ravel(),
        }
    )
    return frame.filter((pl.col("sales_qty") > 0) | pl.col("is_stockout"))


def test_recovers_demand_hidden_by_random_stockouts() -> None:
    rng = np.random.default_rng(0)
    rate = np.exp(rng.normal(-0.5, 1, 120))
    weekday = np.array([0.7, 0.8, 0.9, 1.0, 1.1, 1.6, 0.9])
    demand = rng.poisson(rate[:, None] * np.tile(weekday, 40)[None, :]).astype(float)
    out = rng.random(demand.shape) < 0.15
    result = estimate_demand(observed(np.where(out, 0, demand), out), make_series(120))
    assert result.schema == DEMAND_HISTORY_SCHEMA
    assert result["quantity"].sum() == pytest.approx(demand.sum(), rel=0.02)
    repaired = result.filter("is_repaired").group_by(pl.col("date").dt.weekday()).agg(pl.col("quantity").mean())
    by_day = dict(repaired.iter_rows())
    assert by_day[6] > 1.5 * by_day[1]


def test_against_the_definition() -> None:
    rng = np.random.default_rng(1)
    sales = rng.poisson([[2.0], [0.2], [9.0]], (3, 120)).astype(float)
    sales[:, 0] = 3
    out = rng.random(sales.shape) < 0.2
    out[:, 0] = False
    sales[out] = np.where(rng.random(out.sum()) < 0.3, 1.0, 0.0)
    one_department = make_series(3).with_columns(department=pl.lit("D"))
    result = estimate_demand(observed(sales, out), one_department)
    used = np.array([np.minimum(row, 4 * row[~gone & (row > 0)].mean()) for row, gone in zip(sales, out, strict=True)])
    known_sales = np.where(out, 0.0, sales)
    weekday = np.array([known_sales[:, k::7].sum() for k in range(7)]) * 7 / known_sales.sum()

    def level(series: int, day: int) -> float:
        ages = day - 1 - np.arange(day)
        known, seen = ~out[series, :day], ~out[series, :day] | (sales[series, :day] > 0)
        pace = (0.99**ages * used[series, :day]).sum() / (0.99**ages * seen).sum()
        fast = 0.95**ages * known
        return float(((fast * used[series, :day]).sum() + 3) / (fast.sum() + 3 / pace))

    repaired = result.filter("is_repaired")
    assert repaired.height > 30
    for row in repaired.iter_rows(named=True):
        day, series = (row["date"] - START).days, row["series_id"] - 1
        known = [k for k in range(3) if not out[k, day]]
        came, ought = sum(used[k, day] for k in known), sum(level(k, day) for k in known)
        factor = (came + 20 * weekday[day % 7]) / (ought + 20)
        assert row["quantity"] == pytest.approx(level(series, day) * factor)


def test_a_day_on_which_the_department_sells_double_is_filled_up_double() -> None:
    rng = np.random.default_rng(3)
    demand = rng.poisson(5.0, (200, 100)).astype(float)
    demand[:, 80] *= 2
    out = np.zeros(demand.shape, dtype=bool)
    out[:50, 80:82] = True
    result = estimate_demand(observed(np.where(out, 0, demand), out), make_series(200)).filter("is_repaired")
    by_day = dict(result.group_by("date").agg(pl.col("quantity").mean()).iter_rows())
    assert by_day[START + timedelta(days=80)] == pytest.approx(10.0, rel=0.1)
    assert by_day[START + timedelta(days=81)] == pytest.approx(5.0, rel=0.1)


def test_sales_on_a_stockout_day_are_kept_and_long_gaps_stay_empty() -> None:
    sales, out = np.ones((1, 200)), np.zeros((1, 200), dtype=bool)
    sales[0, 30], out[0, 30] = 9, True
    sales[0, 60:], out[0, 60:] = 0, True
    result = estimate_demand(observed(sales, out), make_series(1))
    by_day = {(row["date"] - START).days: row["quantity"] for row in result.iter_rows(named=True)}
    assert by_day[30] == 9
    assert by_day[70] == pytest.approx(1.0, rel=0.15)  # weekday factors see 60 days
    assert max(by_day) == 59 + MAX_DAYS_OUT


def test_nothing_before_the_first_sale_and_no_change_without_stockouts() -> None:
    sales = np.array([[0.0] * 20 + [2.0] * 20])
    out = np.zeros(sales.shape, dtype=bool)
    out[0, :15] = True
    result = estimate_demand(observed(sales, out), make_series(1))
    assert result["date"].min() == START + timedelta(days=20)
    assert not result["is_repaired"].any()
    assert estimate_demand(observed(sales, out).clear(), make_series(1)).schema == DEMAND_HISTORY_SCHEMA
    with pytest.raises(ContractError, match="is_stockout"):
        estimate_demand(observed(sales, out).drop("is_stockout"), make_series(1))


def doubted(sales: list[float], rules: dict[int, tuple[str, float | None]]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "series_id": [1] * len(sales),
            "date": [START + timedelta(days=k) for k in range(len(sales))],
            "sales_qty": sales,
            "is_stockout": [False] * len(sales),
            "repair_rule": [rules.get(k, (None, None))[0] for k in range(len(sales))],
            "repaired_qty": [rules.get(k, (None, None))[1] for k in range(len(sales))],
        },
        schema_overrides={"repair_rule": pl.String, "repaired_qty": pl.Float64},
    )
    return frame.filter((pl.col("sales_qty") > 0) | pl.col("repair_rule").is_not_null())


def test_outliers_and_decided_days_count_as_their_repaired_quantity_and_are_marked() -> None:
    sales = [2.0] * 30
    sales[10], sales[20], sales[25] = 80.0, 50.0, 0.0
    rules = {10: ("outlier", 2.0), 20: ("replaced", 9.0), 25: ("replaced", 0.0), 5: ("replaced", 2.0)}
    days = {
        (row["date"] - START).days: row
        for row in estimate_demand(doubted(sales, rules), make_series(1)).iter_rows(named=True)
    }
    assert (days[10]["quantity"], days[10]["sales_qty"], days[10]["repair_rule"]) == (2.0, 80.0, "outlier")
    assert (days[20]["quantity"], days[20]["is_repaired"], days[20]["repair_rule"]) == (9.0, True, "replaced")
    assert days[5]["repair_rule"] is None, "replaced by what was sold: nothing was changed"
    assert 25 not in days
    assert sum(row["is_repaired"] for row in days.values()) == 2


def test_a_day_without_tills_and_an_ignored_day_are_unknown_not_zero() -> None:
    sales = [2.0] * 60
    sales[40], sales[50] = 0.0, 70.0
    rules = {40: ("missing_till_day", None), 50: ("ignored", None)}
    result = estimate_demand(doubted(sales, rules), make_series(1))
    days = {(row["date"] - START).days: row for row in result.iter_rows(named=True)}
    assert days[40]["quantity"] == pytest.approx(2.0, rel=0.2)
    assert days[40]["repair_rule"] == "missing_till_day"
    assert days[50]["quantity"] == pytest.approx(2.0, rel=0.2), "neither what was sold nor zero"
    assert days[50]["repair_rule"] == "ignored"
    as_sold = estimate_demand(doubted(sales, {}), make_series(1))
    assert as_sold["quantity"].sum() == pytest.approx(sum(sales))
    assert not as_sold["is_repaired"].any()


def test_an_outlier_does_not_lift_the_repair_of_a_stockout() -> None:
    sales = [2.0] * 60
    sales[30] = 500.0
    frame = doubted(sales, {30: ("outlier", 2.0)}).with_columns(
        is_stockout=pl.col("date") == START + timedelta(days=31), sales_qty=pl.col("sales_qty")
    )
    frame = frame.with_columns(sales_qty=pl.when("is_stockout").then(0.0).otherwise("sales_qty"))
    repaired = estimate_demand(frame, make_series(1)).filter(pl.col("repair_rule") == "stock_out")
    assert repaired["quantity"].to_list() == [pytest.approx(2.0, rel=0.2)]
