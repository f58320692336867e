"""When orders may be placed: a supplier's weekdays, the next order day and the one after it.

What belongs here: the order calendar. What does not: how long the delivery takes (sourcing) and what is ordered
(replenishment).
"""

from datetime import date, timedelta

import polars as pl


def parse_weekdays(text: str | None, supplier_id: str) -> tuple[int, ...]:
    """Read ISO weekdays such as '1,4' (Monday 1 … Sunday 7); spaces are allowed, order and repeats do not matter.

    Returns the weekdays sorted; empty when the text is blank: the supplier takes orders on any day.

    Raises:
        ValueError: a part is not a whole number from 1 to 7; names the supplier, the value and what to write.
    """
    if text is None or not text.strip():
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part in {"1", "2", "3", "4", "5", "6", "7"} for part in parts):
        raise ValueError(
            f"erp/suppliers: order_weekdays of supplier_id {supplier_id!r} is {text!r} — not a list of ISO weekdays — "
            "write numbers from 1 (Monday) to 7 (Sunday) with commas between, e.g. 1,4, or leave it blank"
        )
    return tuple(sorted({int(part) for part in parts}))


def next_order_days(as_of: date, weekdays: tuple[int, ...]) -> tuple[date, date]:
    """Return the first order day after as_of and the one after that. `weekdays` holds at least one ISO weekday."""
    coming = (as_of + timedelta(days=ahead) for ahead in range(1, 15))
    first, second, *_ = (day for day in coming if day.isoweekday() in weekdays)
    return first, second


def supplier_calendars(suppliers: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Next order day of each supplier that has a calendar.

    suppliers: supplier_id, order_weekdays. Returns supplier_id, order_on (date), calendar_review_days (days from that
    order day to the next one); suppliers without a calendar are absent.

    Raises:
        ValueError: weekdays that cannot be read.
    """
    rows = []
    for supplier_id, text in suppliers.select("supplier_id", "order_weekdays").iter_rows():
        weekdays = parse_weekdays(text, supplier_id)
        if weekdays:
            first, second = next_order_days(as_of, weekdays)
            rows.append((supplier_id, first, (second - first).days))
    schema = pl.Schema({"supplier_id": pl.String, "order_on": pl.Date, "calendar_review_days": pl.Int64})
    return pl.DataFrame(rows, schema=schema, orient="row")
