"""Demand as a dense matrix: one row a series, one column a block of seven days that ends on the cut-off.

What belongs here: turning the sparse history into blocks, and cutting a panel back to what was known earlier.
What does not: features of a series (features.py), days and calendar weeks (daily.py).

Blocks are counted from the cut-off backwards, so the newest is always whole and weekdays are always complete; an older
cut-off that lies a multiple of seven days back is a slice of the same matrix. 180,000 series x 52 blocks are 37 MB.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.calendar import Events

BLOCK_DAYS = 7
GROUPINGS = {  # name -> the columns that make a group
    "sku": ["sku_id"],
    "location": ["location_id"],
    "region": ["region"],
    "department": ["department"],
    "category": ["department", "category"],
    "region_department": ["region", "department"],
    "location_department": ["location_id", "department"],
    "region_sku": ["region", "sku_id"],
}
NODE_COLUMNS = {  # level -> the columns that name a node, joined by " / "
    "total": (),
    "region": ("region",),
    "location": ("location_id",),
    "department": ("department",),
    "category": ("department", "category"),
    "sku": ("sku_id",),
    "sku_location": ("sku_id", "location_id"),
}
TOTAL_NODE = "total"
LABELLED = ("location", "region", "department", "category")


@dataclass(frozen=True)
class Panel:
    """What was known at the close of `cutoff`.

    demand[i, b]: demand of series i in block b (float32); block `blocks - 1` ends on `cutoff`.
    born[i]: block of the first demand, `blocks` where there was none yet.
    codes: for each grouping (location, department, …) a code per series, 0-based and contiguous.
    events: the company's calendar, which is known in advance; regional_events: that of single regions, by code.
    labels: the name of each group, by code, of the groupings in LABELLED: a fitted model knows groups by name, for
    codes move when a place or a department is added.
    """

    cutoff: date
    demand: np.ndarray
    born: np.ndarray
    codes: dict[str, np.ndarray]
    events: Events = field(default_factory=dict)
    regional_events: dict[int, Events] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)

    @property
    def series(self) -> int:
        """Number of series."""
        return self.demand.shape[0]

    @property
    def blocks(self) -> int:
        """Number of whole blocks of history."""
        return self.demand.shape[1]

    def block_start(self, block: int) -> date:
        """First day of a block; blocks from `blocks` on lie in the future."""
        return self.cutoff + timedelta(days=1 - BLOCK_DAYS * (self.blocks - block))

    def earlier(self, blocks_back: int) -> "Panel":
        """The panel as it was `blocks_back` blocks ago: nothing later is in it."""
        if blocks_back == 0:
            return self
        kept = max(self.blocks - blocks_back, 0)
        return Panel(
            self.cutoff - timedelta(days=BLOCK_DAYS * blocks_back),
            self.demand[:, :kept],
            np.minimum(self.born, kept).astype(np.int32),
            self.codes,
            self.events,
            self.regional_events,
            self.labels,
        )


def build_panel(
    series: pl.DataFrame, history: pl.DataFrame, as_of: date, events: dict[str, Events] | None = None
) -> Panel:
    """Sum the sparse history (series_id, date, quantity; dates <= as_of) into blocks. Row i is series_id i + 1.

    events: by region, "" for the whole company (contract.check_events). The oldest days that do not fill a block are
    left out. A series' first demand counts as its birth.
    """
    known = history.filter(pl.col("date") <= as_of)
    days_ago = known.select((pl.lit(as_of) - pl.col("date")).dt.total_days().cast(pl.Int64)).to_series().to_numpy()
    span = int(days_ago.max()) + 1 if len(days_ago) else 0
    blocks = max(span // BLOCK_DAYS, 1)
    row = known["series_id"].to_numpy().astype(np.int64) - 1
    column = blocks - 1 - days_ago // BLOCK_DAYS
    whole = column >= 0
    flat = np.bincount(
        row[whole] * blocks + column[whole],
        weights=known["quantity"].to_numpy()[whole],
        minlength=series.height * blocks,
    )
    demand = flat.reshape(series.height, blocks).astype(np.float32)
    sold = demand > 0
    born = np.where(sold.any(axis=1), sold.argmax(axis=1), blocks).astype(np.int32)
    labels, events = group_labels(series), events or {}
    regional = {code: events[name] for code, name in enumerate(labels["region"]) if name and name in events}
    return Panel(as_of, demand, born, group_codes(series), events.get("", {}), regional, labels)


def node_names(series: pl.DataFrame, level: str) -> list[str]:
    """Name of the node of a level that each series belongs to; the parts of a name are joined by " / "."""
    columns = NODE_COLUMNS[level]
    if not columns:
        return [TOTAL_NODE] * series.height
    parts = [pl.col(name).cast(pl.String).fill_null("") for name in columns]
    return series.select(pl.concat_str(parts, separator=" / ")).to_series().to_list()


def group_codes(series: pl.DataFrame) -> dict[str, np.ndarray]:
    """Codes per series of each grouping that forecasts are compared and scaled in; missing values are one group."""
    filled = _filled_keys(series)
    codes = {"total": np.zeros(series.height, dtype=np.int32)}
    for name, columns in GROUPINGS.items():
        rank = filled.select(pl.struct(columns).rank("dense").cast(pl.Int32) - 1).to_series()
        codes[name] = rank.to_numpy()
    return codes


def group_labels(series: pl.DataFrame) -> dict[str, list[str]]:
    """Name of each group of the groupings in LABELLED, in the order of the codes of `group_codes`."""
    filled = _filled_keys(series)
    return {name: node_names(filled.select(GROUPINGS[name]).unique().sort(GROUPINGS[name]), name) for name in LABELLED}


def _filled_keys(series: pl.DataFrame) -> pl.DataFrame:
    return series.select(pl.col("sku_id", "location_id", "region", "department", "category").fill_null(""))


def sum_groups(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Sum the rows of a matrix by group code: (groups, columns), float64."""
    groups = int(codes.max()) + 1 if len(codes) else 0
    result = np.zeros((groups, values.shape[1]))
    for column in range(values.shape[1]):
        result[:, column] = np.bincount(codes, weights=values[:, column], minlength=groups)
    return result
