"""The parts of the TPC-DS benchmark fit together; the totals themselves are `python -m benchmarks.run --only tpcds`."""

from __future__ import annotations

import shutil
from decimal import Decimal

from benchmarks.tpcds.benchmark import DECLARATION, HERE, MONEY, SETTINGS, Total
from orchestration.ingestion.declarations import source_feeds
from orchestration.settings import load_settings


def test_every_extract_is_declared_and_the_settings_hold(tmp_path):
    (tmp_path / "sources").mkdir()
    shutil.copy(DECLARATION, tmp_path / "sources")
    shutil.copy(SETTINGS, tmp_path / "shelfcast.yml")
    feeds = {feed.table.removeprefix("tpcds_") for feed in source_feeds(tmp_path) if feed.table.startswith("tpcds_")}
    extracts = {path.stem for path in (HERE / "extracts").glob("*.sql")}
    assert feeds - {"promotion_item"} == extracts  # promotion_item reads the files of promotion
    assert set(MONEY) < extracts
    assert load_settings(tmp_path).marts.hierarchy[-1] == "manufacturer"


def test_there_are_ten_totals_each_with_two_sides():
    kpis = sorted((HERE / "kpis").glob("*.sql"))
    assert len(kpis) == 10
    for path in kpis:
        source, marts = path.read_text(encoding="utf-8").removeprefix("-- source\n").split("-- marts\n")
        assert "marts." in marts, path.name
        assert "marts." not in source, path.name


def test_a_total_is_equal_to_the_last_digit_and_never_empty():
    rows = [("store", Decimal("1.10"))]
    assert Total("sales", rows, [("store", Decimal("1.1"))]).is_equal
    assert not Total("sales", rows, [("store", Decimal("1.11"))]).is_equal
    assert not Total("sales", [], []).is_equal
