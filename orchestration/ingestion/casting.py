"""SQL expressions that turn a file's value into its canonical type, and say when they could not.

DuckDB casts generously (`'1.5'::integer` is 2, an empty text is NULL or an error by type), so text is matched against
a pattern before it is cast, and a value that is there but became NULL is an error of that column, never a NULL.
"""

from __future__ import annotations

from orchestration.ingestion.catalogue import CanonicalFeed, Column
from orchestration.sql import literal, quoted

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_INTEGER = r"^[+-]?\d+$"
_DATE = r"^\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?)?$"
_OFFSET = r"(Z|[+-]\d{2}(:?\d{2})?)$"
# an offset needs seconds before it: DuckDB reads `11:53+02` as no time stamp at all
_TIMESTAMP = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?(Z|[+-]\d{2}(:?\d{2})?)?)?)?$"
_WITH_OFFSET = r"^\d{4}-\d{2}-\d{2}[T ].*" + _OFFSET

EXPECTED = {
    "text": "text",
    "integer": "a whole number",
    "quantity": "a number with a decimal point",
    "amount": "a number with a decimal point",
    "price": "a number with a decimal point",
    "number": "a number with a decimal point",
    "date": "a date like 2026-01-31",
    "timestamp": "a time stamp like 2026-01-31T18:05:00, with an offset if it has one",
    "boolean": "true or false",
}


def cast_expressions(column: Column, present: str | None, file_type: str) -> list[tuple[str, str]]:
    """Return [(stored name, SQL expression)] of one canonical column.

    `present` is the column's name in the file, None when the file lacks it; `file_type` its DuckDB type there.
    """
    if present is None:
        stored = [(column.name, f"null::{column.sql_type}")]
        return [*stored, (f"{column.name}_utc", "null::TIMESTAMP")] if column.type == "timestamp" else stored
    value = quoted(present)
    if column.type == "timestamp":
        return _timestamp(column.name, value, file_type)
    if file_type == "VARCHAR":
        return [(column.name, _from_text(column, _trimmed(value)))]
    return [(column.name, _from_typed(column, value))]


def error_expression(feed: CanonicalFeed, present: set[str]) -> str:
    """Return SQL that is NULL for a good row, else the name of its first bad column.

    It reads the cast values by their stored names and the file's own values as `file_<name>`, for columns in `present`.
    """
    cases = []
    for column in feed.columns:
        if column.name not in present:
            continue
        cast, value = quoted(column.name), quoted(f"file_{column.name}")
        if column.is_required:
            cases.append(f"when {cast} is null then {literal(column.name)}")
        elif column.type != "text":
            cases.append(f"when {cast} is null and trim({value}::varchar) <> '' then {literal(column.name)}")
    return "case " + " ".join(cases) + " end" if cases else "null::varchar"


def _trimmed(value: str) -> str:
    return f"nullif(trim(nfc_normalize({value})), '')"


def _from_text(column: Column, text: str) -> str:
    if column.type == "text":
        return text
    if column.type == "boolean":
        return (
            f"case when lower({text}) in ('true', 't', 'yes', 'y', '1') then true "
            f"when lower({text}) in ('false', 'f', 'no', 'n', '0') then false end"
        )
    if column.type == "date":
        return f"case when regexp_matches({text}, {literal(_DATE)}) then try_cast(left({text}, 10) as date) end"
    pattern = _INTEGER if column.type == "integer" else _NUMBER
    return f"case when regexp_matches({text}, {literal(pattern)}) then try_cast({text} as {column.sql_type}) end"


def _from_typed(column: Column, value: str) -> str:
    """Cast a value that the file itself types (Parquet)."""
    if column.type == "text":
        return _trimmed(f"{value}::varchar")
    cast = f"try_cast({value} as {column.sql_type})"
    if column.type == "integer":
        # 1.5 would round to 2
        return f"case when try_cast({value} as double) = {cast} then {cast} end"
    if column.type == "number":
        return f"case when isfinite({cast}) then {cast} end"
    return cast


def _timestamp(name: str, value: str, file_type: str) -> list[tuple[str, str]]:
    if file_type == "TIMESTAMP WITH TIME ZONE":
        instant = f"({value} at time zone 'UTC')"
        return [(name, instant), (f"{name}_utc", instant)]
    if file_type != "VARCHAR":
        return [(name, f"try_cast({value} as timestamp)"), (f"{name}_utc", "null::timestamp")]
    text = _trimmed(value)
    is_stamp = f"regexp_matches({text}, {literal(_TIMESTAMP)})"
    bare = f"case when {_has_offset(text)} then regexp_replace({text}, {literal(_OFFSET)}, '') else {text} end"
    wall = f"try_cast({bare} as timestamp)"
    instant = f"(try_cast({text} as timestamptz) at time zone 'UTC')"
    return [
        (name, f"case when {is_stamp} then {wall} end"),
        (f"{name}_utc", f"case when {is_stamp} and {_has_offset(text)} then {instant} end"),
    ]


def _has_offset(text: str) -> str:
    return f"regexp_matches({text}, {literal(_WITH_OFFSET)})"
