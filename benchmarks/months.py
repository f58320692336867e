"""Months 3, 4, 5 and 6 ahead on two retailers, beside seasonal naive and moving average.

    python -m benchmarks.run --only months

M5 after April 2015, all series, and the grocer of the demo after June 2017, half a year of history: the forecast step
alone, trained on what was known then, against what came. Seasonal naive: the same days 364 days before where they are
known, else the last week again and again. Moving average: the mean day of the last 91. Scored at product x place, and
for products and departments over all places, where demand that is rare at one place can be told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import m5, measure
from benchmarks.options import Options
from ml.forecasting.metrics import bias, wmape
from ml.forecasting.pipeline import run as forecast
from ml.forecasting.settings import ForecastSettings

MONTHS = (3, 4, 5, 6)
LEVELS = {"product x place": ["sku_id", "location_id"], "product": ["sku_id"], "department": ["department"]}
PROJECT, NAIVE, AVERAGE = "shelfcast", "seasonal naive", "moving average"
YEAR, WINDOW = 364, 91


@dataclass(frozen=True)
class Company:
    """A retailer: its series, its demand by day (to come as well), the last day known, its holidays and events."""

    name: str
    series: pl.DataFrame
    demand: pl.DataFrame
    as_of: date
    events: pl.DataFrame | None


def run(options: Options, console: Console) -> bool:
    """Score each company; False where a simple rule has the lower WMAPE at product x place in one of the months."""
    sheet: dict[str, object] = {**measure.machine()}
    holds = True
    for company in _companies(options):
        began = time.perf_counter()
        known = company.demand.filter(pl.col("date") <= company.as_of)
        settings = ForecastSettings(holiday_country="US")
        made = forecast(company.series, known, company.as_of, settings, lambda _: None, company.events)
        seconds = time.perf_counter() - began
        months = made.monthly.select("sku_id", "location_id", "month_start", mean="mean")
        rows = _scores(company, _beside(company, months))
        console.print(f"\n[bold]{company.name}[/], known to {company.as_of}, forecast in {seconds:.0f} s")
        _show(rows, console)
        finest = [row for row in rows if row["level"] == "product x place"]
        holds &= all(row[PROJECT] < min(row[NAIVE], row[AVERAGE]) for row in finest)
        sheet[company.name] = rows
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "months.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return holds


def _companies(options: Options) -> Iterator[Company]:
    yield _grocer()
    data = m5.load(options.data, list(options.stores) or None)
    series, demand = m5.series_and_demand(data)
    yield Company("M5", series, demand, date(2015, 4, 30), m5.events(data))


def _grocer() -> Company:
    from seeds.demo.source import read_journey
    from seeds.demo.tills import read_tills

    journey, as_of = read_journey(), date(2017, 6, 30)
    lines = read_tills(journey.transactions, journey.products).sales.select(
        "sku_id",
        "location_id",
        date=pl.col("sold_at").str.slice(0, 10).str.to_date(),
        quantity=pl.col("quantity").cast(pl.Float64),
    )
    days = lines.filter(pl.col("quantity") > 0).group_by("sku_id", "location_id", "date").agg(pl.col("quantity").sum())
    products = journey.products.select(
        sku_id=pl.col("product_id").cast(pl.String), department="department", category="product_category"
    )
    series = (
        days.filter(pl.col("date") <= as_of)
        .select("sku_id", "location_id")
        .unique()
        .join(products.unique("sku_id"), on="sku_id", how="left")
        .sort("sku_id", "location_id")
        .select(
            pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("series_id"),
            "sku_id",
            "location_id",
            pl.lit(False).alias("is_pooled"),
            pl.lit(None, dtype=pl.String).alias("region"),
            pl.col("department").cast(pl.String),
            pl.col("category").cast(pl.String),
        )
    )
    demand = days.join(series.select("series_id", "sku_id", "location_id"), on=["sku_id", "location_id"])
    return Company("a grocer", series, demand.select("series_id", "date", "quantity"), as_of, None)


def _beside(company: Company, months: pl.DataFrame) -> pl.DataFrame:
    """One row a series and month ahead: month, actual, and the forecast of each contender."""
    starts = months["month_start"].unique().sort().to_list()
    keys = company.series.select("series_id", "sku_id", "location_id", "department")
    first_day = company.demand["date"].min()
    last_week = _sum(company, company.as_of - timedelta(days=6), company.as_of)
    recent = _sum(company, company.as_of - timedelta(days=WINDOW - 1), company.as_of)
    parts = []
    for number, start in enumerate(starts, start=1):
        if number not in MONTHS:
            continue
        end = (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        days, back = (end - start).days + 1, timedelta(days=YEAR)
        has_year = start - back >= first_day and end - back <= company.as_of
        naive = _sum(company, start - back, end - back) if has_year else last_week * days / 7
        own = months.filter(pl.col("month_start") == start).select(
            "sku_id", "location_id", pl.col("mean").alias(PROJECT)
        )
        parts.append(
            keys.with_columns(
                month=pl.lit(number),
                actual=pl.Series(_sum(company, start, end)),
                **{NAIVE: pl.Series(naive), AVERAGE: pl.Series(recent * days / WINDOW)},
            ).join(own, on=["sku_id", "location_id"], how="left")
        )
    return pl.concat(parts).with_columns(pl.col(PROJECT).fill_null(0.0))


def _sum(company: Company, first: date, last: date) -> np.ndarray:
    """Demand of these days by series."""
    known = company.demand.filter(pl.col("date").is_between(first, last))
    rows = known["series_id"].to_numpy().astype(np.int64) - 1
    return np.bincount(rows, weights=known["quantity"].to_numpy(), minlength=company.series.height)


def _scores(company: Company, beside: pl.DataFrame) -> list[dict[str, Any]]:
    """WMAPE of each contender and the project's bias, by level and month."""
    rows: list[dict[str, Any]] = []
    names = (PROJECT, NAIVE, AVERAGE)
    for level, keys in LEVELS.items():
        nodes = beside.group_by(*keys, "month").agg(pl.col("actual", *names).sum())
        for (month,), part in nodes.group_by("month", maintain_order=False):
            actual = part["actual"].to_numpy()
            scores = {name: wmape(actual, part[name].to_numpy()) for name in names}
            rows.append({"level": level, "month": month, **scores, "bias": bias(actual, part[PROJECT].to_numpy())})
    return sorted(rows, key=lambda row: (list(LEVELS).index(str(row["level"])), row["month"]))


def _show(rows: list[dict[str, Any]], console: Console) -> None:
    table = Table(box=SIMPLE_HEAD, title="WMAPE of a month's demand")
    for name in ("level", "month", PROJECT, NAIVE, AVERAGE, "bias of shelfcast"):
        table.add_column(name, justify="left" if name == "level" else "right")
    for row in rows:
        values = [f"{row[name]:.3f}" for name in (PROJECT, NAIVE, AVERAGE)]
        table.add_row(str(row["level"]), str(row["month"]), *values, f"{row['bias']:+.1%}")
    console.print(table)
