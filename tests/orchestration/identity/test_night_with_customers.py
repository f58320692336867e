"""One whole night with customers and a request to forget one of them: what is left of her, and of the others."""

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
HERS = ("C-4711", "C-4712", "Meierling", "901820", "anna.meierling", "1980-05-17")
PERSONAL = (*HERS, "C-1", "C-2", "Kuhnert", "428280", "ben.kuhnert", "1990-01-02", "WALKIN-99")


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
    assert "erased 4 customer ids: 2 rows deleted, 2 lines without their customer, 1 refused records" in output


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
    assert (accounts, city, tier, age) == (2, "Ulm", "silver", "35-44")
    assert bought[:4] == [("N1", None), ("N2", None), ("N3", customer), ("N4", customer)]
    assert bought[4][1].startswith("c")
    assert bought[4][1] not in (customer, None)


def test_every_row_of_her_file_is_still_counted(night):
    with duckdb.connect(str(night[0] / "warehouse/shelfcast.duckdb"), read_only=True) as con:
        counts = con.execute(
            "select rows_physical, rows_loaded, rows_quarantined, rows_excluded from ops.file_ledger "
            "where name = 'accounts.csv'"
        ).fetchall()
    assert counts == [(5, 2, 1, 2)]
