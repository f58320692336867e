"""Nights of a small company through the command line: what the tests of whole nights share."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import small_company
from typer.testing import CliRunner

from orchestration.cli import app

CHECKER = Path(__file__).resolve().parents[2] / "shared" / "acceptance" / "check_published.py"
# a small company's night in seconds: fewer trees and rows, one cut-off; everything else as for everybody
SETTINGS = """
company: Small & Co
currency: EUR
timezone: Europe/Berlin
forecast: {trees: 40, train_rows: 30_000, backtest_rows: 30_000, backtest_weeks: [13]}
"""
STOCK_LISTS = ("transfer_orders", "allocation", "available_to_promise", "order_sourcing")


def shelfcast(*arguments: str):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def company(home: Path, **options) -> Path:
    small_company.write(home / "landing", **options)
    (home / "shelfcast.yml").write_text(SETTINGS, encoding="utf-8")
    return home


def manifest(home: Path, run: str = "latest") -> dict:
    return json.loads((home / "published" / run / "manifest.json").read_text(encoding="utf-8"))


def assert_contract(home: Path, run: str = "latest") -> None:
    """Run the acceptance checker of the contracts where it is; it prints a line a check."""
    if not CHECKER.exists():
        pytest.skip(f"{CHECKER} is not here: the published night was not checked against the contracts")
    spec = importlib.util.spec_from_file_location("check_published", CHECKER)
    checker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checker)
    assert checker.main(home, run) == 0


def parquet_hashes(home: Path, run: str) -> dict[str, str]:
    return {o["name"]: o["sha256"] for o in manifest(home, run)["outputs"]}


def registry_of(home: Path, run: str) -> dict:
    return next(facts for facts in manifest(home, run)["models"] if facts["name"] == "registry")


def broken_copy(nights, tmp_path: Path) -> Path:
    """A copy of the published company, to be broken or to go on with."""
    home = tmp_path / "company"
    shutil.copytree(nights[0], home, symlinks=True)
    return home
