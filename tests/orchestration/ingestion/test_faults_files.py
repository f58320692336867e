"""Faults 1 to 10 of what may come in: files that are repeated, corrected, growing, empty, late, cut, packed or named
so that they harm."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import zipfile
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from landings import GOOD, HEADER, Landing, sale

from orchestration.ingestion import loading
from orchestration.ingestion.settings import IngestionSettings

LINES = [sale(transaction_id=f"T{n}") for n in range(5)]


@pytest.fixture
def before(landing):
    """A home whose earlier sale A1 must outlive whatever comes."""
    landing.put_masters()
    landing.put_sales(GOOD, name="0.csv")
    assert landing.ingest("run-00001").errors == []
    return landing


def refused(landing, name: str, *words: str) -> None:
    """Ingest again: the file is refused with these words, none of its rows stands anywhere, earlier sales do."""
    all_refused(landing, {name: words})


def all_refused(landing, cases: dict[str, tuple[str, ...]]) -> None:
    """Ingest again: files are refused, each with its words; none of their rows stands anywhere, earlier sales do."""
    report = landing.ingest("run-00002")
    for name, words in cases.items():
        [error] = [e for e in report.errors if e.startswith(f"pos/sales {name} ")]
        assert [word for word in words if word not in error] == []
        assert " — " in error  # what to do
        assert landing.counts(name) == ("refused", 0, 0, 0, 0, 0, 0)
    assert landing.sales() == ["A1"]


def zipped(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def text(*lines: str) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


def test_1_the_same_bytes_under_another_name_change_nothing(before):
    before.put_sales(GOOD, name="copy.csv")
    report = before.ingest("run-00002")
    assert (report.files["duplicate"], report.errors, report.rows_loaded) == (1, [], 0)
    assert before.counts("copy.csv") == ("duplicate", 1, 0, 0, 0, 1, 0)
    assert before.rows("select detail from ops.file_ledger where name = 'copy.csv'") == [("duplicate of 0.csv",)]
    assert before.sales() == ["A1"]


def test_2_a_corrected_file_replaces_its_rows_and_says_what_changed(before):
    before.put_sales(GOOD.replace("5.00", "6.00"), LINES[0], name="0.csv")
    before.ingest("run-00002")
    assert before.rows("select state, detail from ops.file_ledger where name = '0.csv' order by file_id") == [
        ("replaced", ""),
        ("loaded", "replaces 1 rows of the earlier file: 2 rows new, 1 gone"),
    ]
    assert before.rows("select transaction_id, net_amount::int from feeds.pos_sales order by 1") == [
        ("A1", 6), ("T0", 5),
    ]  # fmt: skip


def test_2_a_file_corrected_to_the_bytes_of_another_file_loses_its_old_rows(before):
    before.put_sales(*LINES, name="b.csv")
    before.ingest("run-00002")
    before.put_sales(*LINES, name="0.csv")
    before.ingest("run-00003")
    assert before.counts("0.csv") == ("duplicate", 5, 0, 0, 0, 5, 0)
    assert before.sales() == ["T0", "T1", "T2", "T3", "T4"]
    before.put_sales(GOOD, name="0.csv")
    before.ingest("run-00004")
    assert before.sales() == ["A1", "T0", "T1", "T2", "T3", "T4"]
    before.put_sales(*LINES, name="0.csv")
    before.ingest("run-00005")
    assert before.sales() == ["T0", "T1", "T2", "T3", "T4"]


def test_2_a_copy_is_loaded_when_its_original_is_corrected(before):
    before.put_sales(GOOD, name="copy.csv")
    before.ingest("run-00002")
    before.put_sales(LINES[0], name="0.csv")
    before.ingest("run-00003")
    assert before.sales() == ["A1", "T0"]
    assert before.rows("select name, state from ops.file_ledger where source = 'pos' and state <> 'replaced'") == [
        ("0.csv", "loaded"), ("copy.csv", "loaded"),
    ]  # fmt: skip


def test_3_a_file_that_still_grows_waits_and_the_others_go_on(before, monkeypatch):
    growing = before.put_sales(LINES[0], name="growing.csv")
    before.put_sales(LINES[1], name="whole.csv")

    def write_more(_: float) -> None:
        with growing.open("a") as file:
            file.write(LINES[2] + "\n")

    monkeypatch.setattr(loading.time, "sleep", write_more)
    report = before.ingest("run-00002", settings=IngestionSettings(quiet_seconds=60, wait_seconds=0))
    assert "pos/sales growing.csv is not stable" in report.warnings[0]
    assert before.sales() == ["A1", "T1"]


@pytest.mark.parametrize("moment", ["sha256_of", "prepare", "load_batch"])
@pytest.mark.parametrize("end", ["vanishes", "shrinks", "changes"])
def test_3_a_file_that_vanishes_or_changes_while_it_is_read_is_left_for_the_next_run(before, monkeypatch, moment, end):
    path = before.put_sales(*LINES, name="moving.csv")
    whole = path.read_bytes()
    before.put_sales(sale(transaction_id="Z"), name="z.csv")
    step = getattr(loading, moment)

    def disturbed(*args: object) -> object:
        if end == "vanishes":
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(whole[:150] if end == "shrinks" else whole.replace(b"5.00", b"7.00"))
            os.utime(path, (1e9, 1e9))
        return step(*args)

    monkeypatch.setattr(loading, moment, disturbed)
    report = before.ingest("run-00002")
    word = "removed" if end == "vanishes" else "changed"
    assert [w for w in report.warnings if w.startswith(f"pos/sales moving.csv was {word} while it was read")]
    assert report.errors == []
    assert before.sales() == ["A1", "Z"]
    monkeypatch.undo()
    path.write_bytes(whole)
    before.ingest("run-00003")
    assert before.sales() == ["A1", *(f"T{n}" for n in range(5)), "Z"]


def test_3_a_file_that_may_not_be_read_is_an_error_and_the_others_go_on(before, monkeypatch):
    closed = before.put_sales(LINES[0], name="closed.csv")
    before.put_sales(LINES[1], name="open.csv")
    read = loading.sha256_of

    def guarded(path: Path) -> str:
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(loading, "sha256_of", guarded)
    [error] = before.ingest("run-00002").errors
    assert error.startswith("pos/sales closed.csv cannot be read (Permission denied) — ")
    assert before.sales() == ["A1", "T1"]


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_4_an_empty_file_of_a_mandatory_feed_is_an_error_and_never_no_sales(before, content):
    before.put("pos/sales/0.csv", content)
    report = before.ingest("run-00002")
    assert "pos/sales 0.csv is empty" in report.errors[0]
    assert "earlier data is kept" in report.errors[0]
    assert before.sales() == ["A1"]


def test_4_an_empty_file_of_another_feed_warns(before):
    before.put("erp/events/e.csv", "")
    report = before.ingest("run-00002")
    assert report.errors == []
    assert "erp/events e.csv is empty (0 bytes)" in report.warnings[0]


def test_5_a_header_without_rows_is_refused_alone_or_among_others(before):
    before.put("pos/sales/header.csv", HEADER + "\n")
    refused(before, "header.csv", "has a header, but no rows", "earlier data is kept")
    before.put("pos/sales/header2.csv", HEADER + "\r\n")
    before.put_sales(LINES[0], name="rows.csv")
    report = before.ingest("run-00003")
    assert len([e for e in report.errors if "has a header, but no rows" in e]) == 2
    assert before.sales() == ["A1", "T0"]


def test_5_a_header_without_rows_is_a_day_without_rows_where_the_declaration_says_so(before):
    before.put(
        "../sources/pos.yml", "source: pos\nfeeds: {sales: {allow_empty: true}, open_orders: {allow_empty: true}}\n"
    )
    orders = "order_id,line_number,ordered_at,channel,sku_id,quantity\n"
    before.put("pos/open_orders/1.csv", orders + "O1,1,2026-01-05,web,001,1\n")
    before.put_sales(LINES[0], name="b.csv")
    before.ingest("run-00002")
    before.put("pos/open_orders/2.csv", orders)
    before.put("pos/sales/b.csv", HEADER + "\n")
    report = before.ingest("run-00003")
    assert report.errors == []
    assert before.counts("b.csv") == ("loaded", 0, 0, 0, 0, 0, 0)
    assert before.sales() == ["A1"]
    assert before.rows("select count(*) from feeds.pos_open_orders") == [(0,)]
    before.put("pos/sales/c.csv", "")
    assert "pos/sales c.csv is empty (0 bytes)" in before.ingest("run-00004").errors[0]


def test_6_without_tonights_file_everything_stays_and_the_ledger_says_how_old_it_is(before):
    report = before.ingest("run-00002")
    assert (report.errors, report.files["unchanged"], report.rows_loaded) == ([], 3, 0)
    assert before.rows("select name, last_date::varchar from ops.file_ledger where feed = 'sales'") == [
        ("0.csv", "2026-01-05")
    ]


def test_7_a_cut_last_line_refuses_the_whole_file_with_its_line(before):
    before.put("pos/sales/cut.csv", text(*LINES)[:-40])
    refused(before, "cut.csv", "ends in the middle of line 6", "was cut; deliver the file again")


@pytest.mark.parametrize(
    ("trailer", "word"),
    [
        ("END;4", "has 5 records, but its last line counts 4"),
        ("", "lacks its last line with the count of records"),
    ],
)
def test_7_a_trailer_that_does_not_fit_refuses_the_whole_file(before, trailer, word):
    before.put("../sources/pos.yml", "source: pos\nfeeds: {sales: {format: {trailer: '^END;(\\d+)$'}}}\n")
    before.put("pos/sales/0.csv", text(GOOD) + "END;1\n")
    before.put("pos/sales/t.csv", text(*LINES) + trailer)
    refused(before, "t.csv", word, "deliver it again")


@pytest.mark.parametrize("ends", ["\nEND;5", "\nEND;5\n\n", "\r\nEND;5\r\n", "\rEND;5\r", "\n\nEND;5\n"])
def test_7_a_trailer_that_fits_is_no_record(before, ends):
    before.put("../sources/pos.yml", "source: pos\nfeeds: {sales: {format: {trailer: '^END;(\\d+)$'}}}\n")
    (before.settings.landing / "pos/sales/0.csv").unlink()
    line_end = "\r" if "\r" in ends else "\n"
    before.put("pos/sales/t.csv", line_end.join([HEADER, *LINES]) + ends)
    before.ingest("run-00002")
    assert before.counts("t.csv") == ("loaded", 5, 5, 0, 0, 0, 0)


def test_8_cut_or_corrupt_archives_and_parquet_files_are_refused(before):
    packed = gzip.compress(text(*LINES).encode())
    archive = zipped(**{"a.csv": text(*LINES)})
    out = io.BytesIO()
    pl.DataFrame([line.replace('"', "").split(",") for line in LINES], HEADER.split(","), orient="row").write_parquet(
        out
    )
    parquet = out.getvalue()
    flipped = bytearray(packed)
    flipped[30] ^= 1
    crc = archive.replace(archive[14:18], b"\1\2\3\4")
    cases = {
        "cut.csv.gz": (packed[:-3], "cut or corrupt gzip"),
        "crc.csv.gz": (packed[:-8] + b"\1\2\3\4" + packed[-4:], "CRC check failed"),
        "bit.csv.gz": (bytes(flipped), "cut or corrupt gzip"),
        "no.csv.gz": (b"text", "cut or corrupt gzip"),
        "cut.zip": (archive[:-30], "cut or corrupt zip"),
        "crc.zip": (crc, "cut or corrupt zip (Bad CRC-32"),
        "cut.parquet": (parquet[:-10], "cannot be read — Invalid Input Error: No magic bytes"),
        "bit.parquet": (parquet[:10] + bytes(100) + parquet[110:], "cannot be read"),
        "cut.xlsx": (archive[:-30], "cut or corrupt zip"),
        "no.xlsx": (archive, "cannot be read as a workbook"),
    }
    for name, (content, _) in cases.items():
        before.put(f"pos/sales/{name}", content)
    all_refused(before, {name: (word,) for name, (_, word) in cases.items()})


def test_9_bombs_are_refused_by_size_ratio_count_and_nesting(before):
    (before.settings.home / "shelfcast.yml").write_text("")
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
        member.write(bytes(101 << 20))
    two, none, nested = zipped(a="x", b="y"), zipped(), zipped(**{"a.zip": "x"})
    # a million members, by what the last record of the zip says, and by the numbers of its first member
    crowded = zipped(a="x") + bytes(20 << 20) + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 15 << 20, 99, 0)
    liar = bytearray(zipped(**{"a.csv": text(*LINES)}))
    where = liar.index(b"PK\1\2") + 24
    liar[where : where + 4] = struct.pack("<L", 200)
    cases = {
        "ratio.zip": (zeros.getvalue(), "times) — deliver it in parts"),
        "ratio.csv.gz": (gzip.compress(bytes(101 << 20), 1), "times) — deliver it in parts"),
        "two.zip": (two, "holds 2 files"),
        "none.zip": (none, "holds 0 files"),
        "nested.zip": (nested, "holds another archive"),
        "crowded.zip": (crowded, "far too many files"),
        "crowded.xlsx": (crowded, "far too many files"),
        "liar.zip": (bytes(liar), "cut or corrupt zip"),
    }
    for name, (content, _) in cases.items():
        before.put(f"pos/sales/{name}", content)
    all_refused(before, {name: (word,) for name, (_, word) in cases.items()})


def test_9_the_limit_on_size_is_a_setting(before):
    before.put("pos/sales/big.csv.gz", gzip.compress(text(*LINES * 1000).encode()))
    [error] = before.ingest("run-00002", settings=IngestionSettings(quiet_seconds=0, max_unpacked_gb=0.0001)).errors
    assert "raise ingestion.max_unpacked_gb" in error


def test_9_a_sheet_with_a_stray_cell_at_its_far_end_is_refused(before):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet().write(1_048_575, 16_383, "x")
    before.put("pos/sales/far.xlsx", out.getvalue())
    refused(before, "far.xlsx", "has cells up to row 1,048,576 and column 16,384")


NAMES = [
    "'; DROP TABLE raw.pos_sales; --.csv",
    'say "hi".csv',
    "*.csv",
    "sales[1-3]?.csv",
    "{a,b}.csv",
    "小店 ÿ.csv",
    "$HOME `id` & %d.csv",
    "a" * 250 + ".csv",
    "back\\slash.csv",
]


def test_10_a_name_is_never_a_path_a_pattern_or_a_statement(before):
    for number, name in enumerate(NAMES):
        before.put_sales(sale(transaction_id=f"N{number}"), "short,1", name=name)
    before.put_sales(LINES[1], name="sales2.csv")
    report = before.ingest("run-00002")
    assert report.errors == []
    assert [before.counts(name) for name in NAMES] == [("loaded", 2, 1, 1, 0, 0, 0)] * len(NAMES)
    assert before.sales() == ["A1", *(f"N{n}" for n in range(len(NAMES))), "T1"]
    assert [n for (n,) in before.rows("select file_name from quarantine.pos_sales order by 1")] == sorted(NAMES)


def test_10_a_home_whose_path_is_a_pattern_is_read(tmp_path):
    landing = Landing(tmp_path / "[prod] *")
    landing.put_sales(GOOD)
    landing.put("pos/sales/b.csv.gz", gzip.compress(text(LINES[0]).encode()))
    landing.ingest()
    assert landing.sales() == ["A1", "T0"]


@pytest.mark.parametrize(
    ("name", "shown", "word"),
    [
        (b"latin-\xe9.csv", "latin-\\udce9.csv", "has a name that is not UTF-8"),
        (b"line\nend.csv", "line\\nend.csv", "has control characters in its name"),
        ("left\u202eright.csv".encode(), "left\\u202eright.csv", "has control characters in its name"),
    ],
)
def test_10_a_name_that_cannot_be_shown_is_refused_and_spelled_out(before, name, shown, word):
    folder = os.fsencode(before.settings.landing / "pos" / "sales")
    Path(os.fsdecode(folder + b"/" + name)).write_text(text(LINES[0]))
    refused(before, shown, word)
    Path(os.fsdecode(folder + b"/" + name)).write_text(text(GOOD))
    assert before.ingest("run-00003").errors == []
    assert before.counts(shown) == ("duplicate", 1, 0, 0, 0, 1, 0)


def test_10_links_are_refused_and_names_within_archives_are_not_used(before, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text(text(LINES[0]))
    (before.settings.landing / "pos/sales/link.csv").symlink_to(outside)
    refused(before, "link.csv", "is a link", "deliver the file itself")
    (before.settings.landing / "pos/sales/link.csv").unlink()
    before.put("pos/sales/up.zip", zipped(**{"../../../../evil.csv": text(LINES[1])}))
    before.put("pos/sales/root.zip", zipped(**{"/tmp/evil.csv": text(LINES[2])}))
    before.ingest("run-00003")
    assert before.sales() == ["A1", "T1", "T2"]
    assert not list(tmp_path.rglob("evil*"))


def test_10_sql_in_headers_is_a_name_like_any_other(before):
    odd = ["'; drop table raw.pos_sales; --", 'x" as y, (select 1) "', "Note", "note", "{a: 1}", "c0", "_line"]
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in odd)
    before.put_sales(LINES[0] + ",1,2,3,4,5,6,7", name="odd.csv", header=f"{HEADER},{quoted}")
    before.ingest("run-00002")
    [(rescued,)] = before.rows("select _rescued::json::varchar from raw.pos_sales where transaction_id = 'T0'")
    assert json.loads(rescued) == dict(zip(odd, "1234567", strict=True))
