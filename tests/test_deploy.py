"""What is deployed names commands that exist, and puts the UI, which has no login, on this machine only."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestration.cli import app

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
BIN = Path(sys.executable).parent
UNITS = sorted(DEPLOY.glob("*.service"))


def unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(path)
    return parser["Service"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_what_is_installed_as_its_own_user(path):
    service = unit(path)
    assert service["User"] == "shelfcast"
    for key in ("ExecStartPre", "ExecStart"):
        command = service[key].split()[0]
        assert command.startswith("/opt/shelfcast/.venv/bin/")
        assert (BIN / Path(command).name).exists(), command
    if "webserver" in service["ExecStart"]:
        assert "-h 127.0.0.1" in service["ExecStart"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_reads_the_unit(path):
    seen = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True)
    unknown = [line for line in seen.stderr.splitlines() if "Unknown" in line or "Failed to parse" in line]
    assert unknown == []


def test_the_compose_file_publishes_the_ui_on_this_machine_only_and_holds_no_password():
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))
    services = compose["services"]
    assert services["webserver"]["ports"] == ["127.0.0.1:3000:3000"]
    assert "ports" not in services["daemon"]
    assert "ports" not in services["postgres"]
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    for name in ("daemon", "webserver"):
        assert services[name]["volumes"] == ["company:/home/company"]
        assert "shelfcast prepare" in services[name]["command"]


def test_the_command_that_both_start_with_exists():
    assert "prepare" in {command.name or command.callback.__name__ for command in app.registered_commands}
