"""Pilots that nobody ran: how often the measure cries wolf, and what effect a design of five places can see.

    python -m benchmarks.run --only pilots

On real sales: the demo's stores (2017), and M5's departments of stores as places of their own (2012 on), for its ten
stores are too few to choose five of. Groups of five are drawn at random from the past, measured as if something had
begun there, and counted where the measure finds a difference: false alarms, nominal 10 %. Then the design itself
chooses five and says what it can see.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import m5, measure
from benchmarks.options import Options
from ml.pilots.chance import ALPHA, critical, placebo_statistics, statistic
from ml.pilots.design import CONTROLS, plan
from ml.pilots.panel import differences, panel_of

SIZE, BEFORE = 5, 26
LENGTHS = (4, 8, 13)
GROUPS = 60
BAR = 0.03


def run(options: Options, console: Console) -> bool:
    """Measure placebo pilots on each data set; False when false alarms are over three points from nominal."""
    sheet: dict[str, object] = {**measure.machine(), "nominal": ALPHA}
    holds = True
    for name, (daily, first, last) in _histories(options.data).items():
        rows = []
        for weeks in LENGTHS:
            alarms, pilots = _false_alarms(daily, first, last, weeks)
            made = plan(daily, {}, last, last + timedelta(days=1), weeks=weeks, weeks_before=BEFORE, size=SIZE, seed=1)
            rows.append(
                {
                    "weeks": weeks,
                    "placebo pilots": pilots,
                    "false alarms %": round(100 * alarms, 1),
                    "places": made.compared + SIZE,
                    "smallest effect seen %": made.detectable_pct,
                    **{f"sees {effect}": share for effect, share in made.power_pct.items()},
                }
            )
        table = Table(*rows[0], box=SIMPLE_HEAD, title=f"{name}: pilots of {SIZE} places, {BEFORE} weeks before")
        for row in rows:
            table.add_row(*(f"{value:g}" for value in row.values()))
        console.print(table)
        # over all lengths: each alone is some hundred pilots, of which three points are two standard errors
        total = sum(row["placebo pilots"] for row in rows)
        share = sum(row["false alarms %"] * row["placebo pilots"] for row in rows) / total / 100
        console.print(f"false alarms {share:.1%} of {total:,} (nominal {ALPHA:.0%})", highlight=False)
        holds &= abs(share - ALPHA) <= BAR
        sheet[name] = {"rows": rows, "false_alarms": share, "pilots": total}
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "pilots.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return holds


def _false_alarms(daily: pl.DataFrame, first: date, last: date, weeks: int) -> tuple[float, int]:
    """Return the share of random groups found to differ, and their number; starts are a pilot apart."""
    draw = np.random.default_rng(weeks)
    alarms: list[bool] = []
    start = last + timedelta(days=1 - 7 * weeks)
    while start - timedelta(days=7 * BEFORE) >= first and len(alarms) < 20 * GROUPS:
        panel = panel_of(daily, start, BEFORE, weeks)
        for _ in range(GROUPS):
            rows = draw.choice(len(panel.locations), SIZE, replace=False)
            found = differences(panel, CONTROLS, rows)
            placebo = placebo_statistics(found.effect, found.noise, SIZE, 1, 1_000)
            own = statistic(found.effect[rows] - np.median(found.effect), found.noise[rows])
            alarms.append(abs(float(own)) > critical(placebo))
        start -= timedelta(days=7 * weeks)
    return float(np.mean(alarms)), len(alarms)


def _histories(data: Path) -> dict[str, tuple[pl.DataFrame, date, date]]:
    """Return by name: location_id, date, value; the first and the last day."""
    from seeds.demo.source import read_journey
    from seeds.demo.tills import read_tills

    journey = read_journey()
    lines = read_tills(journey.transactions, journey.products).sales
    stores = lines.group_by("location_id", date="sold_on").agg(value=pl.col("net_amount").cast(pl.Float64).sum())
    found = {"stores of a grocer, 2017": (stores, date(2017, 1, 2), date(2017, 12, 31))}
    official = m5.load(data)
    unit = official.series.select(pl.concat_str(["store_id", "dept_id"], separator="/")).to_series()
    names = unit.unique().sort()
    summed = np.zeros((names.len(), official.days))
    np.add.at(summed, names.search_sorted(unit).to_numpy(), official.units)
    departments = pl.DataFrame(
        {
            "location_id": np.repeat(names.to_list(), official.days),
            "date": official.dates * names.len(),
            "value": summed.ravel(),
        }
    )
    return found | {"departments of M5's stores": (departments, date(2012, 1, 2), official.dates[-1])}
