"""The nouns of publication: what is known about a night, which tables it publishes, what was written.

Belongs here: frozen data without behaviour, and the error of this room. How a thing is written does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.errors import ShelfcastError


class PublicationError(ShelfcastError):
    """A night cannot be published, found or pointed at; nothing that was published before has changed."""


@dataclass(frozen=True)
class OutputTable:
    """One table of contracts.md, section 4.

    relation: `schema.table` in the warehouse. order_by: the grain, which is the order of the rows. is_list: planners
    act on it line by line, so it comes as a workbook too.
    """

    name: str
    relation: str
    order_by: tuple[str, ...]
    is_list: bool
    title: str
    description: str


@dataclass(frozen=True)
class Night:
    """What is known of a night beside its tables.

    inputs: one dict a file known to the night (name, feed, sha256, rows_physical, rows_loaded, rows_quarantined,
    rows_excluded, rows_duplicate, rows_superseded). models: one dict a model used. absent: output name to the reason
    why it is not there. simulated_feeds: feeds (`erp/inventory`) whose data are made up for a demo. data_docs: the
    folder of the reports on the checks, copied into the night. keeps_latest: a past night, made later: `latest` stays
    where it is of a newer business day.
    """

    run_id: str
    as_of: date
    company: str
    currency: str
    code_version: str
    settings_hash: str
    inputs: list[dict[str, Any]]
    models: list[dict[str, Any]]
    warnings: list[str]
    absent: dict[str, str]
    simulated_feeds: tuple[str, ...] = ()
    data_docs: Path | None = None
    keeps_latest: bool = False


@dataclass(frozen=True)
class WrittenTable:
    """One published table: its files (names inside the night's folder) and what is in them.

    columns: name and Arrow type, in order. csv, xlsx: file name, or None with the reason beside it. parts: (buyer
    or source, workbook of their lines).
    """

    table: OutputTable
    file: str
    rows: int
    sha256: str
    columns: tuple[tuple[str, str], ...]
    csv: str | None = None
    csv_reason: str | None = None
    xlsx: str | None = None
    parts: tuple[tuple[str, str], ...] = ()
