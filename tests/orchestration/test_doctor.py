"""`shelfcast doctor`: looks at what goes wrong most, and a home that cannot work is found."""

from __future__ import annotations

from types import SimpleNamespace

from orchestration import doctor
from orchestration.settings import load_settings


def test_everything_is_well_on_the_machine_that_runs_the_tests(tmp_path):
    findings = doctor.examine(load_settings(tmp_path))
    assert [f"{f.check}: {f.seen}" for f in findings if not f.is_good] == []
    assert {"LightGBM fit", "Prophet fit", "Great Expectations", "free disk"} <= {f.check for f in findings}


def test_a_full_disk_is_found_and_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=2e9))
    (disk,) = [f for f in doctor.examine(load_settings(tmp_path)) if f.check == "free disk"]
    assert not disk.is_good
    assert "6.0 GB" in disk.advice
