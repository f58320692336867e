"""What the checks on every list of the night share: the list may be absent, has a key, and is of the business day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from data_quality.checks import Check, Table, day

FAULT = "a fault of the step: report it with this sample"


def night_list(name: str, *shown: str) -> Table:
    """Return a table whose checks are left out on a night without it."""
    return Table(name, shown, needs=(name,))


def of_every_list(
    table: Table, as_of: date, key: Sequence[str], more: Sequence[str], gaps: Collection[str] = ()
) -> list[Check]:
    """Return the checks that every list has: one row a key; key and `more` are given; the closed business day.

    gaps: columns of the key that may be empty.
    """
    given = [column for column in (*key, *more) if column not in gaps]
    return [table.unique(*key), *table.given(*given), table.of_business_day(as_of, advice=FAULT)]


def dates_ahead(table: Table, column: str, as_of: date) -> Check:
    """Return the check that what is decided lies after the business day."""
    return table.never(
        "dates_are_ahead",
        f"{column} is after {as_of}.",
        f"({column} > {day(as_of)}) is not true",
        *(() if column in table.shown else (column,)),
        advice=FAULT,
    )
