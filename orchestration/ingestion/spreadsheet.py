"""A worksheet as CSV: cells become the text that a CSV export with ISO dates and a decimal point would hold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from orchestration.ingestion.archives import Limits, require_harmless_zip
from orchestration.ingestion.refusals import FileRefusedError

ROWS_A_BLOCK = 10_000


def workbook_as_csv(path: Path, sheet: str | None, limits: Limits) -> Iterator[bytes]:
    """Yield a worksheet's rows as UTF-8 CSV; leading empty rows are skipped.

    Raises:
        FileRefusedError: not a workbook, or no such sheet.
    """
    require_harmless_zip(path, limits)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        if sheet is not None and sheet not in workbook.sheet_names:
            raise FileRefusedError(f"has no sheet {sheet!r} — it has {', '.join(map(repr, workbook.sheet_names))}")
        worksheet = workbook.get_sheet_by_name(sheet) if sheet else workbook.get_sheet_by_index(0)
        rows = worksheet.iter_rows()
    except CalamineError as error:
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
