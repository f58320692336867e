"""Writing extracts into a landing folder: whole or not at all, and the same bytes every time.

Belongs here: file formats, names and the list of what is simulated. Does not: what stands in the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

QUANTITY = pl.Decimal(18, 3)
AMOUNT = pl.Decimal(18, 2)
PRICE = pl.Decimal(18, 4)

SIMULATED_FEEDS: dict[str, str] = {
    "pos/open_orders": "orders that wait to be sent",
    "erp/locations": "regions, coordinates, warehouses and which warehouse feeds which store",
    "erp/ranging": "listing dates, facings, presentation minimums and shelf capacities",
    "erp/suppliers": "suppliers, their order days and minimum order values",
    "erp/sourcing": "lead times, packs, minimum quantities and costs",
    "erp/inventory": "stock on hand",
    "erp/purchase_orders": "purchase orders",
    "erp/transfers": "moves between places",
    "erp/lanes": "allowed moves and their costs",
}
"""Feeds of the demo company that are simulated, wholly or in part, and what in them is."""


@dataclass(frozen=True)
class WrittenFile:
    """One extract in the landing folder."""

    source: str
    feed: str
    path: Path
    rows: int
    is_simulated: bool


class Landing:
    """A landing folder that is being filled; `files` lists what was written, in order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[WrittenFile] = []

    def csv(self, feed: str, name: str, frame: pl.DataFrame) -> None:
        """Write a frame as RFC 4180 CSV (UTF-8, CRLF, quotes where needed, empty = null). `feed` is 'erp/products'."""
        self._write(feed, name, frame.height, lambda path: frame.write_csv(path, line_terminator="\r\n"))

    def parquet(self, feed: str, name: str, frame: pl.DataFrame) -> None:
        """Write a frame as Parquet, text as plain strings, decimals exact."""
        self.tables(feed, name, [_arrow(frame)])

    def tables(self, feed: str, name: str, tables: Iterable[pa.Table]) -> None:
        """Write tables of one schema as the row groups of one Parquet file; one table at a time is in memory."""
        rows = 0

        def write(path: Path) -> None:
            nonlocal rows
            writer: pq.ParquetWriter | None = None
            try:
                for table in tables:
                    if writer is None:
                        writer = pq.ParquetWriter(path, table.schema, compression="zstd", store_decimal_as_integer=True)
                    writer.write_table(table, row_group_size=1 << 20)
                    rows += table.num_rows
            finally:
                if writer is not None:
                    writer.close()

        self._write(feed, name, lambda: rows, write)

    def _write(self, feed: str, name: str, rows: int | Callable[[], int], write: Callable[[Path], object]) -> None:
        source, folder = feed.split("/")
        is_simulated = feed in SIMULATED_FEEDS
        path = self.root / source / folder / (f"simulated_{name}" if is_simulated else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The temporary name starts with a dot, so a night that starts meanwhile does not take it for an extract.
        unfinished = path.with_name(f".{path.name}.unfinished")
        try:
            write(unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        self.files.append(WrittenFile(source, folder, path, rows() if callable(rows) else rows, is_simulated))


def decimals(values: np.ndarray, scale: int, is_null: np.ndarray | None = None) -> pa.Array:
    """Whole numbers of the smallest unit (cents, thousandths) as exact decimal(18, scale); `is_null` masks entries."""
    words = np.empty((len(values), 2), dtype=np.int64)  # little-endian 128 bits: low word, then the sign
    words[:, 0] = values
    words[:, 1] = words[:, 0] >> 63
    array = pa.Array.from_buffers(pa.decimal128(18, scale), len(values), [None, pa.py_buffer(words)])
    return array if is_null is None else pc.if_else(pa.array(~is_null), array, None)


def decimal_series(name: str, values: pl.Series, scale: int) -> pl.Series:
    """`decimals` for a polars series of whole numbers; nulls stay null."""
    is_null = values.is_null().to_numpy() if values.null_count() else None
    return pl.Series(name, decimals(values.fill_null(0).cast(pl.Int64).to_numpy(), scale, is_null))


def _arrow(frame: pl.DataFrame) -> pa.Table:
    table = frame.to_arrow()
    plain = [pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(plain))
