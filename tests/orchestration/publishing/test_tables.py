"""Parquet is exact and has the same bytes for the same content; CSV is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.publishing import tables
from orchestration.publishing.night import OutputTable, PublicationError
from orchestration.publishing.tables import CSV_MAX_ROWS, csv_refusal, write_csv, write_parquet

DANGEROUS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://example.invalid")']
HARMLESS = ["007", "a=b", "北京", 'say "hi", twice', "line\r\nbreak", "", "'quoted'", " =1"]
TABLE = OutputTable("list", "main.source", ("key",), True, "List", "A list.")


def written(con: duckdb.DuckDBPyConnection, folder: Path, table: OutputTable = TABLE) -> Path:
    return folder / write_parquet(con, table, folder).file


def source(rows: list[tuple[object, ...]], columns: str = "key integer, text varchar") -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(f"create table source ({columns})")
    con.executemany(f"insert into source values ({', '.join('?' for _ in rows[0])})", rows)
    return con


def test_the_order_in_which_rows_come_does_not_reach_the_bytes(tmp_path: Path) -> None:
    # the grain leaves ties and nulls: the other columns have to settle them
    rows = [(key, text, amount) for key in (1, 2, None) for text in ("b", "a", None) for amount in (2.5, -0.1)]
    digests = set()
    for number, order in enumerate((rows, rows[::-1], sorted(rows, key=str))):
        folder = tmp_path / str(number)
        folder.mkdir()
        con = source(order, "key integer, text varchar, amount double")
        digests.add(write_parquet(con, TABLE, folder).sha256)
    assert len(digests) == 1


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_row_groups_have_a_fixed_length_whatever_the_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    con = duckdb.connect()
    con.execute("create table source as select i as key, 'x' || i as text from range(1000) as t(i)")
    whole = tmp_path / "whole"
    whole.mkdir()
    monkeypatch.setattr(tables, "ROW_GROUP_ROWS", 64)
    expected = written(con, whole).read_bytes()

    schema = pq.read_schema(whole / "list.parquet")
    stream = con.execute("select * from source order by key").to_arrow_table().to_reader(batch)
    groups = list(tables._fixed_groups(stream))
    assert [group.num_rows for group in groups] == [64] * 15 + [40]
    path = tmp_path / "again.parquet"
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=["key", "text"]) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=64)
    assert path.read_bytes() == expected


def test_what_is_written_is_what_was_there(tmp_path: Path) -> None:
    con = source([(i, text) for i, text in enumerate([*DANGEROUS, *HARMLESS, None])])
    output = write_parquet(con, TABLE, tmp_path)
    assert pq.read_table(tmp_path / output.file)["text"].to_pylist() == [*DANGEROUS, *HARMLESS, None]
    assert output.rows == len(DANGEROUS) + len(HARMLESS) + 1
    assert output.sha256 == hashlib.sha256((tmp_path / output.file).read_bytes()).hexdigest()
    assert output.columns == (("key", "int32"), ("text", "string"))


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    con = duckdb.connect()
    con.execute("create table source (key integer, text varchar, amount decimal(18,2))")
    path = written(con, tmp_path)
    write_csv(con, path, tmp_path / "list.csv")
    assert pq.read_table(path).num_rows == 0
    assert (tmp_path / "list.csv").read_bytes() == b"\xef\xbb\xbfkey,text,amount\r\n"


def test_a_column_to_order_by_that_is_not_there_is_named(tmp_path: Path) -> None:
    con = source([(1, "a")])
    with pytest.raises(PublicationError, match="no column 'day' to order list by"):
        write_parquet(con, OutputTable("list", "main.source", ("day",), False, "", ""), tmp_path)


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.reader(handle))


def test_csv_neutralises_text_that_a_spreadsheet_would_run(tmp_path: Path) -> None:
    con = source([(i, text) for i, text in enumerate([*DANGEROUS, *HARMLESS])])
    write_csv(con, written(con, tmp_path), tmp_path / "list.csv")
    header, *lines = read_csv(tmp_path / "list.csv")
    assert header == ["key", "text"]
    assert [line[1] for line in lines] == [*("'" + text for text in DANGEROUS), *HARMLESS]
    raw = (tmp_path / "list.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfkey,text\r\n")
    assert raw.count(b"\xef\xbb\xbf") == 1


def test_csv_leaves_numbers_and_dates_alone_and_neutralises_lists(tmp_path: Path) -> None:
    con = duckdb.connect()
    con.execute(
        "create table source as select -1 as key, -2.50::decimal(18,2) as amount, -1e-7::double as tiny, "
        "date '2024-02-29' as day, true as is_on, ['=a', 'b'] as codes, null::varchar as nothing"
    )
    write_csv(con, written(con, tmp_path), tmp_path / "list.csv")
    assert read_csv(tmp_path / "list.csv")[1] == ["-1", "-2.50", "-1e-07", "2024-02-29", "true", "['=a', b]", ""]


# 0 is refused at the door (faults.md, 25), and Python's csv reader cannot read it either
@settings(deadline=None, max_examples=30)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=1))
def test_any_text_survives_and_no_cell_starts_a_formula(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    con = source(list(enumerate(texts)))
    write_csv(con, written(con, folder), folder / "list.csv")
    cells = [line[1] for line in read_csv(folder / "list.csv")[1:]]
    assert cells == [f"'{text}" if text.startswith(tuple("=+-@\t\r")) else text for text in texts]


def test_a_folder_whose_name_means_something_elsewhere_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "shop=1" / "night [a*?] it's"
    folder.mkdir(parents=True)
    con = source([(1, "a")])
    write_csv(con, written(con, folder), folder / "list.csv")
    assert read_csv(folder / "list.csv") == [["key", "text"], ["1", "a"]]


def test_csv_is_refused_where_excel_would_cut_it_off() -> None:
    assert csv_refusal(CSV_MAX_ROWS) is None
    assert "1,048,576 rows" in (csv_refusal(CSV_MAX_ROWS + 1) or "")
