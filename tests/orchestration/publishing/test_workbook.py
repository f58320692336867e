"""Workbooks open clean: text stays text, numbers are numbers, notes explain, and the bytes are the same twice."""

from __future__ import annotations

import zipfile
from datetime import datetime, time
from pathlib import Path

import duckdb
import openpyxl
import pytest
from conftest import AS_OF, night_of

from orchestration.publishing import workbook
from orchestration.publishing.night import OutputTable, WrittenTable
from orchestration.publishing.tables import write_parquet
from orchestration.publishing.workbook import sheet_name, write_workbook

TABLE = OutputTable("order_list", "main.source", ("sku_id",), True, "Orders", "What to order.")
LINES = """
create table source as
select * from (values
    ('0000123', '=1+1', 12.0::double, 3.5::double, 10.50::decimal(18,2), date '2024-03-06', true, null),
    ('北京', '{very_long}', 7.0, 'nan'::double, 0.25, null, false, 'no stock record'),
    ('http://example.invalid', '@SUM(A1)', null, 1.25, -3.00, date '2024-03-07', null, null)
) as t(sku_id, explanation, order_qty, mean, order_value, order_on, is_new, withheld_reason)
""".replace("{very_long}", "x" * 40_000)


@pytest.fixture
def parquet(tmp_path: Path) -> tuple[Path, WrittenTable]:
    con = duckdb.connect()
    con.execute(LINES)
    written = write_parquet(con, TABLE, tmp_path)
    return tmp_path / written.file, written


@pytest.fixture
def book(parquet: tuple[Path, WrittenTable], tmp_path: Path) -> openpyxl.Workbook:
    write_workbook(parquet[0], tmp_path / "list.xlsx", parquet[1], night_of())
    return openpyxl.load_workbook(tmp_path / "list.xlsx")


def test_text_stays_text_and_numbers_are_numbers(book: openpyxl.Workbook) -> None:
    rows = {row[0].value: row for row in book["order_list"].iter_rows(min_row=2)}
    first = rows["0000123"]
    assert [cell.value for cell in first] == ["0000123", "=1+1", 12, 3.5, 10.5, datetime(2024, 3, 6), True, None]
    assert [cell.data_type for cell in first] == ["s", "s", "n", "n", "n", "d", "b", "n"]
    assert rows["北京"][3].value == "nan"
    assert rows["http://example.invalid"][0].hyperlink is None
    assert rows["http://example.invalid"][1].value == "@SUM(A1)"


def test_no_cell_holds_a_formula(parquet: tuple[Path, WrittenTable], tmp_path: Path) -> None:
    write_workbook(parquet[0], tmp_path / "list.xlsx", parquet[1], night_of())
    with zipfile.ZipFile(tmp_path / "list.xlsx") as archive:
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 2
    assert not any(b"<f>" in sheet for sheet in sheets)


def test_text_longer_than_a_cell_ends_with_an_ellipsis(book: openpyxl.Workbook) -> None:
    texts = [row[1].value for row in book["order_list"].iter_rows(min_row=2)]
    assert max(len(text) for text in texts) == workbook.MAX_CELL_CHARACTERS
    assert any(text.endswith("x…") for text in texts)


def test_header_is_frozen_filtered_and_explained(book: openpyxl.Workbook) -> None:
    sheet = book["order_list"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:H4"
    assert sheet["E1"].value == "order_value"
    assert "Quantity to order" in sheet["E1"].comment.text
    assert sheet.column_dimensions["B"].width > sheet.column_dimensions["C"].width


def test_formats_follow_the_column(book: openpyxl.Workbook) -> None:
    first = book["order_list"][2]
    assert [cell.number_format for cell in first[2:6]] == ["#,##0", "#,##0.00", "#,##0.00", "yyyy-mm-dd"]


def test_summary_says_what_when_how_many_and_how_much(book: openpyxl.Workbook) -> None:
    summary = book["Summary"]
    facts = {row[0].value: row[1].value for row in summary.iter_rows()}
    assert facts["What"] == "What to order."
    assert facts["Business day closed"] == AS_OF.isoformat()
    assert facts["Lines"] == "3"
    assert facts["of which withheld"] == "1"
    assert facts["Sum of order_value"] == "7.75 EUR"
    assert "erp/inventory" in facts["Simulated feeds"]
    assert facts["order_qty"] == "Quantity to order."


def test_same_lines_same_bytes(parquet: tuple[Path, WrittenTable], tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook(parquet[0], tmp_path / name, parquet[1], night_of())
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    # the clock is nowhere: not in the properties, not in the members of the archive
    properties = openpyxl.load_workbook(tmp_path / "a.xlsx").properties
    assert properties.created == properties.modified == datetime.combine(AS_OF, time())
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}


def test_more_lines_than_a_sheet_holds_go_on_further_sheets(
    parquet: tuple[Path, WrittenTable], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "LINES_PER_SHEET", 2)
    monkeypatch.setattr(workbook, "_BATCH_ROWS", 1)
    write_workbook(parquet[0], tmp_path / "list.xlsx", parquet[1], night_of())
    book = openpyxl.load_workbook(tmp_path / "list.xlsx")
    assert book.sheetnames == ["order_list", "order_list (2)", "Summary"]
    keys = [row[0].value for name in book.sheetnames[:2] for row in book[name].iter_rows(min_row=2)]
    assert keys == ["0000123", "http://example.invalid", "北京"]


def test_a_list_without_lines_is_a_workbook_with_a_header(tmp_path: Path) -> None:
    con = duckdb.connect()
    con.execute(LINES)
    con.execute("delete from source")
    written = write_parquet(con, TABLE, tmp_path)
    write_workbook(tmp_path / written.file, tmp_path / "list.xlsx", written, night_of())
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")["order_list"]
    assert [cell.value for cell in sheet[1]][:2] == ["sku_id", "explanation"]
    assert sheet.max_row == 1


def test_sheet_names_fit_excel() -> None:
    assert sheet_name("a" * 40, 0) == "a" * 31
    assert sheet_name("a" * 40, 11) == "a" * 26 + " (12)"
