"""A generated company whose answer to prices is known: counts, seasons, promotions, stock-outs, products that hardly
move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

AS_OF = date(2025, 6, 29)
MECHANIC, DISCOUNTED = "display", "percent_off"


@dataclass(frozen=True)
class Truth:
    """weeks, mechanics, products as ml.response.panel.lay_out wants them; what is true by product."""

    weeks: pl.DataFrame
    mechanics: pl.DataFrame
    products: pl.DataFrame
    elasticity: np.ndarray
    discount_elasticity: np.ndarray
    display: np.ndarray


def company(
    products: int = 400,
    weeks: int = 104,
    seed: int = 1,
    *,
    places: int = 1,
    cross: float = 0.0,
    units_a_week: float = 25.0,
    moves_a_year: float = 3.0,
    drift: float = 0.0,
    parts: tuple[float, ...] = (1.0,),
) -> Truth:
    """Five departments of four categories. Elasticities vary around their category's, these around the department's.

    cross: units of the rest of the category for each unit that a discount brings. drift: sd of the log level of a
    product, which stays nine tenths of where it was from week to week. parts: of a week, on which its offer may hold;
    the week shows the mean price then, and the part is known of discounts too."""
    rng = np.random.default_rng(seed)
    category = np.arange(products) % 20
    department = category % 5
    of_department = -1.8 + 0.4 * rng.standard_normal(5)
    of_category = of_department[np.arange(20) % 5] + 0.3 * rng.standard_normal(20)
    elasticity = of_category[category] + 0.5 * rng.standard_normal(products)
    discount_elasticity = -elasticity + 0.6 + 0.4 * rng.standard_normal(products)
    display = 0.3 + 0.15 * rng.standard_normal(products)
    level = rng.gamma(0.8, units_a_week / 0.8, products) + 1.0
    price = np.exp(rng.normal(1.2, 0.6, products)).round(2)
    steps = np.where(rng.random((products, weeks)) < moves_a_year / 52, rng.normal(0.0, 0.12, (products, weeks)), 0.0)
    shelf = price[:, None] * np.exp(np.cumsum(steps, axis=1))
    on = rng.random((products, weeks)) < 0.12
    depth = np.where(on, rng.choice([0.1, 0.2, 0.3, 0.4], (products, weeks)), 0.0)
    shown = on & (rng.random((products, weeks)) < 0.5)
    at = np.arange(weeks)
    season = np.exp(
        0.3 * np.sin(2 * np.pi * (at[None, :] / 52 + rng.random((20, 1)))) + 0.08 * rng.standard_normal((20, weeks))
    )
    offered = -np.log1p(-depth)
    ended = np.where(depth > 0, 0.0, np.pad(offered, ((0, 0), (1, 0)))[:, :-1])
    lift = np.exp(discount_elasticity[:, None] * offered + display[:, None] * shown)
    part = np.full((products, weeks), 1.0) if parts == (1.0,) else rng.choice(parts, (products, weeks))
    bought_cheaper = part * lift / (1 - part + part * lift)  # of the units
    lift = (1 - part + part * lift) * np.exp(-0.5 * ended)
    shape = season[category] * (shelf / price[:, None]) ** elasticity[:, None]
    plain = level[:, None] * shape
    if drift:
        steps_of_level = rng.standard_normal((products, weeks)) * np.sqrt(1 - 0.9**2)
        wander = rng.standard_normal((products, weeks))
        for week in range(1, weeks):
            wander[:, week] = 0.9 * wander[:, week - 1] + steps_of_level[:, week]
        plain = plain * np.exp(drift * wander)
    if cross:
        brought = np.zeros((20, weeks))
        np.add.at(brought, category, plain * (lift - 1.0))
        whole = np.zeros((20, weeks))
        np.add.at(whole, category, plain)
        plain = plain * np.maximum(1.0 + cross * brought / whole, 0.3)[category]
    frames = []
    for place in range(places):
        share = 1.0 / places
        open_share = np.where(rng.random((products, weeks)) < 0.05, 0.5, 1.0)
        mean = plain * lift * share * open_share
        noise = rng.gamma(8.0, 1 / 8.0, (products, weeks))
        paid = shelf * (1 - depth * bought_cheaper)
        frames.append(_weeks(rng.poisson(mean * noise), shelf, paid, open_share, f"Z{place}"))
    first = AS_OF - timedelta(days=7 * weeks - 1)
    skus = [f"P{p:04d}" for p in range(products)]
    offers = [(MECHANIC, shown)] if parts == (1.0,) else [(MECHANIC, shown), (DISCOUNTED, on)]
    return Truth(
        weeks=pl.concat(frames).with_columns(
            sku_id=pl.lit(pl.Series(skus)).gather(pl.col("p")), week_start=pl.lit(first) + pl.duration(weeks="w")
        ),
        mechanics=pl.concat(_promoted(name, rows, part, skus, first) for name, rows in offers),
        products=pl.DataFrame(
            {
                "sku_id": skus,
                "department": [f"D{d}" for d in department],
                "category": [f"C{c}" for c in category],
            }
        ),
        elasticity=elasticity,
        discount_elasticity=discount_elasticity,
        display=display,
    )


def _promoted(mechanic: str, on: np.ndarray, part: np.ndarray, skus: list[str], first: date) -> pl.DataFrame:
    on_sku, on_week = np.nonzero(on)
    return pl.DataFrame(
        {
            "sku_id": [skus[p] for p in on_sku],
            "week_start": [first + timedelta(weeks=int(w)) for w in on_week],
            "mechanic": mechanic,
            "promoted_share": part[on],
        }
    )


def _weeks(units: np.ndarray, price: np.ndarray, paid: np.ndarray, open_share: np.ndarray, zone: str) -> pl.DataFrame:
    products, weeks = units.shape
    return pl.DataFrame(
        {
            "p": np.repeat(np.arange(products), weeks),
            "w": np.tile(np.arange(weeks), products),
            "zone_id": zone,
            "units_qty": units.ravel().astype(float),
            "price": price.ravel(),
            "paid_price": paid.ravel(),
            "availability_share": open_share.ravel(),
        }
    )
