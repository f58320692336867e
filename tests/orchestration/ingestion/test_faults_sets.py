"""Faults 26, 29, 30 and 37 of what may come in: rows that repeat, a file beyond memory, thousands of tiny files, a
clock that goes back. (27 and 28 are the gate's: tests/data_quality.)"""

from __future__ import annotations

import os
import resource

import duckdb
import pytest
from landings import GOOD, HEADER, QUICK, sale

from orchestration.ingestion import loading
from orchestration.ingestion.declarations import source_feeds
from orchestration.warehouse import connect


def test_26_repeats_within_a_file_are_counted_and_the_last_of_other_values_counts(landing):
    first, last = sale(transaction_id="T1"), sale(transaction_id="T1", net_amount="6.00")
    landing.put_sales(sale(), sale(), sale(), first, sale(transaction_id="T2"), last)
    report = landing.ingest()
    assert landing.counts() == ("loaded", 6, 3, 0, 0, 2, 1)
    assert landing.kept()[0][0] == 5
    assert "has the key of line 7 of the file, which counts" in landing.kept()[0][3]
    assert [w for w in report.warnings if w.startswith("pos/sales a.csv:5:transaction_id, line_number")]
    assert landing.rows("select net_amount::int from feeds.pos_sales where transaction_id = 'T1'") == [(6,)]


def test_26_repeats_across_files_are_counted_and_the_newest_of_other_values_counts(landing):
    landing.put_sales(sale(), sale(transaction_id="T1"), sale(transaction_id="T2"), name="1.csv")
    landing.put_sales(sale(), sale(transaction_id="T1", net_amount="6.00"), sale(transaction_id="T3"), name="2.csv")
    report = landing.ingest()
    assert landing.counts("1.csv") == ("loaded", 3, 3, 0, 0, 0, 0)
    assert landing.counts("2.csv") == ("loaded", 3, 2, 0, 0, 1, 0)
    [message] = [w for w in report.warnings if "2.csv:3: 1 rows have the key of a row in an earlier file" in w]
    assert "the newest file counts; both stay in raw.pos_sales" in message
    assert landing.sales() == ["A1", "T1", "T2", "T3"]
    assert landing.rows("select net_amount::int from feeds.pos_sales where transaction_id = 'T1'") == [(6,)]
    landing.put_sales(sale(transaction_id="T3"), name="2.csv")
    landing.ingest("run-00002")
    assert landing.rows("select transaction_id, net_amount::int from feeds.pos_sales order by 1") == [
        ("A1", 5), ("T1", 5), ("T2", 5), ("T3", 5),
    ]  # fmt: skip


def test_26_files_of_several_shapes_are_counted_apart(landing):
    note = HEADER + ",note"
    landing.put_sales(sale(transaction_id="T1"), name="1.csv")
    landing.put_sales(
        sale(transaction_id="T2") + ",x", sale(transaction_id="T2b", quantity="x") + ",x", header=note, name="2.csv"
    )
    landing.put_sales(sale(transaction_id="T3"), sale(transaction_id="T3"), name="3.csv")
    landing.put_sales(sale(transaction_id="T4") + ",x", header=note, name="4.csv")
    landing.ingest()
    assert landing.counts("1.csv") == ("loaded", 1, 1, 0, 0, 0, 0)
    assert landing.counts("2.csv") == ("loaded", 2, 1, 1, 0, 0, 0)
    assert landing.counts("3.csv") == ("loaded", 2, 1, 0, 0, 1, 0)
    assert landing.counts("4.csv") == ("loaded", 1, 1, 0, 0, 0, 0)
    assert [line for line, *_ in landing.kept()] == [3]


def test_29_a_file_larger_than_the_memory_limit_is_loaded(landing, tmp_path):
    landing.settings.landing.mkdir(parents=True)
    generator = duckdb.connect()
    target = landing.put("pos/sales/giant.csv", "")
    generator.execute(
        "copy (select 'T' || i as transaction_id, 1 as line_number, '2026-01-05T10:00:00' as sold_at, "
        "'store' as channel, "
        "'L' || i % 50 as location_id, 'sku-' || i % 5000 as sku_id, 2 as quantity, 5.25 as net_amount, "
        f"repeat('x', 250) as promotion_id from range(450000) r(i)) to '{target}' (format csv)"
    )
    size = target.stat().st_size
    assert size > 130e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    limited = landing.settings.model_copy(update={"memory_limit": "200MB", "threads": 1})
    with connect(limited) as con:
        loading.ingest(con, source_feeds(limited.home), limited.landing, "run-00001", 5.0, landing.say, QUICK)
        assert con.execute("select rows_physical, rows_loaded, size_bytes from ops.files").fetchone() == (
            450_000,
        ) * 2 + (size,)
        assert con.execute("select count(*), sum(net_amount)::int from feeds.pos_sales").fetchone() == (
            450_000,
            2_362_500,
        )
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10 < 600


class Counting:
    """A connection that counts its statements."""

    def __init__(self, con: duckdb.DuckDBPyConnection):
        self.con, self.statements = con, 0

    def execute(self, *args: object) -> object:
        self.statements += 1
        return self.con.execute(*args)

    def __getattr__(self, name: str) -> object:
        return getattr(self.con, name)


@pytest.fixture
def counted(landing):
    landing.con = Counting(landing.con)
    return landing


def test_30_two_thousand_tiny_files_cost_hardly_more_statements_than_one(counted):
    counted.put_sales(GOOD, name="0.csv")
    counted.ingest()
    for_one, counted.con.statements = counted.con.statements, 0
    for number in range(2_000):
        counted.put_sales(f"T{number},1,2026-01-05,store,L1,001,1,1.00", name=f"t{number:05}.csv")
    report = counted.ingest("run-00002")
    assert report.files == {"unchanged": 1, "loaded": 2_000}
    assert counted.con.statements < for_one + 40
    assert counted.rows("select count(*), sum(rows_loaded)::int from ops.file_ledger") == [(2_001, 2_001)]


def test_30_a_bad_one_among_many_is_found_in_few_steps(counted):
    for number in range(500):
        counted.put_sales(f"T{number},1,2026-01-05,store,L1,001,1,1.00", name=f"t{number:05}.csv")
    counted.put("pos/sales/t00123.csv", HEADER + '\nX,1,2026-01-05,store,L1,001,1,"1.00\n')
    counted.put_masters()
    report = counted.ingest()
    assert report.files == {"loaded": 501, "refused": 1}
    [error] = report.errors
    assert "t00123.csv" in error
    assert counted.con.statements < 600


def test_37_the_order_of_files_is_the_ledgers_whatever_their_clocks_say(landing, monkeypatch):
    landing.put("erp/products/1.csv", "sku_id,product_name\n001,Old\n")
    landing.ingest("run-00001")
    newer = landing.put("erp/products/2.csv", "sku_id,product_name\n001,New\n")
    os.utime(newer, (1, 1))
    monkeypatch.setattr(loading.time, "time", lambda: 0.0)
    landing.ingest("run-00002")
    assert landing.rows("select product_name from feeds.erp_products") == [("New",)]
    assert landing.ingest("run-00003").files == {"unchanged": 2}
