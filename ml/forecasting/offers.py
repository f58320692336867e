"""Prices and promotions of the series by block, past and planned: what customers were and will be offered.

What belongs here: laying periods out in the blocks of a panel, and what of the plan was known at an earlier cut-off.
What does not: what an offer does to demand (models/offer_effects.py).

Neither feed says when a plan was made. Tonight's plan shows how far ahead this company plans: its reach, the blocks
ahead for which as many promotions are listed as usual (half the median of the last 26 blocks). An earlier cut-off is
given the promotions of as many blocks ahead and none beyond; of prices, which may stand in the list for years, the
changes of as many days ahead as tonight's last one; beyond, the last known price is carried forward.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.contract import HORIZON_BLOCKS, ContractError
from ml.forecasting.panel import BLOCK_DAYS

PRICES_SCHEMA = pl.Schema({"series_id": pl.Int32, "valid_from": pl.Date, "valid_to": pl.Date, "price": pl.Float64})
PROMOTIONS_SCHEMA = pl.Schema(
    {
        "series_id": pl.Int32,
        "promotion_id": pl.String,
        "starts_on": pl.Date,
        "ends_on": pl.Date,
        "mechanic": pl.String,
        "depth": pl.Float64,
        "part": pl.Float64,
    }
)
MAX_STRENGTH = 3.0  # of a promotion, where a depth of 1 is that of the mechanic's median
_USUAL_BLOCKS = 26
_NOTHING = 1e-6  # of a strength: what is left of sums of the other periods


@dataclass(frozen=True)
class Offers:
    """Offers in the blocks of a panel of `blocks` known blocks, and ahead of it.

    strength[m][i, b]: how much series i is on promotion of mechanic m in block b: share of its days x relative depth x
    part of its places (float32). Columns up to blocks + reach are the plan in full; beyond, where there are columns,
    single promotions that are listed already.
    price[i, b]: mean price over the days of the block, NaN where none is known; None where no prices are delivered.
    Columns go to blocks + price_reach at least; beyond, the last known price holds.
    """

    blocks: int
    strength: dict[str, np.ndarray]
    reach: int
    price: np.ndarray | None
    price_reach: int

    def earlier(self, blocks_back: int) -> "Offers":
        """What was known `blocks_back` blocks ago: a plan as far ahead as tonight's, and nothing later."""
        return self._cut(blocks_back, self.reach, self.price_reach) if blocks_back else self

    def as_they_came(self, blocks_back: int, ahead: int) -> "Offers":
        """As if the offers of `ahead` blocks had been known `blocks_back` blocks ago: to judge effects, not plans."""
        return self._cut(blocks_back, ahead, ahead)

    def _cut(self, blocks_back: int, reach: int, price_reach: int) -> "Offers":
        blocks = max(self.blocks - blocks_back, 0)
        price = None if self.price is None else self.price[:, : blocks + price_reach]
        strength = {name: matrix[:, : blocks + reach] for name, matrix in self.strength.items()}
        return Offers(blocks, strength, reach, price, price_reach)

    def prices_ahead(self, rows: np.ndarray, ahead: int) -> np.ndarray:
        """Price of some series in each block ahead as far as known, then the last known one: (rows, ahead)."""
        assert self.price is not None
        filled = _filled_forward(self.price[rows, : self.blocks + ahead])
        missing = self.blocks + ahead - filled.shape[1]
        return np.pad(filled, ((0, 0), (0, missing)), mode="edge")[:, self.blocks :].astype(np.float64)


@dataclass(frozen=True)
class NightOffers:
    """The offers of a night: in blocks, and its promotions of the last week and to come, day by day.

    planned: PROMOTIONS_SCHEMA and `strength`, of those that end on as_of - 6 or later; sorted by series and promotion.
    """

    blocks: Offers
    planned: pl.DataFrame


def check_prices(prices: pl.DataFrame | None, series: int) -> pl.DataFrame | None:
    """Prices with the agreed types, of positive amount, or None where there are none.

    Raises ContractError on missing columns or series that are not listed.
    """
    rows = _checked(prices, PRICES_SCHEMA, "prices", series)
    if rows is None:
        return None
    good = rows.filter(pl.col("price").is_finite() & (pl.col("price") > 0), pl.col("valid_from") <= pl.col("valid_to"))
    return None if good.is_empty() else good


def check_promotions(promotions: pl.DataFrame | None, series: int) -> pl.DataFrame | None:
    """Promotions with the agreed types, or None where there are none. Raises ContractError as check_prices."""
    rows = _checked(promotions, PROMOTIONS_SCHEMA, "promotions", series)
    if rows is None:
        return None
    good = rows.filter(pl.col("starts_on") <= pl.col("ends_on"), pl.col("mechanic").is_not_null())
    return None if good.is_empty() else good


def night_offers(
    prices: pl.DataFrame | None, promotions: pl.DataFrame | None, series: int, blocks: int, as_of: date
) -> NightOffers | None:
    """Check what came (PRICES_SCHEMA, PROMOTIONS_SCHEMA) and lay it out; None where nothing came.

    Periods of prices of a series do not overlap. part: share of a series' places that take part (1 for a place). Depths
    count relative to the median of their mechanic up to as_of (of all, where none has begun), so a cut twice as deep is
    twice as strong; one without a depth counts as usual. Raises ContractError as check_prices.
    """
    known, listed = check_prices(prices, series), check_promotions(promotions, series)
    if known is None and listed is None:
        return None
    rated = pl.DataFrame(schema={**PROMOTIONS_SCHEMA, "strength": pl.Float64})
    if listed is not None:
        rated = listed.with_columns(strength=relative_depths(listed, as_of) * pl.col("part"))
    late = rated.filter(pl.col("ends_on") > as_of - timedelta(days=BLOCK_DAYS)).sort("series_id", "promotion_id")
    return NightOffers(_lay_out(known, rated, series, blocks, as_of), late)


def _lay_out(prices: pl.DataFrame | None, rated: pl.DataFrame, series: int, blocks: int, as_of: date) -> Offers:
    start, columns = as_of - timedelta(days=BLOCK_DAYS * blocks - 1), blocks + HORIZON_BLOCKS
    shape = (series, columns)
    strength: dict[str, np.ndarray] = {}
    days = np.zeros(columns)
    for name in rated["mechanic"].unique().sort():
        own = rated.filter(pl.col("mechanic") == name)
        amounts = spread(own, ("starts_on", "ends_on"), "strength", shape, start, BLOCK_DAYS)
        strength[name] = np.clip(amounts / BLOCK_DAYS, 0.0, MAX_STRENGTH).astype(np.float32)
        strength[name][strength[name] < _NOTHING] = 0.0
        days += strength[name].sum(axis=0, dtype=np.float64)
    if prices is None:
        return Offers(blocks, strength, _reach(days, blocks), None, 0)
    layout = (("valid_from", "valid_to"), "price", shape, start, BLOCK_DAYS)
    amounts, known = spread(prices, *layout), spread(prices.with_columns(price=pl.lit(1.0)), *layout)
    price = np.divide(amounts, known, out=np.full(shape, np.nan), where=known > 0.5).astype(np.float32)
    first = (prices["valid_from"] - start).dt.total_days().to_numpy() // BLOCK_DAYS
    changes = np.bincount(first[(first > 0) & (first < columns)], minlength=columns)
    return Offers(blocks, strength, _reach(days, blocks), price, _reach(changes.astype(np.float64), blocks))


def relative_depths(promotions: pl.DataFrame, as_of: date) -> pl.Series:
    """Depth of each promotion over the median of its mechanic, within 1/4 … MAX_STRENGTH; 1 where none is given."""
    past = promotions.filter(pl.col("depth") > 0)
    begun = past.filter(pl.col("starts_on") <= as_of)
    usual = (begun if begun.height else past).group_by("mechanic").agg(usual=pl.col("depth").median())
    joined = promotions.join(usual, on="mechanic", how="left", maintain_order="left")
    ratio = pl.when(pl.col("depth") > 0).then(pl.col("depth") / pl.col("usual"))
    return joined.select(ratio.clip(0.25, MAX_STRENGTH).fill_null(1.0).alias("ratio")).to_series()


def spread(
    periods: pl.DataFrame, span: tuple[str, str], amount: str, shape: tuple[int, int], start: date, unit: int
) -> np.ndarray:
    """Sum of `amount` over the days of each unit of days from `start` on: float64 of `shape` (series, units).

    span: the columns of the first and last day of a period; row i of the result is series_id i + 1.
    """
    series, units = shape
    row = periods["series_id"].to_numpy().astype(np.int64) - 1
    begin = (periods[span[0]] - start).dt.total_days().to_numpy().astype(np.int64)
    end = (periods[span[1]] - start).dt.total_days().to_numpy().astype(np.int64) + 1
    begin, end = np.maximum(begin, 0), np.minimum(end, units * unit)
    value, inside = periods[amount].to_numpy().astype(np.float64), begin < end
    # a period adds unit x amount to every unit from its first day on, and takes it away from the day after its last
    steps = np.zeros((series, units + 2))
    for day, sign in ((begin[inside], 1.0), (end[inside], -1.0)):
        place, into = np.divmod(day, unit)
        np.add.at(steps, (row[inside], place), sign * value[inside] * (unit - into))
        np.add.at(steps, (row[inside], place + 1), sign * value[inside] * into)
    return np.cumsum(steps, axis=1)[:, :units]


def _reach(amounts: np.ndarray, blocks: int) -> int:
    """Blocks ahead, from the first on, of which each holds half of what the last 26 blocks hold in the median."""
    usual = float(np.median(amounts[max(blocks - _USUAL_BLOCKS, 0) : blocks])) if blocks else 0.0
    if usual <= 0:
        return 0
    short = np.flatnonzero(amounts[blocks:] < usual / 2)
    return int(short[0]) if len(short) else HORIZON_BLOCKS


def _filled_forward(values: np.ndarray) -> np.ndarray:
    """The last known value of each row at or before each column; NaN before the first."""
    known = np.where(np.isnan(values), 0, np.arange(values.shape[1], dtype=np.int32)[None, :])
    return np.take_along_axis(values, np.maximum.accumulate(known, axis=1), axis=1)


def _checked(frame: pl.DataFrame | None, schema: pl.Schema, name: str, series: int) -> pl.DataFrame | None:
    if frame is None or frame.is_empty():
        return None
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise ContractError(f"{name} lack the columns {missing}; see {name.upper()}_SCHEMA in ml/forecasting/offers.py")
    rows = frame.select(pl.col(column).cast(kind) for column, kind in schema.items())
    strangers = rows.filter(~pl.col("series_id").is_between(1, series) | pl.col("series_id").is_null())
    if strangers.height:
        raise ContractError(
            f"{name} hold series_id {strangers['series_id'][0]}, which is not among the {series} series"
        )
    return rows
