"""Before a night: a broken warehouse is put aside, a full disk is told in numbers, and neither loses anything."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from orchestration import recovery
from orchestration.errors import ShelfcastError
from orchestration.settings import load_settings
from orchestration.warehouse import connect


@pytest.fixture
def settings(tmp_path):
    settings = load_settings(tmp_path)
    with connect(settings) as con:
        con.execute("create table ops.kept as select range as i from range(100000)")
    return settings


def publish(settings, *files: str) -> None:
    folder = settings.published / "run-00001"
    folder.mkdir(parents=True)
    inputs = [{"feed": "pos/sales", "name": name} for name in files]
    (folder / "manifest.json").write_text(json.dumps({"inputs": inputs}))
    (settings.published / "latest").symlink_to("run-00001")


def test_a_warehouse_that_opens_stays(settings):
    assert recovery.set_aside_broken(settings) is None
    with connect(settings):
        assert recovery.set_aside_broken(settings) is None, "open is not broken"


@pytest.mark.parametrize("at", [0, 12, 4096])
def test_a_broken_warehouse_is_put_aside_with_its_log_and_made_anew(settings, at):
    broken = bytearray(settings.warehouse.read_bytes())
    broken[at : at + 64] = b"\xff" * 64
    settings.warehouse.write_bytes(broken)
    settings.warehouse.with_name("shelfcast.duckdb.wal").write_bytes(b"half a log")
    said = recovery.set_aside_broken(settings)
    assert "cannot be opened" in said
    assert "DuckDB 1." in said
    aside = settings.warehouse.parent / "broken-1"
    assert sorted(path.name for path in aside.iterdir()) == ["shelfcast.duckdb", "shelfcast.duckdb.wal"]
    assert (aside / "shelfcast.duckdb").read_bytes() == broken, "nothing is lost"
    with connect(settings) as con:
        assert con.execute("select count(*) from duckdb_tables() where table_name = 'kept'").fetchone() == (0,)


def test_it_is_not_rebuilt_from_less_than_it_was_made_of(settings):
    publish(settings, "a.csv", "b.csv")
    (settings.landing / "pos/sales").mkdir(parents=True)
    (settings.landing / "pos/sales/a.csv").write_text("x")
    settings.warehouse.write_bytes(b"no database")
    with pytest.raises(ShelfcastError, match=r"lacks 1 of the files .* pos/sales/b\.csv first — restore a backup"):
        recovery.set_aside_broken(settings)
    assert settings.warehouse.read_bytes() == b"no database"
    (settings.landing / "pos/sales/b.csv").write_text("x")
    assert "built anew" in recovery.set_aside_broken(settings)


def test_a_disk_without_room_for_a_night_is_told_in_numbers(settings, monkeypatch):
    recovery.require_room(settings)
    (settings.landing / "pos").mkdir(parents=True)
    with (settings.landing / "pos/large.csv").open("wb") as file:
        file.truncate(1_000_000_000)
    monkeypatch.setattr(recovery.shutil, "disk_usage", lambda _: SimpleNamespace(free=2e9))
    with pytest.raises(
        recovery.NoRoomError, match=r"needs about 8\.5 GB of free disk, there are 2\.0 GB — free 6\.5 GB"
    ):
        recovery.require_room(settings)
