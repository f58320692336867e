"""SQL that turns a file's value into its canonical type, and says when it could not.

DuckDB casts generously (`'1.5'::integer` is 2, `'1_000'` is 1000, an empty text NULL or an error by type), so text is
matched against a pattern before it is cast, and a value that is there but became NULL is a fault of that column, never
a NULL. Plain canonical text takes the short way; what people and spreadsheets write (`€ 1.234,50`, `(5)`, `12-`,
full-width digits) is normalised first, by the signs that the feed declares.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.func import PythonUDFType

from orchestration.ingestion.catalogue import CanonicalFeed, Column
from orchestration.ingestion.shape import Format
from orchestration.sql import literal, quoted

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"
_INTEGER = r"[+-]?\d+"
_DATE = r"\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?)?"
_OFFSET = r"(Z|[+-]\d{2}(:?\d{2})?)$"
# an offset needs seconds before it: DuckDB reads `11:53+02` as no time stamp at all
_TIMESTAMP = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?(Z|[+-]\d{2}(:?\d{2})?)?)?)?"
_CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{80}-\x{9F}]"
# a spreadsheet's rounded number: what stood there before is lost
SCIENTIFIC = r"\d(\.\d+)?[eE]\+\d{1,3}"
# marks that nobody sees: zero-width spaces, direction marks, byte order marks, soft hyphens
_INVISIBLE = "[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad]"
# 0001 and 9999 are no dates but a system's way to say "none"
EARLIEST, LATEST = "1900-01-01", "2199-12-31"

EXPECTED = {
    "text": "text without control characters",
    "integer": "a whole number",
    "quantity": "a number with a decimal point",
    "amount": "a number with a decimal point",
    "price": "a number with a decimal point",
    "number": "a number with a decimal point",
    "date": "a date like 2026-01-31",
    "timestamp": "a time stamp like 2026-01-31T18:05:00, with an offset if it has one",
    "boolean": "true or false",
}


CANONICAL = Format()


@dataclass(frozen=True)
class Value:
    """What one canonical column is made of, in one file.

    sql: the file's value, over the file's columns; None where the feed has none. type: its DuckDB type. shown: SQL of
    the text that a message shows, None for constants. fault: SQL that is true where a part of an expression did not
    parse. format: how the feed's text is written.
    """

    column: Column
    sql: str | None
    type: str = "VARCHAR"
    shown: str | None = None
    fault: str | None = None
    format: Format = CANONICAL
    pattern: str | None = None


def prepare_connection(con: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the two functions that casts use; harmless when repeated."""
    if con.execute("select 1 from duckdb_functions() where function_name = 'normal_key'").fetchone():
        return
    text: list = ["VARCHAR"]
    con.create_function("normal_key", _normal_key, text, "VARCHAR", type=PythonUDFType.ARROW)
    con.create_function("normal_number", _normal_number, text * 3, "VARCHAR", type=PythonUDFType.ARROW)


def stored_expressions(value: Value, zone: str | None, is_plain: bool) -> list[tuple[str, str]]:
    """Return [(stored name, SQL)] of one canonical column; a time stamp is stored as wall clock and as instant.

    zone: of the source's time stamps without offset, None where they are local to the place. is_plain: the file is
    ASCII without control characters, so that nothing needs normalising.
    """
    column = value.column
    if value.sql is None:
        stored = [(column.name, f"null::{column.sql_type}")]
        return [*stored, (f"{column.name}_utc", "null::timestamp")] if column.type == "timestamp" else stored
    if column.type == "timestamp":
        return _timestamp(value, zone)
    if value.type == "VARCHAR":
        return [(column.name, _from_text(value, is_plain))]
    return [(column.name, _from_typed(value))]


def fault_expression(feed: CanonicalFeed, values: list[Value], is_plain: bool) -> str:
    """Return SQL that is NULL for a good row, else the name of its first bad column.

    It reads the stored columns by name, and what a file itself says by `shown_<name>`, for columns that have it.
    """
    cases = []
    for value in values:
        column, shown = value.column, quoted(f"shown_{value.column.name}")
        stored = quoted(column.name)
        if value.sql is None:
            continue
        faults = []
        if value.fault:
            faults.append(quoted(f"fault_{column.name}"))
        if column.is_required:
            faults.append(f"{stored} is null")
        elif value.shown and column.type != "text":
            faults.append(f"({stored} is null and trim({shown}) <> '')")
        if column.type == "text" and value.shown and not is_plain:
            faults.append(f"regexp_matches({stored}, {literal(_CONTROL)})")
        if column.may_be_rounded:
            plus = f"contains({stored}, '+')"
            faults.append(f"({plus} and regexp_full_match({stored}, {literal(SCIENTIFIC)}))")
        if column.minimum is not None:
            faults.append(f"{stored} < {column.minimum}")
        cases += [f"when {fault} then {literal(column.name)}" for fault in faults]
    return "case " + " ".join(cases) + " end" if cases else "null::varchar"


def number_from_text(text: str, wanted: Format) -> str:
    """Return SQL of the number's plain text, empty where a text is no number in the feed's signs."""
    decimal, thousands = wanted.decimal, wanted.thousands
    fallback = f"normal_number({text}, {literal(decimal)}, {literal(thousands or '')})"
    if decimal == "." and not thousands:
        return f"case when regexp_full_match({text}, {literal(_NUMBER)}) then {text} else {fallback} end"
    point = "[.]" if decimal == "." else decimal
    plain, plain_value = rf"[+-]?\d+({point}\d+)?", f"replace({text}, {literal(decimal)}, '.')"
    return f"case when regexp_full_match({text}, {literal(plain)}) then {plain_value} else {fallback} end"


def timestamp_from_text(text: str, pattern: str | None) -> str:
    """Return SQL of a time stamp, NULL where a text is none or lies beyond 1900 to 2199."""
    if pattern:
        cast = f"try_strptime({text}, {literal(pattern)})"
    else:
        cast = f"case when regexp_full_match({text}, {literal(_TIMESTAMP)}) then try_cast({text} as timestamp) end"
    return _believable(cast, "timestamp")


def _from_text(value: Value, is_plain: bool) -> str:
    column = value.column
    raw = value.sql or ""
    if column.type == "text":
        if is_plain:
            return _trimmed(raw)
        # keys are compared, so they are folded to one form; a name keeps its own marks (an emoji's joiner)
        normal = f"normal_key({raw})" if column.is_key else f"nfc_normalize({raw})"
        # with control characters about, a key may have tabs or line ends around it
        spaced = f"({raw} < '!' or right({raw}, 1) < '!')"
        ascii_text = f"case when {spaced} then nullif(trim({raw}, E' \\t\\r\\n'), '') else {raw} end"
        return f"case when strlen({raw}) = length({raw}) then {ascii_text} else nullif(trim({normal}), '') end"
    text = _trimmed(raw)
    if column.type == "boolean":
        return (
            f"case when lower({text}) in ('true', 't', 'yes', 'y', '1') then true "
            f"when lower({text}) in ('false', 'f', 'no', 'n', '0') then false end"
        )
    if column.type == "date":
        pattern = value.pattern or value.format.date
        if pattern:
            return _believable(f"try_strptime({text}, {literal(pattern)})::date", "date")
        is_date = f"({raw} like '____-__-__' or regexp_full_match({text}, {literal(_DATE)}))"
        return _believable(f"case when {is_date} then try_cast(left({text}, 10) as date) end", "date")
    return _number(column, raw, text, value.format)


def _number(column: Column, raw: str, text: str, wanted: Format) -> str:
    """Cast plainly written numbers at once, the others the long way (a pattern costs 1 s in 10 million)."""
    exact = f"try_cast({number_from_text(text, wanted)} as {column.sql_type})"
    if column.type == "integer":
        whole = f"({number_from_text(text, wanted)})"
        exact = f"try_cast(case when regexp_full_match({whole}, {literal(_INTEGER)}) then {whole} end as bigint)"
        # 1.5, 1_000 and 1e3 read differently on the way back
        return f"case when try_cast({raw} as bigint)::varchar = {raw} then try_cast({raw} as bigint) else {exact} end"
    is_canonical = wanted.decimal == "." and not wanted.thousands
    if column.type == "number" or not is_canonical:
        return exact
    # all that DuckDB takes for a decimal and we do not is 1_000
    plain = f"case when not contains({raw}, '_') then try_cast({raw} as {column.sql_type}) end"
    return f"case when {raw} is not null then coalesce({plain}, {exact}) end"


def _trimmed(raw: str) -> str:
    """Return SQL of a text without spaces around it, NULL when nothing is left; few texts have any (trim: 0.7 s in 10
    million)."""
    spaced = f"(starts_with({raw}, ' ') or ends_with({raw}, ' ') or {raw} = '')"
    return f"case when {spaced} then nullif(trim({raw}), '') else {raw} end"


def _from_typed(value: Value) -> str:
    """Cast a value that the file itself types (Parquet)."""
    column, raw = value.column, value.sql or ""
    if column.type == "text":
        return _trimmed(f"{raw}::varchar")
    cast = f"try_cast({raw} as {column.sql_type})"
    if column.type == "integer":
        # 1.5 would round to 2
        whole = value.type in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
        return cast if whole else f"case when try_cast({raw} as double) = {cast} then {cast} end"
    if column.type == "number":
        return f"case when isfinite({cast}) then {cast} end"
    return _believable(cast, "date") if column.type == "date" else cast


def _timestamp(value: Value, zone: str | None) -> list[tuple[str, str]]:
    name, raw = value.column.name, value.sql or ""
    if value.type == "TIMESTAMP WITH TIME ZONE":
        instant = f"({raw} at time zone 'UTC')"
        return [(name, _believable(instant, "timestamp")), (f"{name}_utc", instant)]
    # the instant is known where the source's zone is; else only once the place's is (dbt staging)
    placed = f"(timezone({literal(zone)}, {{}}) at time zone 'UTC')" if zone else "null::timestamp"
    pattern = value.pattern or value.format.timestamp
    if value.type != "VARCHAR" or (pattern and "%z" not in pattern):
        wall = (
            f"try_cast({raw} as timestamp)"
            if value.type != "VARCHAR"
            else f"try_strptime(nullif(trim({raw}), ''), {literal(pattern or '')})"
        )
        return [(name, _believable(wall, "timestamp")), (f"{name}_utc", placed.format(wall))]
    text = _trimmed(raw)
    if pattern:
        instant = f"(try_strptime({text}, {literal(pattern)})::timestamptz at time zone 'UTC')"
        return [(name, _believable(instant, "timestamp")), (f"{name}_utc", instant)]
    # the usual form of 19 characters needs no pattern; an offset is longer
    usual = f"({raw} like '____-__-_____:__:__' and not ends_with({raw}, 'Z'))"
    is_stamp = f"regexp_full_match({text}, {literal(_TIMESTAMP)})"
    has_offset = f"regexp_matches({text}, {literal('[T ].*' + _OFFSET)})"
    bare = f"case when {has_offset} then regexp_replace({text}, {literal(_OFFSET)}, '') else {text} end"
    wall = f"case when {usual} then try_cast({raw} as timestamp) when {is_stamp} then try_cast({bare} as timestamp) end"
    instant = f"(try_cast({text} as timestamptz) at time zone 'UTC')"
    other = placed.format(wall) if zone else "null"
    return [
        (name, _believable(wall, "timestamp")),
        (
            f"{name}_utc",
            f"case when {usual} then {other} when {is_stamp} and {has_offset} then {instant} else {other} end",
        ),
    ]


def _believable(cast: str, kind: str) -> str:
    return f"case when {cast} between {kind} {literal(EARLIEST)} and {kind} {literal(LATEST)} then {cast} end"


def _normal_key(values: pa.Array) -> pa.Array:
    """NFKC, without invisible marks, trimmed."""
    normal = pc.utf8_normalize(values, form="NFKC")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(normal, _INVISIBLE, ""))


def _normal_number(values: pa.Array, decimals: pa.Array, thousands: pa.Array) -> pa.Array:
    """Write a number plainly: `€ 1.234,50`, `(5)`, `12-` by the feed's signs; empty where the groups do not fit.

    The signs are the same in every row: they are what the feed declares.
    """
    if not len(values):
        return values
    decimal, group = decimals[0].as_py(), unicodedata.normalize("NFKC", thousands[0].as_py())
    text = pc.replace_substring(_normal_key(values), "\u2212", "-")
    if group in ("'", "\u2019"):
        text, group = pc.replace_substring(text, "\u2019", "'"), "'"
    text = pc.replace_substring_regex(text, r"^\((.*)\)$", r"-\1")
    text = pc.replace_substring_regex(text, r"^([^-]*)-$", r"-\1")
    text = pc.replace_substring_regex(text, r"\s*\p{Sc}\s*", "")
    point = f"[{decimal}]"
    shape = rf"[+-]?\d+({point}\d+)?"
    if group:
        # NFKC has made a plain space of every narrow and non-breaking one
        shape = rf"({shape}|[+-]?\d{{1,3}}([{group}]\d{{3}})+({point}\d+)?)"
    fits = pc.match_substring_regex(text, f"^{shape}$")
    if group:
        text = pc.replace_substring(text, group, "")
    plain = pc.replace_substring(text, decimal, ".")
    return pc.if_else(fits, plain, "")
