"""What orders on forecasts are worth: half a year of M5 day by day under the proposed rule and under simple ones.

    python -m benchmarks.run --only replay

Stores CA_1, TX_2, WI_3, the products with 10 units and more in the 180 days before; lead time N(7, 2) days clipped to
3-14, weekly review, packs of 6 for the faster half, lost sales; the 182 days to d_1759, the first 28 not counted. The
forecasts are trained once, on what was known at d_1577, and asked anew each week. The order goes out the morning after
the review, so a lead time of 7 days and a review of 7 days are 14 days to be bridged.

Simple rules are given the demand itself, as forecasts are: nobody's stock-outs hide what was wanted. A second table
shows them with what they sold, which is what their users have.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import m5, measure
from benchmarks.options import QUICK_STORES, Options
from ml.forecasting.distribution import ALL, COUNT, DISPERSION_SCHEMA
from ml.forecasting.settings import ForecastSettings
from ml.planning.replenishment import ReplenishmentInputs, propose_orders
from ml.planning.settings import PlanningSettings
from ml.simulation.outcome import ItemOutcome, by_item, compare_at_service
from ml.simulation.past_forecasts import PastForecasts, forecast_the_past
from ml.simulation.policies import EmpiricalQuantile, MinMax, NormalSafetyStock
from ml.simulation.proposed import ByProbability, Proposed, Terms
from ml.simulation.replay import Policy, Problem, replay
from ml.simulation.tuning import target_to_ask

START, DAYS, WARM_UP, LOOK_BACK = 1577, 182, 28, 180
TUNED_UNTIL = 105  # days: targets are tuned on the first half of what is counted, proved on the rest
LEAD, LEAD_SD, REVIEW = 7, 2.0, 7
PROTECTION = LEAD + REVIEW
SERVICES = (0.95, 0.98)
CLASSES = ("A", "B", "C")
BARS = {0.95: 0.88, 0.98: 0.80}  # of min/max's average stock
BAR_ORDERS_SECONDS, BAR_REPLAY_SECONDS = 30.0, 60.0
BAR_GAP, BAR_CLASS_GAP = 0.01, 0.02
# small: three stores; 120 trees of 31 leaves fit in 10 s where the night's 200 of 63 take a minute
SETTINGS = ForecastSettings(
    holiday_country="US", trees=120, leaves=31, train_rows=150_000, backtest_rows=150_000, backtest_weeks=(52, 26)
)
VALUE = "proposed"
MIN_MAX, NORMAL = "min/max on average sales", "normal safety stock on a moving average"


@dataclass(frozen=True)
class Setting:
    """The problem, what planning knows of it, price and class of each product at a place."""

    problem: Problem
    forecasts: PastForecasts
    terms: Terms
    price: np.ndarray
    abc: np.ndarray


def run(options: Options, console: Console) -> bool:
    """Replay, compare, tune and time; False where a bar is missed."""
    began = time.perf_counter()
    setting = make_setting(m5.load(options.data, list(options.stores or QUICK_STORES)), console)
    console.print(
        f"replay of {len(setting.price):,} products at places, {DAYS} days; forecasts made in "
        f"{time.perf_counter() - began:.0f} s",
        highlight=False,
    )
    curves = {name: _curve(setting, rule, dials, console) for name, (rule, dials) in rules(setting).items()}
    sold = replace(setting, problem=replace(setting.problem, is_demand_known=False))
    blind = {name: _curve(sold, *rules(sold)[name], console) for name in (MIN_MAX, NORMAL)}
    sheet: dict[str, object] = {
        "rows": _compared(setting, curves, None, console, "units, rules that know the demand"),
        "in money": _compared(setting, curves, setting.price, console, "money (price x units)"),
        "rules that know what they sold": _compared(
            setting, blind | {VALUE: curves[VALUE]}, None, console, "units, rules that know what they sold"
        ),
        "curves": {name: [_point(setting, point) for point in points] for name, points in curves.items()},
        **measure.machine(),
    }
    holds = _bars(setting, curves) | _calibration(setting, sheet) | _speed(setting)
    for said, is_held in holds.items():
        console.print(f"  {'holds' if is_held else '[red]MISSED[/]'}  {said}", highlight=False)
    sheet["bars"] = holds
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "replay.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return all(holds.values())


def make_setting(data: m5.M5, console: Console) -> Setting:
    """The replay's problem and the forecasts that were possible then."""
    series, history = m5.series_and_demand(data)
    weeks = DAYS // 7
    first = data.dates[START - 1]
    forecasts = forecast_the_past(
        series, history, first, weeks, SETTINGS, lambda text: console.print(f"  {text}", style="dim"), m5.events(data)
    )
    recent = data.units[:, START - LOOK_BACK : START]
    kept = np.flatnonzero(recent.sum(axis=1) >= 10)
    units = data.units[kept].astype(float)
    rate = recent[kept].mean(axis=1)
    n = len(kept)
    lead = np.random.default_rng(0).normal(LEAD, LEAD_SD, (n, DAYS))
    is_review = np.arange(DAYS) % REVIEW == REVIEW - 1
    pack = np.where(rate >= np.median(rate), 6.0, 1.0)
    problem = Problem(
        units[:, START : START + DAYS],
        units[:, :START],
        np.clip(np.rint(lead), 3, 14).astype(int),
        is_review,
        pack,
        np.zeros(n),
        np.ceil(rate * PROTECTION),
        is_demand_known=True,
    )
    abc = _classes(rate)
    review = np.broadcast_to(np.where(is_review, REVIEW, 0), (n, DAYS))
    terms = Terms(np.full(n, LEAD), np.full(n, LEAD_SD), review, pack, np.ones(n), np.full(n, "all"))
    price = m5.known_prices(data, START)[kept, -1].astype(float)
    return Setting(problem, forecasts.of(kept), terms, np.nan_to_num(price, nan=1.0), abc)


def _classes(rate: np.ndarray) -> np.ndarray:
    """A, B, C: the fastest with 80 % of the units, those up to 95 %, the rest."""
    order = np.argsort(-rate, kind="stable")
    share = np.cumsum(rate[order]) / rate.sum()
    classes = np.empty(len(rate), dtype="U1")
    classes[order] = np.where(share <= 0.8, "A", np.where(share <= 0.95, "B", "C"))
    return classes


def rules(setting: Setting) -> dict[str, tuple[Callable[[float], Policy], tuple[float, ...]]]:
    """By name: the rule at a dial, and the dials of its curve."""
    forecasts, terms = setting.forecasts, setting.terms
    return {
        VALUE: (lambda service: Proposed(forecasts, terms, {"all": service}), (0.85, 0.9, 0.94, 0.97, 0.985)),
        "same forecast, one probability for all": (
            lambda service: ByProbability(forecasts, terms, service),
            (0.7, 0.8, 0.85, 0.9, 0.95, 0.975),
        ),
        "same forecast, normal distribution": (
            lambda service: ByProbability(forecasts, terms, service, is_normal=True),
            (0.7, 0.8, 0.9, 0.95, 0.975, 0.99),
        ),
        MIN_MAX: (MinMax, (16, 18, 20, 23, 26, 30, 34, 40)),
        NORMAL: (
            lambda service: NormalSafetyStock(service, PROTECTION, LEAD_SD),
            (0.8, 0.9, 0.95, 0.975, 0.99, 0.995, 0.998, 0.9995),
        ),
        "quantile of past sums": (
            lambda service: EmpiricalQuantile(service, PROTECTION),
            (0.8, 0.9, 0.95, 0.975, 0.99, 0.999),
        ),
    }


def _curve(
    setting: Setting, rule: Callable[[float], Policy], dials: tuple[float, ...], console: Console
) -> list[ItemOutcome]:
    began = time.perf_counter()
    points = [by_item(replay(setting.problem, rule(dial)), WARM_UP) for dial in dials]
    console.print(f"  {points[0].policy}: {time.perf_counter() - began:.1f} s", style="dim")
    return points


def _point(setting: Setting, point: ItemOutcome) -> dict[str, float]:
    demand = point.demand_qty.sum()
    return {
        "fill_rate": round(1 - point.lost_qty.sum() / demand, 4),
        "stock_days": round(point.average_stock_qty.sum() * point.days / demand, 2),
        **{f"fill_rate_{name}": round(fill, 4) for name, fill in _by_class(setting, point).items()},
    }


def _by_class(setting: Setting, point: ItemOutcome) -> dict[str, float]:
    mine = {name: setting.abc == name for name in CLASSES}
    return {name: float(1 - point.lost_qty[own].sum() / point.demand_qty[own].sum()) for name, own in mine.items()}


def _compared(
    setting: Setting,
    curves: dict[str, list[ItemOutcome]],
    unit_value: np.ndarray | None,
    console: Console,
    title: str,
) -> list[dict[str, object]]:
    """Days of stock of every rule at each fill rate, and the proposed rule's ratio to it with its interval."""
    table = Table("rule", *(f"days at {service:.0%}" for service in SERVICES), title=title, box=SIMPLE_HEAD)
    for service in SERVICES:
        table.add_column(f"proposed / it at {service:.0%} [90 %]")
    rows: list[dict[str, object]] = []
    worth = np.ones(len(setting.price)) if unit_value is None else unit_value
    for name, curve in curves.items():
        row: dict[str, object] = {"rule": name}
        shown = []
        for service in SERVICES:
            found = compare_at_service(curves[VALUE], curve, service, unit_value=unit_value)
            demand = (curve[0].demand_qty * worth).sum() / curve[0].days
            days = found.other_stock_qty / demand if found.other_stock_qty else None
            row[f"days at {service}"] = days and round(days, 2)
            row[f"ratio at {service}"] = [found.ratio, found.low, found.high]
            shown.append("-" if found.ratio is None else f"{found.ratio:.3f} [{found.low:.3f}, {found.high:.3f}]")
        days_shown = [f"{row[f'days at {service}']}" for service in SERVICES]
        table.add_row(name, *days_shown, *(["-", "-"] if name == VALUE else shown))
        rows.append(row)
    console.print(table)
    return rows


def _bars(setting: Setting, curves: dict[str, list[ItemOutcome]]) -> dict[str, bool]:
    holds = {}
    for service, bar in BARS.items():
        simple = compare_at_service(curves[VALUE], curves[MIN_MAX], service)
        book = compare_at_service(curves[VALUE], curves[NORMAL], service)
        holds[f"{service:.0%} fill: stock {simple.claim} of min/max's (bar {bar})"] = (
            simple.ratio is not None and simple.ratio <= bar
        )
        holds[f"{service:.0%} fill: stock {book.claim} of normal safety stock's (bar: below)"] = (
            book.high is not None and book.high < 1
        )
    return holds


def _calibration(setting: Setting, sheet: dict[str, object]) -> dict[str, bool]:
    """Targets by class: as asked, and tuned on the first half of the days, proved on the second."""
    terms = replace(setting.terms, group=setting.abc)
    grid = (0.82, 0.88, 0.93, 0.96, 0.98)
    replays = [
        replay(setting.problem, Proposed(setting.forecasts, terms, dict.fromkeys(CLASSES, asked))) for asked in grid
    ]
    learned = [by_item(done, WARM_UP, TUNED_UNTIL) for done in replays]
    found: dict[str, object] = {}
    holds: dict[str, bool] = {}
    for service in SERVICES:
        asked = {
            name: target_to_ask(
                service, np.array(grid), np.array([_by_class(setting, point)[name] for point in learned])
            )
            for name in CLASSES
        }
        proof = by_item(replay(setting.problem, Proposed(setting.forecasts, terms, asked)), TUNED_UNTIL)
        plain = by_item(
            replay(setting.problem, Proposed(setting.forecasts, terms, dict.fromkeys(CLASSES, service))), TUNED_UNTIL
        )
        overall = _served(proof)
        classes = _by_class(setting, proof)
        found[str(service)] = {
            "as asked": _point(setting, plain),
            "tuned targets": {name: round(value, 4) for name, value in asked.items()},
            "tuned": _point(setting, proof),
        }
        said = ", ".join(f"{name} {fill:.3f}" for name, fill in classes.items())
        holds[f"target {service:.0%}, tuned: served {overall:.4f} (bar +-{BAR_GAP}); as asked {_served(plain):.4f}"] = (
            abs(overall - service) <= BAR_GAP
        )
        holds[f"target {service:.0%}, tuned, by class: {said} (bar +-{BAR_CLASS_GAP})"] = all(
            abs(fill - service) <= BAR_CLASS_GAP for fill in classes.values()
        )
    sheet["calibration"] = found
    return holds


def _served(point: ItemOutcome) -> float:
    return float(1 - point.lost_qty.sum() / point.demand_qty.sum())


def _speed(setting: Setting) -> dict[str, bool]:
    """Orders for 300,000 products at places; 30,000 x 182 days under four policies, forecasts aside."""
    seconds = _order_seconds(300_000)
    many = np.resize(np.arange(len(setting.price)), 30_000)
    problem, terms = setting.problem, setting.terms
    arrays = ("demand", "past", "lead_time_days", "order_multiple", "min_order_qty", "initial_qty")
    problem = replace(problem, **{name: getattr(problem, name)[many] for name in arrays})
    problem = replace(problem, past=problem.past[:, -LOOK_BACK - 2 * PROTECTION :])
    own = ("lead_time_days", "lead_time_sd_days", "review_days", "lot_qty", "worth", "group")
    terms = replace(terms, **{name: getattr(terms, name)[many] for name in own})
    forecasts = setting.forecasts.of(many)
    four: tuple[Policy, ...] = (
        Proposed(forecasts, terms, {"all": 0.95}),
        ByProbability(forecasts, terms, 0.95, is_normal=True),
        MinMax(24.0),
        NormalSafetyStock(0.95, PROTECTION, LEAD_SD),
    )
    began = time.perf_counter()
    for policy in four:
        by_item(replay(problem, policy), WARM_UP)
    replayed = time.perf_counter() - began
    return {
        f"orders for 300,000 products at places in {seconds:.0f} s (bar {BAR_ORDERS_SECONDS:.0f})": (
            seconds <= BAR_ORDERS_SECONDS
        ),
        f"30,000 products at places x {DAYS} days under four policies in {replayed:.0f} s "
        f"(bar {BAR_REPLAY_SECONDS:.0f})": replayed <= BAR_REPLAY_SECONDS,
    }


def _order_seconds(count: int) -> float:
    """Seconds to propose orders for so many made-up products at 30 places, with suppliers, packs and stock."""
    frames, as_of = _made_up_night(count)
    began = time.perf_counter()
    propose_orders(frames, as_of, PlanningSettings())
    return time.perf_counter() - began


def _made_up_night(count: int) -> tuple[ReplenishmentInputs, date]:
    """Frames of a night with `count` pairs: 30 places, 200 suppliers with order days, half of them short of stock."""
    as_of = date(2025, 6, 1)  # a Sunday: its weeks begin with the forecast
    places, draw = 30, np.random.default_rng(1)
    products = count // places
    sku = pl.Series([f"P{number:06d}" for number in range(products)])
    keys = pl.DataFrame({"sku_id": sku}).join(
        pl.DataFrame({"location_id": [f"L{k:02d}" for k in range(places)]}), how="cross"
    )
    rate = pl.Series("rate", draw.lognormal(-2.0, 1.5, keys.height))
    keys = keys.with_columns(rate)
    supplier = pl.Series([f"V{number % 200:03d}" for number in range(products)])

    def forecast(time_name: str, starts: list[date], days: int) -> pl.DataFrame:
        times = pl.DataFrame({time_name: starts})
        return keys.join(times, how="cross").select("sku_id", "location_id", time_name, mean=pl.col("rate") * days)

    nodes = [(lead, window, rate) for lead in (0, 28) for window in (1, 28) for rate in (0.01, 10.0)]
    stock = np.ceil(keys["rate"].to_numpy() * draw.uniform(0, 30, keys.height))
    zeros = np.zeros(keys.height)
    frames = ReplenishmentInputs(
        forecast_daily=forecast("date", [as_of + timedelta(days=1 + k) for k in range(28)], 1).with_columns(
            segment=pl.lit("intermittent")
        ),
        forecast_weekly=forecast("week_start", [as_of + timedelta(days=1 + 7 * k) for k in range(26)], 7),
        dispersion=pl.DataFrame(
            [(COUNT, ALL, *node, 0.5, 0.0, 1) for node in nodes],
            schema=DISPERSION_SCHEMA,
            orient="row",
        ),
        positions=keys.select("sku_id", "location_id").with_columns(
            snapshot_date=pl.lit(as_of),
            on_hand_qty=pl.Series(stock),
            **{name: pl.Series(zeros) for name in ("reserved_qty", "backorder_qty", "on_order_qty", "in_transfer_qty")},
        ),
        sourcing=keys.select("sku_id", "location_id")
        .join(pl.DataFrame({"sku_id": sku, "supplier_id": supplier}), on="sku_id", maintain_order="left")
        .with_columns(
            from_location_id=pl.lit(None, pl.String),
            lead_time_days=pl.lit(5.0),
            lead_time_sd_days=pl.lit(1.5),
            lead_time_source=pl.lit("measured_lane"),
            min_order_qty=pl.lit(0.0),
            order_multiple=pl.Series(np.where(draw.random(keys.height) < 0.5, 1.0, 6.0)),
            unit_cost=pl.Series(draw.lognormal(1.0, 0.8, keys.height)),
        ),
        suppliers=pl.DataFrame(
            {
                "supplier_id": [f"V{number:03d}" for number in range(200)],
                "supplier_name": [f"Supplier {number}" for number in range(200)],
                "order_weekdays": [str(1 + number % 7) for number in range(200)],
                "min_order_value": [100.0] * 200,
            }
        ),
        products=pl.DataFrame({"sku_id": sku}).with_columns(
            product_name=pl.col("sku_id"),
            department=pl.lit("Food"),
            abc_class=pl.lit("A"),
            shelf_life_days=pl.lit(None, pl.Int64),
        ),
        locations=pl.DataFrame({"location_id": [f"L{k:02d}" for k in range(places)]}).with_columns(
            location_name=pl.col("location_id"), is_open=pl.lit(True)
        ),
        shelves=keys.select("sku_id", "location_id").with_columns(
            presentation_min_qty=pl.lit(None, pl.Float64),
            shelf_capacity_qty=pl.lit(None, pl.Float64),
            price=pl.Series(draw.lognormal(1.6, 0.8, keys.height)),
        ),
    )
    return frames, as_of
