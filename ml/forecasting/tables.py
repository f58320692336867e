"""Published forecast tables from block means: days, weeks and months with quantiles, in chunks of series.

What belongs here: laying out periods and rows. What does not: means (selection, reconciliation) and the distribution.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa

from ml.forecasting.calendar import forecast_months, forecast_weeks, month_start
from ml.forecasting.contract import DAILY_SCHEMA, MONTHLY_SCHEMA, WEEKLY_SCHEMA
from ml.forecasting.daily import HORIZON_DAYS, DayShares
from ml.forecasting.distribution import LEVEL_NAMES, DemandDistribution
from ml.forecasting.edits import EditLayer
from ml.forecasting.offer_layer import OfferLayer
from ml.forecasting.panel import BLOCK_DAYS
from ml.forecasting.settings import ForecastSettings
from ml.forecasting.shards import map_shards

# with 180,000 series two workers were no faster than one on two busy cores: starting them and sending 270 MB of means
# costs what the second one saves
PARALLEL_SERIES = 500_000


@dataclass(frozen=True)
class Period:
    """A published period and the days ahead that it covers: start (0 = as_of + 1) up to end, not included."""

    label: date
    start: int
    end: int


@dataclass(frozen=True)
class Final:
    """The night's forecast of all series: block means, which model each block is from, segments, offers, edits."""

    blocks: np.ndarray
    model: np.ndarray
    model_names: tuple[str, ...]
    segments: np.ndarray
    offers: OfferLayer
    edits: EditLayer


def days(as_of: date, settings: ForecastSettings) -> list[Period]:
    """The days published one by one."""
    return [Period(as_of + timedelta(days=k + 1), k, k + 1) for k in range(settings.daily_days)]


def weeks(as_of: date, settings: ForecastSettings) -> list[Period]:
    """The weeks published; the first may be under way and covers what lies ahead of it."""
    starts = forecast_weeks(as_of, settings.week_starts_on, settings.weeks)
    return [_period(as_of, start, start + timedelta(days=7)) for start in starts]


def months(as_of: date, settings: ForecastSettings) -> list[Period]:
    """The months published; the first covers what lies ahead of it."""
    return [_period(as_of, start, month_start(start, 1)) for start in forecast_months(as_of, settings.months)]


def publish(
    series: pl.DataFrame,
    final: Final,
    shares: DayShares,
    distribution: DemandDistribution,
    as_of: date,
    settings: ForecastSettings,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(daily, weekly, monthly) in the order of series_id and period. Means of weeks and months are sums of days.

    Edits act on days, so sums of edited days are edited weeks; quantiles are those before the edit, scaled as the mean.
    """
    named = (("date", DAILY_SCHEMA), ("week_start", WEEKLY_SCHEMA), ("month_start", MONTHLY_SCHEMA))
    layouts = (days(as_of, settings), weeks(as_of, settings), months(as_of, settings))
    work = partial(_publish_shard, layouts=layouts, names=final.model_names, distribution=distribution)
    workers = settings.threads if series.height >= PARALLEL_SERIES else 1
    parts: tuple[list[pl.DataFrame], ...] = ([], [], [])
    for table in map_shards(work, _shards(series, final, shares, settings.chunk_series), workers):
        rows = pl.DataFrame(table)
        count, start = rows.height // sum(map(len, layouts)), 0
        for layout, (period, schema), collected in zip(layouts, named, parts, strict=True):
            own = rows.slice(start, count * len(layout)).rename({"label": period}).with_columns(as_of=pl.lit(as_of))
            collected.append(own.select(pl.col(name).cast(kind) for name, kind in schema.items()))
            start += own.height
    daily, weekly, monthly = (
        pl.concat(collected, rechunk=False) if collected else pl.DataFrame(schema=schema)
        for collected, (_, schema) in zip(parts, named, strict=True)
    )
    return daily, weekly, monthly


def _shards(series: pl.DataFrame, final: Final, shares: DayShares, size: int) -> Iterator[pa.Table]:
    """Self-contained tables of so many series: keys, segment, model of each block, daily means, edited ones."""
    for start in range(0, series.height, size):
        chunk = np.arange(start, min(start + size, series.height))
        means = final.offers.apply(shares.split(final.blocks[chunk].astype(np.float64), chunk), chunk)
        edited = final.edits.apply(means, chunk)
        yield pa.table(
            {
                "sku_id": series["sku_id"].gather(chunk).to_arrow(),
                "location_id": series["location_id"].gather(chunk).to_arrow(),
                "segment": pa.array(final.segments[chunk].tolist(), pa.string()),
                "model": _listed(final.model[chunk]),
                "mean": _listed(means),
                **({"edited": _listed(edited)} if edited is not means else {}),
            }
        )


def _publish_shard(
    shard: pa.Table, layouts: tuple[list[Period], ...], names: tuple[str, ...], distribution: DemandDistribution
) -> pa.Table:
    """Rows of one shard: those of all days, then of all weeks, then of all months; `label` names the period."""
    means, model = _matrix(shard["mean"]), _matrix(shard["model"])
    edited = _matrix(shard["edited"]) if "edited" in shard.column_names else means
    keys = pl.DataFrame({name: shard[name] for name in ("sku_id", "location_id", "segment")})
    rows = [_rows(keys, model, names, means, edited, layout, distribution) for layout in layouts]
    return pl.concat(rows).to_arrow()


def _listed(values: np.ndarray) -> pa.Array:
    """A matrix as one column of lists of equal length."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).ravel()), values.shape[1])


def _matrix(column: pa.ChunkedArray) -> np.ndarray:
    """The matrix that `_listed` was given."""
    lists = column.combine_chunks()
    return lists.flatten().to_numpy().reshape(len(lists), -1)


def _rows(
    keys: pl.DataFrame,
    model: np.ndarray,
    names: tuple[str, ...],
    means: np.ndarray,
    edited: np.ndarray,
    layout: list[Period],
    distribution: DemandDistribution,
) -> pl.DataFrame:
    """Rows of one table for one shard: (series x periods). keys: sku_id, location_id, segment of each series."""
    mean = _by_period(edited, layout)
    unedited = mean if edited is means else _by_period(means, layout)
    # a forecast of nothing has no shape to scale: it takes that of the quantity it was given
    shaped = np.where(unedited > 0, unedited, mean)
    segment = distribution.codes(keys["segment"])
    quantiles = np.stack(
        [
            distribution.published_quantiles(shaped[:, k], period.end - period.start, period.start, segment)
            for k, period in enumerate(layout)
        ],
        axis=1,
    )
    if edited is not means:
        quantiles *= np.where(shaped > 0, mean / np.where(shaped > 0, shaped, 1.0), 1.0)[:, :, None]
    block = np.array([period.start // BLOCK_DAYS for period in layout])
    repeated = np.repeat(np.arange(keys.height), len(layout))
    tiled = np.tile(np.arange(len(layout)), keys.height)
    covered = np.array([period.end - period.start for period in layout], dtype=np.int32)
    return pl.DataFrame(
        {
            "sku_id": keys["sku_id"].gather(repeated),
            "location_id": keys["location_id"].gather(repeated),
            "label": pl.Series([period.label for period in layout], dtype=pl.Date).gather(tiled),
            "days_covered": covered[tiled],
            "mean": mean.ravel(),
            **{name: quantiles[:, :, k].ravel() for k, name in enumerate(LEVEL_NAMES)},
            "model": pl.Series(names, dtype=pl.String).gather(model[:, block].ravel()),
            "segment": keys["segment"].gather(repeated),
        }
    )


def _by_period(means: np.ndarray, layout: list[Period]) -> np.ndarray:
    """Sums of daily means over each period: (series, periods)."""
    return np.stack([means[:, period.start : period.end].sum(axis=1) for period in layout], axis=1)


def _period(as_of: date, start: date, end: date) -> Period:
    first = max((start - as_of).days - 1, 0)
    last = (end - as_of).days - 1
    if last > HORIZON_DAYS:
        raise ValueError(f"the period that starts on {start} ends {last} days ahead; {HORIZON_DAYS} are forecast")
    return Period(start, first, last)
