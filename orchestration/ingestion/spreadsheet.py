"""A worksheet as CSV: cells become the text that a CSV export with ISO dates and a decimal point would hold."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from orchestration.ingestion.archives import Limits, require_harmless_zip, unpacked_member
from orchestration.ingestion.refusals import FileRefusedError

ROWS_A_BLOCK = 10_000
READ_BYTES = 1 << 22
# the reader keeps a place for every cell up to the last: one stray cell in XFD1048576 would ask for 500 GB
MAX_CELLS = 50_000_000
_CELL = re.compile(rb"""\br=["']([A-Z]{0,3})(\d{1,7})["']""")
# up to column Z no sheet has too many
_WIDE = re.compile(rb"""\br=["'][A-Z]{2,3}\d""")


def workbook_as_csv(path: Path, sheet: str | None, limits: Limits) -> Iterator[bytes]:
    """Yield a worksheet's rows as UTF-8 CSV; leading empty rows are skipped.

    Raises:
        FileRefusedError: not a workbook, or no such sheet.
    """
    _read_through(path, require_harmless_zip(path, limits), limits)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        if sheet is not None and sheet not in workbook.sheet_names:
            raise FileRefusedError(f"has no sheet {sheet!r} — it has {', '.join(map(repr, workbook.sheet_names))}")
        worksheet = workbook.get_sheet_by_name(sheet) if sheet else workbook.get_sheet_by_index(0)
        rows = worksheet.iter_rows()
    except FileRefusedError:
        raise
    except (CalamineError, ValueError, IndexError, OSError) as error:
        raise FileRefusedError(f"cannot be read as a workbook ({error}) — save it again as .xlsx") from None
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for number, row in enumerate(rows, 1):
        texts = [_text(cell) for cell in row]
        if any(texts):
            writer.writerow(texts)
        if number % ROWS_A_BLOCK == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _read_through(path: Path, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """Unpack every member once, for its checksum and its true size; refuse a sheet that spans too many cells.

    Raises:
        FileRefusedError: corrupt, larger than the limits, or a sheet of more than MAX_CELLS.
    """
    for entry in entries:
        is_wide, tail = False, b""
        for block in unpacked_member(path, entry, limits, READ_BYTES):
            is_wide = is_wide or _WIDE.search(tail + block) is not None
            tail = block[-16:]
        if not is_wide:
            continue
        rows, columns, tail = 0, 0, b""
        for block in unpacked_member(path, entry, limits, READ_BYTES):
            found = set(_CELL.findall(tail + block))
            rows = max([rows, *(int(row) for _, row in found)])
            columns = max([columns, *map(_column_number, {letters for letters, _ in found})])
            tail = block[-16:]
        if rows * columns > MAX_CELLS:
            raise FileRefusedError(
                f"has cells up to row {rows:,} and column {columns:,} — delete what stands beyond the table, or export "
                "it as CSV"
            )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _taken(buffer: io.StringIO) -> bytes:
    block = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return block


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        # a worksheet has no whole numbers of its own; 15 digits are all it keeps
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell.total_seconds()) if isinstance(cell, timedelta) else str(cell)
