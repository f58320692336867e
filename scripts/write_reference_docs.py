"""Writes what repeats the code: pages of the settings and the metrics, the declarations' JSON Schema, dbt's exposures,
the notebook of the analysts' first questions.

.venv/bin/python scripts/write_reference_docs.py      a test says when it was forgotten
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel

from orchestration.ingestion.catalogue import canonical_feeds
from orchestration.ingestion.shape import SourceDeclaration
from orchestration.settings import SHARED, Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
DBT_MODELS = DOCS.parent / "dbt_project" / "models"
HEAD = """# Settings

`home/shelfcast.yml` holds what a company sets; every key has a default, and an unknown key is an error that names it.
This page is written by `scripts/write_reference_docs.py` from the settings' own descriptions.
"""


def settings_page() -> str:
    """Return the page as Markdown: one table for the top level, one a nested group."""
    top = [(name, field) for name, field in Settings.model_fields.items() if not field.exclude]
    groups = [(name, field) for name, field in top if _is_group(field.annotation)]
    parts = [HEAD, _table([(n, f) for n, f in top if not _is_group(f.annotation)])]
    for name, field in groups:
        hidden = SHARED.get(name, ())
        fields = [(n, f) for n, f in field.annotation.model_fields.items() if n not in hidden]
        parts.append(f"## {name}\n\n{field.description}\n\n{_table(fields)}")
    return "\n".join(parts)


def _is_group(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _table(fields: list[tuple[str, Any]]) -> str:
    rows = [f"| `{name}` | `{_default(field)}` | {field.description} |" for name, field in fields]
    return "\n".join(["| key | default | what it does |", "|---|---|---|", *rows]) + "\n"


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    return "none" if value in (None, (), {}) else str(value)


def declaration_schema() -> str:
    """Return the JSON Schema of a source declaration: with it an editor completes keys, feeds and columns."""
    schema = SourceDeclaration.model_json_schema()
    feed = schema["$defs"]["FeedDeclaration"]["properties"]
    feed["feeds_into"]["anyOf"] = [{"enum": list(canonical_feeds())}]
    names = sorted({column.name for feed in canonical_feeds().values() for column in feed.columns})
    # `sold_at: header` is short for `sold_at: {from: header}`
    how = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/ColumnSource"}]}
    feed["columns"]["anyOf"] = [{"type": "object", "propertyNames": {"enum": names}, "additionalProperties": how}]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


METRICS_HEAD = """# Metrics

Each metric is said once, in `dbt_project/dbt_project.yml` (`vars: metrics`); the marts take their formulas from there
(`macros/metric.sql`), and this page is written from it by `scripts/write_reference_docs.py`. A formula adds up columns
of the same names over the rows that are asked for. A ratio is null where there is nothing to divide by, never zero.
Additive: whether sums over rows are right; a ratio is never summed or averaged, its two parts are.
"""


def metrics_page() -> str:
    """Return the metrics as Markdown: those that are summed, then those that are divided."""
    text = (DOCS.parent / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8")
    metrics = yaml.safe_load(text)["vars"]["metrics"]
    sums = {name: metric for name, metric in metrics.items() if "formula" in metric}
    ratios = {name: metric for name, metric in metrics.items() if "formula" not in metric}
    summed = [
        _row(f"`{name}`", m["name"], f"`{m['formula']}`", m["grain"], m["unit"], m["additivity"], m["meaning"])
        for name, m in sums.items()
    ]
    divided = [_row(f"`{name}`", m["name"], f"`{_ratio(m)}`", m["unit"], m["meaning"]) for name, m in ratios.items()]
    head = [
        "| column | metric | formula | measured a | unit | additive over | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    ratio_head = ["| column | metric | formula | unit | meaning |", "|---|---|---|---|---|"]
    parts = [METRICS_HEAD, "## Sums", "", *head, *summed, "", "## Ratios", "", *ratio_head, *divided, ""]
    return "\n".join(parts)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(metric: dict[str, str]) -> str:
    factor = "100 x " if metric["unit"] == "percent" else ""
    return f"{factor}{metric['numerator']} / {metric['denominator']}"


EXPOSURES_HEAD = """# Who reads what dbt builds, in the lineage of dbt's own pages (make dbt-docs).
# Written by scripts/write_reference_docs.py: the analysts' file names every mart.
exposures:
"""


class Exposure(NamedTuple):
    """A reader of dbt's tables; an empty `models` means every mart."""

    name: str
    label: str
    kind: str
    description: str
    models: tuple[str, ...]


EXPOSURES = (
    Exposure(
        "analysts_file",
        "The analysts' file",
        "analysis",
        "`published/latest/marts.duckdb`: every mart as a table with its comments, beside the published tables.",
        (),
    ),
    Exposure(
        "customer_values",
        "What customers will probably buy",
        "ml",
        "Repurchase probability, expected money and next products by customer (`ml/customers`); back as "
        "`stg_ml__customer_value` and `stg_ml__customer_next_products`.",
        ("int_customer_days", "fct_sales", "dim_product", "dim_customer"),
    ),
    Exposure(
        "forecasts",
        "Forecasts",
        "ml",
        "Demand by product and place for days, weeks and months (`ml/forecasting`); back as `stg_ml__forecast_daily` "
        "and its like.",
        ("int_demand_daily", "int_series_selected"),
    ),
    Exposure(
        "order_lists",
        "Order lists",
        "application",
        "What to order, move, allocate, declare and send, as workbooks, CSV and Parquet (`ml/planning`), from "
        "forecasts, stock, sources, lanes and open orders.",
        (
            *("dim_location", "dim_product", "int_lanes_resolved", "int_shelf_terms", "int_sourcing_resolved"),
            *("int_stock_positions", "int_supply_lateness", "int_supply_under_way", "int_unit_values"),
            *("stg_erp__locations", "stg_erp__suppliers", "stg_pos__open_orders"),
        ),
    ),
    Exposure(
        "price_lists",
        "Prices, promotions, clearance",
        "application",
        "How demand answers to prices (`ml/response`), and what to charge, promote and clear (`ml/planning`).",
        (
            *("dim_location", "dim_product", "fct_price", "int_product_price_weeks", "int_product_promotion_weeks"),
            *("int_series_selected", "int_stock_positions", "int_unit_values", "mart_promotion_roi"),
            *("mart_promotion_roi_by_channel", "mart_slow_movers"),
        ),
    ),
    Exposure(
        "planners_page",
        "The planners' page",
        "dashboard",
        "`published/latest/index.html`: is tonight's data good, what to order and why, forecast and accuracy.",
        ("dim_location", "dim_product", "mart_sku_location_day"),
    ),
)


def exposures() -> str:
    """Return dbt's exposures as YAML."""
    marts = sorted(path.stem for path in (DBT_MODELS / "marts").rglob("*.sql"))
    return EXPOSURES_HEAD + "".join(_exposure(exposure, marts) for exposure in EXPOSURES)


def _exposure(exposure: Exposure, marts: list[str]) -> str:
    models = "".join(f"      - ref('{model}')\n" for model in exposure.models or marts)
    return (
        f"  - name: {exposure.name}\n    label: {exposure.label}\n    type: {exposure.kind}\n    maturity: high\n"
        f"    description: >-\n      {exposure.description}\n    owner: {{name: Data team}}\n"
        f"    depends_on:\n{models}"
    )


NOTEBOOK_HEAD = """# Twelve questions that an analyst asks first

The questions of [analyst_questions.md](../analyst_questions.md), to run and to change. The file of the newest night is
opened read-only, and without access to anything but it: `SHELFCAST_MARTS` says which, else the one of the demo.

This notebook is written by `scripts/write_reference_docs.py`; the tests run it.
"""
NOTEBOOK_START = """import os

import duckdb

marts = os.environ.get("SHELFCAST_MARTS", "../../home/published/latest/marts.duckdb")
con = duckdb.connect(marts, read_only=True, config={"enable_external_access": False})
con.sql("select table_name, comment from duckdb_tables() order by table_name").df()"""


def notebook() -> str:
    """Return the questions of docs/analyst_questions.md as a Jupyter notebook without outputs."""
    text = (DOCS / "analyst_questions.md").read_text(encoding="utf-8")
    cells = [_cell("markdown", NOTEBOOK_HEAD.strip()), _cell("code", NOTEBOOK_START)]
    for title, about, query in re.findall(r"^## (.+?)\n(.*?)^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        cells.append(_cell("markdown", f"## {title}\n\n{about.strip()}".strip()))
        cells.append(_cell("code", f'con.sql("""\n{query.strip()}\n""").df()'))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


PAGES = {
    "notebooks/first_questions.ipynb": notebook,
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "source-declaration.schema.json": declaration_schema,
    "../dbt_project/models/exposures.yml": exposures,
}


if __name__ == "__main__":
    for name, page in PAGES.items():
        path = (DOCS / name).resolve()
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(), encoding="utf-8")
        print(f"wrote {path}")
