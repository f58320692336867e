"""Demand behind empty shelves: days in stock are blanked out at random, and what the project puts back is scored.

    python -m benchmarks.run --only censoring

FreshRetailNet-50K (a sample of 5,000 products at shops, 90 days): sales by day and the hours in which the shelf was
empty. A fifth of the days whose shelf was full from 6 to 22 o'clock lose their sales and are called stock-outs, beside
the real ones. The first two weeks teach and are not scored. Beside it: leaving the zeros, and the mean of the same
weekday of the same product and shop over all its other full days, before and after.
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import measure
from benchmarks.options import ROOT, Options
from ml.forecasting.demand import estimate_demand
from ml.forecasting.metrics import bias, wmape

DATA = ROOT.parent / "shared" / "data" / "freshretailnet" / "train_sample_5000.parquet"
BLANKED, SEEDS, LEARNING_DAYS = 0.2, (1, 2, 3), 14
BAR_BIAS = 0.015
PROJECT = "shelfcast"


def run(options: Options, console: Console) -> bool:
    """Score the project beside the two simple ways; False where its bias is over the bar or one of them errs less."""
    if not DATA.exists():
        console.print(f"\n[bold]censoring[/]: skipped, {DATA.name} of FreshRetailNet-50K is not there ({DATA.parent})")
        return True
    days = _days(pl.read_parquet(DATA))
    scores = [_score(days, np.random.default_rng(seed)) for seed in SEEDS]
    rows = {name: {key: _mean([score[name][key] for score in scores]) for key in scores[0][name]} for name in scores[0]}
    worst = max(abs(score[PROJECT]["bias"]) for score in scores)
    table = Table(box=SIMPLE_HEAD, title=f"{days.height:,} product-days, a fifth of the full ones blanked out")
    for name in ("", "bias", "WMAPE", "RMSE"):
        table.add_column(name, justify="left" if not name else "right")
    for name, row in rows.items():
        table.add_row(name, f"{row['bias']:+.2%}", f"{row['wmape']:.3f}", f"{row['rmse']:.3f}")
    console.print(table)
    own = rows[PROJECT]
    is_best = all(own[key] < row[key] for name, row in rows.items() if name != PROJECT for key in ("wmape", "rmse"))
    console.print(f"  largest bias of {len(SEEDS)} draws {worst:.2%} (bar {BAR_BIAS:.1%}); least error: {is_best}")
    options.results.mkdir(parents=True, exist_ok=True)
    sheet = {**measure.machine(), "rows": rows, "largest bias": worst}
    (options.results / "censoring.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return worst <= BAR_BIAS and is_best


def _days(given: pl.DataFrame) -> pl.DataFrame:
    """Return series_id, department, date, day, quantity, is_full: one row a product, shop and day."""
    date = pl.col("dt").cast(pl.String).str.to_date()
    return given.select(
        series_id=pl.struct("store_id", "product_id").rank("dense").cast(pl.Int32),
        department=pl.col("first_category_id").cast(pl.String),
        date=date,
        day=(date - date.min()).dt.total_days(),
        quantity=pl.col("sale_amount").cast(pl.Float64),
        is_full=pl.col("stock_hour6_22_cnt") == 0,
    ).sort("series_id", "date")


def _score(days: pl.DataFrame, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Bias, WMAPE and RMSE of each way on the days that this draw blanks out, from the series' first sale on."""
    days = days.with_columns(is_blank=pl.col("is_full") & pl.Series(rng.random(days.height) < BLANKED))
    observed = days.select(
        "series_id",
        "date",
        sales_qty=pl.when("is_blank").then(0.0).otherwise("quantity"),
        is_stockout=~pl.col("is_full") | pl.col("is_blank"),
    )
    series = days.select("series_id", "department").unique("series_id").sort("series_id")
    known = pl.when(pl.col("is_full") & ~pl.col("is_blank")).then("quantity")
    first = observed.filter(pl.col("sales_qty") > 0).group_by("series_id").agg(first=pl.col("date").min())
    found = (
        days.join(
            estimate_demand(observed, series).select("series_id", "date", own="quantity"),
            on=["series_id", "date"],
            how="left",
        )
        .with_columns(usual=known.mean().over("series_id", pl.col("date").dt.weekday()).fill_null(0.0))
        .join(first, on="series_id")
        .filter(pl.col("is_blank") & (pl.col("day") >= LEARNING_DAYS) & (pl.col("date") >= pl.col("first")))
    )
    actual = found["quantity"].to_numpy()
    ways = {
        "zeros left": np.zeros(found.height),
        "mean of the same weekday": found["usual"].to_numpy(),
        PROJECT: found["own"].fill_null(0.0).to_numpy(),
    }
    return {
        name: {
            "bias": bias(actual, made),
            "wmape": wmape(actual, made),
            "rmse": float(np.sqrt(((made - actual) ** 2).mean())),
        }
        for name, made in ways.items()
    }


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
