"""Settings: defaults, one frozen object, and an error that names the key."""

from __future__ import annotations

import pytest

from orchestration.errors import SettingsError
from orchestration.settings import load_settings


def write(home, text):
    (home / "shelfcast.yml").write_text(text, encoding="utf-8")
    return home


def test_a_home_without_a_file_has_the_defaults(tmp_path):
    settings = load_settings(tmp_path)
    assert settings.week_starts_on == 1
    assert settings.schedule.cron == "0 2 * * *"
    assert settings.landing == tmp_path / "landing"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("timezon: UTC", ["shelfcast.yml", "unknown setting 'timezon'", "did you mean 'timezone'"]),
        ("schedule: {att: '03:00'}", ["unknown setting 'schedule.att'", "did you mean 'at'"]),
        ("timezone: Europe/Berlinn", ["'timezone'", "'Europe/Berlinn'", "did you mean 'Europe/Berlin'"]),
        ("week_starts_on: 8", ["'week_starts_on'", "8"]),
        ("threads: two", ["'threads'", "'two'"]),
        ("home: /elsewhere", ["unknown setting 'home'"]),
        ("forecast: {seed: 1}", ["unknown setting 'forecast.seed'", "top level"]),
        ("- a\n- b", ["holds a list"]),
        ("a: [", ["cannot be read as YAML"]),
    ],
)
def test_a_wrong_file_is_an_error_that_names_key_and_value(tmp_path, text, parts):
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, text))
    for part in parts:
        assert part in str(caught.value)


def test_the_digest_is_of_the_settings_not_of_the_place(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert load_settings(one).digest == load_settings(two).digest
    assert load_settings(write(one, "company: Other")).digest != load_settings(two).digest


def test_what_belongs_to_the_whole_night_reaches_the_forecaster(tmp_path):
    settings = load_settings(write(tmp_path, "week_starts_on: 7\nseed: 5\nthreads: 1"))
    assert (settings.forecast.week_starts_on, settings.forecast.seed, settings.forecast.threads) == (7, 5, 1)
