"""Extracts that come after the night: found by content, once they keep still, within the hours of the settings."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from orchestration import late_files
from orchestration.files import sha256_of
from orchestration.ingestion import ledger
from orchestration.ingestion.ledger import LedgerEntry
from orchestration.settings import HOME_VARIABLE, load_settings
from orchestration.warehouse import connect

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def settings(tmp_path):
    settings = load_settings(tmp_path)
    folder = settings.landing / "pos/sales"
    folder.mkdir(parents=True)
    (folder / "known.csv").write_text("1")
    (folder / "refused.csv").write_text("2")
    with connect(settings) as con:
        ledger.ensure_ledger(con)
        for number, state in (("known", ledger.LOADED), ("refused", ledger.REFUSED)):
            digest = sha256_of(folder / f"{number}.csv")
            entry = LedgerEntry(1, "pos", "sales", f"{number}.csv", digest, 1, state, "run-00001")
            ledger.record(con, [entry])
    return settings


def test_new_content_is_found_when_it_has_kept_still_and_an_old_one_under_any_time_is_not(settings):
    late = settings.landing / "pos/sales/late.csv"
    late.write_text("3")
    new, seen = late_files.look(settings, {})
    assert new == {}, "it may still be growing"
    assert all(digest == "" for _, _, digest in seen.values()), "nothing is hashed at the first look"
    new, seen = late_files.look(settings, seen)
    assert new == {str(late): sha256_of(late)}
    late.write_text("34")
    assert late_files.look(settings, seen)[0] == {}
    # touched, not changed: the ledger knows the content
    (settings.landing / "pos/sales/known.csv").touch()
    for _ in range(3):
        new, seen = late_files.look(settings, seen)
    assert list(new) == [str(late)]


@pytest.mark.parametrize(
    ("clock", "until", "expected"),
    [
        ("01:59", "08:00", False),
        ("02:00", "08:00", True),
        ("07:59", "08:00", True),
        ("08:00", "08:00", False),
        ("23:00", "01:00", True),
        ("00:30", "01:00", True),
        ("01:30", "01:00", False),
    ],
)
def test_only_between_the_start_and_the_end(clock, until, expected):
    starts = "02:00" if until == "08:00" else "22:00"
    hour, minute = map(int, clock.split(":"))
    assert late_files.is_time(datetime(2025, 3, 30, hour, minute, tzinfo=BERLIN), starts, until) is expected


def test_a_late_file_belongs_to_the_night_that_began_last():
    assert late_files.night_of(datetime(2025, 3, 30, 0, 30, tzinfo=BERLIN), "22:00").day == 29
    assert late_files.night_of(datetime(2025, 3, 30, 7, 30, tzinfo=BERLIN), "02:00").day == 30


def test_the_same_set_has_the_same_key_wherever_it_lies():
    assert late_files.run_key({"/a/x": "1", "/a/y": "2"}) == late_files.run_key({"/b/y": "2", "/b/x": "1"})
    assert late_files.run_key({"/a/x": "1"}) != late_files.run_key({"/a/x": "2"})


def test_the_sensor_asks_for_the_night_once_for_a_set_of_files(settings, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(settings.home))
    from orchestration.defs import sensors

    monkeypatch.setattr(sensors.late_files, "is_time", lambda *_: True)
    (settings.landing / "pos/sales/late.csv").write_text("3")
    context = dg.build_sensor_context()
    (skipped,) = sensors.late_extracts(context)
    assert "the ledger knows every extract" in skipped.skip_message
    keys = []
    for _ in range(2):
        context = dg.build_sensor_context(cursor=context.cursor)
        (request,) = sensors.late_extracts(context)
        keys.append(request.run_key)
    assert keys[0] == keys[1]
