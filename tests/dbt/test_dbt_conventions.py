"""The conventions of dbt_project/ (docs/architecture.md), held by tests; exceptions are rows with a reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from feeds_warehouse import PROJECT

MODELS = sorted((PROJECT / "models").rglob("*.sql"))
PREFIXES = {"staging": ("stg_",), "intermediate": ("int_",), "marts": ("dim_", "fct_", "mart_", "kpi_")}
ORDER = ["staging", "intermediate", "marts"]

# model: why it has no key test
WITHOUT_KEY = {
    "stg_pos__sales": "fct_sales holds the same lines and tests the key",
    "stg_erp__inventory": "fct_inventory_daily holds the same rows and tests the key",
    "int_inventory_daily": "fct_inventory_daily holds the same rows and tests the key",
    "stg_erp__prices": "periods of one scope may overlap; int_prices_scoped settles them",
    "int_sales_channel_daily": "grouped by its key; int_sales_daily sums it and tests its own",
    "int_sku_location_dates": "int_sku_location_days has the same rows and tests the key",
    "mart_sku_location_day": "int_sku_location_days holds the same rows and tests the key: 41 million by two texts",
    "stg_erp__sourcing": "a way is told by columns that may be null; int_sourcing_resolved picks one a pair",
    "stg_erp__promotion_items": "23 million rows in the demo, and int_promotion_periods takes repeats",
    "fct_promotion_days": "days of fct_promotion_periods, which tests the key: 23.6 million in the demo",
    "stg_erp__events": "two extracts may name the same event; dim_date and dim_date_event take it once",
    "stg_crm__campaign_members": "a set of pairs, repeats say nothing new",
    "stg_crm__redemptions": "the same coupon may be redeemed twice a day",
}


def layer(path: Path) -> str:
    return path.relative_to(PROJECT / "models").parts[0]


def twin(path: Path) -> dict:
    return yaml.safe_load(path.with_suffix(".yml").read_text())["models"][0]


@pytest.fixture(scope="session")
def manifest(house) -> dict:
    return json.loads((house.target / "manifest.json").read_text())


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_every_model_has_its_twin_and_a_name_of_its_layer(path: Path) -> None:
    assert path.stem.startswith(PREFIXES[layer(path)])
    if layer(path) == "staging":
        assert path.stem.startswith(f"stg_{path.parent.name}__")
    described = twin(path)
    assert described["name"] == path.stem
    assert described["description"].startswith("One row per "), "the grain stands in the first sentence"


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_sql_reads_as_named_steps(path: Path) -> None:
    sql = path.read_text()
    assert sql.rstrip().endswith("\nselect * from final")
    assert not re.search(r"select\s+\*\s+from\s+\{\{\s*source", sql), "name the columns of a source"
    if "source(" in sql:
        assert layer(path) == "staging", "source() stands in staging only"


def test_no_twin_without_a_model() -> None:
    twins = {p.stem for p in (PROJECT / "models").rglob("*.yml")} - {"sources", "exposures"}
    assert twins == {p.stem for p in MODELS}


def test_every_built_column_is_described(query: Callable[[str], list[tuple]]) -> None:
    built: dict[str, set[str]] = {}
    for table, column in query(
        "select table_name, column_name from duckdb_columns() where schema_name in ('staging', 'intermediate', 'marts')"
    ):
        built.setdefault(table, set()).add(column)
    described = {path.stem: {column["name"] for column in twin(path)["columns"]} for path in MODELS}
    assert built == described
    assert all(column.get("description") for path in MODELS for column in twin(path)["columns"])


def test_every_mart_has_an_enforced_contract(manifest: dict) -> None:
    marts = [node for node in _models(manifest) if node["schema"] == "marts"]
    assert marts
    assert [node["name"] for node in marts if not node["config"]["contract"]["enforced"]] == []


def test_layers_read_downwards_only(manifest: dict) -> None:
    for node in _models(manifest):
        for parent in node["depends_on"]["nodes"]:
            if parent.startswith("source."):
                assert node["schema"] == "staging", f"{node['name']} reads {parent}"
            else:
                above = manifest["nodes"][parent]["schema"]
                assert ORDER.index(above) <= ORDER.index(node["schema"]), f"{node['name']} reads {parent}"


def test_every_model_has_a_key_test_or_a_reason(manifest: dict) -> None:
    tested = set()
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node["test_metadata"]["name"] in ("unique", "unique_combination"):
            tested.add(node["attached_node"].split(".")[-1])
    assert {path.stem for path in MODELS} - tested == set(WITHOUT_KEY)


def test_what_people_read_stands_in_the_lineage(manifest: dict) -> None:
    exposures = {node["name"]: node for node in manifest["exposures"].values()}
    assert set(exposures) == {
        "analysts_file",
        "customer_values",
        "forecasts",
        "order_lists",
        "planners_page",
        "price_lists",
    }
    read = {name.split(".")[-1] for name in exposures["analysts_file"]["depends_on"]["nodes"]}
    assert read == {node["name"] for node in _models(manifest) if node["schema"] == "marts"}


def test_dbt_sends_nothing_home() -> None:
    assert yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["flags"]["send_anonymous_usage_stats"] is False


def _models(manifest: dict) -> list[dict]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
