"""The benchmark command end to end on a hand-made M5, with the peers that need nothing installed; and the meter."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import forecasts, measure, problem
from benchmarks.options import Options
from benchmarks.run import main


def test_a_run_writes_a_sheet_for_people_and_one_for_machines(
    mini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(problem, "daily", lambda cutoff: problem.Task("day", 5, 7, cutoff))
    chosen = "seasonal naive,mean by weekday of 8 weeks"
    arguments = ["--only", "forecasts", "--data", str(mini), "--results", str(tmp_path), "--horizon", "28"]
    arguments += ["--cutoff", "d_35"]
    # 35 days are no eight weeks: the second peer fails, and the sheet says so
    assert main([*arguments, "--contenders", chosen]) == 1
    sheet = json.loads((tmp_path / "m5_daily5_d35_all.json").read_text(encoding="utf-8"))
    naive, mean = sheet["contenders"]
    assert naive["name"] == "seasonal naive"
    assert 0 < naive["wrmsse"] < 10
    assert naive["peak_bytes"] > 20e6
    assert "wrmsse" not in mean
    assert "failed with status 1" in mean["remarks"][0]
    assert sheet["facts"]["series"] == 10
    text = (tmp_path / "m5_daily5_d35_all.md").read_text(encoding="utf-8")
    assert "| seasonal naive |" in text
    assert "| state by department |" in text
    assert "seasonal naive" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "calendar.csv is not there"),
        (["--cutoff", "1731"], "write it as d_1731"),
        (["--only", "nothing"], "no benchmark 'nothing'"),
        (["--contenders", "shelfcats"], "no contender 'shelfcats'"),
    ],
)
def test_wrong_usage_says_what_to_do(
    arguments: list[str], message: str, mini: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--data", str(mini), *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_tasks_and_peers_of_a_run() -> None:
    plain = Options(data=Path())
    assert [task.name for task in forecasts.tasks(plain)] == ["daily28_d1731", "weekly26_d1577"]
    several = Options(data=Path(), horizon="28", cutoffs=(1675, 1703, 1731))
    assert [task.cutoff for task in forecasts.tasks(several)] == [1675, 1703, 1731]
    weeks = problem.weekly(1577)
    assert "LightGBM" not in forecasts.peer_names(weeks, plain)
    assert "LightGBM" in forecasts.peer_names(weeks, Options(data=Path(), with_lightgbm=True))
    assert forecasts.peer_names(weeks, Options(data=Path(), contenders=("IMAPA",))) == ["IMAPA"]


def test_the_meter_counts_the_memory_of_children_and_passes_the_status_on(tmp_path: Path) -> None:
    child = "import time; block = bytearray(150_000_000); time.sleep(1); sum(range(5_000_000))"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); sys.exit(3)"
    usage = measure.run([sys.executable, "-c", parent], tmp_path / "log", tmp_path)
    assert usage.status == 3
    assert 150e6 < usage.peak_bytes < 400e6
    assert usage.seconds >= 1
    assert usage.cpu_seconds > 0.02
