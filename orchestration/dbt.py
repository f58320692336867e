"""How the night calls dbt: where the project lies, its manifest, the environment and arguments of a `dbt build`.

Belongs here: pure argument helpers and the parse that makes the manifest. Not here: SQL (dbt_project) and the Dagster
asset that streams the build (defs/assets/dbt.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from data_quality.settings import QualitySettings
from orchestration.errors import ShelfcastError
from orchestration.settings import Settings
from orchestration.warehouse import threads

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
MANIFEST = PROJECT / "target" / "manifest.json"
_GENERATED = {"target", "logs", "dbt_packages"}


def executable() -> Path:
    """Return dbt's command of this installation: the venv need not be on the PATH."""
    return Path(sys.executable).with_name("dbt")


def output_folder(settings: Settings) -> Path:
    """Return where dbt leaves what it compiled and logged for a company's nights."""
    return settings.warehouse.parent / "dbt"


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that `dbt_project/profiles.yml` reads, and the switch that keeps dbt from calling home."""
    return {
        "SHELFCAST_WAREHOUSE": str(settings.warehouse),
        "SHELFCAST_THREADS": str(threads(settings)),
        "SHELFCAST_MEMORY_LIMIT": settings.memory_limit,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
    }


def variables(settings: Settings, as_of: date) -> dict[str, object]:
    """Return dbt's vars of a night."""
    return {
        "as_of": as_of.isoformat(),
        "company_timezone": settings.timezone,
        "week_starts_on": settings.week_starts_on,
        **doubt_variables(settings.quality),
        **settings.marts.model_dump(),
        "write_to_unknown_consent": settings.customers.write_to_unknown_consent,
        # the gate after the build refuses what dbt's tests find, with rows and advice
        "test_severity": "warn",
    }


def doubt_variables(quality: QualitySettings) -> dict[str, object]:
    """Return the vars of what may be doubted: outliers, missing till days, stock to count."""
    names = (
        "outlier_ratio",
        "outlier_min_days",
        "outlier_spread",
        "outlier_context_factor",
        "missing_till_max_chance",
        "missing_till_max_days",
        "phantom_max_chance",
        "phantom_min_days",
    )
    own = {"outlier_ratio_by_category": quality.own("outlier_ratio")}
    return {name: getattr(quality, name) for name in names} | own


def build_arguments(settings: Settings, as_of: date) -> list[str]:
    """Return the arguments of a night's `dbt build`; unit tests belong to the test run."""
    return ["build", "--exclude-resource-type", "unit_test", "--vars", json.dumps(variables(settings, as_of))]


def ensure_manifest(settings: Settings) -> Path:
    """Return the manifest, made anew when a file of the project is newer than it (5 s; otherwise nothing).

    Raises:
        ShelfcastError: the project does not parse; the message is dbt's.
    """
    if not MANIFEST.exists() or _newest_change() > MANIFEST.stat().st_mtime:
        _parse(environment(settings))
    return MANIFEST


def descriptions(schema: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Return `schema.table` -> (what it is, column -> what it means) of a schema's models, as their YAML says."""
    nodes = json.loads(MANIFEST.read_text(encoding="utf-8"))["nodes"].values()
    return {
        f"{schema}.{node['name']}": (
            node["description"].strip(),
            {name: column["description"].strip() for name, column in node["columns"].items()},
        )
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] == schema
    }


def _newest_change() -> float:
    files = (p for p in PROJECT.rglob("*") if p.is_file() and not _GENERATED & set(p.relative_to(PROJECT).parts))
    return max(p.stat().st_mtime for p in files)


def _parse(variables: Mapping[str, str]) -> None:
    """Parse into a folder of this process, then move the results: two processes may load the graph at once."""
    MANIFEST.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=MANIFEST.parent) as folder:
        command = [str(executable()), "parse", "--quiet", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        command += ["--target-path", folder, "--log-path", folder, "--vars", '{"as_of": "2000-01-01"}']
        done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ShelfcastError(f"dbt_project does not parse:\n{done.stdout}{done.stderr}")
        for name in ("partial_parse.msgpack", MANIFEST.name):
            Path(folder, name).replace(MANIFEST.with_name(name))  # os.replace: atomic
