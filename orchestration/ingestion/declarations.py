"""Source declarations: which folder of `landing/` feeds which canonical feed, and how (docs/sources.md).

One YAML file a source system in `home/sources/`. The built-in sources (`pos`, `erp`, `crm`) use canonical names and
need none. Belongs here: what a declaration means among the canonical feeds. Not here: its keys (shape.py) and the SQL
of a column (mapping.py).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from pydantic import ValidationError

from orchestration.errors import SettingsError
from orchestration.ingestion.catalogue import CanonicalFeed, canonical_feeds
from orchestration.ingestion.expressions import ExpressionError, rewrite
from orchestration.ingestion.shape import (
    ColumnSource,
    Database,
    Exclusion,
    FeedDeclaration,
    Format,
    SourceDeclaration,
    scratchpad,
)
from orchestration.strict_yaml import explain, nearest, read_mapping

# the source that is not in landing/: lists that people filled in, back in home/decisions/
DECISIONS = "decisions"


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
            return self.into.files or f"{self.feed}*"
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
    exclude = tuple(Exclusion(when=when, reason=reason) for when, reason in into.exclude)
    return SourceFeed(source, feed, into, load=into.load, exclude=exclude)


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
            raise SettingsError(
                f"{path}: key '{key}.exclude.{number}.when' has value {exclusion.when!r} — it is a "
                f"{kind.lower()}, not true or false; compare it with something"
            )
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
            raise SettingsError(
                f"{path}: unknown key '{where}' — {into.name} has no such column; {nearest(name, canonical)}"
            )
        if how.row_number_in is not None and how.row_number_in not in columns:
            raise SettingsError(
                f"{path}: key '{where}.row_number_in' has value {how.row_number_in!r}, which this feed "
                f"does not map — {nearest(how.row_number_in, columns)}"
            )
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
        row = scratchpad().execute(f"select typeof({sql})").fetchone()
    except ExpressionError as error:
        raise SettingsError(f"{path}: key '{key}' has value {text!r} — {error}") from None
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"{path}: key '{key}' has value {text!r} — it does not fit together ({reason})") from None
    return str(row[0]) if row else ""
