"""Published forecast tables from block means: days, weeks and months with quantiles, in chunks of series.

What belongs here: laying out periods and rows. What does not: means (selection, reconciliation) and the distribution.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.calendar import forecast_months, forecast_weeks, month_start
from ml.forecasting.contract import DAILY_SCHEMA, MONTHLY_SCHEMA, WEEKLY_SCHEMA
from ml.forecasting.daily import HORIZON_DAYS, DayShares
from ml.forecasting.distribution import LEVEL_NAMES, DemandDistribution
from ml.forecasting.edits import EditLayer
from ml.forecasting.panel import BLOCK_DAYS
from ml.forecasting.settings import ForecastSettings


@dataclass(frozen=True)
class Period:
    """A published period and the days ahead that it covers: start (0 = as_of + 1) up to end, not included."""

    label: date
    start: int
    end: int


@dataclass(frozen=True)
class Final:
    """The night's forecast of all series: block means, which model each block is from, segments, planners' edits."""

    blocks: np.ndarray
    model: np.ndarray
    model_names: tuple[str, ...]
    segments: np.ndarray
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
    layouts = (days(as_of, settings), weeks(as_of, settings), months(as_of, settings))
    schemas = (DAILY_SCHEMA, WEEKLY_SCHEMA, MONTHLY_SCHEMA)
    parts: tuple[list[pl.DataFrame], ...] = ([], [], [])
    for start in range(0, series.height, settings.chunk_series):
        chunk = np.arange(start, min(start + settings.chunk_series, series.height))
        means = shares.split(final.blocks[chunk].astype(np.float64), chunk)
        edited = final.edits.apply(means, chunk)
        for layout, schema, collected in zip(layouts, schemas, parts, strict=True):
            collected.append(_rows(series, final, chunk, means, edited, layout, schema, distribution, as_of))
    daily, weekly, monthly = (
        pl.concat(collected, rechunk=False) if collected else pl.DataFrame(schema=schema)
        for collected, schema in zip(parts, schemas, strict=True)
    )
    return daily, weekly, monthly


def _rows(
    series: pl.DataFrame,
    final: Final,
    chunk: np.ndarray,
    means: np.ndarray,
    edited: np.ndarray,
    layout: list[Period],
    schema: pl.Schema,
    distribution: DemandDistribution,
    as_of: date,
) -> pl.DataFrame:
    """Rows of one table for one chunk of series: (series x periods)."""
    mean = _by_period(edited, layout)
    unedited = mean if edited is means else _by_period(means, layout)
    # a forecast of nothing has no shape to scale: it takes that of the quantity it was given
    shaped = np.where(unedited > 0, unedited, mean)
    quantiles = np.stack(
        [
            distribution.published_quantiles(shaped[:, k], period.end - period.start, period.start)
            for k, period in enumerate(layout)
        ],
        axis=1,
    )
    if edited is not means:
        quantiles *= np.where(shaped > 0, mean / np.where(shaped > 0, shaped, 1.0), 1.0)[:, :, None]
    block = np.array([period.start // BLOCK_DAYS for period in layout])
    model = final.model[np.ix_(chunk, block)].ravel()
    repeated = np.repeat(chunk, len(layout))
    covered = [period.end - period.start for period in layout]
    columns: dict[str, object] = {
        "as_of": pl.repeat(as_of, len(repeated), dtype=pl.Date, eager=True),
        "sku_id": series["sku_id"].gather(repeated),
        "location_id": series["location_id"].gather(repeated),
        **dict.fromkeys(
            ("date", "week_start", "month_start"),
            pl.Series([period.label for period in layout], dtype=pl.Date).gather(
                np.tile(np.arange(len(layout)), len(chunk))
            ),
        ),
        "days_covered": np.tile(np.array(covered, dtype=np.int32), len(chunk)),
        "mean": mean.ravel(),
        **{name: quantiles[:, :, k].ravel() for k, name in enumerate(LEVEL_NAMES)},
        "model": pl.Series(final.model_names).gather(model),
        "segment": pl.Series(final.segments[chunk].tolist(), dtype=pl.String).gather(
            np.repeat(np.arange(len(chunk)), len(layout))
        ),
    }
    return pl.DataFrame({name: columns[name] for name in schema}, schema=schema)


def _by_period(means: np.ndarray, layout: list[Period]) -> np.ndarray:
    """Sums of daily means over each period: (series, periods)."""
    return np.stack([means[:, period.start : period.end].sum(axis=1) for period in layout], axis=1)


def _period(as_of: date, start: date, end: date) -> Period:
    first = max((start - as_of).days - 1, 0)
    last = (end - as_of).days - 1
    if last > HORIZON_DAYS:
        raise ValueError(f"the period that starts on {start} ends {last} days ahead; {HORIZON_DAYS} are forecast")
    return Period(start, first, last)
