"""The pages beside index.html: causes of the week, what recommendations brought, the tuning report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import OUTPUTS
from test_page import Reader

from orchestration.publishing import page_data, page_reports, words

NAMES = ("weekly", "monthly", "tuning")


def read(folder: Path, name: str) -> Reader:
    return Reader((folder / f"{name}.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def source(night_folder: Path):
    with duckdb.connect(str(night_folder / "marts.duckdb"), read_only=True) as con:
        yield page_data.source_of(con)


def test_the_week_is_said_in_words_with_its_causes_by_size(night_folder: Path) -> None:
    text = read(night_folder, "weekly").text
    for expected in (
        "Net sales from 26 Feb 2024 to 3 Mar 2024: EUR 8,000, 2,000 (20.0 %) less than from 19 Feb 2024 to 25 Feb",
        "The largest cause: Receipts, \u22122,500.",
        "Receipts \u22122,500 125% more or fewer receipts, at the basket of before Shelf prices +500 -25%",
        "EUR 3,100, 100 (3.3 %) more than",
        "10 20 +10",
        "2 Mar 2024",
        "900 300",
    ):
        assert expected in text
    assert "Mix" not in text, "a cause of nothing is none"


def test_the_month_says_what_came_what_was_missed_and_who_wins(night_folder: Path) -> None:
    text = read(night_folder, "monthly").text
    assert "Order proposals 28 yes 10 8 2 700 650 \u2013" in text
    assert "Order proposals 28 no 10 10 0 90 0 61" in text
    assert "Prices 91 open or not known 10 0 10 \u2013 \u2013 \u2013" in text
    assert "1 Feb 2024 Order proposals changed 10 0 10 40 36 4 90 0 61" in text
    assert "Ann <buyer> Order proposals all 12 4 9 2 5.5 2.2 +310 wins" in text
    assert "tea" not in text, "a category without more than chance is not shown"
    assert "Nothing to measure yet" not in text


def test_the_tuning_report_says_what_to_change_and_on_which_days_it_was_proved(night_folder: Path) -> None:
    text = read(night_folder, "tuning").text
    assert "Learned on the replayed days from 4 Oct 2023 to 18 Dec 2023, proved on others, from 19 Dec 2023" in text
    assert "all products 95.0% 96.8 92.0% 95.1 -11.5 \u2013 change" in text
    assert "set planning.service_target to 0.92" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_report_asks_no_host_and_leads_back(name: str, night_folder: Path) -> None:
    page = read(night_folder, name)
    assert [address for address in page.addresses if "://" in address] == []
    local = [a for a in page.addresses if a.endswith(".html")]
    assert {"index.en.html", *(f"{other}.en.html" for other in NAMES if other != name), f"{name}.zh.html"} == set(local)
    assert all((night_folder / address).is_file() for address in local)
    assert f"{name}.en.html" in Reader((night_folder / "index.html").read_text(encoding="utf-8")).addresses
    assert (night_folder / f"{name}.html").stat().st_size < 30_000


@pytest.mark.parametrize("name", NAMES)
def test_a_report_speaks_each_language(name: str, night_folder: Path) -> None:
    page = Reader((night_folder / f"{name}.zh.html").read_text(encoding="utf-8"))
    assert words.words("zh")[f"report.{name}"] in page.text


def test_a_night_without_these_tables_has_no_such_page(
    run_night: Callable[..., Path], source: page_data.Source
) -> None:
    folder = run_night(outputs=OUTPUTS[:1])
    assert not list(folder.glob("tuning*"))
    assert "tuning.en.html" not in (folder / "index.html").read_text(encoding="utf-8")
    none = page_data.Source(source.con, frozenset())
    assert [report(none) for report in page_reports.REPORTS.values()] == [None, None, None]


def test_before_the_first_days_are_over_the_month_says_when(source: page_data.Source) -> None:
    shown = page_reports.monthly(source)
    assert shown is not None
    assert shown["first_measured"].isoformat() == "2024-03-14"


def test_every_report_finds_its_words() -> None:
    known = words.words("en")
    for name in NAMES:
        assert f"report.{name}" in known
    for cause in ("traffic", "basket", "availability", "price", "promotion", "mix", "volume", "cost"):
        assert {f"cause.{cause}", f"cause_is.{cause}"} <= set(known)
