"""Checks as data: what is declared, when it is left out, and that no declaration shows who a customer is."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest
from gate_mutations import AS_OF
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from data_quality.checks import Check, Table, failing_rows
from data_quality.gates import marts_checks, outputs_checks
from data_quality.settings import QualitySettings
from data_quality.suites.forecasts import forecast_checks

PERSONAL = {"customer_id", "associate_id", "full_name", "phone", "email", "birth_date", "gender", "city"}


def _all(checks: dict[str, list[Check]]) -> list[Check]:
    return [check for gate in checks.values() for check in gate]


def test_names_are_unique_within_a_table(declared: dict[str, list[Check]]) -> None:
    for checks in declared.values():
        names = [(check.table, check.name) for check in checks]
        assert len(names) == len(set(names))


def test_no_sample_may_show_who_a_customer_is(declared: dict[str, list[Check]]) -> None:
    assert [check for check in _all(declared) if PERSONAL & set(check.shown)] == []


def test_every_check_says_what_holds_and_what_to_do(declared: dict[str, list[Check]]) -> None:
    for check in _all(declared):
        assert check.description.endswith(".")
        assert check.advice
        assert "$" not in check.description, "Great Expectations takes $ for a placeholder in its pages"


def test_checks_of_optional_tables_are_left_out_and_of_required_ones_are_not() -> None:
    defaults = QualitySettings()
    marts = {check.table for check in marts_checks(defaults, AS_OF, frozenset())}
    assert marts == {
        "marts.fct_sales",
        "marts.mart_sku_location_day",
        "marts.dim_product",
        "marts.dim_location",
        "marts.dim_date",
        "intermediate.int_series_selected",
    }
    with_stock = marts_checks(defaults, AS_OF, {"marts.fct_inventory_daily"})
    assert {check.table for check in with_stock} == marts | {"marts.fct_inventory_daily"}
    assert "ml.replenishment_orders" not in {check.table for check in outputs_checks(defaults, AS_OF, frozenset())}


def test_thresholds_come_from_the_settings() -> None:
    chosen = QualitySettings(warn_line_quantity=7, allow_day_without_sales=True)
    checks = {(c.table, c.name): c for c in marts_checks(chosen, AS_OF, frozenset())}
    assert checks["marts.fct_sales", "quantity_is_plausible"].arguments["max_value"] == 7
    assert checks["marts.fct_sales", "last_day_has_sales"].severity == "warn"


@pytest.mark.parametrize(
    "wrong",
    [
        {"warn_unknown_pct": 6.0},
        {"warn_day_volume_low": 3.0},
        {"min_forecast": 0.5},
        {"max_forecast": 2.0},
        {"max_orphans": 1},
        {"max_unknown_pct": 101},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        QualitySettings(**wrong)


def test_every_setting_is_described_and_read(declared: dict[str, list[Check]]) -> None:
    assert all(field.description for field in QualitySettings.model_fields.values())
    texts = " ".join(f"{c.description} {c.arguments} {c.advice}" for c in _all(declared))
    unnamed = {name for name in QualitySettings.model_fields if f"quality.{name}" not in texts and name not in texts}
    # these two say their number in the description instead of their name
    assert unnamed <= {"earliest_date", "warn_day_volume_low", "warn_day_volume_high", "warn_snapshot_share"}


rows = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(1, 3)), max_size=8)


@settings(deadline=None, max_examples=30)
@given(rows)
def test_unique_finds_exactly_the_keys_that_stand_twice(keys: list[tuple[str | None, int]]) -> None:
    with duckdb.connect() as con:
        con.execute("create table t (sku_id varchar, n integer)")
        if keys:
            con.executemany("insert into t values (?, ?)", keys)
        found = con.execute(failing_rows(Table("t", ()).unique("sku_id", "n")) or "").fetchall()
    assert sorted(found, key=str) == sorted({(*k, keys.count(k)) for k in keys if keys.count(k) > 1}, key=str)


@settings(deadline=None, max_examples=30)
@given(st.dates(date(2023, 1, 1), date(2025, 12, 31)), st.integers(1, 7))
def test_whole_horizons_pass_for_every_business_day(as_of: date, week_starts_on: int) -> None:
    """The horizon of contracts.md, built here from its words, is whole; without its last period it is not."""
    tomorrow = as_of + timedelta(days=1)
    week = tomorrow - timedelta(days=(tomorrow.isoweekday() - week_starts_on) % 7)
    weeks = [week + timedelta(days=7 * k) for k in range(26 if week == tomorrow else 27)]
    months = [_month(tomorrow, k) for k in range(6)]
    days = [tomorrow + timedelta(days=k) for k in range(28)]
    expected = {"ml.forecast_daily": days, "ml.forecast_weekly": weeks, "ml.forecast_monthly": months}
    checks = {(c.table, c.name): c for c in forecast_checks(QualitySettings(), as_of)}
    with duckdb.connect() as con:
        con.execute("create schema ml; create table ml.demand_series as select 'A' as sku_id, 'S' as location_id")
        for (table, periods), column in zip(expected.items(), ("date", "week_start", "month_start"), strict=True):
            query = failing_rows(checks[table, "every_series_is_whole"]) or ""
            for kept, failing in ((periods, 0), (periods[:-1], 1), (periods[1:], 1)):
                con.execute(
                    f"create or replace table {table} as select 'A' as sku_id, 'S' as location_id, "
                    f"unnest(?::date[]) as {column}",
                    [kept],
                )
                assert len(con.execute(query).fetchall()) == failing, (table, as_of, kept)


def _month(day: date, later: int) -> date:
    index = day.year * 12 + day.month - 1 + later
    return date(index // 12, index % 12 + 1, 1)
