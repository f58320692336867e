"""A home with nothing in it, and one call that ingests what a test puts there: a helper of all tests here."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.ingestion.declarations import source_feeds
from orchestration.ingestion.loading import IngestionReport, ingest
from orchestration.ingestion.settings import IngestionSettings
from orchestration.settings import load_settings
from orchestration.warehouse import SCHEMAS

QUICK = IngestionSettings(quiet_seconds=0)
HEADER = "transaction_id,line_number,sold_at,channel,location_id,sku_id,quantity,net_amount"


class Landing:
    """Puts files into landing/ and ingests them; `rows` reads back."""

    def __init__(self, home: Path):
        self.settings = load_settings(home)
        # in memory: a night costs a third of one that opens, writes and closes a file
        self.con = duckdb.connect(config={"threads": 1})
        self.con.execute("set timezone = 'UTC'")
        for schema in SCHEMAS:
            self.con.execute(f"create schema {schema}")

    def say(self, _: str) -> None:
        """Listen to what a person at the screen would read; tests that care put their own here."""

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.settings.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def put_sales(self, *lines: str, name: str = "a.csv", header: str = HEADER) -> Path:
        return self.put(f"pos/sales/{name}", "\n".join([header, *lines]) + "\n")

    def put_masters(self) -> None:
        self.put("erp/products/p.csv", "sku_id,product_name\n001,One\n002,Two\n")
        self.put("erp/locations/l.csv", "location_id,location_name,location_type\nL1,Main,store\n")

    def ingest(
        self, run_id: str = "run-00001", max_quarantined_pct: float = 100.0, settings: IngestionSettings = QUICK
    ) -> IngestionReport:
        feeds = source_feeds(self.settings.home)
        return ingest(self.con, feeds, self.settings.landing, run_id, max_quarantined_pct, self.say, settings)

    def counts(self, name: str = "a.csv") -> tuple:
        """Return (state, physical, loaded, quarantined, excluded, duplicate, superseded) of a file."""
        [found] = self.rows(COUNTS.format(name.replace("'", "''")))
        assert found[0] == "refused" or found[1] == sum(found[2:])
        return found

    def kept(self) -> list[tuple]:
        """Return the quarantined sales as (line, column, value, reason)."""
        return self.rows("select line, column_name, value, reason from quarantine.pos_sales order by line, 2")

    def sales(self) -> list[str]:
        """Return the receipts that count, each as often as it does."""
        return [r for (r,) in self.rows("select transaction_id from feeds.pos_sales order by 1")]

    def rows(self, query: str) -> list[tuple]:
        return self.con.execute(query).fetchall()


GOOD = "A1,1,2026-01-05T10:00:00,store,L1,001,2,5.00"
COUNTS = (
    "select state, rows_physical, rows_loaded, rows_quarantined, rows_excluded, rows_duplicate, rows_superseded "
    "from ops.file_ledger where name = '{}' order by file_id desc limit 1"
)


def sale(**values: object) -> str:
    """Return a line of `pos/sales` like GOOD, with other values; each in quotes."""
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | {k: str(v) for k, v in values.items()}
    return ",".join('"' + value.replace('"', '""') + '"' for value in row.values())
