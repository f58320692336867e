"""Stock decisions at network size: how long they take, and that they are sound, on made-up companies.

    python -m benchmarks.run --only decisions [--quick]

Moves for 30,000 products at 10 places over all 90 lanes, with an order competing at every place that is short (--quick:
1,000 products). What the decisions are worth is measured by replay, not here.
"""

from __future__ import annotations

import json
import time
from datetime import date

import numpy as np
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import measure
from benchmarks.options import QUICK_STORES, Options
from ml.forecasting.distribution import ALL, COUNT, DISPERSION_SCHEMA, DemandDistribution
from ml.planning.arbiter import ACTIONS_SCHEMA, ORDER
from ml.planning.transfers import NO_FEEDING, PLACE, TransferRules, propose_transfers

PRODUCTS, QUICK_PRODUCTS, PLACES = 30_000, 1_000, 10
SEED = 20260101
SHIPMENT = 20.0  # a van that carries some hundred products
AS_OF = date(2025, 6, 25)
DISPERSION = pl.DataFrame([(COUNT, ALL, 0, 7, 1.0, 0.3, 0.0, 0)], schema=DISPERSION_SCHEMA, orient="row")


def run(options: Options, console: Console) -> bool:
    """Measure the moves of a night; False when they are not sound (units lost, a source below its target)."""
    products = QUICK_PRODUCTS if options.stores == QUICK_STORES else PRODUCTS
    places, orders = network(products, PLACES)
    lanes = all_lanes(PLACES)
    began = time.perf_counter()
    found = propose_transfers(
        places, lanes, DISPERSION, TransferRules(min_net_gain_amount=0.5), AS_OF, NO_FEEDING, orders
    )
    seconds = round(time.perf_counter() - began, 1)
    lines = found.lines
    row = {
        "products": products,
        "places": PLACES,
        "lanes": lanes.height,
        "seconds": seconds,
        "moves": lines.height,
        "units": float(lines["qty"].sum()),
        "net gain": round(float(lines["net_gain_amount"].sum())),
        "orders worth more": found.beaten.height,
        "orders displaced": lines.drop_nulls("order_gain_amount").select("sku_id", "to_location_id").n_unique(),
    }
    sheet = {**measure.machine(), "moves": row}
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "decisions.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    table = Table(*row, box=SIMPLE_HEAD, title="moves of one night")
    table.add_row(*(f"{value:,}" for value in row.values()))
    console.print(table)
    return is_sound(lines)


def network(products: int, places: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Places of the transfer problem with 0 to 3 times their target, and what their orders are worth; seeded."""
    rng = np.random.default_rng(SEED)
    count = products * places
    mean = rng.gamma(0.5, 12.0, count).round(3) + 0.05
    demand = DemandDistribution.from_frame(DISPERSION)
    target = demand.quantile(mean, 9.0, 0.95)
    # most places are near their target, one in six is empty, one in six has far too much
    position = np.floor(target * rng.choice([0.0, 0.6, 0.9, 1.0, 1.2, 3.0], count))
    margin = np.repeat(rng.uniform(0.3, 6.0, products).round(2), places)
    frame = pl.DataFrame(
        {
            "sku_id": np.repeat([f"P{number:05d}" for number in range(products)], places),
            "location_id": np.tile([f"S{number:02d}" for number in range(places)], products),
            "position_qty": position,
            "movable_qty": position,
            "target_qty": target,
            "most_qty": np.full(count, np.inf),
            "demand_mean_qty": mean,
            "protection_days": np.full(count, 9.0),
            "segment": [ALL] * count,
            "unit_margin": margin,
            "idle_unit_amount": margin * 0.2,
            "order_multiple": np.repeat(rng.choice([1.0, 2.0, 6.0], products), places),
        }
    )
    # an order comes later than a move: it saves 30 to 100 % of the loss
    lost = demand.expected_shortage(mean, 9.0, position) * margin * rng.uniform(0.3, 1.0, count)
    worth = frame.select(*PLACE, action=pl.lit(ORDER), value_amount=pl.Series(lost)).filter(
        frame["position_qty"] < frame["target_qty"]
    )
    return frame, worth.select(pl.col(name).cast(kind) for name, kind in ACTIONS_SCHEMA.items())


def all_lanes(places: int) -> pl.DataFrame:
    """A lane between any two places, at 0.05 to 0.30 a unit and SHIPMENT a shipment."""
    rng = np.random.default_rng(SEED)
    names = [f"S{number:02d}" for number in range(places)]
    rows = [(a, b, 1.0, round(float(rng.uniform(0.05, 0.3)), 2), SHIPMENT) for a in names for b in names if a != b]
    columns = ["from_location_id", "to_location_id", "lead_time_days", "cost_per_unit", "cost_per_shipment"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def is_sound(lines: pl.DataFrame) -> bool:
    """Say whether every source keeps its target, every move is whole packs and every lane earns its shipment."""
    is_kept = (lines["source_position_after_qty"] >= lines["source_target_qty"] - 1e-9).all()
    is_whole = ((lines["qty"] / lines["order_multiple"]) % 1 == 0).all()
    earned = lines.group_by("from_location_id", "to_location_id").agg(pl.col("net_gain_amount").sum())
    return bool(is_kept and is_whole and (earned["net_gain_amount"] > 0).all())
