"""Ingestion: each file once, each row loaded or kept with its reason, messages that say what to do."""

from __future__ import annotations

import gzip
import itertools
from datetime import datetime

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HEADER = "transaction_id,line_number,sold_at,channel,location_id,sku_id,quantity,net_amount"
GOOD = "A1,1,2026-01-05T10:00:00,store,L1,001,2,5.00"
COUNTS = (
    "select rows_physical, rows_loaded, rows_quarantined, rows_duplicate from ops.file_ledger where state = 'loaded'"
)


def test_columns_are_taken_by_name_whatever_their_order(landing):
    turned = ",".join(reversed(HEADER.split(",")))
    landing.put_sales("5.00,2,001,L1,store,2026-01-05T10:00:00,1,A1", header=turned)
    landing.ingest()
    assert landing.rows("select transaction_id, sku_id, quantity::int, net_amount::int from feeds.pos_sales") == [
        ("A1", "001", 2, 5)
    ]


def test_a_renamed_required_column_refuses_the_file_and_names_both(landing):
    landing.put_masters()
    landing.put_sales(
        GOOD, header="transaction_id,line_number,sold_at,channel,location_id,sku_id,quantities,net_amount"
    )
    report = landing.ingest()
    assert "lacks required column 'quantity' (the file has 'quantities': renamed?)" in report.errors[0]
    assert landing.rows("select count(*) from feeds.pos_sales") == [(0,)]


def test_a_missing_mandatory_feed_is_an_error_that_says_where_to_put_it(landing):
    landing.put_sales(GOOD)
    report = landing.ingest()
    assert [e.split(":")[0] for e in report.errors] == ["erp/products", "erp/locations"]
    assert "put its extract into" in report.errors[0]


@pytest.mark.parametrize(
    ("column", "bad", "reason"),
    [
        ("line_number", "1.5", "not a whole number"),
        ("quantity", "two", "not a number"),
        ("quantity", "1,5", "not a number"),
        ("quantity", "nan", "not a number"),
        ("net_amount", "", "is empty, but required"),
        ("sku_id", "", "is empty, but required"),
        ("sold_at", "2026-02-30", "not a time stamp"),
        ("sold_at", "05.01.2026", "not a time stamp"),
        ("sold_at", "2026-01-05T10:00+01:00", "not a time stamp"),
    ],
)
def test_a_value_that_does_not_parse_quarantines_its_row_with_line_and_reason(landing, column, bad, reason):
    values = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    row = ",".join(f'"{v}"' for v in (values | {"transaction_id": "T2", column: bad}).values())
    landing.put_sales(GOOD, row)
    report = landing.ingest()
    assert landing.rows(COUNTS) == [(2, 1, 1, 0)]
    [(line, name, value, why)] = landing.rows("select line, column_name, value, reason from quarantine.pos_sales")
    assert (line, name, value or "") == (3, column, bad)
    assert reason in why
    assert f"pos/sales a.csv:3:{column}" in report.warnings[0]
    assert "deliver the file again" in report.warnings[0]


def test_too_many_bad_rows_refuse_the_whole_file(landing):
    landing.put_masters()
    landing.put_sales(GOOD, "T2,x,2026-01-05,store,L1,001,1,1")
    report = landing.ingest(max_quarantined_pct=10)
    assert "1 of 2 rows do not parse, more than 10 %" in report.errors[0]
    assert landing.rows("select count(*) from feeds.pos_sales") == [(0,)]


def test_records_with_another_number_of_fields_are_kept_and_later_lines_keep_their_numbers(landing):
    landing.put_sales(GOOD, "short,1", GOOD.replace("A1", "A3"), "T4,x,2026-01-05,store,L1,001,1,1")
    landing.ingest()
    assert landing.rows(COUNTS) == [(4, 2, 2, 0)]
    assert landing.rows("select line, column_name from quarantine.pos_sales order by line") == [
        (3, "(record)"),
        (5, "line_number"),
    ]
    assert landing.rows("select transaction_id, _line from feeds.pos_sales order by _line") == [("A1", 2), ("A3", 4)]


def test_exact_duplicates_within_a_file_are_counted_and_loaded_once(landing):
    landing.put_sales(GOOD, GOOD, GOOD.replace("5.00", "6.00").replace("A1", "A2"))
    landing.ingest()
    assert landing.rows(COUNTS) == [(3, 2, 0, 1)]


def test_the_same_bytes_are_loaded_once_whatever_their_name(landing):
    landing.put_sales(GOOD)
    landing.ingest()
    landing.put_sales(GOOD, name="copy.csv")
    report = landing.ingest("run-00002")
    assert report.files == {"unchanged": 1, "duplicate": 1}
    assert landing.rows("select count(*) from feeds.pos_sales") == [(1,)]
    assert landing.rows("select detail from ops.file_ledger where state = 'duplicate'") == [("duplicate of a.csv",)]
    assert landing.ingest("run-00003").files == {"unchanged": 1, "duplicate": 1}
    assert landing.rows("select count(*) from ops.file_ledger") == [(2,)]


def test_a_corrected_file_replaces_its_rows(landing):
    landing.put_sales(GOOD, "T2,x,2026-01-05,store,L1,001,1,1")
    landing.put_sales("T9,1,2026-01-06,store,L1,001,1,1.00", name="b.csv")
    landing.ingest()
    landing.put_sales(GOOD.replace(",2,5.00", ",3,7.50"))
    landing.ingest("run-00002")
    assert landing.rows("select transaction_id, quantity::int from feeds.pos_sales order by 1") == [
        ("A1", 3),
        ("T9", 1),
    ]
    assert landing.rows("select sum(rows_quarantined) from ops.file_ledger where state = 'loaded'") == [(0,)]
    assert landing.rows("select detail from ops.file_ledger where name = 'a.csv' and state = 'loaded'") == [
        ("replaces 1 rows of the earlier file: 1 rows new, 1 gone",)
    ]


def test_a_refused_correction_leaves_the_earlier_rows(landing):
    landing.put_sales(GOOD)
    landing.ingest()
    landing.put_sales("x", header="nothing")
    assert landing.ingest("run-00002").errors
    assert landing.rows("select transaction_id from feeds.pos_sales") == [("A1",)]


def test_time_stamps_keep_the_wall_clock_and_the_instant(landing):
    east = GOOD.replace("A1", "A2").replace("10:00:00", "10:00:00+02:00")
    utc = GOOD.replace("A1", "A3").replace("10:00:00", "10:00:00Z")
    landing.put_sales(GOOD, east, utc)
    landing.ingest()
    assert landing.rows("select transaction_id, sold_at, sold_at_utc from feeds.pos_sales order by 1") == [
        ("A1", datetime(2026, 1, 5, 10), None),
        ("A2", datetime(2026, 1, 5, 10), datetime(2026, 1, 5, 8)),
        ("A3", datetime(2026, 1, 5, 10), datetime(2026, 1, 5, 10)),
    ]


def test_parquet_loads_like_csv_and_fractions_are_not_rounded_to_whole_numbers(landing):
    path = landing.put("pos/sales/x.parquet", b"")
    frame = pl.DataFrame(
        {
            "transaction_id": [1, 2, 3],
            "line_number": [1.0, 1.5, 2.0],
            "sold_at": [datetime(2026, 1, 5, 10)] * 3,
            "channel": ["store"] * 3,
            "location_id": [" L1 "] * 3,
            "sku_id": ["001"] * 3,
            "quantity": [1.0, 1.0, float("nan")],
            "net_amount": [2.5, 2.5, 2.5],
        }
    )
    frame.write_parquet(path)
    landing.ingest()
    assert landing.rows("select transaction_id, location_id, _line from feeds.pos_sales") == [("1", "L1", 1)]
    assert landing.rows("select line, column_name from quarantine.pos_sales order by line") == [
        (2, "line_number"),
        (3, "quantity"),
    ]


def test_a_cut_gzip_is_refused_and_a_whole_one_is_read(landing):
    landing.put_masters()
    whole = gzip.compress(
        ("transaction_id,line_number,sold_at,channel,location_id,sku_id,quantity,net_amount\n" + GOOD + "\n").encode()
    )
    landing.put("pos/sales/whole.csv.gz", whole)
    landing.put("pos/sales/cut.csv.gz", whole[:-6])
    report = landing.ingest()
    assert [e for e in report.errors if "cut.csv.gz" in e and "cut or corrupt gzip" in e]
    assert landing.rows("select count(*) from feeds.pos_sales") == [(1,)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.csv", b"", "is empty (0 bytes)"),
        ("latin.csv", "sku_id,product_name\n1,Käse\n".encode("latin-1"), "not UTF-8"),
        ("twice.csv", b"sku_id,sku_id\n1,2\n", "column 'sku_id' twice"),
        ("broken.parquet", b"PAR1 not really", "cannot be read"),
        ("list.txt", b"x", "neither CSV nor Parquet"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused_whole(landing, name, content, reason):
    landing.put(f"erp/products/{name}", content)
    report = landing.ingest()
    assert any(name in e and reason in e for e in report.errors)
    assert landing.ingest("run-00002").errors[0] == report.errors[0]
    assert landing.rows("select count(*) from ops.file_ledger") == [(1,)]


def test_the_newest_row_of_a_key_wins_in_master_data(landing):
    landing.put("erp/products/1.csv", "sku_id,product_name\n001,Old\n002,Two\n")
    landing.put("erp/products/2.csv", "sku_id,product_name\n001,New\n")
    landing.ingest()
    assert landing.rows("select sku_id, product_name from feeds.erp_products order by 1") == [
        ("001", "New"),
        ("002", "Two"),
    ]


@pytest.mark.parametrize("together", [True, False])
def test_bytes_that_come_back_after_others_count_again_where_the_newest_counts(landing, together):
    old, new = "sku_id,product_name\n001,Old\n", "sku_id,product_name\n001,New\n"
    for run, (name, content) in enumerate([("1.csv", old), ("2.csv", new), ("3.csv", old)], 1):
        landing.put(f"erp/products/{name}", content)
        if not together:
            landing.ingest(f"run-{run:05d}")
    landing.ingest("run-00009")
    assert landing.rows("select product_name from feeds.erp_products") == [("Old",)]
    assert landing.ingest("run-00010").files == {"unchanged": 3}


def test_a_folder_that_no_declaration_reads_is_named(landing):
    landing.put("pos/tickets/a.csv", "x\n1\n")
    assert any("pos/tickets" in w for w in landing.ingest().warnings)


def test_a_file_still_being_written_waits(landing):
    landing.put("pos/sales/a.csv.part", "x")
    assert landing.ingest().files == {}


RUNS = itertools.count(1)
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0", exclude_categories=["Cs", "Cc"]), max_size=8)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=8, max_size=8), max_size=12))
def test_every_physical_row_is_accounted_for(landing, rows):
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    landing.put_sales(GOOD, *quoted, name="random.csv")
    landing.ingest(f"run-{next(RUNS):05d}")
    [(physical, loaded, quarantined, duplicate)] = landing.rows(COUNTS)
    assert physical == len(rows) + 1 == loaded + quarantined + duplicate


def test_an_empty_line_before_the_header_is_told_as_such(landing):
    landing.put("erp/products/p.csv", "\nsku_id,product_name\n001,One\n")
    assert any("starts with an empty line" in error for error in landing.ingest().errors)


def test_a_mandatory_feed_that_a_declaration_overrides_is_missed_all_the_same(landing):
    landing.put_masters()
    sources = landing.settings.home / "sources"
    sources.mkdir()
    (sources / "pos.yml").write_text("source: pos\nfeeds: {sales: {allow_empty: true}}\n")
    assert [e for e in landing.ingest().errors if e.startswith("pos/sales: no rows")]


def test_once_extracts_are_read_sql_reaches_nothing_else_on_the_machine(landing):
    landing.put_masters()
    landing.put_sales(GOOD)
    landing.ingest()
    outside = landing.settings.home / "outside.csv"
    outside.write_text("a\n1\n")
    statements = (
        f"from read_csv('{outside}')",
        f"from read_text('{landing.settings.landing}/../outside.csv')",
        f"copy (select 1) to '{landing.settings.home}/out.csv'",
        f"attach '{landing.settings.home}/other.duckdb'",
        "install httpfs",
        "set enable_external_access = true",
    )
    for statement in statements:
        with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)):
            landing.con.execute(statement)
    decided = landing.settings.home / "decisions" / "list.csv"
    decided.parent.mkdir(exist_ok=True)
    decided.write_text("a\n1\n")
    assert landing.con.execute(f"from read_csv('{decided}')").fetchall() == [(1,)]
    landing.put_sales(GOOD.replace("A1", "A2"), name="b.csv")
    landing.ingest("run-00002")
    assert landing.sales() == ["A1", "A2"]
