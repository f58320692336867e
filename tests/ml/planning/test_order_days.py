from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.planning.order_days import next_order_days, parse_weekdays, supplier_calendars

MONDAY = date(2018, 1, 1)


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [("1,4", (1, 4)), (" 4 , 1 ", (1, 4)), ("7", (7,)), ("2,2", (2,)), ("", ()), ("   ", ()), (None, ())],
)
def test_weekdays_are_read(text, weekdays):
    assert parse_weekdays(text, "V1") == weekdays


@pytest.mark.parametrize("text", ["0", "8", "1;4", "Mon", "1,,4", "1,", "1.0", "-1", "¹", "14"])
def test_other_weekdays_are_refused_with_what_to_write(text):
    with pytest.raises(ValueError) as error:
        parse_weekdays(text, "V7")
    for part in ("erp/suppliers", "'V7'", repr(text), "e.g. 1,4"):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("ahead", "first", "second"),
    [(0, 3, 7), (1, 3, 7), (2, 3, 7), (3, 7, 10), (4, 7, 10), (5, 7, 10), (6, 7, 10)],
)
def test_monday_and_thursday_seen_from_each_weekday(ahead, first, second):
    as_of = MONDAY + timedelta(days=ahead)
    assert next_order_days(as_of, (1, 4)) == (MONDAY + timedelta(days=first), MONDAY + timedelta(days=second))


@given(as_of=st.dates(date(2000, 1, 1), date(2100, 1, 1)), weekdays=st.sets(st.integers(1, 7), min_size=1))
def test_both_days_are_order_days_and_no_order_day_lies_before_or_between(as_of, weekdays):
    first, second = next_order_days(as_of, tuple(weekdays))
    passed = [as_of + timedelta(days=n) for n in range(1, (second - as_of).days + 1)]
    assert [day for day in passed if day.isoweekday() in weekdays] == [first, second]


def test_suppliers_without_a_calendar_are_absent():
    suppliers = pl.DataFrame({"supplier_id": ["V1", "V2", "V3"], "order_weekdays": ["5", None, ""]})
    assert supplier_calendars(suppliers, MONDAY).rows() == [("V1", date(2018, 1, 5), 7)]
    assert supplier_calendars(suppliers.clear(), MONDAY).is_empty()
