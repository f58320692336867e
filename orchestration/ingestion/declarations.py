"""Source declarations: which folder of `landing/` feeds which canonical feed, and how (docs/sources.md).

One YAML file a source system in `home/sources/`. The built-in sources (`pos`, `erp`, `crm`) use canonical names and
need none. Belongs here: the shape of a declaration and its refusals. Not here: the SQL of a column (mapping.py).
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal, Self
from zoneinfo import available_timezones

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from orchestration.errors import SettingsError
from orchestration.ingestion.catalogue import CanonicalFeed, canonical_feeds
from orchestration.ingestion.expressions import ExpressionError, header_name, rewrite
from orchestration.sql import literal
from orchestration.strict_yaml import explain, nearest, read_mapping

# the source that is not in landing/: lists that people filled in, back in home/decisions/
DECISIONS = "decisions"
STRICT = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
Character = Field(min_length=1, max_length=1)


_GROUP_SIGNS = (",", ".", "'", "\u2019", " ", "\u00a0", "\u202f", "\u2009", "_")
_NO_ENCODINGS = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7")


@cache
def _scratchpad() -> duckdb.DuckDBPyConnection:
    """Return a database without data, where what a declaration says is tried before any file comes."""
    return duckdb.connect(config={"threads": 1})


def pattern_checked(pattern: str) -> str:
    """Return a strptime pattern.

    Raises:
        ValueError: it is none.
    """
    try:
        _scratchpad().execute(f"select try_strptime('', {literal(pattern)})")
    except duckdb.Error as error:
        raise ValueError(f"is no pattern of dates ({str(error).splitlines()[0]}) — e.g. %Y/%m/%d %H:%M") from None
    if "%" not in pattern:
        raise ValueError("is no pattern of dates — e.g. %Y/%m/%d %H:%M")
    return pattern


class Format(BaseModel):
    """How the files of a feed are written. What is not said is found out (encoding) or canonical (numbers, dates)."""

    model_config = STRICT

    type: Literal["csv", "parquet", "xlsx"] | None = Field(
        None, description="Kind of file; default: by its name, csv (also .gz, .zip), parquet, xlsx."
    )
    encoding: str | None = Field(
        None, description="Text encoding, e.g. gb18030, utf-16, latin-1; default: UTF-8, or UTF-16 by its mark."
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="Between two fields.")
    quote: str = Field('"', min_length=1, max_length=1, description="Around a field that holds a delimiter.")
    decimal: Literal[".", ","] = Field(".", description="Decimal sign of numbers.")
    thousands: str | None = Field(
        None, min_length=1, max_length=1, description="Sign between groups of three digits, e.g. a comma or a space."
    )
    timestamp: str | None = Field(None, description="Time stamps as strptime writes them, e.g. %Y/%m/%d %H:%M.")
    date: str | None = Field(None, description="Dates as strptime writes them, e.g. %d.%m.%Y.")
    null_values: tuple[str, ...] = Field((), description="Words that mean 'no value', e.g. NULL; empty always does.")
    sheet: str | None = Field(None, description="Worksheet of a workbook; default: the first.")
    trailer: str | None = Field(
        None,
        description="Pattern of a last line that counts the records before it, its number in brackets: ^END;(\\d+)$.",
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            # what Python calls codecs besides: rot13, base64, punycode and such are no text of a file
            if not b"a".decode(value).encode(value, "strict") or codecs.lookup(value).name in _NO_ENCODINGS:
                raise LookupError
            return codecs.lookup(value).name
        except (LookupError, UnicodeError):
            if value.lower().replace("_", "-").startswith(("utf-16", "utf-32")):
                return codecs.lookup(value).name
            raise ValueError("unknown encoding — e.g. utf-8, gb18030, utf-16, latin-1, cp1252") from None

    @field_validator("timestamp", "date")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        return value if value is None else pattern_checked(value)

    @field_validator("trailer")
    @classmethod
    def _counts(cls, value: str | None) -> str | None:
        try:
            groups = re.compile(value).groups if value is not None else 1
        except re.error as error:
            raise ValueError(f"is no pattern ({error}) — e.g. ^END;(\\d+)$") from None
        if groups != 1:
            raise ValueError("needs the count in brackets, once — e.g. ^END;(\\d+)$")
        return value

    @field_validator("thousands")
    @classmethod
    def _groups(cls, value: str | None) -> str | None:
        if value is not None and value not in _GROUP_SIGNS:
            raise ValueError(f"cannot group digits — valid: {' '.join(map(repr, _GROUP_SIGNS))}")
        return value

    @field_validator("delimiter", "quote")
    @classmethod
    def _is_sign(cls, value: str) -> str:
        if value.isalnum() or value in "\r\n\0+-." or not value.isascii():
            raise ValueError('cannot stand between or around fields — e.g. , ; | tab, and " around them')
        return value

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        if self.delimiter == self.quote:
            raise ValueError(f"delimiter and quote are both {self.quote!r}")
        return self


class ColumnSource(BaseModel):
    """How one canonical column is got: exactly one of `from`, `value`, `sql`, `row_number_in`."""

    model_config = STRICT

    header: str | None = Field(None, alias="from", description="Header of the file's column.")
    map: dict[str, str] | None = Field(None, description="Their values to ours; what is not listed passes.")
    strict: bool = Field(False, description="Whether a value that the map does not list is refused.")
    format: str | None = Field(None, description="strptime pattern of this column, where the feed's does not fit.")
    value: str | int | float | bool | None = Field(None, description="The same value in every row.")
    sql: str | None = Field(None, description="One scalar expression over the file's headers.")
    row_number_in: str | None = Field(
        None, description="Position of the row within this canonical column's value, in file order, from 1."
    )

    @field_validator("format")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        return value if value is None else pattern_checked(value)

    @field_validator("header")
    @classmethod
    def _as_compared(cls, value: str | None) -> str | None:
        return header_name(value) if value is not None else None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [n for n in ("header", "value", "sql", "row_number_in") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError("needs exactly one of: from, value, sql, row_number_in")
        if given != ["header"] and (self.map is not None or self.strict or self.format):
            raise ValueError("map, strict and format belong to `from`")
        if self.strict and self.map is None:
            raise ValueError("strict: true needs a map")
        return self


class Exclusion(BaseModel):
    """Rows that are not what the feed is about; counted, and kept with the reason."""

    model_config = STRICT

    when: str = Field(description="One true-or-false expression over the file's headers.")
    reason: str = Field(min_length=1, description="Why such rows are no business of this feed.")


class Database(BaseModel):
    """A PostgreSQL table or query, read incrementally; each reading lands as a Parquet extract."""

    model_config = STRICT

    connection: str = Field(
        description="Name of the environment variable that holds the connection string; never the string itself."
    )
    table: str | None = Field(None, description="Table to read, with its schema.")
    query: str | None = Field(None, description="One SELECT to read instead of a table.")
    watermark: str = Field(description="Column that grows with every change, e.g. updated_at.")
    overlap: timedelta = Field(
        timedelta(0), description="How far below the last watermark to read again, for rows that were committed late."
    )

    @field_validator("connection")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not value.isidentifier():
            raise ValueError("is not the name of an environment variable — secrets do not belong into this file")
        return value

    @model_validator(mode="after")
    def _table_or_query(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("needs exactly one of: table, query")
        return self


class FeedDeclaration(BaseModel):
    """One feed of a source: its files, their format, and what each canonical column is made of."""

    model_config = STRICT

    feeds_into: str | None = Field(None, description="Canonical feed; default: <source>/<feed> where that is one.")
    files: str | None = Field(None, description="Files below landing/<source>/, e.g. orders/*.csv; default: <feed>/*.")
    format: Format = Field(default_factory=Format, description="How the files are written.")
    load: Literal["append", "upsert", "snapshot"] | None = Field(
        None,
        description="append, upsert (newest row of a key) or snapshot (newest file); default: the canonical feed's.",
    )
    keep: Literal["last"] | None = Field(None, description="last: one row a key, the last seen; others are superseded.")
    columns: dict[str, ColumnSource] | None = Field(
        None, description="Canonical column: how to get it; default: columns of the same name."
    )
    exclude: tuple[Exclusion, ...] = Field((), description="Rows that are not what the feed is about.")
    allow_empty: bool = Field(False, description="Whether a file with a header and no rows is a day without rows.")
    database: Database | None = Field(None, description="Read from PostgreSQL instead of waiting for files.")

    @field_validator("columns", mode="before")
    @classmethod
    def _header_or_more(cls, value: object) -> object:
        """`sold_at: 支付时间` is short for `sold_at: {from: 支付时间}`."""
        if not isinstance(value, dict):
            return value
        if booleans := [name for name, body in value.items() if isinstance(body, bool)]:
            raise ValueError(f"{booleans[0]}: on, off, yes and no are true or false to YAML — put the header in quotes")
        return {name: body if isinstance(body, dict) else {"from": str(body)} for name, body in value.items()}

    @field_validator("files")
    @classmethod
    def _stays_below_its_source(cls, value: str | None) -> str | None:
        if value is not None and (value.startswith(("/", "~")) or ".." in Path(value).parts or value.count("/") != 1):
            raise ValueError("must be <folder>/<pattern> below landing/<source>/, e.g. orders/*.csv")
        return value


class SourceDeclaration(BaseModel):
    """One source system."""

    model_config = STRICT

    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name; its folder is landing/<source>/.")
    timezone: str | None = Field(
        None, description="Zone of its time stamps without offset; default: that of the place."
    )
    feeds: dict[str, FeedDeclaration] = Field(min_length=1, description="Its feeds by name.")

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"unknown time zone; {nearest(value, available_timezones())}")
        return value


@dataclass(frozen=True)
class SourceFeed:
    """One feed of one source, ready to be read: where its files lie, what they become, and by which declaration.

    `columns` is None where the file's own names are canonical. `version` changes when the declaration does: then files
    are read again.
    """

    source: str
    feed: str
    into: CanonicalFeed
    files: str = ""
    format: Format = field(default_factory=Format)
    load: str = ""
    keeps_last: bool = False
    columns: dict[str, ColumnSource] | None = None
    exclude: tuple[Exclusion, ...] = ()
    allows_empty: bool = False
    timezone: str | None = None
    database: Database | None = None
    version: str = "canonical"

    @property
    def name(self) -> str:
        """Return `<source>/<feed>`, as in messages and in the manifest."""
        return f"{self.source}/{self.feed}"

    @property
    def table(self) -> str:
        """Return `<source>_<feed>`: the table's name in `raw` and in `quarantine`."""
        return f"{self.source}_{self.feed}"

    def folder(self, landing: Path) -> Path:
        """Return where this feed's extracts arrive; what people decide lies beside `landing/`, in one folder."""
        if self.source == DECISIONS:
            return landing.parent / DECISIONS
        return landing / self.source / (Path(self.files).parent if self.files else self.feed)

    @property
    def pattern(self) -> str:
        """Return which files of the folder are this feed's."""
        if self.source == DECISIONS:
            return f"{self.feed}*"
        return Path(self.files).name if self.files else "*"

    @property
    def numbers_rows(self) -> bool:
        """Say whether rows are numbered by their position: then equal rows are separate rows, not duplicates."""
        return any(column.row_number_in for column in (self.columns or {}).values())


def source_feeds(home: Path) -> list[SourceFeed]:
    """Return every declared feed: the built-in ones in catalogue order, then those of `home/sources/` by name.

    Raises:
        SettingsError: a declaration is wrong; one line a fault, with file, key and the nearest valid name.
    """
    declared: dict[str, SourceFeed] = {}
    of: dict[str, Path] = {}
    for path in sorted((home / "sources").glob("*.y*ml")):
        for feed in _read(path):
            if feed.name in declared:
                raise SettingsError(
                    f"{path}: key 'feeds.{feed.feed}' of source {feed.source!r} is declared before in "
                    f"{of[feed.name].name} — keep one of them"
                )
            declared[feed.name], of[feed.name] = feed, path
    built_in = [_built_in(into) for into in canonical_feeds().values()]
    kept = [declared.pop(feed.name, feed) for feed in built_in]
    return [*kept, *(declared[name] for name in sorted(declared))]


def _built_in(into: CanonicalFeed) -> SourceFeed:
    source, feed = into.name.split("/")
    return SourceFeed(source, feed, into, load=into.load)


def _read(path: Path) -> list[SourceFeed]:
    values = read_mapping(path)
    try:
        declaration = SourceDeclaration(**values)
    except ValidationError as error:
        faults = [e | {"input": "…"} if "connection" in e["loc"] else e for e in error.errors()]
        raise SettingsError("\n".join(explain(path, e, SourceDeclaration, "key") for e in faults)) from None
    except TypeError as error:
        raise SettingsError(f"{path}: {error} — keys must be text") from None
    if declaration.source == DECISIONS:
        raise SettingsError(f"{path}: key 'source' has value {DECISIONS!r} — this name is taken by home/decisions/")
    formats = {_folder(name, body): body.format for name, body in declaration.feeds.items() if _says_format(body)}
    return [
        _resolve(
            path,
            declaration,
            name,
            body
            if _says_format(body)
            else body.model_copy(update={"format": formats.get(_folder(name, body), Format())}),
        )
        for name, body in declaration.feeds.items()
    ]


def _folder(name: str, body: FeedDeclaration) -> str:
    return body.files.split("/")[0] if body.files else name


def _says_format(body: FeedDeclaration) -> bool:
    """Say whether a feed has a format of its own; one that reads the files of another feed has that one's."""
    return "format" in body.model_fields_set


def _resolve(path: Path, declaration: SourceDeclaration, name: str, body: FeedDeclaration) -> SourceFeed:
    """Check one feed against the catalogue and return it ready to be read."""
    key = f"feeds.{name}"
    if not name.isidentifier():
        raise SettingsError(f"{path}: feed name {name!r} — use letters, digits and _")
    into_name = body.feeds_into or f"{declaration.source}/{name}"
    feeds = canonical_feeds()
    if into_name not in feeds:
        missing = "" if body.feeds_into else " is missing and"
        raise SettingsError(
            f"{path}: key '{key}.feeds_into'{missing} has value {into_name!r}, which is no canonical feed — "
            f"{nearest(into_name, feeds)}"
        )
    into = feeds[into_name]
    if body.columns is not None:
        _check_columns(path, key, into, body.columns)
    for number, exclusion in enumerate(body.exclude):
        kind = _check_expression(path, f"{key}.exclude.{number}.when", exclusion.when)
        if kind != "BOOLEAN":
            raise SettingsError(f"{path}: key '{key}.exclude.{number}.when' has value {exclusion.when!r} — it is a "
                                f"{kind.lower()}, not true or false; compare it with something")  # fmt: skip
    text = json.dumps([declaration.timezone, body.model_dump(mode="json")], sort_keys=True, ensure_ascii=False)
    return SourceFeed(
        source=declaration.source,
        feed=name,
        into=into,
        files=body.files or "",
        format=body.format,
        load=body.load or ("upsert" if body.keep else into.load),
        keeps_last=body.keep == "last",
        columns=body.columns,
        exclude=body.exclude,
        allows_empty=body.allow_empty,
        timezone=declaration.timezone,
        database=body.database,
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
    )


def _check_columns(path: Path, key: str, into: CanonicalFeed, columns: dict[str, ColumnSource]) -> None:
    canonical = {column.name: column for column in into.columns}
    for name, how in columns.items():
        where = f"{key}.columns.{name}"
        if name not in canonical:
            raise SettingsError(f"{path}: unknown key '{where}' — {into.name} has no such column; "
                                f"{nearest(name, canonical)}")  # fmt: skip
        if how.row_number_in is not None and how.row_number_in not in columns:
            raise SettingsError(f"{path}: key '{where}.row_number_in' has value {how.row_number_in!r}, which this feed "
                                f"does not map — {nearest(how.row_number_in, columns)}")  # fmt: skip
        if how.sql is not None:
            _check_expression(path, f"{where}.sql", how.sql)
    missing = [name for name in into.required if name not in columns]
    if missing:
        raise SettingsError(
            f"{path}: key '{key}.columns' lacks {', '.join(missing)} — {into.name} requires "
            f"{'it' if len(missing) == 1 else 'them'}; say from which header, or give a constant {{value: …}}"
        )


def _check_expression(path: Path, key: str, text: str) -> str:
    """Try an expression on columns without values; returns its DuckDB type."""
    types = {"text": "varchar", "number": "decimal(24,6)", "timestamp": "timestamp"}
    try:
        sql = rewrite(text, lambda _, kind: f"null::{types[kind]}")
        row = _scratchpad().execute(f"select typeof({sql})").fetchone()
    except ExpressionError as error:
        raise SettingsError(f"{path}: key '{key}' has value {text!r} — {error}") from None
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"{path}: key '{key}' has value {text!r} — it does not fit together ({reason})") from None
    return str(row[0]) if row else ""
