"""Faults 11 to 17, 24, 25 and 31 of what may come in: encodings, line ends, delimiters, headers, quotes, characters
that nobody sees, and SQL in place of rows."""

from __future__ import annotations

import codecs
import json

import pytest
from landings import GOOD, HEADER, sale

LINES = [sale(transaction_id=f"T{n}") for n in range(3)]
LOADED = ["T0", "T1", "T2"]


def text(*lines: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join([header, *lines]) + end


def declare(landing, format_text: str) -> None:
    landing.put("../sources/pos.yml", f"source: pos\nfeeds: {{sales: {{format: {format_text}}}}}\n")


def only_error(landing, name: str) -> str:
    """Ingest: the one error about the file, of which nothing is loaded."""
    landing.put_masters()
    landing.put_sales(GOOD, name="0.csv")
    [error] = [e for e in landing.ingest().errors if e.startswith(f"pos/sales {name} ")]
    assert landing.counts(name) == ("refused", 0, 0, 0, 0, 0, 0)
    assert landing.sales() == ["A1"]
    return error


def test_11_a_byte_order_mark_is_no_part_of_the_header(landing):
    landing.put("pos/sales/a.csv", codecs.BOM_UTF8 + text(*LINES).encode())
    landing.put("pos/sales/b.csv", codecs.BOM_UTF8 + text(sale(channel="小店")).encode())
    landing.ingest()
    assert landing.sales() == ["A1", *LOADED]


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("gb18030", "gb18030"),
        ("gbk", "GBK"),
        ("utf-16", None),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "UTF-16BE"),
        ("latin-1", "latin-1"),
        ("cp1252", "windows-1252"),
        ("utf-8-sig", "gb18030"),
        ("utf-8", "utf-8"),
    ],
)
def test_12_text_is_decoded_as_declared_or_marked(landing, written, declared):
    channel = "小店 龘" if "1252" not in written and written != "latin-1" else "Käse É"
    if declared:
        declare(landing, f"{{encoding: {declared}}}")
    landing.put("pos/sales/a.csv", text(*LINES, sale(channel=channel)).encode(written))
    landing.ingest()
    assert landing.rows("select channel, _line from raw.pos_sales where transaction_id = 'A1'") == [(channel, 5)]


@pytest.mark.parametrize(
    ("written", "declared", "word"),
    [
        ("latin-1", None, "is not UTF-8 (byte 150) — declare its encoding"),
        ("latin-1", "utf-16", "is not utf-16 (byte"),
        ("utf-8", "ascii", "is not ascii (byte 150)"),
        ("utf-16-le", "utf-16", "is not utf-16 (byte 0)"),
    ],
)
def test_12_a_byte_that_the_encoding_does_not_have_refuses_the_file_with_its_place(landing, written, declared, word):
    if declared:
        declare(landing, f"{{encoding: {declared}}}")
        landing.put("pos/sales/0.csv", "")
    content = text(sale(channel="Käse")).encode(written)
    landing.put("pos/sales/x.csv", content)
    [error] = [e for e in landing.ingest().errors if "x.csv" in e]
    assert word.replace("150", str(content.find("K".encode(written)) + 1)) in error
    assert landing.sales() == []


def test_12_the_place_of_a_bad_byte_is_right_behind_a_character_that_blocks_divide(landing, monkeypatch):
    monkeypatch.setattr("orchestration.ingestion.preparation.READ_BYTES", 7)
    content = text(sale(channel="小店小店小店")).encode() + b"\xff\n"
    landing.put("pos/sales/x.csv", content)
    assert f"(byte {content.index(0xFF)})" in only_error(landing, "x.csv")


@pytest.mark.parametrize("blocks", [4 << 20, 5])
@pytest.mark.parametrize(
    "content",
    [
        text(*LINES, end="\r\n"),
        text(*LINES, end="\r"),
        text(*LINES)[:-1],
        HEADER + "\r\n" + LINES[0] + "\n" + LINES[1] + "\r\n" + LINES[2] + "\n",
        HEADER + "\n" + LINES[0] + "\r" + LINES[1] + "\r\n" + LINES[2],
        text(LINES[0], "", "", LINES[1], LINES[2], "", ""),
        text("", *LINES, end="\r\n"),
    ],
)
def test_13_any_line_ends_are_accepted_and_rows_counted(landing, monkeypatch, content, blocks):
    monkeypatch.setattr("orchestration.ingestion.preparation.READ_BYTES", blocks)
    landing.put("pos/sales/a.csv", content)
    landing.ingest()
    assert landing.counts() == ("loaded", 3, 3, 0, 0, 0, 0)
    assert landing.sales() == LOADED


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_13_line_ends_within_quotes_belong_to_the_field(landing, end):
    rows = [LINES[0], sale(channel=f"a{end}b{end}", transaction_id="T1"), "short,1", LINES[2]]
    landing.put("pos/sales/a.csv", text(*rows, end=end))
    landing.ingest()
    assert landing.counts() == ("loaded", 4, 3, 1, 0, 0, 0)
    assert landing.rows("select channel from raw.pos_sales where transaction_id = 'T1'")[0][0].split() == ["a", "b"]
    assert landing.kept()[0][1] == "(record)"


def test_14_another_delimiter_gives_one_error_with_what_was_seen_and_expected(landing):
    landing.put("pos/sales/x.csv", text(*LINES).replace(",", ";"))
    error = only_error(landing, "x.csv")
    assert "has one column 'transaction_id;line_number;" in error
    assert "expected transaction_id, line_number, sold_at" in error
    assert "between ';', not ',': declare format.delimiter" in error


def test_15_an_added_column_warns_and_is_kept(landing):
    landing.put_sales(GOOD, name="0.csv")
    landing.ingest()
    landing.put_sales(*(f'{line},"{n}é"' for n, line in enumerate(LINES)), header=HEADER + ",Till Mood")
    report = landing.ingest("run-00002")
    assert [w for w in report.warnings if "a.csv: column 'Till Mood' is new — nothing reads it; kept in" in w]
    assert landing.counts() == ("loaded", 3, 3, 0, 0, 0, 0)
    found = landing.rows("select _rescued from raw.pos_sales where _rescued is not null order by transaction_id")
    assert [json.loads(value) for (value,) in found] == [{"Till Mood": f"{n}é"} for n in range(3)]


def test_15_added_columns_of_one_name_are_kept_each(landing):
    landing.put_sales(GOOD + ",1,2", header=HEADER + ",x,x")
    landing.ingest()
    assert landing.rows("select _rescued from raw.pos_sales") == [('{"x":"1","x (10)":"2"}',)]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER.replace(",quantity", ",qty_sold"), ["lacks required column 'quantity'"]),
        (HEADER.replace("sku_id", "skuid"), ["lacks required column 'sku_id' (the file has 'skuid': renamed?)"]),
        (HEADER.replace("sku_id", "SKU_ID"), ["'sku_id' (the file has 'SKU_ID': renamed?)"]),
        (HEADER.replace("quantity", "sku_id"), ["has column 'sku_id' twice"]),
        (HEADER.replace("channel,location_id", ","), ["lacks required columns 'channel', 'location_id'"]),
        (GOOD, ["lacks required columns 'transaction_id'", "no column is taken by its position"]),
    ],
)
def test_16_a_removed_renamed_or_repeated_column_refuses_the_file(landing, header, words):
    landing.put("pos/sales/x.csv", text(*LINES, header=header))
    error = only_error(landing, "x.csv")
    assert [word for word in words if word not in error] == []


def test_17_columns_in_another_order_are_taken_by_name(landing):
    turned = ",".join(reversed(HEADER.split(",")))
    landing.put_sales(",".join(reversed(GOOD.split(","))), header=turned, name="b.csv")
    landing.put_sales(*LINES)
    landing.ingest()
    assert landing.rows("select distinct sku_id, quantity::int, net_amount::int from feeds.pos_sales") == [
        ("001", 2, 5)
    ]
    assert landing.sales() == ["A1", *LOADED]


@pytest.mark.parametrize(
    "lines",
    [
        [LINES[0], LINES[1].replace('"5.00"', '"5.00'), LINES[2]],
        [LINES[0].replace('"5.00"', '"5.00'), *LINES[1:]],
        [*LINES, '"T9,1'],
        [LINES[0], '"', *(sale(transaction_id=f"M{n}") for n in range(50))],
    ],
)
def test_24_a_quote_that_is_never_closed_refuses_the_file(landing, lines):
    landing.put_sales(*lines, name="x.csv")
    error = only_error(landing, "x.csv")
    assert "deliver the file again" in error


def test_24_a_quote_that_swallows_lines_is_seen_though_another_one_closes_it(landing):
    many = [sale(transaction_id=f"M{n}").replace('"', "") for n in range(50)]
    many[5] = '"' + many[5]
    many[40] = many[40] + '"'
    landing.put_sales(*many, name="x.csv")
    assert "has a stray quote: from line 7 on, 36 records are one" in only_error(landing, "x.csv")


def test_24_a_quote_within_a_plain_field_is_text(landing):
    landing.put_sales(GOOD.replace("store", '5" nail'), *LINES)
    landing.ingest()
    assert landing.counts() == ("loaded", 4, 4, 0, 0, 0, 0)


def test_24_a_line_of_2_mb_is_a_record_like_any_other(landing):
    landing.put_sales(*LINES, sale(channel="x" * (2 << 20)), "y" * (2 << 20), sale(transaction_id="T9"))
    landing.ingest()
    assert landing.counts() == ("loaded", 6, 5, 1, 0, 0, 0)
    assert landing.kept()[0][:2] == (6, "(record)")
    assert landing.rows("select _line from raw.pos_sales where transaction_id = 'T9'") == [(7,)]


def test_25_control_characters_quarantine_their_row(landing):
    bad = {
        "sku_id": "00\0" + "1",
        "channel": "st\x07ore",
        "location_id": "L\x851",
        "quantity": "2\0",
        "sold_at": "2026-01-05\x1b",
    }
    landing.put_sales(*LINES, *(sale(transaction_id=f"B{n}", **{c: v}) for n, (c, v) in enumerate(bad.items())))
    landing.ingest()
    assert landing.counts() == ("loaded", 8, 3, 5, 0, 0, 0)
    assert [(line, column) for line, column, *_ in landing.kept()] == [(5 + n, c) for n, c in enumerate(bad)]
    assert landing.kept()[0][3] == "holds control characters"


FOLDED = {
    "  001 ": "001",
    "\u200b001\u200d": "001",
    "\ufeff001": "001",
    "\u202e001\u202c": "001",
    "\u00a0001\u3000": "001",
    "\uff10\uff10\uff11": "001",
    "\uff21\uff0d\uff11": "A-1",
    "e\u0301": "é",
    "ﬁ①": "fi1",
    "😀": "😀",
    "\t001": "001",
}


def test_25_keys_are_folded_to_one_form(landing):
    landing.put_sales(*(sale(transaction_id=f"T{n:02}", sku_id=written) for n, written in enumerate(FOLDED)))
    landing.ingest()
    assert [k for (k,) in landing.rows("select sku_id from feeds.pos_sales order by transaction_id")] == [
        *FOLDED.values()
    ]


def test_25_names_keep_what_belongs_to_them(landing):
    family = "👨\u200d👩\u200d👧 ½ ﬁ"
    landing.put("erp/products/p.csv", f"sku_id,product_name\n001,{family}\n")
    landing.ingest()
    assert landing.rows("select product_name from feeds.erp_products") == [(family,)]


STATEMENTS = ("DROP TABLE raw.pos_sales;", "ATTACH 'x' AS y;", "COPY t TO '/tmp/evil';", "INSTALL httpfs;",
              "INSERT INTO sales VALUES (1);")  # fmt: skip


def test_31_statements_are_refused_and_never_run(landing):
    landing.put_masters()
    landing.put_sales(GOOD, name="0.csv")
    for number, statement in enumerate(STATEMENTS):
        for name in ("dump{}.sql", "dump{}", "x{}.csv"):
            landing.put(f"pos/sales/{name.format(number)}", f"-- dump of 2026\n\n{statement}\n{text(*LINES)}")
    errors = landing.ingest().errors
    assert len(errors) == 3 * len(STATEMENTS)
    assert landing.rows("select distinct state from ops.file_ledger where name <> '0.csv' and feed = 'sales'") == [
        ("refused",)
    ]
    assert landing.sales() == ["A1"]
    for number, statement in enumerate(STATEMENTS):
        said = f"holds SQL statements (line 3: {statement!r}) — statements are never run; deliver rows"
        assert len([e for e in errors if said in e and f"dump{number}" in e]) == 2
