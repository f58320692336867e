"""A real shop's export through a declaration alone (docs/examples): nothing lost, the night publishes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.cli import app

ROOT = Path(__file__).resolve().parent.parent
EXPORT = ROOT.parent / "shared" / "data" / "online_retail" / "online_retail_2010_2011.parquet"
LINES = 541_909
SETTINGS = "company: Web shop\ncurrency: GBP\nforecast: {trees: 40, backtest_weeks: [13]}\n"

pytestmark = pytest.mark.nights


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> tuple[dict, Path]:
    if not EXPORT.exists():
        pytest.skip(f"{EXPORT.name} is not beside the project: the worked example was not run")
    home = tmp_path_factory.mktemp("online_retail")
    for folder in ("sources", "landing/online_retail/orders"):
        (home / folder).mkdir(parents=True)
    shutil.copy(ROOT / "docs/examples/online_retail.yml", home / "sources")
    shutil.copy(EXPORT, home / "landing/online_retail/orders")
    (home / "shelfcast.yml").write_text(SETTINGS)
    result = CliRunner().invoke(app, ["run", "--home", str(home)])
    assert result.exit_code == 0, result.output
    return json.loads((home / "published/latest/manifest.json").read_text()), home


def test_every_line_of_the_export_is_accounted_for_in_each_feed(published):
    manifest, _ = published
    inputs = {entry["feed"]: entry for entry in manifest["inputs"]}
    assert set(inputs) == {"online_retail/orders", "online_retail/products", "online_retail/shop"}
    for entry in inputs.values():
        parts = ("loaded", "quarantined", "excluded", "duplicate", "superseded")
        assert entry["rows_physical"] == LINES == sum(entry[f"rows_{part}"] for part in parts)
    assert inputs["online_retail/orders"]["rows_quarantined"] == 0
    assert inputs["online_retail/shop"]["rows_loaded"] == 1


def test_the_sales_are_those_of_the_export(published):
    manifest, home = published
    with duckdb.connect(str(home / "published/latest/marts.duckdb"), read_only=True) as con:
        lines, units, returned = con.execute(
            "select count(*), sum(quantity), sum(quantity) filter (is_return) from marts.fct_sales"
        ).fetchone()
    expected = duckdb.sql(
        f"""select count(*), sum(Quantity), sum(Quantity) filter (Quantity < 0) from '{EXPORT}'
            where not (InvoiceNo like 'A%' or UnitPrice = 0 or StockCode like 'gift%' or StockCode like 'DCGS%'
            or StockCode in ('POST', 'DOT', 'C2', 'AMAZONFEE', 'BANK CHARGES', 'CRUK', 'B',
            'M', 'm', 'D', 'S', 'PADS'))"""
    ).fetchone()
    assert (lines, units, returned) == expected
    outputs = {output["name"]: output for output in manifest["outputs"]}
    assert outputs["forecast_weekly"]["rows"] > 0
    assert manifest["as_of"] == "2011-12-09"
