"""Public holidays as reference data: national days once, a region's own days beside them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from pydantic import ValidationError

from orchestration.reference import SCHEMA, CalendarSettings, holidays_between

YEAR = date(2024, 1, 1), date(2024, 12, 31)


def test_without_a_country_there_are_none_and_the_columns_stay():
    frame = holidays_between(CalendarSettings(), *YEAR)
    assert frame.is_empty()
    assert dict(frame.schema) == SCHEMA


def test_a_regions_own_days_stand_beside_the_national_ones():
    frame = holidays_between(
        CalendarSettings(country="DE", subdivision_by_region={"south": "BY", "north": "HH"}), *YEAR
    )
    unity = frame.filter(pl.col("date") == date(2024, 10, 3))
    assert unity.rows() == [(date(2024, 10, 3), unity["holiday_name"][0], "DE", None, None)]
    corpus_christi = frame.filter(pl.col("date") == date(2024, 5, 30))
    assert corpus_christi.select("subdivision", "region").rows() == [("BY", "south")]
    reformation = frame.filter(pl.col("date") == date(2024, 10, 31))
    assert reformation.select("subdivision", "region").rows() == [("HH", "north")]


def test_a_subdivision_of_the_company_counts_everywhere():
    frame = holidays_between(CalendarSettings(country="DE", subdivision="BY"), *YEAR)
    corpus_christi = frame.filter(pl.col("date") == date(2024, 5, 30))
    assert corpus_christi.select("subdivision", "region").rows() == [("BY", None)]


def test_names_do_not_follow_the_machines_language(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "de")
    assert "Christmas Day" in holidays_between(CalendarSettings(country="DE"), *YEAR)["holiday_name"].to_list()


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"country": "XX"}, "XX"),
        ({"country": "US", "subdivision": "ZZ"}, "ZZ"),
        ({"country": "US", "subdivision_by_region": {"west": "ZZ"}}, "ZZ"),
        ({"subdivision": "BY"}, r"set calendar\.country"),
    ],
)
def test_what_has_no_holidays_is_refused(keys, reason):
    with pytest.raises(ValidationError, match=reason):
        CalendarSettings(**keys)
