"""What a declaration means for one file: each canonical column as SQL over the file's own columns.

Here headers meet columns, by name and never by position. How a text becomes a number or a date is casting.py's
business; what a declaration may say is declarations.py's.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from orchestration.ingestion.casting import CANONICAL, Value, number_from_text, timestamp_from_text
from orchestration.ingestion.catalogue import Column
from orchestration.ingestion.declarations import DECISIONS, SourceFeed
from orchestration.ingestion.expressions import Kind, headers_of, kinds_of, rewrite
from orchestration.ingestion.refusals import FileRefusedError
from orchestration.ingestion.shape import ColumnSource, Format
from orchestration.sql import literal, quoted

_NUMERIC = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "REAL")


@dataclass(frozen=True)
class Columns:
    """The columns of a readable file: header → (name in the relation, DuckDB type); `stored`: names within Parquet."""

    names: dict[str, tuple[str, str]]
    stored: tuple[str, ...] = ()

    def sql(self, header: str) -> str:
        """Return the quoted name of a header's column."""
        return quoted(self.names[header][0])

    def type(self, header: str) -> str:
        """Return the DuckDB type of a header's column."""
        return self.names[header][1]


def require_headers(feed: SourceFeed, header: tuple[str, ...], delimiter: str = ",") -> None:
    """Refuse a header that lacks what the feed needs, or names it twice; no column is ever taken by its position.

    Raises:
        FileRefusedError: names the missing columns, and for each the nearest one that nothing else uses.
    """
    twice = sorted({name for name in header if name and header.count(name) > 1 and name in _used(feed)})
    if twice:
        raise FileRefusedError(f"has column {twice[0]!r} twice — name each column once")
    missing = [name for name in _required(feed) if name not in header]
    if not missing:
        return
    if len(header) == 1 and (found := [sign for sign in ";\t|," if sign in header[0] and sign != delimiter]):
        raise FileRefusedError(
            f"has one column {header[0]!r}, expected {', '.join(_required(feed))} — its fields stand between "
            f"{found[0]!r}, not {delimiter!r}: declare format.delimiter, or export it with {delimiter!r}"
        )
    unknown = [name for name in header if name not in _used(feed)]
    parts = []
    for name in missing:
        folded = {other.casefold(): other for other in reversed(unknown)}
        near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
        parts.append(f"{name!r}" + (f" (the file has {folded[near[0]]!r}: renamed?)" if near else ""))
    noun, these = ("column", "this column") if len(missing) == 1 else ("columns", "these columns")
    raise FileRefusedError(
        f"lacks required {noun} {', '.join(parts)} — no column is taken by its position — deliver the file with "
        f"{these}; nothing of it was loaded"
    )


def added_headers(feed: SourceFeed, header: tuple[str, ...], earlier: tuple[str, ...]) -> list[str]:
    """Return the columns that nothing reads and that earlier files of the feed did not have.

    A file of canonical columns has nothing else to offer, so there every further column counts.
    """
    if feed.source == DECISIONS:
        return []  # a workbook that comes back edited has all the columns that it was published with
    known = _used(feed) | (set(earlier) if feed.columns is not None else set())
    return [name for name in header if name and name not in known] if earlier or feed.columns is None else []


def values_of(feed: SourceFeed, columns: Columns) -> list[Value]:
    """Return how each canonical column is got from a file with these columns, in the catalogue's order."""
    if feed.columns is None:
        return [
            Value(c, columns.sql(c.name), columns.type(c.name), f"{columns.sql(c.name)}::varchar", format=feed.format)
            if c.name in columns.names
            else Value(c, None)
            for c in feed.into.columns
        ]
    declared = feed.columns
    made = {c.name: _value(feed, c, declared[c.name], columns) for c in feed.into.columns if c.name in declared}
    return [made.get(c.name) or Value(c, None) for c in feed.into.columns]


def exclusion_expression(feed: SourceFeed, columns: Columns) -> str:
    """Return SQL of the number of the first exclusion that a row meets, NULL for a row that stays."""
    cases = [f"when {_rewritten(feed, rule.when, columns)} then {n}" for n, rule in enumerate(feed.exclude)]
    return f"case {' '.join(cases)} end" if cases else "null::integer"


def numbering_expression(feed: SourceFeed) -> list[tuple[str, str]]:
    """Return [(stored name, SQL)] of columns that number rows within another canonical column, in file order."""
    return [
        (name, f"row_number() over (partition by _file_index, {quoted(how.row_number_in)} order by _line)")
        for name, how in (feed.columns or {}).items()
        if how.row_number_in
    ]


def record_expression(feed: SourceFeed, columns: Columns) -> str:
    """Return SQL of a record as JSON text, for quarantine: what the feed uses of it, personal columns aside."""
    personal = _personal_headers(feed)
    shown = [name for name in columns.names if name in _used(feed)]
    fields = [(name, literal("(personal)") if name in personal else f"{columns.sql(name)}::varchar") for name in shown]
    return _json(fields)


def rescued_expression(columns: Columns, added: list[str]) -> str:
    """Return SQL of the columns that nothing reads, as JSON text."""
    return _json([(name, f"{columns.sql(name)}::varchar") for name in added])


def _json(fields: list[tuple[str, str]]) -> str:
    """Return SQL of (name, SQL) pairs as JSON text; a struct would not take names that differ in case only."""
    pairs = ", ".join(f"{literal(name)}, {sql}" for name, sql in fields)
    return f"json_object({pairs})::varchar" if fields else "null::varchar"


def has_personal(feed: SourceFeed) -> bool:
    """Say whether the feed holds columns that tell who a customer is."""
    return any(column.is_personal for column in feed.into.columns)


def _value(feed: SourceFeed, column: Column, how: ColumnSource, columns: Columns) -> Value:
    if how.row_number_in is not None:
        return Value(column, "1", "INTEGER")  # numbered after the cast (numbering_expression)
    if how.value is not None:
        text = str(how.value).lower() if isinstance(how.value, bool) else str(how.value)
        return Value(column, f"{literal(text)}::varchar")
    if how.sql is not None:
        return _computed(feed, column, how.sql, columns)
    header = how.header or ""
    raw, kind = columns.sql(header), columns.type(header)
    shown = f"{raw}::varchar"
    raw = _without_null_words(raw, kind, feed.format)
    if how.map is None:
        return Value(column, raw, kind, shown, format=feed.format, pattern=how.format)
    entries = ", ".join(f"{literal(theirs)}: {literal(ours)}" for theirs, ours in how.map.items())
    found = f"map {{{entries}}}[trim({raw}::varchar)]"
    if how.strict:
        fault = f"({found} is null and trim({shown}) <> '')"
        return Value(column, found, "VARCHAR", shown, fault, feed.format, how.format)
    return Value(column, f"coalesce({found}, {raw}::varchar)", "VARCHAR", shown, None, feed.format, how.format)


def _without_null_words(raw: str, kind: str, wanted: Format) -> str:
    if kind != "VARCHAR" or not wanted.null_values:
        return raw
    return f"case when trim({raw}) not in ({', '.join(map(literal, wanted.null_values))}) then {raw} end"


def _computed(feed: SourceFeed, column: Column, text: str, columns: Columns) -> Value:
    headers = headers_of(text)
    sql = _rewritten(feed, text, columns)
    # numbers cast to the canonical type directly: on the way through text 0.1 + 0.2 would be read back as it prints
    parsed = [
        f"(trim({columns.sql(h)}::varchar) <> '' and {_parsed(feed, h, kind, columns)} is null)"
        for h, kind in _kinds(text)
        if kind != "text" and columns.type(h) == "VARCHAR"
    ]
    shown = _json([(h, f"{columns.sql(h)}::varchar") for h in headers]) if headers else None
    if column.type == "text":
        return Value(column, f"({sql})::varchar", "VARCHAR", shown, " or ".join(parsed) or None, CANONICAL)
    # an expression may well yield text (a CASE of texts), which is then read as any text; casts decide by the type
    return Value(
        column,
        f"({sql})::varchar",
        "VARCHAR",
        shown if column.is_required else None,
        " or ".join(parsed) or None,
        CANONICAL,
    )


def _kinds(text: str) -> list[tuple[str, Kind]]:
    return [(header, kind) for header, kinds in kinds_of(text).items() for kind in sorted(kinds)]


def _rewritten(feed: SourceFeed, text: str, columns: Columns) -> str:
    return rewrite(text, lambda header, kind: _parsed(feed, header, kind, columns))


def _parsed(feed: SourceFeed, header: str, kind: Kind, columns: Columns) -> str:
    """Return SQL of a header's value as an expression sees it: numbers and time stamps parsed, the rest text."""
    raw, file_type = columns.sql(header), columns.type(header)
    if kind == "text":
        return f"trim({raw}::varchar)"
    if file_type != "VARCHAR":
        return raw
    cell = _without_null_words(f"nullif(trim({raw}), '')", file_type, feed.format)
    if kind == "number":
        # 38 digits with 6 decimals: exact for money times quantity, as no double is
        return f"try_cast({number_from_text(cell, feed.format)} as decimal(24,6))"
    return timestamp_from_text(cell, feed.format.timestamp or feed.format.date)


def _used(feed: SourceFeed) -> set[str]:
    if feed.columns is None:
        return {column.name for column in feed.into.columns}
    used = {header for how in feed.columns.values() for header in _headers(how)}
    return used | {header for rule in feed.exclude for header in headers_of(rule.when)}


def _required(feed: SourceFeed) -> list[str]:
    """Return the headers without which a file is refused: a declared feed needs all that it names."""
    if feed.columns is None:
        return list(feed.into.required)
    named = [header for how in feed.columns.values() for header in _headers(how)]
    return list(dict.fromkeys(named + [header for rule in feed.exclude for header in headers_of(rule.when)]))


def _headers(how: ColumnSource) -> list[str]:
    if how.header is not None:
        return [how.header]
    return headers_of(how.sql) if how.sql is not None else []


def _personal_headers(feed: SourceFeed) -> set[str]:
    personal = {column.name for column in feed.into.columns if column.is_personal}
    if feed.columns is None:
        return personal
    return {header for name, how in feed.columns.items() if name in personal for header in _headers(how)}
