"""What customers will spend and whether they come back: the project beside rules and BG/NBD, on a held-out quarter.

    python -m benchmarks.run --only customers

Real loyalty data of one year (the demo's households): everything learns from the first nine months and is asked about
the 91 days after. Beside it, where its file lies beside the project, a year of a web shop (Online Retail), whose
customers come rarely. BG/NBD with Gamma-Gamma takes part where pymc-marketing is installed; it is in no extra (256 MB,
docs/decisions/0010-customer-value.md).
"""

from __future__ import annotations

import json
import time
import warnings
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import measure
from benchmarks.options import ROOT, Options
from ml.customers.contract import PURCHASES_SCHEMA, QUARTER_DAYS
from ml.customers.evaluation import repurchase_scores, value_scores
from ml.customers.features import features, outcomes, prepared
from ml.customers.models import CONTENDERS, LIGHTGBM, Contender, Estimate, TooLittleHistory
from ml.customers.settings import CustomerSettings

ONLINE_RETAIL = ROOT.parent / "shared" / "data" / "online_retail" / "online_retail_2010_2011.parquet"
HOUSEHOLDS, WEB_SHOP = "households of a grocer, 2017", "customers of a web shop, 2011"
BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)


def run(options: Options, console: Console) -> bool:
    """Measure every contender on every data set; False when the learned model is worse than a rule on the first."""
    sheet: dict[str, object] = {**measure.machine()}
    holds = True
    for name, (purchases, last_day) in _data_sets().items():
        rows, bands = _measure(purchases, last_day)
        _show(name, rows, bands, console)
        sheet[name] = {"contenders": rows, "calibration of the learned model": bands}
        holds &= name != HOUSEHOLDS or _is_best(rows)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "customers.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return holds


def _data_sets() -> dict[str, tuple[pl.DataFrame, date]]:
    """Return by name the purchases and the last day of the held-out quarter."""
    from seeds.demo.source import read_journey
    from seeds.demo.tills import read_tills

    journey = read_journey()
    lines = read_tills(journey.transactions, journey.products).sales
    found = {HOUSEHOLDS: (_purchases(lines.rename({"sold_on": "date"})), date(2017, 12, 30))}
    if ONLINE_RETAIL.exists():
        found[WEB_SHOP] = (_purchases(_web_shop(ONLINE_RETAIL)), date(2011, 12, 9))
    return found


def _web_shop(path: Path) -> pl.DataFrame:
    lines = pl.read_parquet(path).filter(pl.col("CustomerID").is_not_null() & (pl.col("UnitPrice") > 0))
    return lines.select(
        customer_id=pl.col("CustomerID").cast(pl.String),
        date=pl.col("InvoiceDate").dt.date(),
        quantity=pl.col("Quantity"),
        net_amount=pl.col("Quantity") * pl.col("UnitPrice"),
    )


def _purchases(lines: pl.DataFrame) -> pl.DataFrame:
    """Return one row a customer and day, as the night makes it (int_customer_days), prepared."""
    days = lines.filter(pl.col("customer_id").is_not_null()).group_by("customer_id", "date")
    summed = days.agg(amount=pl.col("net_amount").cast(pl.Float64).sum(), is_purchase=(pl.col("quantity") > 0).any())
    return prepared(summed.match_to_schema(PURCHASES_SCHEMA))


def _measure(purchases: pl.DataFrame, last_day: date) -> tuple[list[dict[str, object]], list[dict[str, float]]]:
    cutoff = last_day - timedelta(days=QUARTER_DAYS)
    truth = outcomes(purchases, features(purchases, cutoff, ()), cutoff, QUARTER_DAYS)
    value, back = truth["value"].to_numpy(), truth["is_back"].to_numpy()
    rows: list[dict[str, object]] = []
    bands: list[dict[str, float]] = []
    for name, contender in _contenders().items():
        began = time.perf_counter()
        try:
            estimate = contender(purchases, cutoff, QUARTER_DAYS, CustomerSettings())
        except TooLittleHistory as reason:
            rows.append({"contender": f"{name}: {reason}"})
            continue
        seconds = round(time.perf_counter() - began, 1)
        scores = {f"value_{metric}": score for metric, score in value_scores(estimate.value, value).items()}
        scores |= {f"back_{metric}": score for metric, score in repurchase_scores(estimate.probability, back).items()}
        shared = {"contender": name, "customers": len(value), "seconds": seconds}
        rows.append({**shared, **{metric: round(score, 4) for metric, score in scores.items()}})
        if name == LIGHTGBM:
            bands = _calibration(estimate.probability, back)
    return rows, bands


def _calibration(probability: np.ndarray, back: np.ndarray) -> list[dict[str, float]]:
    """Return by band of probability: customers, mean probability, share that came back."""
    band = np.clip(np.digitize(probability, BANDS) - 1, 0, len(BANDS) - 2)
    return [
        {
            "from": BANDS[number],
            "customers": int((band == number).sum()),
            "probability": round(float(probability[band == number].mean()), 3),
            "came_back": round(float(back[band == number].mean()), 3),
        }
        for number in range(len(BANDS) - 1)
        if (band == number).any()
    ]


def _contenders() -> dict[str, Contender]:
    found: dict[str, Contender] = dict(CONTENDERS)
    # a search of the path, no import: the package takes 18 s to load
    from importlib.util import find_spec

    if find_spec("pymc_marketing"):
        found["bg_nbd"] = bg_nbd
    return found


def bg_nbd(purchases: pl.DataFrame, cutoff: date, horizon_days: int, _: CustomerSettings) -> Estimate:
    """BG/NBD for visits and Gamma-Gamma for money a visit, fitted by maximum a posteriori (pymc-marketing)."""
    warnings.filterwarnings("ignore")
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

    known = purchases.filter((pl.col("date") <= cutoff) & pl.col("is_purchase"))
    table = known.group_by(customer_id="customer", maintain_order=True).agg(
        frequency=pl.len() - 1,
        recency=(pl.col("date").max() - pl.col("date").min()).dt.total_days(),
        T=(pl.lit(cutoff) - pl.col("date").min()).dt.total_days(),
        monetary_value=pl.col("amount").mean().clip(lower_bound=0.01),
    )
    frame = table.to_pandas()
    visits = BetaGeoModel(data=frame[["customer_id", "frequency", "recency", "T"]])
    visits.fit(method="map", progressbar=False)
    again = frame[frame["frequency"] > 0]
    money = GammaGammaModel(data=again[["customer_id", "frequency", "monetary_value"]])
    money.fit(method="map", progressbar=False)
    expected = _flat(visits.expected_purchases(future_t=horizon_days))
    spend = _flat(money.expected_customer_spend(data=frame[["customer_id", "frequency", "monetary_value"]]))
    # the chance of no purchase, from the model's own closed form
    return Estimate(expected * spend, 1 - _flat(visits.expected_probability_no_purchase(t=horizon_days)))


def _flat(values: object) -> np.ndarray:
    return np.asarray(values).ravel()


def _is_best(rows: list[dict[str, object]]) -> bool:
    """Say whether the learned model has the least error in value, log loss and Brier score."""
    for metric in ("value_rmse", "back_log_loss", "back_brier"):
        errors = {str(row["contender"]): float(str(row[metric])) for row in rows if metric in row}
        if min(errors, key=lambda name: errors[name]) != LIGHTGBM:
            return False
    return True


def _show(name: str, rows: list[dict[str, object]], bands: list[dict[str, float]], console: Console) -> None:
    metrics = [key for key in rows[0] if key not in ("contender", "customers")]
    table = Table("contender", *(metric.replace("_", " ") for metric in metrics), box=SIMPLE_HEAD, title=name)
    for row in rows:
        table.add_row(str(row["contender"]), *(str(row.get(metric, "-")) for metric in metrics))
    console.print(table)
    for band in bands:
        console.print(
            f"  probability from {band['from']:.2f}: {band['customers']:,} customers, {band['probability']:.3f} said, "
            f"{band['came_back']:.3f} came back",
            highlight=False,
        )
