"""Source declarations: a company's own names and formats become the canonical feeds; a wrong one is refused with its
file, key and the nearest valid name."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from landings import GOOD, HEADER, sale

from orchestration.errors import SettingsError
from orchestration.ingestion.declarations import source_feeds

DOUYIN = """
source: douyin_shop                # its folder is landing/douyin_shop/
timezone: Asia/Shanghai
feeds:
  orders:                          # landing/douyin_shop/orders/
    feeds_into: pos/sales          # canonical feed
    format: {type: csv, encoding: gb18030, delimiter: ",", decimal: ".", thousands: ",", timestamp: "%Y/%m/%d %H:%M"}
    load: append                   # append | upsert (by key) | snapshot (the newest file replaces)
    columns:                       # canonical name: how to get it
      transaction_id: 订单号                          # their header
      line_number: {row_number_in: transaction_id}    # position within the receipt, in file order
      sold_at: 支付时间
      channel: {value: live}                          # constant
      location_id: {value: WEB-DY}
      sku_id: {from: 商家编码, map: {"旧码-1": "SKU-1"}}   # with a value map; unmapped values pass unless `strict: true`
      quantity: 数量
      net_amount: {sql: "数量 * 实付单价"}              # one scalar expression over their headers, nothing else
      customer_id: 买家ID
    exclude:                       # rows that are not what the feed is about: counted and kept with the reason
      - {when: "商家编码 = '运费'", reason: shipping fee}
  products:
    feeds_into: erp/products
    files: orders/*.csv            # a second feed may read the same files
    keep: last                     # one row a key: the last seen
    columns: {sku_id: 商家编码, product_name: 商品名称}
"""  # noqa: E501  # Chinese signs count twice
ORDERS = """订单号,支付时间,商家编码,商品名称,数量,实付单价,买家ID
D1,2026/01/05 00:30,旧码-1,围巾,2,"1,019.90",甲
D1,2026/01/05 00:30,旧码-1,围巾,2,"1,019.90",甲
D1,2026/01/05 00:30,运费,运费,1,8,甲
D2,2026/01/05 23:59,SKU-2,帽子 龘,-1,0.10,乙
D3,2026/02/30 10:00,SKU-2,帽子,1,0.10,乙
D4,2026/01/06 10:00,SKU-2,"帽子, 新",一,0.10,丙
"""


def declare(landing, text: str, name: str = "shop.yml") -> None:
    landing.put(f"../sources/{name}", text)


def test_the_example_of_the_contract_works_as_written(landing):
    declare(landing, DOUYIN)
    landing.put("douyin_shop/orders/2026-01.csv", ORDERS.encode("gb18030"))
    report = landing.ingest()
    assert landing.rows(
        "select transaction_id, line_number, sold_at, sold_at_utc, channel, location_id, sku_id, quantity::int, "
        "net_amount::double, customer_id, _source from feeds.pos_sales order by 1, 2"
    ) == [
        ("D1", 1, datetime(2026, 1, 5, 0, 30), datetime(2026, 1, 4, 16, 30), "live", "WEB-DY", "SKU-1", 2, 2039.8, "甲",
         "douyin_shop"),
        ("D1", 2, datetime(2026, 1, 5, 0, 30), datetime(2026, 1, 4, 16, 30), "live", "WEB-DY", "SKU-1", 2, 2039.8, "甲",
         "douyin_shop"),
        ("D2", 1, datetime(2026, 1, 5, 23, 59), datetime(2026, 1, 5, 15, 59), "live", "WEB-DY", "SKU-2", -1, -0.1, "乙",
         "douyin_shop"),
    ]  # fmt: skip
    kept = "select * exclude (file_id, run_id, raw_text) from quarantine.douyin_shop_orders order by line"
    assert landing.rows(kept) == [
        ("2026-01.csv", 4, "excluded", None, None, "shipping fee"),
        ("2026-01.csv", 6, "quarantined", "sold_at", "2026/02/30 10:00", "is not a timestamp like %Y/%m/%d %H:%M"),
        ("2026-01.csv", 7, "quarantined", "quantity", "一", "is not a number with a decimal point"),
    ]  # fmt: skip
    assert landing.rows("select sku_id, product_name from feeds.erp_products order by 1") == [
        ("SKU-2", "帽子, 新"), ("旧码-1", "围巾"), ("运费", "运费"),
    ]  # fmt: skip
    counts = "select rows_physical, rows_loaded, rows_quarantined, rows_excluded, rows_duplicate, rows_superseded"
    assert landing.rows(f"{counts} from ops.file_ledger order by feed") == [(6, 3, 2, 1, 0, 0), (6, 3, 0, 0, 0, 3)]
    assert [w for w in report.warnings if w.startswith("douyin_shop/orders 2026-01.csv:7:quantity '一' — ")]


def test_the_rows_of_the_page_in_its_docs_are_the_same_declaration():
    page = (Path(__file__).parents[3] / "docs" / "contracts.md").read_text(encoding="utf-8")
    assert DOUYIN.strip() in page


BUILT_IN = "source: pos\nfeeds:\n  sales:\n    columns:\n"
ALIKE = "".join(f"      {c}: {c}\n" for c in HEADER.split(",") if c != "quantity")


def test_a_built_in_feed_is_overridden_and_its_files_are_read_again(landing):
    landing.put_sales(GOOD.replace("001,2,", "001,3,"))
    landing.ingest()
    assert landing.rows("select quantity::int, net_amount::int from feeds.pos_sales") == [(3, 5)]
    declare(landing, BUILT_IN + ALIKE + '      quantity: {sql: "quantity * 2"}\n')
    said: list[str] = []
    landing.say = said.append
    report = landing.ingest("run-00002")
    assert landing.rows("select quantity::int, net_amount::int from feeds.pos_sales") == [(6, 5)]
    assert [s for s in said if "1 rows new, 1 gone, read again by another declaration" in s]
    assert report.files == {"loaded": 1}
    versions = landing.rows("select declaration, state from ops.file_ledger order by file_id")
    assert versions[0] == ("canonical", "replaced")
    assert re.fullmatch("[0-9a-f]{12}", versions[1][0])
    assert landing.ingest("run-00003").files == {"unchanged": 1}


def test_a_file_is_read_again_once_though_a_copy_of_it_stands_before_it(landing):
    landing.put_sales(GOOD, name="b.csv")
    landing.ingest()
    landing.put_sales(GOOD, name="a.csv")
    landing.ingest("run-00002")
    declare(landing, BUILT_IN + ALIKE.replace(": transaction_id", ': {sql: "transaction_id || 2"}')
            + "      quantity: quantity\n")  # fmt: skip
    landing.ingest("run-00003")
    assert landing.sales() == ["A12"]
    assert landing.ingest("run-00004").files == {"unchanged": 1, "duplicate": 1}
    assert landing.sales() == ["A12"]


def test_several_feeds_become_one_canonical_feed(landing):
    for name in ("app", "web"):
        declare(
            landing,
            f"source: {name}\nfeeds:\n  orders:\n    feeds_into: pos/sales\n    columns:\n{ALIKE}      quantity: n\n",
            f"{name}.yml",
        )
    landing.put_sales(GOOD)
    header = HEADER.replace("quantity", "n")
    landing.put("app/orders/a.csv", f"{header}\n{GOOD}\n")
    landing.put("web/orders/a.csv", f"{header}\n{GOOD.replace('A1', 'W1')}\n")
    landing.ingest()
    assert landing.rows("select _source, transaction_id from feeds.pos_sales order by 1") == [
        ("app", "A1"), ("pos", "A1"), ("web", "W1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("load", "kept"),
    [
        ("append", {("1", "b"), ("2", "b"), ("3", "b")}),
        ("upsert", {("1", "b"), ("2", "b"), ("3", "b")}),
        ("snapshot", {("1", "b"), ("3", "b")}),
    ],
)
def test_files_combine_by_the_load_mode(landing, load, kept):
    declare(landing, f"source: erp\nfeeds:\n  products: {{load: {load}}}\n")
    landing.put("erp/products/1.csv", "sku_id,product_name\n1,a\n2,b\n")
    landing.ingest()
    landing.put("erp/products/2.csv", "sku_id,product_name\n1,b\n3,b\n")
    landing.ingest("run-00002")
    assert set(landing.rows("select sku_id, product_name from feeds.erp_products")) == kept


def test_a_strict_map_refuses_what_it_does_not_list(landing):
    strict = ALIKE.replace("channel: channel", "channel: {from: channel, map: {S: store}, strict: true}")
    declare(landing, BUILT_IN + strict + "      quantity: quantity\n")
    landing.put_sales(sale(channel="S"), sale(transaction_id="T1", channel="X"))
    landing.ingest()
    assert landing.rows("select channel from feeds.pos_sales") == [("store",)]
    assert landing.kept() == [(3, "channel", "X", "is not in the declaration's map")]


@pytest.mark.parametrize(
    ("format_text", "content"),
    [
        ("{delimiter: ';'}", "id;name;price;day\n1;a;1234.5;2026-01-31\n"),
        ('{delimiter: "\\t"}', "id\tname\tprice\tday\n1\ta\t1234.5\t2026-01-31\n"),
        ("{delimiter: '|', quote: \"'\"}", "id|name|price|day\n1|'a'|1234.5|2026-01-31\n"),
        (
            "{delimiter: ';', decimal: ',', thousands: '.', date: '%d.%m.%Y'}",
            "id;name;price;day\n1;a;1.234,50;31.01.2026\n",
        ),
        ("{thousands: ' ', date: '%Y%m%d'}", "id,name,price,day\n1,a,1 234.5,20260131\n"),
        ("{thousands: \"'\", date: '%d %b %Y'}", "id,name,price,day\n1,a,1'234.50,31 Jan 2026\n"),
        ("{thousands: ',', date: '%m/%d/%y'}", 'id,name,price,day\n1,a,"1,234.5",01/31/26\n'),
        ("{null_values: ['NULL', '-']}", "id,name,price,day\n1,a,1234.5,2026-01-31\n-,x,NULL,-\n"),
        ("{trailer: '^T,(\\d+)'}", "id,name,price,day\n1,a,1234.5,2026-01-31\nT,1\n"),
        ("{type: csv, encoding: utf-16}", "id,name,price,day\n1,a,1234.5,2026-01-31\n".encode("utf-16")),
    ],
)
def test_formats_are_read_as_declared(landing, format_text, content):
    columns = "{sku_id: id, product_name: name, list_price: price, launched_on: day}"
    declare(landing, f"source: shop\nfeeds:\n  p:\n    feeds_into: erp/products\n    format: {format_text}\n"
                     f"    columns: {columns}\n")  # fmt: skip
    landing.put("shop/p/a.dat" if "type: csv" in format_text else "shop/p/a.csv", content)
    landing.ingest()
    found = "select sku_id, product_name, list_price::double, launched_on from feeds.erp_products"
    assert landing.rows(found) == [("1", "a", 1234.5, date(2026, 1, 31))]


def workbook() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet("Notes").write(0, 0, "nothing")
        sheet = book.add_worksheet("Data")
        sheet.write_row(2, 0, ["id", "name", "price", "day"])
        for row, key in enumerate(["007", "008"], 3):
            sheet.write_string(row, 0, key)
            sheet.write_string(row, 1, 'a,\n"b"')
            sheet.write_number(row, 2, 1234.5)
            sheet.write_datetime(row, 3, datetime(2026, 1, 31), book.add_format({"num_format": "dd.mm.yyyy"}))
    return out.getvalue()


def test_packed_files_workbooks_and_parquet_are_read_by_their_names(landing):
    declare(
        landing,
        "source: shop\nfeeds:\n  p:\n    feeds_into: erp/products\n    format: {sheet: Data}\n"
        "    columns: {sku_id: id, product_name: name, list_price: price, launched_on: day}\n",
    )  # fmt: skip
    plain = b"id,name,price,day\n1,a,2.5,2026-01-31\n"
    landing.put("shop/p/1.csv.gz", gzip.compress(plain))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("Export März.csv", plain.replace(b"1,a", b"2,a"))
    landing.put("shop/p/2.zip", out.getvalue())
    landing.put("shop/p/3.xlsx", workbook())
    pl.DataFrame({"price": [2.5], "day": [date(2026, 1, 31)], "id": [4], "name": ["a"], "more": [1]}).write_parquet(
        landing.put("shop/p/4.parquet", "")
    )
    landing.ingest()
    found = "select sku_id, list_price::double, launched_on::varchar from feeds.erp_products order by sku_id"
    day = "2026-01-31"
    assert landing.rows(found) == [
        ("007", 1234.5, day), ("008", 1234.5, day), ("1", 2.5, day), ("2", 2.5, day), ("4", 2.5, day),
    ]  # fmt: skip
    assert landing.rows("select distinct product_name from feeds.erp_products where sku_id like '00%'") == [
        ('a,\n"b"',)
    ]
    declare(landing, "source: erp\nfeeds: {products: {format: {sheet: Dat}}}\n", "erp.yml")
    landing.put("erp/products/3.xlsx", workbook())
    assert "has no sheet 'Dat' — it has 'Notes', 'Data'" in landing.ingest("run-00002").errors[0]


def test_a_parquet_column_with_a_name_of_the_readers_own_is_refused_with_a_word(landing):
    pl.DataFrame({"sku_id": ["1"], "product_name": ["a"], "file_index": [5]}).write_parquet(
        landing.put("erp/products/a.parquet", "")
    )
    assert "has a column 'file_index', a name that reading needs for itself" in landing.ingest().errors[0]


SHOP = "source: shop\nfeeds:\n  p:\n    feeds_into: erp/products\n    columns: {sku_id: id, product_name: name}\n"
SQL = SHOP.replace("product_name: name", "product_name: {sql: %s}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SHOP.replace("source:", "sorce:"), ["unknown key 'sorce'", "did you mean 'source'?"]),
        (SHOP.replace("feeds_into", "feed_into"), ["unknown key 'feeds.p.feed_into'", "did you mean 'feeds_into'?"]),
        (
            SHOP.replace("columns:", "format: {delimter: ';'}\n    columns:"),
            ["unknown key 'feeds.p.format.delimter'", "did you mean 'delimiter'?"],
        ),
        (SHOP.replace(": name", ": {fro: name}"), ["'feeds.p.columns.product_name.fro'", "did you mean 'from'?"]),
        (SHOP + "    exclude: [{wen: 'id = 1', reason: x}]\n", ["'feeds.p.exclude.0.wen'", "did you mean 'when'?"]),
        (SHOP.replace("erp/products", "erp/product"), ["'feeds.p.feeds_into'", "did you mean 'erp/products'?"]),
        (SHOP.replace("    feeds_into: erp/products\n", ""), ["'feeds.p.feeds_into' is missing", "'shop/p'"]),
        (
            SHOP.replace("product_name:", "product_nam:"),
            ["'feeds.p.columns.product_nam'", "did you mean 'product_name'?"],
        ),
        (
            SHOP.replace(", product_name: name", ""),
            ["'feeds.p.columns' lacks product_name", "erp/products requires it"],
        ),
        (
            SHOP.replace("source: shop", "source: shop\ntimezone: Asia/Shangai"),
            ["'timezone' has value 'Asia/Shangai'", "did you mean 'Asia/Shanghai'?"],
        ),
        *(
            (
                SHOP.replace("columns:", f"format: {{encoding: {name}}}\n    columns:"),
                ["format.encoding'", "unknown encoding"],
            )
            for name in ("utf9", "rot13", "base64", "idna", "undefined", "unicode_escape")
        ),
        (SHOP.replace("columns:", "format: {decimal: '.', thousands: '.'}\n    columns:"), ["are both '.'"]),
        (
            SHOP.replace("columns:", "format: {thousands: '^'}\n    columns:"),
            ["format.thousands'", "cannot group digits"],
        ),
        (SHOP.replace("columns:", "format: {delimiter: ';;'}\n    columns:"), ["format.delimiter'", "at most 1"]),
        (
            SHOP.replace("columns:", "format: {delimiter: a}\n    columns:"),
            ["format.delimiter'", "cannot stand between"],
        ),
        (SHOP.replace("columns:", "format: {quote: '”'}\n    columns:"), ["format.quote'", "cannot stand between"]),
        (SHOP.replace("columns:", "format: {date: '%Q'}\n    columns:"), ["format.date'", "is no pattern of dates"]),
        (
            SHOP.replace("columns:", "format: {timestamp: 'd.m.Y'}\n    columns:"),
            ["format.timestamp'", "is no pattern"],
        ),
        (SHOP.replace("columns:", "format: {trailer: '(['}\n    columns:"), ["format.trailer'", "is no pattern"]),
        (SHOP.replace("columns:", "format: {trailer: 'END'}\n    columns:"), ["format.trailer'", "brackets"]),
        (SHOP.replace(": name", ": {from: a, value: b}"), ["columns.product_name'", "exactly one of"]),
        (SHOP.replace(": name", ": on"), ["feeds.p.columns'", "put the header in quotes"]),
        (SHOP.replace(": name", ": {}"), ["columns.product_name'", "exactly one of"]),
        (SHOP.replace(": name", ": {value: a, map: {a: b}}"), ["columns.product_name'", "belong to `from`"]),
        (SHOP.replace(": name", ": {from: a, strict: true}"), ["columns.product_name'", "needs a map"]),
        (SHOP.replace(": name", ": {row_number_in: sku}"), ["row_number_in'", "did you mean 'sku_id'?"]),
        (SHOP.replace(": name", ": {from: a, format: '%'}"), ["product_name.format'", "is no pattern of dates"]),
        (SHOP + "    files: ../secret/*.csv\n", ["feeds.p.files'", "must be <folder>/<pattern>"]),
        (SHOP + "    files: /etc/*\n", ["feeds.p.files'", "must be <folder>/<pattern>"]),
        (SHOP + "    load: apend\n", ["feeds.p.load'", "'append', 'upsert' or 'snapshot'"]),
        (SHOP + "    keep: first\n", ["feeds.p.keep'", "'last'"]),
        (SHOP.replace("shop", "Shop!"), ["'source'"]),
        (SHOP.replace("shop", "decisions"), ["this name is taken by home/decisions/"]),
        (SHOP.replace("  p:", "  p-q:"), ["feed name 'p-q'"]),
        ("- a\n", ["holds a list"]),
        ("a: [\n", ["cannot be read as YAML"]),
        (SQL % '"(select 1)"', ["columns.product_name.sql'", "is not allowed"]),
        (SQL % '"max(id)"', ["is not allowed"]),
        (SQL % '"id in (select id from raw.pos_sales)"', ["is not allowed"]),
        (SQL % "\"read_text('/etc/passwd')\"", ["is not allowed"]),
        (SQL % "\"getenv('HOME')\"", ["is not allowed"]),
        (SQL % "\"current_setting('home_directory')\"", ["is not allowed"]),
        (SQL % '"row_number() over ()"', ["is not allowed"]),
        (SQL % '"id; drop table x"', ["is not one expression"]),
        (SQL % '"id +"', ["cannot be read as an expression"]),
        (SQL % '"* "', ["product_name.sql'"]),
        (SQL % '"raw.id"', ["has a dot"]),
        (SQL % "\"round('x')\"", ["does not fit together"]),
        (SQL % '"id::nothing"', ["product_name.sql'"]),
        (SHOP + "    exclude: [{when: 'id + 1', reason: x}]\n", ["exclude.0.when'", "not true or false"]),
        (SHOP + "    exclude: [{when: \"id = 'a'\", reason: ''}]\n", ["exclude.0.reason'"]),
        (
            SHOP + "    database: {connection: 'postgresql://u:secret@h/db', table: t, watermark: u}\n",
            ["database.connection'", "is not the name of an environment variable"],
        ),
        (
            SHOP + "    database: {connection: ERP_DB, watermark: u}\n",
            ["feeds.p.database'", "exactly one of: table, query"],
        ),
    ],
)
def test_a_wrong_declaration_is_refused_with_file_key_and_the_nearest_name(tmp_path, text, words):
    path = tmp_path / "sources" / "shop.yml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refusal:
        source_feeds(tmp_path)
    message = str(refusal.value)
    assert message.startswith(f"{path}: ")
    assert [word for word in words if word not in message] == []


def test_a_secret_in_a_declaration_is_not_repeated_in_the_message(tmp_path):
    path = tmp_path / "sources" / "shop.yml"
    path.parent.mkdir()
    path.write_text(SHOP + "    database: {connection: 'postgresql://u:hush@h/db', table: t, watermark: u}\n")
    with pytest.raises(SettingsError) as refusal:
        source_feeds(tmp_path)
    assert "hush" not in str(refusal.value)


def test_a_source_declared_twice_is_refused(tmp_path):
    for name in ("a.yml", "b.yml"):
        path = tmp_path / "sources" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(SHOP)
    with pytest.raises(SettingsError, match="declared before in"):
        source_feeds(tmp_path)
