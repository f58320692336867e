"""A home with nothing in it, and one call that ingests what a test puts there: a helper of all tests here."""

from __future__ import annotations

from pathlib import Path

from orchestration.ingestion.declarations import source_feeds
from orchestration.ingestion.loading import IngestionReport, ingest
from orchestration.ingestion.settings import IngestionSettings
from orchestration.settings import load_settings
from orchestration.warehouse import connect

QUICK = IngestionSettings(quiet_seconds=0)
HEADER = "transaction_id,line_number,sold_at,channel,location_id,sku_id,quantity,net_amount"


class Landing:
    """Puts files into landing/ and ingests them; `rows` reads back."""

    def __init__(self, home: Path):
        self.settings = load_settings(home)

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

    def ingest(self, run_id: str = "run-00001", max_quarantined_pct: float = 100.0) -> IngestionReport:
        feeds = source_feeds(self.settings.home)
        with connect(self.settings) as con:
            return ingest(con, feeds, self.settings.landing, run_id, max_quarantined_pct, lambda _: None, QUICK)

    def rows(self, query: str) -> list[tuple]:
        with connect(self.settings) as con:
            return con.execute(query).fetchall()
