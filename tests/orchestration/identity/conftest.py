"""A warehouse as ingestion leaves it, made of rows by hand: raw tables, feeds over them, quarantine and ledger.

It goes round ingestion on purpose: identity rests on what stands in the warehouse, not on how it came there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb
import pytest
from accounts import HASHER, SETTINGS

from orchestration.identity.night import IdentityReport, identify
from orchestration.ingestion.catalogue import canonical_feeds

SCHEMAS = ("raw", "feeds", "quarantine", "identity", "ops")
FEEDS = (
    "crm/customers",
    "crm/redemptions",
    "crm/feedback",
    "pos/sales",
    "pos/open_orders",
    "decisions/erase_customers",
)


class Warehouse:
    """Delivers files of rows, runs the identity step, reads back."""

    def __init__(self, con: duckdb.DuckDBPyConnection):
        self.con = con
        self.said: list[str] = []
        self.files = 0
        for schema in SCHEMAS:
            con.execute(f"create schema {schema}")
        con.execute(
            "create table ops.files (file_id bigint, source varchar, feed varchar, rows_physical bigint, "
            "rows_loaded bigint, rows_quarantined bigint, rows_excluded bigint, rows_duplicate bigint)"
        )
        self._refresh()

    def deliver(self, source: str, feed: str, *rows: dict, refused: tuple[dict | str, ...] = ()) -> int:
        """One file of a source into a canonical feed; `refused` are records (or bare lines) that go to quarantine."""
        self.files += 1
        table = f"{source}_{feed.split('/')[1]}"
        columns = canonical_feeds()[feed].stored_columns
        declared = ", ".join(f'"{name}" {kind}' for name, kind in columns)
        self.con.execute(
            f"create table if not exists raw.{table} ({declared}, _rescued varchar, _source varchar, _file_id bigint, "
            "_line bigint)"
        )
        for line, row in enumerate(rows, start=2):
            values = row | {"_source": source, "_file_id": self.files, "_line": line}
            names, marks = ", ".join(f'"{n}"' for n in values), ", ".join("?" * len(values))
            self.con.execute(f"insert into raw.{table} ({names}) values ({marks})", list(values.values()))
        if refused:
            self.con.execute(
                f"create table if not exists quarantine.{table} (file_id bigint, line bigint, column_name varchar, "
                "value varchar, raw_text varchar)"
            )
        for line, record in enumerate(refused, start=100):
            text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
            values = [self.files, line, "birth_date", "not a date", text]
            self.con.execute(f"insert into quarantine.{table} values (?, ?, ?, ?, ?)", values)
        counts = [self.files, source, feed.split("/")[1], len(rows) + len(refused), len(rows), len(refused), 0, 0]
        self.con.execute("insert into ops.files values (?, ?, ?, ?, ?, ?, ?, ?)", counts)
        self._refresh()
        return self.files

    def night(self, **more) -> IdentityReport:
        return identify(self.con, HASHER, SETTINGS, 1, self.said.append, **more)

    def rows(self, query: str) -> list[tuple]:
        return self.con.execute(query).fetchall()

    def customer(self, source: str, customer_id: str) -> str:
        """The customer behind an id."""
        query = "select unified_customer_id from identity.customer_ids where source = ? and customer_id = ?"
        return self.con.execute(query, [source, customer_id]).fetchone()[0]

    def everything(self) -> str:
        """All values of all tables, one text: what a search would find."""
        tables = self.rows("select schema_name || '.' || table_name from duckdb_tables() where not temporary")
        return "\n".join(str(self.rows(f"from {name}")) for (name,) in tables)

    def _refresh(self) -> None:
        known = {name for (name,) in self.rows("select table_name from duckdb_tables() where schema_name = 'raw'")}
        for feed in FEEDS:
            canonical = canonical_feeds()[feed]
            columns = ", ".join(f'null::{kind} as "{name}"' for name, kind in canonical.stored_columns)
            parts = [f"select {columns}, ''::varchar as _source, 0::bigint as _file_id, 0::bigint as _line where false"]
            own = feed.split("/")[1]
            parts += [f"from raw.{name}" for name in sorted(known) if name.split("_", 1)[1] == own]
            query = " union all by name ".join(parts)
            self.con.execute(f"create or replace view feeds.{canonical.table} as {query}")


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    with duckdb.connect() as con:
        yield Warehouse(con)
