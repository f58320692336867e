"""A check as data: which table, what must hold, how bad it is when it does not. And the forms that most checks have.

Belongs here: the declaration and its builders. Does not: which checks there are (suites/), running them (engine), what
Great Expectations makes of them (gx). Nothing here opens a database; a check can be printed, counted and compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Severity = Literal["error", "warn"]

NOT_NULL = "ExpectColumnValuesToNotBeNull"
BETWEEN = "ExpectColumnValuesToBeBetween"
ROW_COUNT = "ExpectTableRowCountToBeBetween"
NO_ROWS = "ExpectNoRows"  # ours (gx.py): a query that finds nothing

# A number beyond this is no quantity and no amount: it catches infinity and NaN, which DuckDB sorts above all numbers.
NO_NUMBER = 1e12

CORRECT = "correct it at the source and deliver the file again under the same name"


@dataclass(frozen=True)
class Check:
    """One thing that must hold of one table.

    table: `schema.table`. name: stable, unique within the table, says what holds. expectation: class name in
    great_expectations.expectations, or NO_ROWS; arguments: its keyword arguments. shown: columns of failing rows that
    may appear in samples, pages and logs: keys and measures, never what tells who a customer is. needs: relations
    without which the check means nothing and is left out (of a feed that is not delivered). advice: what to do.
    """

    table: str
    name: str
    description: str
    expectation: str
    arguments: Mapping[str, object] = field(hash=False)
    shown: tuple[str, ...]
    severity: Severity = "error"
    needs: tuple[str, ...] = ()
    advice: str = CORRECT


def applicable(checks: Sequence[Check], tables: Collection[str]) -> list[Check]:
    """Return the checks whose needs are met by `tables` (`schema.table` names), in order."""
    return [check for check in checks if set(check.needs) <= set(tables)]


def failing_rows(check: Check) -> str | None:
    """Return SQL for the rows that fail a check, all columns; None for checks that are not about rows."""
    arguments = check.arguments
    if check.expectation == NO_ROWS:
        return str(arguments["query"])
    if check.expectation == NOT_NULL:
        return f"select * from {check.table} where {arguments['column']} is null"
    if check.expectation == BETWEEN:
        low, high = (_literal(arguments[bound]) for bound in ("min_value", "max_value"))
        return f"select * from {check.table} where {arguments['column']} not between {low} and {high}"
    return None


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int | float) else f"'{value}'"


def day(value: date) -> str:
    """Return a date as SQL."""
    return f"date '{value.isoformat()}'"


@dataclass(frozen=True)
class Table:
    """A table under check: its name, the columns that samples show, and the needs of all its checks."""

    name: str
    shown: tuple[str, ...]
    needs: tuple[str, ...] = ()

    def has_rows(self, description: str, *, severity: Severity = "error", advice: str = CORRECT) -> Check:
        """The table is not empty."""
        return Check(self.name, "has_rows", description, ROW_COUNT, {"min_value": 1}, (), severity, self.needs, advice)

    def given(self, *columns: str) -> list[Check]:
        """Each of these columns has a value in every row."""
        return [
            Check(
                self.name,
                f"{column}_is_given",
                f"Every row has a {column}.",
                NOT_NULL,
                {"column": column},
                self.shown,
                needs=self.needs,
            )
            for column in columns
        ]

    def between(
        self,
        column: str,
        name: str,
        description: str,
        low: object,
        high: object,
        *,
        severity: Severity = "error",
        advice: str = CORRECT,
    ) -> Check:
        """Values of a column, where given, lie between two bounds, both included. Dates: as ISO text."""
        shown = (*self.shown, *(() if column in self.shown else (column,)))
        arguments = {"column": column, "min_value": low, "max_value": high}
        return Check(self.name, name, description, BETWEEN, arguments, shown, severity, self.needs, advice)

    def within_dates(self, column: str, earliest: date, latest: date) -> Check:
        """Dates of a column lie between the first day believed and the business day."""
        return self.between(
            column,
            f"{column}_is_in_range",
            f"No {column} before {earliest} or after the business day {latest}.",
            earliest.isoformat(),
            latest.isoformat(),
        )

    def finite(self, *columns: str) -> list[Check]:
        """Each of these columns holds numbers: not infinite, not NaN, below 10^12."""
        return [
            self.between(column, f"{column}_is_a_number", f"{column} is finite and below 10^12.", -NO_NUMBER, NO_NUMBER)
            for column in columns
        ]

    def not_negative(self, *columns: str) -> list[Check]:
        """Each of these columns holds numbers of zero or more."""
        return [
            self.between(column, f"{column}_is_not_negative", f"{column} is never negative.", 0, NO_NUMBER)
            for column in columns
        ]

    def unique(self, *key: str, shown: tuple[str, ...] | None = None) -> Check:
        """No two rows have the same key. Failing rows are keys, with `row_count` beside them."""
        columns = ", ".join(key)
        # Hashes first, then the few rows whose hash comes twice by their key: as exact, and on 46 million rows of two
        # text keys 11 s of processor time instead of 17, in half the memory.
        query = f"""
            with suspects as (
                select hash({columns}) as key_hash from {self.name} group by key_hash having count(*) > 1
            )
            select {columns}, count(*) as row_count
            from {self.name}
            where hash({columns}) in (select key_hash from suspects)
            group by {columns}
            having count(*) > 1
        """
        shown = (*(key if shown is None else shown), "row_count")
        return self.no_rows("key_is_unique", f"One row a {columns}.", query, shown)

    def no_rows(
        self,
        name: str,
        description: str,
        query: str,
        shown: tuple[str, ...],
        *,
        severity: Severity = "error",
        needs: tuple[str, ...] = (),
        advice: str = CORRECT,
    ) -> Check:
        """A query finds nothing. What it finds are the failing rows; `shown` are columns of its result."""
        return Check(
            self.name, name, description, NO_ROWS, {"query": query}, shown, severity, (*self.needs, *needs), advice
        )

    def never(self, name: str, description: str, condition: str, *shown: str, advice: str = CORRECT) -> Check:
        """No row meets a condition; `shown` stand in samples beside the table's own columns."""
        query = f"select * from {self.name} where {condition}"
        return self.no_rows(name, description, query, (*self.shown, *shown), advice=advice)

    def of_business_day(self, as_of: date, *, advice: str = CORRECT) -> Check:
        """Every row carries the closed business day."""
        return self.no_rows(
            "as_of_is_the_business_day",
            f"as_of is {as_of} in every row.",
            f"select * from {self.name} where as_of is distinct from {day(as_of)}",
            (*self.shown, "as_of"),
            advice=advice,
        )
