"""One whole night with customers and a marketplace, and a request to forget somebody: what is left, and of whom."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
import small_company
from typer.testing import CliRunner

from orchestration.cli import app

SETTINGS = "timezone: Europe/Berlin\nforecast: {trees: 10, backtest_weeks: [13]}\nidentity: {phone_region: DE}\n"
CUSTOMERS = """customer_id,full_name,phone,email,birth_date,city,member_tier
C-4711,Anna Meierling,030 901820,anna.meierling@gmx.de,1980-05-17,Bonn,gold
C-4712,"Meierling, Anna",+49 30 901820,,1980-05-17,Bonn,
C-1,Ben Kuhnert,040 428280,ben.kuhnert@gmx.de,1990-01-02,Ulm,silver
C-2,Ben Kuhnert,+49 40 428280,,1990-01-02,Ulm,
C-4711,Anna Meierling,030 901820,anna.meierling@gmx.de,17.05.1980,Bonn,gold
"""
SALES = """transaction_id,line_number,sold_at,location_id,sku_id,quantity,net_amount,channel,customer_id
N1,1,2025-06-25T10:00:00,S01,00001,1,2.25,store,C-4711
N2,1,2025-06-25T10:05:00,S01,00001,1,2.25,store,C-4712
N3,1,2025-06-25T10:10:00,S01,00001,1,2.25,store,C-1
N4,1,2025-06-25T10:15:00,S01,00001,1,2.25,store,C-2
N5,1,2025-06-25T10:20:00,S01,00001,1,2.25,store,WALKIN-99
"""
PRODUCTS = """sku_id,product_name,barcode,supersedes_sku_id
B-1,Oats,4006381333931,00001
"""
# a marketplace with its own words, products and accounts; no code knows it
MARKET = """
source: tmall
feeds:
  orders:
    feeds_into: pos/sales
    columns:
      transaction_id: 订单号
      line_number: {row_number_in: transaction_id}
      sold_at: 支付时间
      channel: {value: live}
      location_id: {value: S02}
      sku_id: 商家编码
      quantity: 数量
      net_amount: 金额
      customer_id: 买家
  products:
    feeds_into: erp/products
    columns: {sku_id: 商家编码, product_name: 商品名称, barcode: 条码}
  buyers:
    feeds_into: crm/customers
    columns: {customer_id: 买家, full_name: 姓名, phone: 手机}
"""
ORDERS = """订单号,支付时间,商家编码,数量,金额,买家
T1,2025-06-25T11:00:00,tm-7,1,3.00,tb_ben
T2,2025-06-25T11:00:00,tm-7,1,3.00,tb_anna
"""
GOODS = """商家编码,商品名称,条码
tm-7,燕麦,04006381333931
"""
BUYERS = """买家,姓名,手机
tb_ben,BEN KUHNERT,0049 40 428280
tb_anna,anna meierling,0049 30 901820
"""
HERS = ("C-4711", "C-4712", "tb_anna", "Meierling", "meierling", "901820", "anna.meierling", "1980-05-17")
PERSONAL = (*HERS, "C-1", "C-2", "tb_ben", "Kuhnert", "KUHNERT", "428280", "ben.kuhnert", "1990-01-02", "WALKIN-99")


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> tuple[Path, str]:
    home = tmp_path_factory.mktemp("customers")
    with pytest.MonkeyPatch.context() as patch:  # what is forecast does not matter here
        patch.setattr(small_company, "PRODUCTS", 2)
        patch.setattr(small_company, "FIRST_DAY", date(2024, 1, 1))
        small_company.write(home / "landing", with_stock=False)
    files = {
        "shelfcast.yml": SETTINGS + "max_quarantined_pct: 50\n",
        "landing/crm/customers/accounts.csv": CUSTOMERS,
        "landing/pos/sales/named.csv": SALES,
        "landing/erp/products/new.csv": PRODUCTS,
        "sources/tmall.yml": MARKET,
        "landing/tmall/orders/june.csv": ORDERS,
        "landing/tmall/products/goods.csv": GOODS,
        "landing/tmall/buyers/all.csv": BUYERS,
        "decisions/erase_customers_june.csv": "source,customer_id\ncrm,C-4711\n",
    }
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["run", "--home", str(home)])
    assert result.exit_code == 0, result.output
    return home, result.output


def tables_of(path: Path, schemas: str = "true") -> str:
    """All values of all tables of a DuckDB file, one text."""
    with duckdb.connect(str(path), read_only=True) as con:
        found = con.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            f"where table_catalog = current_database() and {schemas}"
        ).fetchall()
        return "\n".join(str(con.execute(f"from {name}").fetchall()) for (name,) in found)


def mentions(words: tuple[str, ...], text: str) -> list[str]:
    return [word for word in words if word in text]


def test_nothing_mentions_the_erased_customer(night):
    home, output = night
    assert mentions(HERS, tables_of(home / "warehouse" / "shelfcast.duckdb")) == []
    assert mentions(HERS, output) == []
    assert "erased 5 customer ids: 3 rows deleted, 3 lines without their customer, 1 refused records" in output


def test_marts_pages_and_logs_name_nobody_at_all(night):
    home, output = night
    assert mentions(PERSONAL, tables_of(home / "published/latest/marts.duckdb")) == []
    assert (
        mentions(PERSONAL, tables_of(home / "warehouse/shelfcast.duckdb", "table_schema in ('marts', 'ml', 'ops')"))
        == []
    )
    texts = [p for p in (home / "published").rglob("*") if p.suffix in (".html", ".json", ".csv") and p.is_file()]
    texts += list((home / "warehouse").rglob("*.log"))
    assert len(texts) > 5
    for path in texts:
        assert mentions(PERSONAL, path.read_text(encoding="utf-8", errors="replace")) == [], path.name
    assert mentions(PERSONAL, output) == []


def test_the_other_customer_is_one_with_both_accounts_and_sales(night):
    with duckdb.connect(str(night[0] / "published/latest/marts.duckdb"), read_only=True) as con:
        [(customer, accounts, city, tier, age)] = con.execute(
            "select customer_id, account_count, city, member_tier, age_band from dim_customer"
        ).fetchall()
        bought = con.execute(
            "select transaction_id, customer_id from fct_sales where transaction_id like 'N%' order by 1"
        ).fetchall()
        market = con.execute(
            "select sku_id, customer_id from fct_sales where source = 'tmall' order by transaction_id"
        ).fetchall()
    assert market == [("B-1", customer), ("B-1", None)]
    assert (accounts, city, tier, age) == (3, "Ulm", "silver", "35-44")
    assert bought[:4] == [("N1", None), ("N2", None), ("N3", customer), ("N4", customer)]
    assert bought[4][1].startswith("c")
    assert bought[4][1] not in (customer, None)


def test_the_marketplaces_product_is_the_companys(night):
    with duckdb.connect(str(night[0] / "published/latest/marts.duckdb"), read_only=True) as con:
        products = con.execute(
            "select sku_id, product_name, current_sku_id, chain_root_sku_id from dim_product "
            "where not is_inferred order by 1"
        ).fetchall()
    assert products == [
        ("00000", "Product 0, “fine”", "00000", "00000"),
        ("00001", "Product 1, “fine”", "B-1", "00001"),
        ("B-1", "Oats", "B-1", "00001"),
    ]


def test_every_row_of_her_file_is_still_counted(night):
    with duckdb.connect(str(night[0] / "warehouse/shelfcast.duckdb"), read_only=True) as con:
        counts = con.execute(
            "select rows_physical, rows_loaded, rows_quarantined, rows_excluded from ops.file_ledger "
            "where name = 'accounts.csv'"
        ).fetchall()
    assert counts == [(5, 2, 1, 2)]
