"""Elasticities on real prices: what M5's shops sold after their prices moved, beside what was said before.

    python -m benchmarks.run --only price_moves

At three cut-offs half a year apart the project loads M5, builds its weeks of prices and estimates elasticities, as a
night does. Every move of a product's price in the 26 weeks after (3 % and more, four weeks at one price before it and
after it, on the shelf all the time) is then compared: change of its units, less that of its department, against
elasticity x change of price; all on logs. Beside it: no answer at all, and the one elasticity for all products that
hindsight would choose. Noise is what the same products' units changed by where no price moved. Cuts are what markdowns
are: units expected after them beside those that came.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import m5, marts, measure
from benchmarks.options import ROOT, Options
from ml.response.panel import MECHANICS_SCHEMA
from ml.response.pipeline import NORMAL_90, estimate_response

CUTOFFS = (1213, 1395, 1577)  # Sundays, as weeks begin on Monday
AHEAD, SIDE = 26, 4  # weeks
LEAST_MOVE, AT_REST = 0.03, 0.01  # of the log price
LEAST_UNITS, LEAST_AVAILABLE = 10.0, 0.5


def run(options: Options, console: Console) -> bool:
    """Print and write the scores; False where elasticities say less than nothing would."""
    data = m5.load(options.data, list(options.stores) or None)
    work = options.results / "homes" / "price_moves"
    shutil.rmtree(work, ignore_errors=True)
    last = data.dates[-1] - timedelta(days=(data.dates[-1].weekday() + 1) % 7)
    weeks = {}
    for day in (*(data.dates[cutoff - 1] for cutoff in CUTOFFS), last):
        console.print(f"  weeks of prices known on {day} …", highlight=False)
        found = _weeks(m5.cut(data, (day - data.dates[0]).days + 1), work / day.isoformat(), day)
        if found is None:
            console.print(f"  failed: see {work / day.isoformat()}/*.log", highlight=False)
            return False
        weeks[day] = found
    products = m5.products(data)
    came = _changes(weeks.pop(last), products)
    parts = []
    for day, known in weeks.items():
        response = estimate_response(known, pl.DataFrame(schema=MECHANICS_SCHEMA), products, day)
        assert response is not None
        within = pl.col("week_start").is_between(day, day + timedelta(weeks=AHEAD))
        beside = came.filter(within).join(response.products, on="sku_id").drop_nulls("elasticity")
        parts.append(beside.with_columns(cutoff=pl.lit(day)))
    return _report(pl.concat(parts), options, console)


def _weeks(known: m5.M5, home: Path, as_of: date) -> pl.DataFrame | None:
    m5.write_extracts(known, home / "landing")
    command = [sys.executable, "-m", "benchmarks.price_moves", str(home), as_of.isoformat()]
    with (home / "weeks.log").open("w") as log:
        if subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode:
            return None
    with duckdb.connect(str(home / "warehouse" / "shelfcast.duckdb"), read_only=True) as con:
        return con.sql("from intermediate.int_product_price_weeks").pl()


def _changes(weeks: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Change of price and of units of every product at every week: price_change, units_change (logs), count_variance.

    A row at which the price was at rest for SIDE weeks before it and from it on; season: the department's other units.
    """
    key = "sku_id"
    rows = weeks.join(products.select(key, "department"), on=key).sort(key, "week_start")
    usual = pl.col("units_qty") / pl.col("availability_share").clip(0.05)

    def of_side(values: pl.Expr, how: str) -> tuple[pl.Expr, pl.Expr]:
        rolled = getattr(values, how)(SIDE)
        return rolled.shift(1).over(key), rolled.shift(1 - SIDE).over(key)

    log_price = pl.col("price").log()
    (units, after), (usual_units, usual_after) = (of_side(of, "rolling_sum") for of in (pl.col("units_qty"), usual))
    price, price_after = of_side(log_price, "rolling_mean")
    lows, highs = of_side(log_price, "rolling_min"), of_side(log_price, "rolling_max")
    open_before, open_after = of_side(pl.col("availability_share"), "rolling_min")
    rows = rows.with_columns(
        price_change=price_after - price,
        wander=pl.max_horizontal(*(high - low for low, high in zip(lows, highs, strict=True))),
        units=units,
        units_after=after,
        usual=usual_units,
        usual_after=usual_after,
        least_open=pl.min_horizontal(open_before, open_after),
    ).drop_nulls(["price_change", "units", "units_after"])
    of_department = [pl.col(name).sum().over("department", "week_start") for name in ("usual", "usual_after")]
    season = ((of_department[1] - pl.col("usual_after")) / (of_department[0] - pl.col("usual"))).log()
    return rows.filter(
        pl.col("wander") < AT_REST,
        pl.col("least_open") >= LEAST_AVAILABLE,
        pl.col("units") >= LEAST_UNITS,
        pl.col("units_after") >= LEAST_UNITS,
    ).select(
        key,
        "week_start",
        "price_change",
        units_change=(pl.col("usual_after") / pl.col("usual")).log() - season,
        units_after="usual_after",
        count_variance=1 / pl.col("units") + 1 / pl.col("units_after"),
    )


def _report(beside: pl.DataFrame, options: Options, console: Console) -> bool:
    at_rest = beside.filter(pl.col("price_change").abs() < AT_REST)
    noise = max(float(np.mean((at_rest["units_change"] ** 2 - at_rest["count_variance"]).to_numpy())), 0.0)
    moves = beside.filter(pl.col("price_change").abs() >= LEAST_MOVE)
    whole = _score("all moves", moves, noise)
    rows = [_score(str(day), part, noise) for (day,), part in moves.group_by("cutoff", maintain_order=True)]
    rows.append(whole)
    rows.append(_score("cuts", moves.filter(pl.col("price_change") < 0), noise))
    rows.append(_score("elasticity conclusive", moves.filter("is_conclusive"), noise))
    table = Table(box=SIMPLE_HEAD, title="moves of prices after the cut-off, error of the change in units (log)")
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "moves" else "right")
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    console.print(table)
    sheet = {**measure.machine(), "noise_sd": noise**0.5, "rows": rows}
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "price_moves.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return bool(whole["shelfcast"] < whole["no answer"])


def _score(name: str, moves: pl.DataFrame, noise: float) -> dict[str, Any]:
    """Root mean square errors, weighed by how well a change can be seen, and what the elasticities are worth."""
    change, units = moves["price_change"].to_numpy(), moves["units_change"].to_numpy()
    variance = moves["count_variance"].to_numpy() + noise
    weight = 1.0 / variance
    said = moves["elasticity"].to_numpy() * change
    one = float((weight * change * units).sum() / (weight * change**2).sum())
    spread = np.sqrt(variance + (moves["elasticity_sd"].to_numpy() * change) ** 2)

    def error(answer: np.ndarray) -> float:
        return float(np.sqrt((weight * (units - answer) ** 2).sum() / weight.sum()))

    return {
        "moves": name,
        "count": len(change),
        "shelfcast": error(said),
        "no answer": error(0 * said),
        "one for all, in hindsight": error(one * change),
        "that one": one,
        "came for each 1 said": float((weight * said * units).sum() / (weight * said**2).sum()),
        "units said for 1 that came": _units(moves, said),
        "without an answer": _units(moves, 0 * said),
        "inside 90 %": float((np.abs(units - said) < NORMAL_90 * spread).mean()),
    }


def _units(moves: pl.DataFrame, said: np.ndarray) -> float:
    """Units that were expected after the moves, for each that came."""
    came = moves["units_after"].to_numpy()
    return float((came * np.exp(said - moves["units_change"].to_numpy())).sum() / came.sum())


if __name__ == "__main__":
    marts.build_weeks_of_prices(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))
