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
from data_quality.gates import feeds_checks, marts_checks, outputs_checks
from data_quality.settings import QualitySettings
from data_quality.suites.feed_rules import FEEDS
from data_quality.suites.forecasts import forecast_checks
from orchestration.dbt import doubt_variables
from orchestration.ingestion.catalogue import canonical_feeds

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
        "marts.dim_product",
        "marts.dim_location",
        "marts.dim_date",
        "intermediate.int_sales_daily",
        "intermediate.int_series_selected",
    }
    with_stock = marts_checks(defaults, AS_OF, {"marts.fct_inventory_daily"})
    assert {check.table for check in with_stock} == marts | {"marts.fct_inventory_daily"}
    assert "ml.replenishment_orders" not in {check.table for check in outputs_checks(defaults, AS_OF, frozenset())}


def test_thresholds_come_from_the_settings() -> None:
    chosen = QualitySettings(warn_line_quantity=7, allow_day_without_sales=True)
    checks = {(c.table, c.name): c for c in marts_checks(chosen, AS_OF, frozenset())}
    assert "abs(quantity) > 7.0" in str(checks["marts.fct_sales", "quantity_is_plausible"].arguments["query"])
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
        {"warn_late_days": 3, "max_late_days": 2},
        {"by_category": {"food": {"outlier_ration": 20}}},
        {"by_category": {"food": {"outlier_ratio": 1}}},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        QualitySettings(**wrong)


def test_every_setting_is_described_and_read(declared: dict[str, list[Check]]) -> None:
    assert all(field.description for field in QualitySettings.model_fields.values())
    texts = " ".join(f"{c.description} {c.arguments} {c.advice}" for c in _all(declared))
    unnamed = {name for name in QualitySettings.model_fields if f"quality.{name}" not in texts and name not in texts}
    # these say their number in the description instead of their name
    assert unnamed <= {"earliest_date", "warn_day_volume_low", "warn_day_volume_high", "warn_snapshot_share"} | {
        *doubt_variables(QualitySettings()),  # dbt reads these
        "max_late_days",  # no check without a number
        "by_category",
        "history_runs",
    }


def test_a_category_has_its_own_thresholds() -> None:
    chosen = QualitySettings(
        by_category={"Tom's": {"warn_line_quantity": 3}, "home": {"warn_price_drift_pct": 50, "outlier_ratio": 20}},
        max_late_days=4,
    )
    checks = {(c.table, c.name): c for c in marts_checks(chosen, AS_OF, frozenset())}
    query = str(checks["marts.fct_sales", "quantity_is_plausible"].arguments["query"])
    assert "abs(quantity) > 3.0 and abs(quantity) > (case category when 'Tom''s' then 3.0 else 100000 end)" in query
    assert "when 'home' then 50.0" in str(
        checks["intermediate.int_sales_daily", "prices_are_steady"].arguments["query"]
    )
    assert checks["marts.dim_product", "thresholds_name_categories"].severity == "warn"
    assert doubt_variables(chosen)["outlier_ratio_by_category"] == {"home": 20.0}
    feeds = {c.name: c.severity for c in feeds_checks(chosen, AS_OF, {"feeds.pos_sales"})}
    assert feeds["is_not_too_late"] == "error"


def test_every_feed_has_its_rules_and_names_its_own_columns() -> None:
    catalogue = {feed.table: feed for feed in canonical_feeds().values()}
    assert [feed.name for feed in FEEDS if feed.name not in catalogue] == []
    assert set(catalogue) == {feed.name for feed in FEEDS}
    for feed in FEEDS:
        known = {name for name, _ in catalogue[feed.name].stored_columns}
        named = {
            *f"{feed.given} {feed.key} {feed.positive} {feed.shown} {feed.dated}".split(),
            *(r[0] for r in feed.refers),
        }
        assert named <= known, feed.name
        assert set(catalogue[feed.name].required) <= set(feed.given.split()), feed.name
        assert feed.key in ("", " ".join(catalogue[feed.name].key)), feed.name


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
