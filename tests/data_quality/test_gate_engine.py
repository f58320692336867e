"""Running a gate: nothing passes silently, pages ask no other host, and the warehouse is free again afterwards."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from gate_mutations import AS_OF

from data_quality import gx
from data_quality.checks import Check, Table
from data_quality.engine import COULD_NOT_RUN, existing_tables, run_gate
from data_quality.gates import MARTS, OUTPUTS, feeds_checks, marts_checks
from data_quality.results import CheckResult
from data_quality.settings import QualitySettings
from data_quality.suites.feed_rules import FEEDS as FEED_RULES
from data_quality.suites.inventory import inventory_checks
from data_quality.suites.sales import sales_checks

Break = Callable[[str], Path]
Gate = Callable[[Path, Sequence[Check]], list[CheckResult]]
ROOT = Path(__file__).parents[2]


def _failed(results: Sequence[CheckResult]) -> set[str]:
    return {result.check_name for result in results if not result.passed}


def test_a_missing_table_fails_all_its_checks_with_the_reason(broken: Break, gate: Gate) -> None:
    checks = sales_checks(QualitySettings(), AS_OF)
    results = gate(broken("drop table marts.fct_sales"), checks)
    assert [r.check_name for r in results] == [c.name for c in checks]
    assert all(not r.passed and r.severity == "error" and r.advice == COULD_NOT_RUN for r in results)
    assert all("fct_sales does not exist" in json.loads(r.sample)[0]["error"] for r in results)
    assert {(r.failed_rows, r.checked_rows) for r in results} == {(None, None)}


def test_a_missing_column_fails_its_checks_and_no_others(broken: Break, gate: Gate) -> None:
    database = broken("alter table marts.fct_sales drop column is_return; alter table marts.fct_sales drop channel")
    results = gate(database, sales_checks(QualitySettings(), AS_OF))
    assert _failed(results) == {"returns_are_marked", "channel_is_given"}
    assert all("error" in json.loads(r.sample)[0] for r in results if not r.passed)


def test_a_warning_that_cannot_run_refuses(good: Path, gate: Gate) -> None:
    check = Table("marts.fct_sales", ()).no_rows("broken", "Broken.", "selec nothing", ("x",), severity="warn")
    (result,) = gate(good, [check])
    assert result.refuses
    assert "syntax error" in json.loads(result.sample)[0]["error"]


def test_a_feed_without_rows_counts_as_not_delivered(broken: Break) -> None:
    tables = existing_tables(broken("delete from feeds.erp_lots; delete from marts.fct_inventory_daily"))
    assert "feeds.erp_lots" not in tables
    assert {"feeds.pos_sales", "marts.fct_inventory_daily"} <= tables
    asked = {check.table for check in feeds_checks(QualitySettings(), AS_OF, tables)}
    assert "feeds.erp_lots" not in asked
    assert len(asked) == len(FEED_RULES) - 1


def test_thresholds_of_a_category_hold_for_it_alone_and_a_category_that_is_none_is_shown(
    good: Path, gate: Gate
) -> None:
    """Every line sells 4: too many for `home`, whose only product is C, and for nobody else."""
    chosen = QualitySettings(by_category={"home": {"warn_line_quantity": 3}, "hmoe": {"warn_price_drift_pct": 50}})
    checks = marts_checks(chosen, AS_OF, existing_tables(good))
    results = {result.check_name: result for result in gate(good, checks) if not result.passed}
    assert set(results) == {"quantity_is_plausible", "thresholds_name_categories"}
    plausible = json.loads(results["quantity_is_plausible"].sample)
    assert {(row["sku_id"], row["category"]) for row in plausible} == {("C", "home")}
    assert json.loads(results["thresholds_name_categories"].sample) == [{"category": "hmoe"}]


def test_an_empty_stock_table_passes(broken: Break, gate: Gate) -> None:
    results = gate(broken("delete from marts.fct_inventory_daily"), inventory_checks(QualitySettings(), AS_OF))
    assert _failed(results) == set()


def test_a_young_company_has_no_usual_volume(broken: Break, gate: Gate) -> None:
    database = broken("""
        delete from marts.fct_sales where sold_on < date '2024-03-05';
        delete from marts.fct_sales where sold_on = date '2024-03-27' and line_number > 1
    """)
    results = gate(database, sales_checks(QualitySettings(), AS_OF))
    assert "last_day_has_its_volume" not in _failed(results)


def test_many_failing_rows_are_counted_but_not_read(broken: Break, gate: Gate) -> None:
    """The buffer of the repair is bounded: a check that finds a million rows counts them all and reads five."""
    database = broken("create table marts.big as select i as n from range(1000000) as t (i)")
    check = Table("marts.big", ("n",)).no_rows("none", "None.", "select n from marts.big where n >= 10", ("n",))
    (result,) = gate(database, [check])
    assert (result.failed_rows, result.checked_rows) == (999_990, 1_000_000)
    assert json.loads(result.sample) == [{"n": n} for n in range(10, 15)]


def test_braces_and_colons_in_queries_are_taken_as_they_are(good: Path, gate: Gate) -> None:
    query = "select sku_id from marts.dim_product where regexp_matches(sku_id, '^[A-C]{1}$') and 'a :b' <> 'c'"
    (result,) = gate(good, [Table("marts.dim_product", ()).no_rows("regex", "Regex.", query, ("sku_id",))])
    assert result.failed_rows == 3


def test_without_the_repair_nothing_passes(good: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """What architecture.md tells of: when a release of GX or duckdb-engine mends it, this test says so."""
    monkeypatch.setattr(gx, "_buffer_rows", lambda *_: None)
    results = gate(good, sales_checks(QualitySettings(), AS_OF))
    assert all(not result.passed for result in results)
    assert any("list index out of range" in result.sample for result in results)


def test_two_checks_of_one_name_are_refused(good: Path, gate: Gate) -> None:
    check = Table("marts.fct_sales", ()).has_rows("There are sales.")
    with pytest.raises(ValueError, match="two checks called 'has_rows'"):
        gate(good, [check, check])


def test_a_warehouse_that_is_not_there_is_duckdbs_error(tmp_path: Path, gate: Gate) -> None:
    with pytest.raises(duckdb.IOException):
        gate(tmp_path / "nowhere.duckdb", [Table("a.b", ()).has_rows("Rows.")])


def test_the_warehouse_can_be_written_to_right_after(broken: Break, gate: Gate) -> None:
    database = broken("create table marts.scratch as select 1 as n")
    gate(database, [Table("marts.scratch", ()).has_rows("Rows.")])
    with duckdb.connect(str(database), config={"threads": 1}) as con:
        con.execute("drop table marts.scratch")


def test_a_path_with_odd_characters_opens(good: Path, tmp_path: Path, gate: Gate) -> None:
    odd = tmp_path / "a b%20?c=ü#$HOME.duckdb"
    odd.write_bytes(good.read_bytes())
    (result,) = gate(odd, [Table("marts.fct_sales", ()).has_rows("There are sales.")])
    assert result.passed


EVIL = """<script src="https://evil.example/x.js"></script><img src=https://evil.example/x.png>"""


@pytest.fixture(scope="module")
def pages(good: Path, tmp_path_factory: pytest.TempPathFactory, declared: dict[str, list[Check]]) -> dict[str, str]:
    """Return the pages of a night with faults: texts that are markup, a customer twice, a column gone."""
    folder = tmp_path_factory.mktemp("faulty")
    database = folder / "warehouse.duckdb"
    shutil.copyfile(good, database)
    with duckdb.connect(str(database)) as con:
        con.execute(f"""
            update marts.fct_sales set sku_id = '{EVIL}' where line_number = 2;
            insert into marts.dim_customer select * from marts.dim_customer;
            alter table marts.fct_sales drop column channel
        """)
    return _write_pages(database, folder / "pages", declared)


def _write_pages(database: Path, folder: Path, declared: dict[str, list[Check]]) -> dict[str, str]:
    for gate_name, checks in declared.items():
        run_gate(database, checks, folder, gate_name, "run-00007", lambda _: None)
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*")) if p.is_file()}


class _Elements(HTMLParser):
    """Collects the elements of a page and the addresses in their attributes, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "action", "srcset", "data"}]


def _elements(page: str) -> _Elements:
    parser = _Elements()
    parser.feed(page)
    return parser


def test_pages_ask_no_other_host(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        found = _elements(text)
        assert found.tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form"}), name
        assert [address for address in found.addresses if "//" in address or ":" in address] == [], name
        (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
        assert "url(" not in style, name
        assert "@import" not in style, name
    assert "&lt;script" in pages["marts/marts.fct_sales.html"], "the fault is shown, as text"


def test_pages_link_to_pages_that_are_there(pages: dict[str, str]) -> None:
    assert {"index.html", f"{MARTS}/index.html", f"{OUTPUTS}/index.html"} < set(pages)
    for name, text in pages.items():
        for target in _elements(text).addresses:
            resolved = (Path("/") / Path(name).parent / target).resolve()
            assert str(resolved.relative_to("/")) in pages, (name, target)


def test_pages_show_no_customer_and_no_path(pages: dict[str, str], good: Path) -> None:
    for name, text in pages.items():
        assert "1390000" not in text, name
        assert "site-packages" not in text, name
        assert str(good.parents[1]) not in text, name


def test_pages_are_the_same_bytes_again(good: Path, tmp_path: Path, declared: dict[str, list[Check]]) -> None:
    sales = {MARTS: [check for check in declared[MARTS] if check.table == "marts.fct_sales"]}
    first = _write_pages(good, tmp_path / "one", sales)
    assert first == _write_pages(good, tmp_path / "two", sales)
    (tmp_path / "one" / MARTS / "of_an_earlier_night.html").touch()
    assert first == _write_pages(good, tmp_path / "one", sales), "a second run replaces the pages of the first"


ALONE = """
import importlib, pkgutil, socket, sys
from datetime import date
from pathlib import Path

def no_network(*_):
    raise AssertionError("asked for a connection")

socket.socket.connect = no_network
socket.getaddrinfo = no_network
import data_quality
for module in pkgutil.walk_packages(data_quality.__path__, "data_quality."):
    importlib.import_module(module.name)
assert "great_expectations" not in sys.modules, "importing the room imports Great Expectations"
from data_quality.engine import existing_tables, run_gate
from data_quality.gates import marts_checks
from data_quality.settings import QualitySettings
database = Path(sys.argv[1])
checks = marts_checks(QualitySettings(), date(2024, 3, 27), existing_tables(database))
results = run_gate(database, checks, Path(sys.argv[2]), "marts", "run-00001", lambda text: None)
assert all(result.passed for result in results)
"""


def test_a_gate_is_silent_offline_and_leaves_nothing_behind(good: Path, tmp_path: Path) -> None:
    """In a process of its own: nothing imported early, no connection, no progress bar, no files beside the pages."""
    places = {name: tmp_path / name for name in ("home", "tmp", "cwd")}
    for folder in places.values():
        folder.mkdir()
    environment = {"HOME": str(places["home"]), "TMPDIR": str(places["tmp"]), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ALONE, str(good), str(tmp_path / "docs")]
    done = subprocess.run(command, cwd=places["cwd"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [p for folder in places.values() for p in folder.rglob("*")] == []
    assert sorted(p.name for p in good.parent.iterdir()) == [good.name]
    assert (tmp_path / "docs" / "index.html").exists()
