"""Stages 2 and 7: dbt builds the business tables, first from the feeds, then the marts that read what was forecast.

Which model belongs to which build is read from dbt's graph (docs/decisions/0009): what reads the source `ml`, directly
or not, comes after forecasting. Each start of dbt costs about 6 s, so there are two of them and no third.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from orchestration import failpoints, runs
from orchestration.dbt import build_arguments, descriptions, ensure_manifest, environment, output_folder
from orchestration.defs.resources import Company
from orchestration.defs.steps import OWNER, POOL, retrying_io
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import comment_tables, connect


class SchemaTableTranslator(DagsterDbtTranslator):
    """Asset keys are [schema, table]; groups are the layers."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return [schema, name] of a model or source."""
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Return the layer: staging, intermediate or marts; sources are the ingestion's."""
        return dbt_resource_props["fqn"][1] if dbt_resource_props["resource_type"] == "model" else "ingestion"

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Return the owning team."""
        return [OWNER]


AFTER_FORECASTING = "source:ml+"


@dg.definitions
def business_tables() -> dg.Definitions:
    """Build the asset definitions from dbt's manifest, which is parsed here when it is older than the project."""
    manifest = ensure_manifest(load_settings())
    shared: dict[str, Any] = {
        "manifest": manifest,
        "dagster_dbt_translator": SchemaTableTranslator(),
        "pool": POOL,
    }

    @dbt_assets(name="dbt_build", exclude=AFTER_FORECASTING, **shared)
    def dbt_build(context: dg.AssetExecutionContext, dbt: DbtCliResource, company: Company) -> Iterator[Any]:
        yield from _build(context, dbt, company.settings(), "build")

    @dbt_assets(name="dbt_build_marts", select=AFTER_FORECASTING, **shared)
    def dbt_build_marts(context: dg.AssetExecutionContext, dbt: DbtCliResource, company: Company) -> Iterator[Any]:
        failpoints.reached("mid_build")
        yield from _build(context, dbt, company.settings(), "build_marts")

    return dg.Definitions(assets=[dbt_build, dbt_build_marts])


def _build(context: dg.AssetExecutionContext, dbt: DbtCliResource, settings: Settings, log: str) -> Iterator[Any]:
    """Run the models that the context selects; what dbt prints goes to `log`."""
    with connect(settings) as con:
        _, as_of = runs.current(con)
    # dbt runs as a process of its own and takes the warehouse's path from its environment
    os.environ.update(environment(settings))
    folder = output_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{log}.log").open("w", encoding="utf-8") as file:
        events = iter(dbt.cli(build_arguments(settings, as_of), context=context, target_path=folder).stream())
        with retrying_io():
            yield from _without_output(events, file)
    # what dbt's YAML says of the marts stands in the database too: analysts read it where they query
    with connect(settings) as con:
        comment_tables(con, descriptions("marts"))


def _without_output(events: Iterator[Any], file: TextIO) -> Iterator[Any]:
    """Pass events on; what dbt prints (two lines a model, colours included) goes to a file instead of the terminal."""
    while True:
        with contextlib.redirect_stdout(file):
            event = next(events, None)
        if event is None:
            return
        yield event
