"""Faults 18 to 23 and 39 of what may come in: keys, numbers, dates and times that are not what they seem, and what must
never be shown."""

from __future__ import annotations

import re
from datetime import date, timedelta

import polars as pl
import pytest
from landings import GOOD, sale

TODAY = date.today()


def judged(landing, column: str, values: dict[str, object], *, format_text: str = "{}") -> None:
    """Ingest a sale for each value: None says that it is quarantined, all else what becomes of it, as text."""
    landing.put("../sources/pos.yml", f"source: pos\nfeeds: {{sales: {{format: {format_text}}}}}\n")
    landing.put_sales(
        *(sale(**{"transaction_id": f"T{n}", "net_amount": 5, column: value}) for n, value in enumerate(values))
    )
    report = landing.ingest()
    became = dict(landing.rows(f"select transaction_id, {column}::varchar from raw.pos_sales"))
    assert {value: became.get(f"T{n}") for n, value in enumerate(values)} == values
    bad = [(n + 2, value) for n, value in enumerate(values) if values[value] is None]
    found = {line: (name, value or "") for line, name, value, _ in landing.kept()} if bad else {}
    assert found == {line: (column, value) for line, value in bad}
    assert landing.counts() == ("loaded", len(values), len(values) - len(bad), len(bad), 0, 0, 0)
    if bad:
        line, value = bad[0]
        shown = re.escape(f" {value!r}" if value else "")
        message = rf"pos/sales a\.csv:{line}:{column}{shown} — .+ — row kept in quarantine.pos_sales; correct it"
        assert [w for w in report.warnings if re.match(message, w)]


@pytest.mark.parametrize("rounded", ["1.23E+12", "6.90123e+12", "1E+05"])
def test_18_a_key_that_a_spreadsheet_rounded_refuses_the_file_with_an_example(landing, rounded):
    landing.put_masters()
    landing.put_sales(GOOD, name="0.csv")
    landing.put_sales(sale(transaction_id="T1"), sale(transaction_id="T2", sku_id=rounded))
    [error] = landing.ingest().errors
    assert f"a.csv holds keys that a spreadsheet rounded, e.g. pos/sales a.csv:3:sku_id '{rounded}'" in error
    assert "export the column as text" in error
    assert landing.counts() == ("refused", 0, 0, 0, 0, 0, 0)
    assert landing.sales() == ["A1"]


def test_18_keys_that_lost_their_zeros_are_an_error_with_examples(landing):
    landing.put_masters()
    landing.put_sales(GOOD, sale(transaction_id="T1", sku_id="1"), sale(transaction_id="T2", sku_id="0002"))
    [error] = landing.ingest().errors
    assert "a.csv:3:sku_id '1' is unknown, but '001' is known" in error
    assert "a.csv:4:sku_id '0002' is unknown, but '002' is known" in error
    assert "export the column as text and deliver the file again" in error


CANONICAL = {
    "5": "5.000", "5.25": "5.250", "-3": "-3.000", "+4": "4.000", ".5": "0.500", " 7 ": "7.000",
    "\uff11\uff12": "12.000",
    "(5)": "-5.000", "5-": "-5.000", "€ 5": "5.000", "5 €": "5.000", "¥5.5": "5.500", "\u22125": "-5.000",
    "1,234": None, "1.234,5": None, "1 234": None, "5 units": None, "--5": None, "(-5)": None, "5.5.5": None,
    "1_000": None, "0x10": None, "nan": None, "inf": None, "-Infinity": None, "1e400": None, "": None, "5%": None,
    "999999999999999.999": "999999999999999.999", "1000000000000000": None, "9" * 40: None, "1e3": "1000.000",
}  # fmt: skip
GERMAN = {
    "5": "5.000", "1.234,5": "1234.500", "1.234": "1234.000", "1234,5": "1234.500", "-1.234.567,89": "-1234567.890",
    "(1.234,5)": "-1234.500", "€ 1.234,50": "1234.500", "12,5-": "-12.500", "1.23": None, "1,234.5": None,
    "12.34,5": None, "1234.567": None, ",5": None, "1..234": None,
}  # fmt: skip
SWISS = {"1'234.5": "1234.500", "1234.5": "1234.500", "1'23": None, "1,234": None, "1'234'567": "1234567.000"}
FRENCH = {"1 234,5": "1234.500", "1\u00a0234,5": "1234.500", "1\u202f234,5": "1234.500", "12 34": None, "1.5": None}
ENGLISH = {"1,234.5": "1234.500", "1,234": "1234.000", "1,23": None, "1.234,5": None, "$1,234": "1234.000"}


@pytest.mark.parametrize(
    ("format_text", "values"),
    [
        ("{}", CANONICAL),
        ("{decimal: ',', thousands: '.'}", GERMAN),
        ('{thousands: "\'"}', SWISS),
        ("{decimal: ',', thousands: ' '}", FRENCH),
        ("{decimal: ',', thousands: '\u202f'}", FRENCH),
        ("{thousands: ','}", ENGLISH),
    ],
)
def test_19_and_23_numbers_are_read_by_the_declared_signs_and_by_no_others(landing, format_text, values):
    judged(landing, "quantity", values, format_text=format_text)


@pytest.mark.parametrize(("format_text", "value"), [("{}", "1234"), ("{thousands: '.', decimal: ','}", "1.234")])
def test_19_whole_numbers_likewise(landing, format_text, value):
    judged(
        landing, "line_number",
        {value: "1234", "7": "7", "1,5": None, "1e3": None, "-2": "-2", "9223372036854775808": None},
        format_text=format_text,
    )  # fmt: skip


STAMPS = {
    "2026-01-05": "2026-01-05 00:00:00", "2026-01-05 10:11": "2026-01-05 10:11:00",
    "2026-01-05T10:11:12.5": "2026-01-05 10:11:12.5", "2024-02-29T00:00:00": "2024-02-29 00:00:00",
    "2026-02-29": None, "2026-02-30": None, "2026-13-01": None, "2026-01-05T25:00:00": None, "05/01/2026": None,
    "01/05/26": None, "5.1.2026": None, "20260105": None, "46027": None, "46027.5": None, "0001-01-01": None,
    "9999-12-31": None, "1899-12-31": None, "2200-01-01": None, "Jan 5 2026": None, "2026-1-5": None, "infinity": None,
    "epoch": None, "now": None, "": None,
}  # fmt: skip


def test_20_a_date_that_is_none_or_may_be_another_is_quarantined(landing):
    judged(landing, "sold_at", STAMPS)


def test_20_declared_dates_are_read_by_their_pattern_and_by_no_other(landing):
    judged(
        landing,
        "sold_at",
        {
            "05.01.2026 10:11": "2026-01-05 10:11:00", "31.12.2025 00:00": "2025-12-31 00:00:00",
            "30.02.2026 10:00": None,
            "2026-01-05 10:11": None, "05.13.2026 10:00": None, "05.01.2026": None, "01.01.0001 00:00": None,
        },
        format_text="{timestamp: '%d.%m.%Y %H:%M'}",
    )  # fmt: skip


def test_20_dates_of_other_feeds_likewise(landing):
    head = "sku_id,product_name,launched_on\n"
    landing.put(
        "erp/products/p.csv", head + "1,a,2026-02-30\n2,b,46027\n3,c,2026-02-28\n4,d,\n5,e,2026-02-28T00:00:00\n"
    )
    landing.ingest()
    assert landing.rows("select sku_id, launched_on::varchar from raw.erp_products order by 1") == [
        ("3", "2026-02-28"), ("4", None), ("5", "2026-02-28"),
    ]  # fmt: skip
    assert landing.rows("select column_name, value from quarantine.erp_products") == [
        ("launched_on", "2026-02-30"), ("launched_on", "46027"),
    ]  # fmt: skip


def test_21_dates_in_the_future_or_far_from_all_others_are_quarantined(landing):
    usual = [sale(transaction_id=f"T{n}", sold_at=TODAY - timedelta(days=n % 9)) for n in range(60)]
    tomorrow, later = TODAY + timedelta(days=1), TODAY + timedelta(days=2)
    odd = [sale(transaction_id=f"O{n}", sold_at=day) for n, day in enumerate([tomorrow, later, "2001-01-01"])]
    landing.put_sales(*usual, *odd)
    landing.ingest()
    assert landing.counts() == ("loaded", 63, 61, 2, 0, 0, 0)
    assert [(line, column, why) for line, column, _, why in landing.kept()] == [
        (63, "sold_at", "lies in the future"),
        (64, "sold_at", "is far from every other date of the file"),
    ]
    assert landing.rows("select last_date from ops.file_ledger where name = 'a.csv'") == [(tomorrow,)]


def test_21_a_file_of_old_days_is_late_not_wrong(landing):
    landing.put_sales(GOOD, name="0.csv")
    landing.put_sales(*(sale(transaction_id=f"T{n}", sold_at=f"2019-03-{n + 1:02}") for n in range(20)))
    landing.ingest()
    assert landing.counts() == ("loaded", 20, 20, 0, 0, 0, 0)


def test_22_the_hour_that_is_twice_and_the_one_that_is_not_keep_every_sale(landing):
    # Berlin 2026: 2:30 is not on 29 March and twice on 25 October
    stamps = ["2026-03-29T01:30:00", "2026-03-29T02:30:00", "2026-03-29T03:30:00", "2026-10-25T02:30:00",
              "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]  # fmt: skip
    lines = [sale(transaction_id=f"T{n}", sold_at=stamp) for n, stamp in enumerate(stamps)]
    landing.put_sales(*lines)
    landing.ingest()
    stored = "select sold_at::varchar, sold_at_utc::varchar from feeds.pos_sales order by transaction_id"
    assert landing.rows(stored) == [
        (stamps[0].replace("T", " "), None), (stamps[1].replace("T", " "), None), (stamps[2].replace("T", " "), None),
        ("2026-10-25 02:30:00", None), ("2026-10-25 02:30:00", "2026-10-25 00:30:00"),
        ("2026-10-25 02:30:00", "2026-10-25 01:30:00"),
    ]  # fmt: skip
    landing.put("../sources/pos.yml", "source: pos\ntimezone: Europe/Berlin\nfeeds: {sales: {}}\n")
    landing.ingest("run-00002")
    utc = [u for (u,) in landing.rows("select sold_at_utc::varchar from feeds.pos_sales order by transaction_id")]
    # what the clock skipped is read as if it had not been put forward; of the hour twice, one is taken
    assert utc[:3] == ["2026-03-29 00:30:00", "2026-03-29 01:30:00", "2026-03-29 01:30:00"]
    assert utc[3] in utc[4:] == ["2026-10-25 00:30:00", "2026-10-25 01:30:00"]
    days = "select sold_at::date::varchar, count(*), sum(net_amount)::int from feeds.pos_sales group by all order by 1"
    assert landing.rows(days) == [("2026-03-29", 3, 15), ("2026-10-25", 3, 15)]


def test_23_no_number_a_negative_price_or_discount_is_quarantined_and_an_outlier_is_kept(landing):
    columns = ["quantity", "net_amount", "unit_price", "discount_amount"]
    header = "transaction_id,line_number,sold_at,channel,location_id,sku_id," + ",".join(columns)
    rows = ["1000000000,-5,1,0", "1,1,-0.01,0", "1,1,1,-1", "1,NaN,1,0", "1,1e99,1,0", "1,1,inf,0", "-2,-5,,"]
    start = "2026-01-05,store,L1,001"
    landing.put_sales(*(f"T{n},1,{start},{row}" for n, row in enumerate(rows)), header=header)
    landing.ingest()
    assert landing.counts() == ("loaded", 7, 2, 5, 0, 0, 0)
    assert [(column, why) for _, column, _, why in landing.kept()] == [
        ("unit_price", "is below 0"),
        ("discount_amount", "is below 0"),
        ("net_amount", "is not a number with a decimal point"),
        ("net_amount", "is not a number with a decimal point"),
        ("unit_price", "is not a number with a decimal point"),
    ]
    assert landing.rows("select max(quantity)::bigint from feeds.pos_sales") == [(10**9,)]


def test_23_parquet_knows_no_better(landing):
    values = [1.5, float("nan"), float("inf"), 1e30, None]
    frame = pl.DataFrame({"quantity": values}).select(
        pl.concat_str(pl.lit("T"), pl.int_range(pl.len())).alias("transaction_id"), line_number=1,
        sold_at=pl.lit("2026-01-05"), channel=pl.lit("store"), location_id=pl.lit("L1"), sku_id=pl.lit("001"),
        quantity="quantity", net_amount=1.0,
    )  # fmt: skip
    frame.write_parquet(landing.put("pos/sales/a.parquet", ""))
    landing.ingest()
    assert landing.counts("a.parquet") == ("loaded", 5, 1, 4, 0, 0, 0)


FORMULAS = ['=HYPERLINK("http://evil","x")', "+cmd|' /C calc'!A0", "@SUM(1+1)", "-2+3", "=1+1"]


def test_39_a_text_that_looks_like_a_formula_is_exact_in_raw(landing):
    frame = pl.DataFrame({"sku_id": list("12345"), "product_name": FORMULAS})
    landing.put("erp/products/p.csv", frame.write_csv())
    frame.write_parquet(landing.put("erp/products/q.parquet", ""))
    frame.write_excel(landing.put("erp/products/r.xlsx", ""))
    landing.ingest()
    for file_name in ("p.csv", "q.parquet"):
        found = landing.rows(
            "select product_name from raw.erp_products r join ops.files f using (file_id) "
            f"where f.name = '{file_name}' order by sku_id".replace("using (file_id)", "on r._file_id = f.file_id")
        )
        assert [name for (name,) in found] == FORMULAS


def test_39_nothing_that_tells_who_a_customer_is_leaves_raw(landing, caplog, capsys):
    secrets = ["Ada Secret", "+491701234567", "ada@secret.example", "1990-13-45", "7\x077"]
    names = "customer_id,full_name,phone,email,birth_date,city,registered_at"
    rows = [
        ",".join(["C1", *secrets[:4], "Ulm", "2026-01-01"]),  # no date
        "C2,Ada Secret,+491701234567",  # no record
        ",".join(["C3", secrets[0], "7\x077", secrets[2], "1990-01-01", "Ulm", "x"]),  # control, no time stamp
        ",".join(["C4", *secrets[:3], "1990-01-01", "Ulm", "2026-01-01"]),  # good, but not the last of its key
        ",".join(["C4", "Ada S", *secrets[1:3], "1990-01-01", "Ulm", "2026-01-01"]),
    ]
    told: list[str] = []
    landing.put("crm/customers/c.csv", names + "\n" + "\n".join(rows) + "\n")
    landing.say = told.append
    report = landing.ingest()
    assert landing.counts("c.csv") == ("loaded", 5, 1, 3, 0, 0, 1)
    kept = landing.rows("select coalesce(quarantine.crm_customers::varchar, '') from quarantine.crm_customers")
    ledger = landing.rows("select coalesce(files::varchar, '') from ops.files files")
    everything = [*report.warnings, *report.errors, *told, *(text for (text,) in [*kept, *ledger]), caplog.text]
    everything += capsys.readouterr()
    assert told
    assert [secret for secret in [*secrets, "Ada S"] if any(secret in text for text in everything)] == []
    refused = landing.ingest("run-00002", max_quarantined_pct=1)
    landing.put("crm/customers/c.csv", names + "\n" + "\n".join(reversed(rows)) + "\n")
    refused = landing.ingest("run-00003", max_quarantined_pct=1)
    assert [error for error in refused.errors if "3 of 5 rows do not parse" in error]
    assert not any(secret in error for error in refused.errors for secret in secrets)
