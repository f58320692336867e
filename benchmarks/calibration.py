"""Calibration: how often demand stayed below the quantiles of the M5 nights that `--only forecasts` left.

    python -m benchmarks.run --only forecasts,calibration --horizon 28 --cutoff d_1675,d_1703,d_1731

Reads the homes in results/homes (all stores or those of --stores; --cutoff chooses among them) and runs nothing. For
weeks, each by its lead, and for demand summed over 7, 14, 28 and 42 days from the cut-off: the share of series below
p10 ... p99, randomised for counts (P(demand < x) to P(demand <= x) drawn evenly), of each cut-off and of all together,
of all series and of each demand class as it was published.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import m5, problem, project
from benchmarks.options import Options
from ml.forecasting.distribution import DemandDistribution

LEVELS = np.array([0.10, 0.50, 0.75, 0.90, 0.95, 0.99])
SUMS = (7, 14, 28, 42)  # days
WEEKS = "weeks"
ALL = "all"
BARS = {"all": 0.02, "class": 0.04}  # points that a share may be off: of all series, of a demand class


@dataclass(frozen=True)
class Window:
    """Demand of all series over one window after a cut-off: `mean` forecast, `actual` came, both (series,)."""

    kind: str
    days: int
    lead_days: int
    mean: np.ndarray
    actual: np.ndarray


def run(options: Options, console: Console) -> bool:
    """Print and write the coverage of the nights that are there; False where a share of all of them misses its bar."""
    homes = _homes(options)
    if not homes:
        console.print("calibration: skipped, no nights in results/homes; run --only forecasts first")
        return True
    data = m5.load(options.data, list(options.stores) or None)
    found = {cutoff: night_coverage(home, data, cutoff) for cutoff, home in homes.items()}
    together = pl.concat(found.values()).group_by("windows", "segment").agg(pl.all().sum())
    for name, counted in {**{f"d_{cutoff}": night for cutoff, night in found.items()}, "together": together}.items():
        _show(name, counted, console)
    missed = misses(together)
    for line in missed:
        console.print(f"  missed: {line}", highlight=False)
    sheet = {"cut-offs": [*found], "rows": _points(together).to_dicts(), "missed": missed}
    (options.results / "calibration.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return not missed


def _homes(options: Options) -> dict[int, Path]:
    """Cut-off to the home of its night, of those asked for that were published."""
    found = {}
    for home in sorted((options.results / "homes").glob(f"d*_{options.scope}")):
        cutoff = int(home.name.removeprefix("d").split("_")[0])
        if (not options.cutoffs or cutoff in options.cutoffs) and (home / "published" / "latest").exists():
            found[cutoff] = home
    return found


def night_coverage(home: Path, data: m5.M5, cutoff: int) -> pl.DataFrame:
    """Coverage of one night: windows, segment, series (count of windows), and the summed shares of each level.

    Series that were not published have no distribution and are left out.
    """
    weeks = min(26, (data.days - cutoff) // 7)
    posed = problem.pose(data, problem.Task("week", weeks, 52, cutoff))
    mean = project.read_forecast(home, posed.given).forecast.mean
    with duckdb.connect(str(home / "warehouse" / "shelfcast.duckdb"), read_only=True) as warehouse:
        demand = DemandDistribution.from_frame(warehouse.sql("select * from ml.forecast_dispersion").pl())
    segments = _segments(home, posed.given.series)
    counted: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: np.zeros(len(LEVELS) + 1))
    for window in windows(mean, posed.actual):
        rows = np.flatnonzero(window.mean > 0)
        shares = below(demand, window, rows, demand.codes(segments[rows]))
        for name in (ALL, *segments[rows].unique()):
            own = shares if name == ALL else shares[(segments[rows] == name).to_numpy()]
            counted[window.kind, name] += np.append(own.sum(axis=0), len(own))
    names = [_level_name(level) for level in LEVELS]
    rows_out = [(*key, *values) for key, values in counted.items()]
    return pl.DataFrame(rows_out, schema=["windows", "segment", *names, "series"], orient="row")


def windows(mean: np.ndarray, actual: np.ndarray) -> Iterator[Window]:
    """Return every week by its lead and the sums from the cut-off on; mean, actual: (series, weeks)."""
    for week in range(mean.shape[1]):
        yield Window(WEEKS, 7, 7 * week, mean[:, week], actual[:, week])
    for days in SUMS:
        if days // 7 <= mean.shape[1]:
            first = slice(None), slice(days // 7)
            yield Window(f"{days} days", days, 0, mean[first].sum(axis=1), actual[first].sum(axis=1))


def below(demand: DemandDistribution, window: Window, rows: np.ndarray, segment: np.ndarray) -> np.ndarray:
    """Return the probability that the randomised rank of what came lies below each level: (rows, levels), 0 to 1."""
    mean, came, days = window.mean[rows], window.actual[rows], float(window.days)

    def covered(stock: np.ndarray) -> np.ndarray:
        return demand.probability_covered(mean, days, stock, lead_days=window.lead_days, segment=segment)

    high = covered(came)
    low = np.where(came > 0, covered(np.maximum(came - 1, 0.0)), 0.0)
    width = np.maximum(high - low, 1e-12)
    return np.clip((LEVELS - low[:, None]) / width[:, None], 0.0, 1.0)


def misses(counted: pl.DataFrame) -> list[str]:
    """Return a line for every share that is farther off than its bar."""
    lines = []
    for row in _points(counted).iter_rows(named=True):
        bar = BARS["all" if row["segment"] == ALL else "class"]
        for level in LEVELS:
            off = row[_level_name(level)]
            if abs(off) > bar:
                what = f"{row['windows']}, {row['segment']}, {_level_name(level)}"
                lines.append(f"{what}: {off * 100:+.1f} points (bar {bar * 100:.0f}; {row['series']:,.0f} windows)")
    return lines


def _points(counted: pl.DataFrame) -> pl.DataFrame:
    """Shares less their levels, in the order of the table."""
    names = [(_level_name(level), level) for level in LEVELS]
    order = {WEEKS: 0, **{f"{days} days": days for days in SUMS}}
    return counted.with_columns(pl.col(name) / pl.col("series") - level for name, level in names).sort(
        pl.col("windows").replace_strict(order, return_dtype=pl.Int64), pl.col("segment") != ALL, "segment"
    )


def _segments(home: Path, series: pl.DataFrame) -> pl.Series:
    """The demand class of each series as published; null where it was not published."""
    published = pl.read_parquet(
        home / "published" / "latest" / "forecast_weekly.parquet", columns=["sku_id", "location_id", "segment"]
    ).unique(["sku_id", "location_id"])
    keys = series.select(sku_id="item_id", location_id="store_id")
    return keys.join(published, on=["sku_id", "location_id"], how="left", maintain_order="left")["segment"]


def _show(name: str, counted: pl.DataFrame, console: Console) -> None:
    table = Table(box=SIMPLE_HEAD, title=f"{name}: points by which the share below a quantile is off")
    for heading in ("windows", "class", "series", *(_level_name(level) for level in LEVELS)):
        table.add_column(heading, justify="left" if heading in ("windows", "class") else "right")
    for row in _points(counted).iter_rows(named=True):
        cells = (f"{row[_level_name(level)] * 100:+.1f}" for level in LEVELS)
        table.add_row(row["windows"], row["segment"], f"{row['series']:,.0f}", *cells)
    console.print(table)


def _level_name(level: float) -> str:
    return f"p{level * 100:02.0f}"
