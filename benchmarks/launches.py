"""New products: every series of M5 that came after d_900 is asked for 13 weeks at its launch, beside simple answers.

    python -m benchmarks.run --only launches

The project knows what a retailer knows the evening before: the product, its department, its place, its price, and what
everything has sold until then. Beside it: the mean, and the median, of the department at the place (all series on sale
for four weeks, last 13 weeks).
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import m5, measure
from benchmarks.options import Options
from ml.forecasting.metrics import bias, wmape
from ml.forecasting.models.launch import launch_blocks
from ml.forecasting.panel import BLOCK_DAYS, Panel, build_panel

FIRST_DAY, WEEKS = 900, 13
BAR = 0.90  # of the WMAPE of the mean of department and place
PROJECT, MEAN, MEDIAN = "shelfcast", "mean of department and place", "median of department and place"


def run(options: Options, console: Console) -> bool:
    """Score all launches; False where the project's WMAPE is above the bar."""
    data = m5.load(options.data, list(options.stores) or None)
    series, demand = m5.series_and_demand(data)
    panel = build_panel(series, demand, data.dates[-1])
    prices = m5.known_prices(data, data.days)
    actual: list[np.ndarray] = []
    made: dict[str, list[np.ndarray]] = {name: [] for name in (PROJECT, MEAN, MEDIAN)}
    offset = data.days % BLOCK_DAYS
    for block in range((FIRST_DAY - offset) // BLOCK_DAYS + 1, panel.blocks - WEEKS + 1):
        rows = np.flatnonzero(panel.born == block)
        if not len(rows):
            continue
        past = panel.earlier(panel.blocks - block)
        last_known = offset + block * BLOCK_DAYS  # days known; the launch week's price is announced
        price = prices[:, min(last_known + BLOCK_DAYS - 1, data.days - 1)]
        launched = pl.Series([past.cutoff] * panel.series).scatter(np.setdiff1d(np.arange(panel.series), rows), None)
        asked = series.with_columns(launched_on=launched, unit_price=pl.Series(price).fill_nan(None))
        actual.append(panel.demand[rows, block : block + WEEKS])
        made[PROJECT].append(launch_blocks(asked, past)[rows, :WEEKS])
        for name, summary in ((MEAN, np.mean), (MEDIAN, np.median)):
            made[name].append(np.repeat(_simple(past, rows, summary)[:, None], WEEKS, axis=1))
    came = np.concatenate(actual).astype(float)
    table = Table(box=SIMPLE_HEAD, title=f"{len(came):,} launches after d_{FIRST_DAY}, {WEEKS} weeks from the first")
    for name in ("", "WMAPE", "bias", "RMSE"):
        table.add_column(name, justify="right" if name else "left")
    scored: dict[str, dict[str, float]] = {}
    for name, parts in made.items():
        forecast = np.concatenate(parts)
        scores = (wmape(came, forecast), bias(came, forecast), float(np.sqrt(((forecast - came) ** 2).mean())))
        table.add_row(name, f"{scores[0]:.3f}", f"{scores[1]:+.1%}", f"{scores[2]:.2f}")
        scored[name] = dict(zip(("wmape", "bias", "rmse"), scores, strict=True))
    console.print(table)
    ratio = scored[PROJECT]["wmape"] / scored[MEAN]["wmape"]
    console.print(f"  WMAPE {ratio:.2f} of that of the mean of department and place (bar {BAR:.2f})")
    options.results.mkdir(parents=True, exist_ok=True)
    sheet = {**measure.machine(), "launches": len(came), **scored}
    (options.results / "launches.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return bool(ratio <= BAR)


def _simple(past: Panel, rows: np.ndarray, summary: Callable[[np.ndarray], np.floating]) -> np.ndarray:
    """Mean or median rate of the series on sale for four weeks in the department at the place, by row."""
    alive = np.clip(past.blocks - past.born, 1, WEEKS)
    rate = past.demand[:, -WEEKS:].sum(axis=1, dtype=float) / alive
    code, is_old = past.codes["location_department"], past.blocks - past.born >= 4
    by_code = {each: float(summary(rate[is_old & (code == each)])) for each in np.unique(code[rows])}
    return np.array([by_code[code[row]] for row in rows])
