"""dbt's own pages of the tables as one file: every model with its columns, tests, SQL and lineage, exposures included.

Belongs here: the call of `dbt docs` on a company's warehouse and what makes the page safe to pass on. Not here: what
stands in it (the YAML twins in dbt_project/).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from orchestration import runs
from orchestration.dbt import PROJECT, environment, executable, output_folder, variables
from orchestration.errors import ShelfcastError
from orchestration.settings import Settings
from orchestration.warehouse import connect

FILE_NAME = "dbt_docs.html"
ARGUMENTS = ("docs", "generate", "--static", "--quiet")
# The page has a usage tracker that stays silent without dbt's own switch; this makes sure of it: a browser that obeys
# it sends nothing anywhere, and what the page needs stands in it.
POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline' "
    "'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; font-src data:\">"
)


def write_docs(settings: Settings) -> Path:
    """Write the page of a company's tables into its home and return its path.

    Raises:
        ShelfcastError: the warehouse has no run yet, or dbt could not read it; the message is dbt's.
    """
    with connect(settings) as con:
        _, as_of = runs.current(con)
    folder = output_folder(settings) / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(executable()), *ARGUMENTS, "--vars", json.dumps(variables(settings, as_of))]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    command += ["--target-path", str(folder), "--log-path", str(folder)]
    done = subprocess.run(
        command, env={**os.environ, **environment(settings)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ShelfcastError(f"dbt could not describe the tables:\n{done.stdout}{done.stderr}")
    page = settings.home / FILE_NAME
    page.write_text(sealed((folder / "static_index.html").read_text(encoding="utf-8")), encoding="utf-8")
    return page


def sealed(page: str) -> str:
    """Return the page with the rule that it may load and send nothing."""
    head, found, rest = page.partition("<head>")
    if not found:
        raise ShelfcastError("dbt's page has no <head>: another version of dbt than pyproject.toml names?")
    return head + found + POLICY + rest
