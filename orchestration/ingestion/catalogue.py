"""The canonical feeds as data: `feeds.yml` read into frozen objects.

Belongs here: what a canonical feed and its columns are. Not here: how a company's own file maps to them
(declarations.py) and how text becomes a typed value (casting.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

# canonical type → DuckDB type; money and quantities are exact decimals, never floats
SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "quantity": "DECIMAL(18,3)",
    "amount": "DECIMAL(18,2)",
    "price": "DECIMAL(18,4)",
    "number": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}


# what is never below zero by its nature; another column says so with `>=0`
NOT_NEGATIVE = ("price",)


@dataclass(frozen=True)
class Column:
    """One canonical column.

    is_required: every file must have it. is_key: its text is compared with that of other files. minimum: what no value
    may be below. is_personal: tells who a customer is; never shown.
    """

    name: str
    type: str
    is_required: bool
    is_key: bool = False
    minimum: int | None = None
    is_personal: bool = False

    @property
    def may_be_rounded(self) -> bool:
        """Say whether a spreadsheet would take it for a number: it makes 1.23E+12 of a long code."""
        return self.name.endswith(("sku_id", "barcode"))

    @property
    def sql_type(self) -> str:
        """Return the DuckDB type that holds it."""
        return SQL_TYPES[self.type]


@dataclass(frozen=True)
class CanonicalFeed:
    """One canonical feed, e.g. `pos/sales`: columns, key, the column that dates a row, and how files combine.

    is_daily: a company delivers it for each day, so its newest date says how fresh it is. files: which files of
    home/decisions/ it reads, where they are not named like the feed. exclude: (when, reason) of rows that say nothing.
    """

    name: str
    about: str
    is_mandatory: bool
    load: str
    key: tuple[str, ...]
    date_column: str | None
    is_daily: bool
    columns: tuple[Column, ...]
    files: str = ""
    exclude: tuple[tuple[str, str], ...] = ()

    @property
    def table(self) -> str:
        """Return the name used for tables and views: `pos/sales` → `pos_sales`."""
        return self.name.replace("/", "_")

    @property
    def required(self) -> tuple[str, ...]:
        """Return the names of the columns that every file must have."""
        return tuple(c.name for c in self.columns if c.is_required)

    @property
    def stored_columns(self) -> tuple[tuple[str, str], ...]:
        """Return (name, DuckDB type) of every stored column.

        A timestamp is stored as the wall clock that the file shows and, when it came with an offset, as the UTC
        instant beside it (`<name>_utc`), because the local day is known only once the location's zone is.
        """
        stored: list[tuple[str, str]] = []
        for column in self.columns:
            stored.append((column.name, column.sql_type))
            if column.type == "timestamp":
                stored.append((f"{column.name}_utc", "TIMESTAMP"))
        return tuple(stored)


@cache
def canonical_feeds() -> dict[str, CanonicalFeed]:
    """Return all canonical feeds by name, in the catalogue's order."""
    text = (Path(__file__).parent / "feeds.yml").read_text(encoding="utf-8")
    return {name: _feed(name, body) for name, body in yaml.safe_load(text).items()}


def _feed(name: str, body: dict) -> CanonicalFeed:
    return CanonicalFeed(
        name=name,
        about=body["about"],
        is_mandatory=body.get("mandatory", False),
        load=body["load"],
        key=tuple(body["key"]),
        date_column=body.get("date"),
        is_daily=body.get("daily", False),
        columns=tuple(_column(column, text, body) for column, text in body["columns"].items()),
        files=body.get("files", ""),
        exclude=tuple((rule["when"], rule["reason"]) for rule in body.get("exclude", ())),
    )


def _column(name: str, text: str, body: dict) -> Column:
    """Read `type`, `type!` (required) and `type>=0` (never below zero)."""
    kind = text.removesuffix(">=0").removesuffix("!")
    return Column(
        name=name,
        type=kind,
        is_required="!" in text,
        is_key=kind == "text" and (name.endswith("_id") or name in body["key"] or name in ("channel", "barcode")),
        minimum=0 if kind in NOT_NEGATIVE or text.endswith(">=0") else None,
        is_personal=name in body.get("personal", ()),
    )
