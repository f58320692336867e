"""What each group of features adds to LightGBM: fitted without it, on M5, 26 weeks after d_1577.

    python -m benchmarks.run --only ablation [--quick]

A group that is left out holds its neutral value in training and forecasting alike; rows, trees and seed stay. WMAPE of
weeks at item by store, as forecast and with every cell (store x department) scaled to what it came to sell, so that the
mix alone is judged; bias of the total as forecast. What the steps after LightGBM add stands in docs/forecasting.md and,
for every night, in forecast_accuracy.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta

import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import m5, measure, metrics
from benchmarks.options import Options
from ml.forecasting.contract import check_events
from ml.forecasting.features import FeatureStore, feature_names
from ml.forecasting.metrics import bias, wmape
from ml.forecasting.models.lightgbm import fit
from ml.forecasting.panel import BLOCK_DAYS, Panel, build_panel, sum_groups
from ml.forecasting.settings import ForecastSettings

CUTOFF, WEEKS = 1577, 26
GROUPS = {  # what is left out: the features whose name begins so
    "nothing": (),
    "levels of the series (it starts from one all the same)": ("level_", "trend_4", "trend_13_52"),
    "last blocks one by one": ("block_",),
    "how it sells (share of blocks, spread, age, last sale)": ("sold_share", "spread", "age", "since_sale"),
    "the same block a year ago": ("year_ago",),
    "season of its groups": ("season",),
    "growth and trend of its groups": ("growth_", "trend_department", "trend_location", "trend_sku"),
    "the product elsewhere": ("sku_", "region_sku"),
    "calendar of the block": ("holiday", "event", "month_day", "early_days", "year_sin", "year_cos"),
    "codes of place, region, department, category": ("code_",),
}


class Without(FeatureStore):
    """A feature store in which the named columns say nothing."""

    def __init__(self, panel: Panel, country: str | None, prefixes: tuple[str, ...]) -> None:
        super().__init__(panel, country)
        self._silent = [n for n, name in enumerate(feature_names()) if name.startswith(prefixes)] if prefixes else []

    def matrix(self, series: np.ndarray, origin: np.ndarray, horizon: np.ndarray) -> np.ndarray:
        """As FeatureStore.matrix, the silent columns 0."""
        made = super().matrix(series, origin, horizon)
        made[:, self._silent] = 0.0
        return made


def run(options: Options, console: Console) -> bool:
    """Fit and score once a group; True when every fit came through."""
    data = m5.load(options.data, list(options.stores) or None)
    series, demand = m5.series_and_demand(data)
    as_of = data.dates[0] + timedelta(days=CUTOFF - 1)
    panel = build_panel(series, demand.filter(pl.col("date") <= as_of), as_of, check_events(m5.events(data)))
    rows = np.flatnonzero(panel.demand[:, -52:].any(axis=1))
    days = data.units[rows, CUTOFF : CUTOFF + WEEKS * BLOCK_DAYS].astype(np.float64)
    came = days.reshape(len(rows), WEEKS, BLOCK_DAYS).sum(axis=2)
    cell = panel.codes["location_department"][rows]
    settings = ForecastSettings(holiday_country="US")
    table = Table(box=SIMPLE_HEAD, title=f"LightGBM without …, {len(rows):,} series, {WEEKS} weeks after d_{CUTOFF}")
    bands = [f"{name} {band}" for name in ("WMAPE", "mix alone") for band, _, _ in metrics.BANDS]
    for name in ("without", *bands, "bias", "seconds"):
        table.add_column(name, justify="left" if name == "without" else "right")
    sheet: dict[str, object] = {**measure.machine(), "series": len(rows)}
    for group, prefixes in GROUPS.items():
        began = time.perf_counter()
        store = Without(panel, settings.holiday_country, prefixes)
        made = fit(store, settings, settings.train_rows).predict(store, rows, settings.threads, WEEKS)
        totals = sum_groups(made, cell)
        scaled = made * (sum_groups(came, cell) / np.maximum(totals, 1e-9))[cell]
        scores = [
            wmape(came[:, first - 1 : last], each[:, first - 1 : last])
            for each in (made, scaled)
            for _, first, last in metrics.BANDS
        ]
        off, seconds = bias(came, made), time.perf_counter() - began
        table.add_row(group, *(f"{score:.3f}" for score in scores), f"{off:+.1%}", f"{seconds:.0f}")
        sheet[group] = dict(zip(bands, scores, strict=True)) | {"bias": off, "seconds": seconds}
        console.print(f"  without {group}: {seconds:.0f} s", highlight=False)
    console.print(table)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "ablation.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return True
