"""Lists that planners act on, as workbooks: the lines under a frozen header with filters, and a summary sheet.

The sheet of lines stands first, because a workbook that comes back edited (home/decisions/) is read from its first
sheet; it opens on the summary. One workbook holds the whole list; others hold what one buyer or one source orders.

Text stays text (leading zeros, '=…' as a string, never a formula); the same table and night give the same bytes. What
a line says is decided elsewhere; exact values are in the Parquet file (a cell holds 15 digits and 32,767 characters).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from orchestration.publishing import buyers
from orchestration.publishing.columns import is_money, meaning, number_format
from orchestration.publishing.night import Night, WrittenTable
from orchestration.recommendation_history import KEYS, ORDERS, WORDS, recommendation_id

PARTS = "workbooks"
LINES_PER_SHEET = 1_048_575  # Excel's 1,048,576 rows less the header
MAX_CELL_CHARACTERS = 32_767
_BATCH_ROWS = 8_192
_SHEET_NAME_CHARACTERS = 31
_WIDTHS = (9, 48)  # narrowest and widest column, in characters
_Cell = Callable[[int, int, Any], object]
# what a planner fills in, before the columns of the list; the id of the line stands after them
DECISION_COLUMNS = ("decision", "decided_qty", "decided_by", "decision_note")
ID_COLUMN = "recommendation_id"


def write_workbook(parquet: Path, path: Path, written: WrittenTable, night: Night) -> None:
    """Write a published list as a workbook, lines in the order of its Parquet file."""
    file = pq.ParquetFile(parquet)
    options = {"constant_memory": True, "nan_inf_to_errors": False, "default_date_format": "yyyy-mm-dd"}
    book = xlsxwriter.Workbook(str(path), options)
    # Excel wants a time of writing; the business day stands in, so that a second run has the same bytes
    book.set_properties(
        {
            "title": written.table.title,
            "company": night.company,
            "comments": f"Run {night.run_id}",
            "created": datetime.combine(night.as_of, time()),
        }
    )
    for number in range(max(1, math.ceil(written.rows / LINES_PER_SHEET))):
        _write_lines(book, file, written, number)
    _write_summary(book, file, written, night)
    book.close()


def write_parts(parquet: Path, folder: Path, written: WrittenTable, night: Night, products: pa.Table | None,
                shares: Mapping[str, Sequence[str]]) -> dict[str, str]:  # fmt: skip
    """Write one workbook a buyer, or a source where no buyers are set: label -> file within the night's folder.

    products: sku_id, category, department, to tell whose a line is. shares: publishing.buyers. Only lists with lines
    that somebody orders (ORDERS) and more than one part come in parts.
    """
    if written.table.name not in ORDERS:
        return {}
    lines = pq.read_table(parquet)
    labels = buyers.labels(lines, products, shares)
    named = sorted(set(labels))
    if len(named) < 2:
        return {}
    (folder / PARTS).mkdir(exist_ok=True)
    files: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        part = Path(scratch) / "part.parquet"
        for label, file in zip(named, buyers.file_names(written.table.name, named), strict=True):
            own = lines.filter(pa.array([each == label for each in labels]))
            pq.write_table(own, part)
            files[label] = f"{PARTS}/{file}"
            write_workbook(part, folder / files[label], replace(written, rows=own.num_rows), night)
    return files


def sheet_name(table_name: str, number: int) -> str:
    """Return the name of the sheet that holds the lines; number: 0 for the first, which most lists end with."""
    suffix = f" ({number + 1})" if number else ""
    return table_name[: _SHEET_NAME_CHARACTERS - len(suffix)] + suffix


def _write_lines(book: xlsxwriter.Workbook, file: pq.ParquetFile, written: WrittenTable, number: int) -> None:
    """Write lines number * LINES_PER_SHEET and those after it on a sheet of their own."""
    sheet = book.add_worksheet(sheet_name(written.table.name, number))
    schema = file.schema_arrow
    header = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#EEF1F4"})
    sheet.freeze_panes(1, 0)
    sheet.set_row(0, 32)
    entry = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#FFF4CC"})
    key = KEYS[written.table.name] if written.table.name in ORDERS else ()
    filled_in = DECISION_COLUMNS if key else ()
    shift, id_column = len(filled_in), len(filled_in) + len(schema)
    for column, name in enumerate([*filled_in, *schema.names, *([ID_COLUMN] if key else [])]):
        sheet.write_string(0, column, name, entry if column < shift else header)
        if note := meaning(name):
            sheet.write_comment(0, column, note, {"author": "Shelfcast", "x_scale": 1.8})
    cells = _cell_writers(book, sheet, file)
    keys = [schema.get_field_index(name) for name in key]
    row = 0
    for batch in _lines_of(file, number):
        if row == 0:
            _set_widths(sheet, batch, shift)
        values = [column.to_pylist() for column in batch.columns]
        # row by row: constant_memory writes a row out as soon as the next one begins
        for line in zip(*values, strict=True):
            row += 1
            for column, value in enumerate(line):
                if value is not None:
                    cells[column](row, column + shift, value)
            if keys:
                sheet.write_string(row, id_column, recommendation_id(written.table.name, *(line[k] for k in keys)))
    if filled_in and row:
        offered = {"validate": "list", "source": [words[0] for words in WORDS.values()], "error_type": "warning"}
        sheet.data_validation(1, 0, row, 0, offered)
        sheet.set_column(0, shift - 1, 13)
        sheet.set_column(id_column, id_column, 18)
    sheet.autofilter(0, 0, row, id_column if key else len(schema) - 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _lines_of(file: pq.ParquetFile, number: int) -> Iterator[pa.RecordBatch]:
    """Yield the batches of one sheet's lines."""
    skip, left = number * LINES_PER_SHEET, LINES_PER_SHEET
    for batch in file.iter_batches(_BATCH_ROWS):
        if skip >= batch.num_rows:
            skip -= batch.num_rows
            continue
        part = batch.slice(skip, left)
        skip, left = 0, left - part.num_rows
        yield part
        if left == 0:
            return


def _cell_writers(book: xlsxwriter.Workbook, sheet: Worksheet, file: pq.ParquetFile) -> list[_Cell]:
    """Return one function a column that writes a value as what the column's type says it is."""
    formats: dict[str, Format] = {}
    writers = []
    for field in file.schema_arrow:
        is_whole = pa.types.is_integer(field.type) or _is_whole(file, field)
        shown = number_format(field.name, field.type, is_whole)
        if shown is not None and shown not in formats:
            formats[shown] = book.add_format({"num_format": shown})
        writers.append(_cell_writer(sheet, field.type, formats[shown] if shown else None))
    return writers


def _is_whole(file: pq.ParquetFile, field: pa.Field) -> bool:
    """Say whether every value of a measured column is whole: then decimals would only be noise to read."""
    if not (pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)):
        return False
    values = file.read([field.name])[field.name]
    return bool(pc.all(pc.equal(values, pc.round(values)), min_count=0).as_py())


def _cell_writer(sheet: Worksheet, kind: pa.DataType, shown: Format | None) -> _Cell:
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return lambda row, column, value: sheet.write_datetime(row, column, value, shown)
    if pa.types.is_boolean(kind):
        return sheet.write_boolean
    if shown is None:
        return lambda row, column, value: sheet.write_string(row, column, _text(value))
    return lambda row, column, value: (
        sheet.write_number(row, column, value, shown)
        if math.isfinite(value)
        else sheet.write_string(row, column, str(value))
    )


def _text(value: object) -> str:
    """Text of a cell; longer than a cell can be, it ends with an ellipsis."""
    text = value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= MAX_CELL_CHARACTERS else text[: MAX_CELL_CHARACTERS - 1] + "…"


def _set_widths(sheet: Worksheet, sample: pa.RecordBatch, shift: int) -> None:
    """Give each column the width of its header and its first lines, within what can be read. shift: columns before."""
    narrowest, widest = _WIDTHS
    for position, (name, column) in enumerate(zip(sample.schema.names, sample.columns, strict=True)):
        lengths = [len(_shown(value)) for value in column.slice(0, 200).to_pylist() if value is not None]
        # headers wrap at '_' in no spreadsheet, so the longest of them set the width
        sheet.set_column(
            position + shift, position + shift, min(widest, max(narrowest, len(name) + 2, *lengths, 0) + 1)
        )


def _shown(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _write_summary(book: xlsxwriter.Workbook, file: pq.ParquetFile, written: WrittenTable, night: Night) -> None:
    """Last sheet, on which the workbook opens: what this is, of when, how many worth how much, what columns mean."""
    sheet = book.add_worksheet("Summary")
    sheet.activate()
    title = book.add_format({"bold": True, "font_size": 16})
    label = book.add_format({"font_color": "#5F666D", "valign": "top"})
    text = book.add_format({"text_wrap": True, "valign": "top", "align": "left"})
    strong = book.add_format({"bold": True, "bottom": 1})
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 90)
    sheet.write_string(0, 0, written.table.title, title)
    row = 2
    for name, value in _facts(file, written, night):
        sheet.write_string(row, 0, name, label)
        sheet.write_string(row, 1, _text(value), text)
        row += 1
    row += 1
    sheet.write_string(row, 0, "Column", strong)
    sheet.write_string(row, 1, "What it means", strong)
    for name in file.schema_arrow.names:
        row += 1
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, meaning(name) or "", text)


def _facts(file: pq.ParquetFile, written: WrittenTable, night: Night) -> list[tuple[str, str]]:
    sheets = max(1, math.ceil(written.rows / LINES_PER_SHEET))
    facts = [
        ("What", written.table.description),
        ("Company", night.company),
        ("Business day closed", night.as_of.isoformat()),
        ("Run", night.run_id),
        ("Lines", f"{written.rows:,}" + (f", on {sheets} sheets" if sheets > 1 else "")),
    ]
    names = file.schema_arrow.names
    if "withheld_reason" in names:
        reasons = file.read(["withheld_reason"])["withheld_reason"]
        facts.append(("of which withheld", f"{len(reasons) - reasons.null_count:,}"))
    for name in filter(is_money, names):
        total = pc.sum(file.read([name])[name]).as_py()
        facts.append((f"Sum of {name}", f"{float(total or 0):,.2f} {night.currency}"))
    if night.simulated_feeds:
        facts.append(("Simulated feeds", f"{', '.join(night.simulated_feeds)}: made up for a demonstration"))
    if written.table.name in ORDERS:
        facts.append(
            (
                "To decide",
                "Fill in decision (accept, change, reject), decided_qty with change, decided_by and decision_note; "
                "save the workbook under its own name in home/decisions/. The next night reads it; a line left "
                "empty is open.",
            )
        )
    facts.append(("Exact values", f"{written.file}, beside this file"))
    return facts
