"""The project as a contender: its own command on a company's home, and what it published read back as arrays.

Nothing of the project is imported: it is started as a user starts it, and only published files are read.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import measure
from benchmarks.metrics import QUANTILES
from benchmarks.options import ROOT
from benchmarks.problem import Forecast, Given

CHECKER = ROOT.parent / "shared" / "acceptance" / "check_published.py"
STEP_LINE = re.compile(r"^[✓✗] (?P<step>.+?)\s+(?P<seconds>\d+\.\d) s\b")


@dataclass(frozen=True)
class Night:
    """One run of `shelfcast run`: its usage, the seconds of its steps as it printed them, and the checker's verdict."""

    home: Path
    usage: measure.Usage
    steps: dict[str, float]
    accepted: str


@dataclass(frozen=True)
class Reading:
    """A published forecast on the problem's series, and what did not fit: both are said beside the score."""

    forecast: Forecast
    series_without: int
    sold_before_without: int
    rows_elsewhere: int
    units_elsewhere: float


def run_night(home: Path, as_of: date, log: Path) -> Night:
    """Run the night of a home that holds extracts; a refusal shows in `usage.status`."""
    shelfcast = str(Path(sys.executable).with_name("shelfcast"))
    usage = measure.run([shelfcast, "run", "--home", str(home), "--as-of", as_of.isoformat()], log, ROOT)
    return Night(home, usage, step_seconds(log), _check(home, log) if usage.status == 0 else "not published")


def step_seconds(log: Path) -> dict[str, float]:
    """Return the seconds of each step, from the lines that the command prints when a step ends."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [match for line in lines if (match := STEP_LINE.match(line))]
    return {match["step"]: float(match["seconds"]) for match in found}


def _check(home: Path, log: Path) -> str:
    """Run the acceptance checker where it lies beside the project; its output goes after the log."""
    if not CHECKER.exists():
        return "checker not there"
    done = subprocess.run([sys.executable, str(CHECKER), str(home)], capture_output=True, text=True, check=False)
    with log.open("a", encoding="utf-8") as output:
        output.write(f"\n--- {CHECKER.name}\n{done.stdout}{done.stderr}")
    return "passed" if done.returncode == 0 else f"FAILED, see {log.name}"


def read_forecast(home: Path, given: Given) -> Reading:
    """Read the published forecast of a problem's period; a series that was not published counts as zero.

    Raises:
        ValueError: the horizon is not whole: a series lacks a period or has a broken week.
    """
    table, time = ("forecast_daily", "date") if given.task.period == "day" else ("forecast_weekly", "week_start")
    trained = given.train.shape[1]
    series = given.series.select(sku_id="item_id", location_id="store_id").with_row_index("row")
    periods = pl.DataFrame({time: given.starts[trained : trained + given.task.horizon]}).with_row_index("column")
    published = pl.read_parquet(home / "published" / "latest" / f"{table}.parquet")
    ahead = published.with_columns(pl.col(time).cast(pl.Date)).join(periods, on=time)
    placed = ahead.join(series, on=["sku_id", "location_id"])
    elsewhere = ahead.join(series, on=["sku_id", "location_id"], how="anti")
    have = placed["row"].n_unique()
    broken = "days_covered" in placed.columns and (placed["days_covered"] != 7).any()
    if placed.height != have * given.task.horizon or broken:
        whole = f"{given.task.horizon} whole periods each"
        raise ValueError(f"{table}: {placed.height} rows for {have} series, expected {whole}")
    row, column = placed["row"].to_numpy(), placed["column"].to_numpy()

    def dense(name: str) -> np.ndarray:
        values = np.zeros((series.height, given.task.horizon))
        values[row, column] = placed[name].to_numpy()
        return values

    without = np.ones(series.height, dtype=bool)
    without[row] = False
    return Reading(
        Forecast(dense("mean"), {name: dense(name) for name in QUANTILES}),
        int(without.sum()),
        int(np.asarray(given.train[without]).any(axis=1).sum()),
        elsewhere.height,
        float(elsewhere["mean"].sum()),
    )


def absent_outputs(home: Path) -> dict[str, str]:
    """Return the outputs that the night left out, with its reasons."""
    manifest = json.loads((home / "published" / "latest" / "manifest.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry["reason"] for entry in manifest["absent"]}
