"""The shape of a source declaration: every key that a YAML file in `home/sources/` may have, and what it may say.

Belongs here: keys, their descriptions (the JSON Schema is made of them) and refusals of a single value. Not here: how a
declaration fits the canonical feeds (declarations.py), and the SQL of a column (mapping.py).
"""

from __future__ import annotations

import codecs
import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal, Self
from zoneinfo import available_timezones

import duckdb
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from orchestration.ingestion.expressions import header_name
from orchestration.sql import literal
from orchestration.strict_yaml import nearest

STRICT = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
_GROUP_SIGNS = (",", ".", "'", "\u2019", " ", "\u00a0", "\u202f", "\u2009", "_")
_NO_ENCODINGS = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7")


@cache
def scratchpad() -> duckdb.DuckDBPyConnection:
    """Return a database without data, where what a declaration says is tried before any file comes."""
    return duckdb.connect(config={"threads": 1})


def pattern_checked(pattern: str) -> str:
    """Return a strptime pattern.

    Raises:
        ValueError: it is none.
    """
    try:
        scratchpad().execute(f"select try_strptime('', {literal(pattern)})")
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
