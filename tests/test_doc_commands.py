"""The commands of the docs are run as they stand there, on the night that the tests share; the others say why not."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from doc_commands import ROOT, blocks, commands, python_lines
from night_runs import shelfcast

# what is only parsed (test_docs.py), and why
ONLY_PARSED = {
    "demo": "writes a year of real tills: tests/seeds",
    "run": "a whole night: test_night.py runs it",
    "doctor --home mycompany": "4 s: it is run for the other home",
    "rebuild": "a whole night: test_later_nights.py runs it",
    "backfill": "a whole night a day: test_later_nights.py runs it",
    "replay": "half a minute: test_later_nights.py runs it",
    "pilot plan": "the small company has too few places for controls: test_pilot_commands.py runs it",
    "pilot measure": "rests on a plan: test_pilot_commands.py runs it",
    "dbt-docs": "14 s of dbt: dbt/test_dbt_docs.py writes the page",
    "ui": "a server that stays until it is ended",
}
# how the docs write what the reader fills in
FILLED_IN = {"RUN": "run-00001", "RUN_ID": "run-00001"}


@pytest.fixture(scope="module")
def folder(first_night, tmp_path_factory) -> Path:
    """Where a reader stands: a folder with a home after its first night, and a company of the reader's own."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(first_night[0], folder / "home", symlinks=True)
    (folder / "mycompany").symlink_to("home")
    return folder


@pytest.mark.usefixtures("environment_stays")
def test_every_shelfcast_command_of_the_docs_runs_or_says_why_not(folder, monkeypatch):
    monkeypatch.chdir(folder)
    lines = dict.fromkeys(line for _, line in commands("shelfcast"))
    reasons = {line: name for line in lines for name in ONLY_PARSED if f"{line} ".startswith(f"{name} ")}
    assert set(reasons.values()) == set(ONLY_PARSED), "a reason for what no page says"
    run = [line for line in lines if line not in reasons]
    assert {line.split()[0] for line in run} >= {"status", "doctor", "rollback"}
    for line in run:
        done = shelfcast(*(FILLED_IN.get(word, word) for word in shlex.split(line)))
        is_named_only = " " not in line and "Missing argument" in done.output  # in the list of all commands
        assert done.exit_code == 0 or is_named_only, f"shelfcast {line}: {done.output}"


def test_every_python_line_of_the_docs_runs(folder):
    lines = python_lines()
    assert len(lines) == 2
    for line in lines:
        command = [sys.executable, *shlex.split(line)[1:]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "row" in done.stdout, line


def test_every_query_of_the_docs_runs_on_the_night(folder):
    """Those of the analysts' page are asked for rows beside (test_night.py)."""
    queries = blocks("sql")
    assert len(queries) > 12
    with duckdb.connect(str(folder / "home/published/latest/marts.duckdb"), read_only=True) as con:
        for page, query in queries:
            assert con.execute(query).description, page


def test_make_would_run_every_target_of_the_docs():
    lines = dict.fromkeys(line for _, line in commands("make"))
    assert len(lines) > 5
    for line in lines:
        # what they do takes minutes, hours or a server; here only that make knows how
        words = [str(ROOT) if word == "/opt/shelfcast" else word for word in shlex.split(line)]
        done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, f"make {line}: {done.stderr}"
