"""Small made-up companies: seeded, so that every test sees the same numbers."""

from datetime import date, timedelta

import numpy as np
import polars as pl

AS_OF = date(2024, 2, 28)  # a leap year, mid-week, the day before the 29th


def make_series(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "series_id": range(1, count + 1),
            "sku_id": [f"S{k // 3:04d}" for k in range(count)],
            "location_id": [f"L{k % 3}" for k in range(count)],
            "is_pooled": [False] * count,
            "region": ["north" if k % 3 else "south" for k in range(count)],
            "department": [f"D{k % 2}" for k in range(count)],
            "category": [f"C{k % 4}" for k in range(count)],
        },
        schema_overrides={"series_id": pl.Int32},
    )


def make_history(count: int, days: int, as_of: date = AS_OF, seed: int = 0, highest: float = 4.0) -> pl.DataFrame:
    """Poisson sales with a weekday pattern, rates spread evenly in logarithms; series enter over the first third."""
    rng = np.random.default_rng(seed)
    rate = np.exp(np.linspace(np.log(0.02), np.log(highest), count))
    weekday = np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.4, 0.9])
    dates = [as_of - timedelta(days=days - 1 - k) for k in range(days)]
    pattern = np.array([weekday[d.weekday()] for d in dates])
    quantity = rng.poisson(rate[:, None] * pattern[None, :]).astype(float)
    quantity[np.arange(days)[None, :] < rng.integers(0, max(days // 3, 1), count)[:, None]] = 0
    row, column = np.nonzero(quantity)
    return pl.DataFrame(
        {"series_id": row + 1, "date": [dates[k] for k in column], "quantity": quantity[row, column]},
        schema={"series_id": pl.Int32, "date": pl.Date, "quantity": pl.Float64},
    )
