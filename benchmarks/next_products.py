"""What customers buy next: the night's ranking beside best-sellers and what was bought before, on a held-out month.

    python -m benchmarks.run --only next_products

Real loyalty data of one year (the demo's households). Everything learns from what was known on 3 December 2017 and is
asked about the 28 days after. hit_rate_at_10: of ten products shown to a household, the share that it bought in them.
"""

from __future__ import annotations

import json
import time
from datetime import date

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import measure
from benchmarks.options import Options
from ml.customers.next_products import AGAIN, BEST, HIT_RATE, LIGHTGBM, NEW, next_products
from ml.customers.settings import CustomerSettings

LAST_DAY = date(2017, 12, 31)
# the bars: hit rate above best-sellers by half, above what was bought most often by a twentieth
ABOVE = {BEST: 1.5, AGAIN: 1.05}


def run(options: Options, console: Console) -> bool:
    """Measure the contenders; False when the ranking misses a bar."""
    purchases, products = _loyalty()
    customers = purchases.select("customer_id").unique().with_columns(marketing_consent=pl.lit(True))
    began = time.perf_counter()
    found = next_products(purchases, products, customers, LAST_DAY, CustomerSettings())
    seconds = round(time.perf_counter() - began, 1)
    wide = found.accuracy.pivot("metric", index="model", values="value", maintain_order=True)
    table = Table(*wide.columns, box=SIMPLE_HEAD, title=f"{found.accuracy['customers'][0]:,} households, {seconds} s")
    for row in wide.iter_rows():
        table.add_row(*(cell if isinstance(cell, str) else f"{cell:,.4f}" for cell in row))
    console.print(table)
    rates = dict(wide.select("model", HIT_RATE).iter_rows())
    for rule, factor in ABOVE.items():
        console.print(
            f"above {rule}: {rates[LIGHTGBM] / rates[rule] - 1:+.1%} (bar {factor - 1:+.0%})", highlight=False
        )
    new = found.lines.filter(pl.col("kind") == NEW)
    sheet = {**measure.machine(), "seconds": seconds, "contenders": wide.to_dicts(), "new_lines": new.height}
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "next_products.json").write_text(json.dumps(sheet, indent=2) + "\n", encoding="utf-8")
    return all(rates[LIGHTGBM] >= factor * rates[rule] for rule, factor in ABOVE.items())


def _loyalty() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Purchases and products as the night hands them to the ranking."""
    from seeds.demo.source import read_journey
    from seeds.demo.tills import read_tills

    journey = read_journey()
    tills = read_tills(journey.transactions, journey.products)
    lines = tills.sales.filter(pl.col("customer_id").is_not_null() & (pl.col("quantity") > 0))
    purchases = lines.select("customer_id", "sku_id", date=pl.col("sold_on")).unique().sort(pl.all())
    named = (
        lines.select("sku_id")
        .unique()
        .join(
            journey.products.select(
                sku_id=pl.col("product_id").cast(pl.String),
                department=pl.col("department"),
                category=pl.col("product_category"),
                group=pl.coalesce("product_type", "product_category", "department"),
            ),
            on="sku_id",
            how="left",
        )
    )
    return purchases, named.sort("sku_id").with_columns(product_name=pl.col("sku_id"), is_discontinued=pl.lit(False))
