"""Stage 2: dbt builds every business table from the feeds, in one `dbt build` a run (each start costs about 6 s)."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from orchestration import runs
from orchestration.dbt import build_arguments, ensure_manifest, environment, output_folder
from orchestration.defs.resources import Company
from orchestration.defs.steps import OWNER, POOL
from orchestration.settings import load_settings
from orchestration.warehouse import connect


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


@dg.definitions
def business_tables() -> dg.Definitions:
    """Build the asset definitions from dbt's manifest, which is parsed here when it is older than the project."""
    manifest = ensure_manifest(load_settings())

    @dbt_assets(manifest=manifest, name="dbt_build", dagster_dbt_translator=SchemaTableTranslator(), pool=POOL)
    def dbt_build(context: dg.AssetExecutionContext, dbt: DbtCliResource, company: Company) -> Iterator[Any]:
        settings = company.settings()
        with connect(settings) as con:
            _, as_of = runs.current(con)
        # dbt runs as a process of its own and takes the warehouse's path from its environment
        os.environ.update(environment(settings))
        folder = output_folder(settings)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "build.log").open("w", encoding="utf-8") as file:
            events = iter(dbt.cli(build_arguments(settings, as_of), context=context, target_path=folder).stream())
            yield from _without_output(events, file)

    return dg.Definitions(assets=[dbt_build])


def _without_output(events: Iterator[Any], file: TextIO) -> Iterator[Any]:
    """Pass events on; what dbt prints (two lines a model, colours included) goes to a file instead of the terminal."""
    while True:
        with contextlib.redirect_stdout(file):
            event = next(events, None)
        if event is None:
            return
        yield event
