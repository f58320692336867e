"""The runbook's backup and restore, as it says them: a home comes back with its modes, runs and outputs."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration import runs
from orchestration.settings import load_settings
from orchestration.warehouse import connect

RUNBOOK = Path(__file__).resolve().parents[1] / "docs" / "runbook.md"


def commands(name: str) -> str:
    """The runbook's block of that name."""
    (block,) = re.findall(rf"^```{name}\n(.*?)^```", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return block


def run(block: str, home: Path, backup: Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "SHELFCAST_HOME": str(home), "BACKUP": str(backup), "PATH": path}
    done = subprocess.run(["sh", "-ec", block], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home after a night, as far as backups are concerned: folders, modes, the link, a warehouse that knows it."""
    home = tmp_path / "home"
    settings = load_settings(home)
    (home / "landing/pos/sales").mkdir(parents=True)
    (home / "landing/pos/sales/tills.csv").write_text("a\n1\n")
    (home / "secrets").mkdir(mode=0o700)
    (home / "secrets/identity.key").write_text("k" * 64)
    (home / "secrets/identity.key").chmod(0o600)
    (home / "dagster").mkdir()
    (home / "dagster/records.db").write_text("large, and made again")
    folder = settings.published / "run-00001"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("create table fct_sales as select 1 as units_qty")
    (folder / "marts.duckdb").chmod(0o444)
    (settings.published / "latest").symlink_to("run-00001")
    with connect(settings) as con:
        run_id = runs.begin(con, settings)
        runs.end(con, run_id, runs.PUBLISHED)
    return home


def test_a_home_comes_back_whole(home: Path, tmp_path: Path):
    backup, restored = tmp_path / "backup.tar.gz", tmp_path / "elsewhere"
    run(commands("backup"), home, backup)
    shutil.rmtree(home)
    said = run(commands("restore"), restored, backup)
    assert "run-00001" in said
    assert "run-00002" in said, "the run that the warehouse knows"
    assert stat.S_IMODE((restored / "secrets/identity.key").stat().st_mode) == 0o600
    assert not (restored / "dagster/records.db").exists()
    with duckdb.connect(str(restored / "published/latest/marts.duckdb"), read_only=True) as con:
        assert con.execute("from fct_sales").fetchall() == [(1,)]
    assert (restored / "landing/pos/sales/tills.csv").read_text() == "a\n1\n"
