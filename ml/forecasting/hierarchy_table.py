"""The table `forecast_hierarchy`: every node of the hierarchy by week and month, as a sum of its series.

What belongs here: levels, nodes and their quantiles. What does not: forecasts of series (tables.py), and how far nodes
fall from their forecasts (evaluation/level_dispersion.py).

Means are sums of the published means of series, so every node is the sum of its children and of its days. A channel has
no series of its own: a place's forecast is shared out by what each channel sold of it lately.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.contract import ContractError
from ml.forecasting.distribution import LEVEL_NAMES, DemandDistribution
from ml.forecasting.panel import node_names, sum_groups
from ml.forecasting.tables import Period

HIERARCHY_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "level": pl.String,
        "node": pl.String,
        "period_type": pl.String,
        "period_start": pl.Date,
        "days_covered": pl.Int32,
        "mean": pl.Float64,
        **dict.fromkeys(LEVEL_NAMES, pl.Float64),
    }
)
LEVELS = ("total", "region", "department", "category", "sku")
CHANNEL = "channel"
CHANNEL_MEASURED_AS = "region"  # whose dispersion a channel takes: of the levels measured, the nearest in size
MIX_COLUMNS = ("location_id", "channel", "quantity")


@dataclass(frozen=True)
class PeriodMeans:
    """Means of all series (series, periods) for the periods of one type."""

    period_type: str
    periods: list[Period]
    means: np.ndarray


def hierarchy_table(
    series: pl.DataFrame,
    parts: list[PeriodMeans],
    level_dispersion: pl.DataFrame,
    channel_mix: pl.DataFrame | None,
    as_of: date,
) -> pl.DataFrame:
    """One row a level x node x period (HIERARCHY_SCHEMA).

    channel_mix: units that each channel sold at each place lately (MIX_COLUMNS); without it there is no channel level.
    Raises ContractError when it lacks a column.
    """
    frames = []
    for level in LEVELS:
        nodes, codes = np.unique(np.array(node_names(series, level), dtype=str), return_inverse=True)
        distribution = _distribution(level_dispersion, level)
        for part in parts:
            frames.append(_rows(level, nodes.tolist(), sum_groups(part.means, codes), part, distribution, as_of))
    channels = _channel_shares(series, channel_mix)
    if channels is not None:
        names, shares = channels
        distribution = _distribution(level_dispersion, CHANNEL_MEASURED_AS)
        for part in parts:
            frames.append(_rows(CHANNEL, names, shares.T @ part.means, part, distribution, as_of))
    return pl.concat(frames) if frames else pl.DataFrame(schema=HIERARCHY_SCHEMA)


def _channel_shares(series: pl.DataFrame, mix: pl.DataFrame | None) -> tuple[list[str], np.ndarray] | None:
    """(channels, their shares in each series: (series, channels), rows sum to 1); without sales those of all places."""
    if mix is None:
        return None
    missing = [name for name in MIX_COLUMNS if name not in mix.columns]
    if missing:
        raise ContractError(f"the channel mix lacks the columns {missing}; it needs {list(MIX_COLUMNS)}")
    sold = mix.filter(pl.col("quantity") > 0, pl.col("channel").is_not_null()).sort("location_id", "channel")
    if sold.is_empty():
        return None
    names, column = np.unique(sold["channel"].to_numpy(), return_inverse=True)
    places, row = np.unique(sold["location_id"].to_numpy(), return_inverse=True)
    units = np.zeros((len(places) + 1, len(names)))  # the last row: all places together
    np.add.at(units, (row, column), sold["quantity"].cast(pl.Float64).to_numpy())
    units[-1] = units[:-1].sum(axis=0)
    shares = units / units.sum(axis=1, keepdims=True)
    place_of = {place: index for index, place in enumerate(places.tolist())}
    index = np.array([place_of.get(place, len(places)) for place in series["location_id"].to_list()], dtype=np.int64)
    return names.tolist(), shares[index]


def _distribution(level_dispersion: pl.DataFrame, level: str) -> DemandDistribution:
    return DemandDistribution.from_frame(level_dispersion.filter(pl.col("level") == level).drop("level"))


def _rows(
    level: str, names: list[str], means: np.ndarray, part: PeriodMeans, distribution: DemandDistribution, as_of: date
) -> pl.DataFrame:
    """Rows of one level and period type; means: (nodes, periods)."""
    quantiles = np.stack(
        [
            distribution.published_quantiles(means[:, k], period.end - period.start, period.start)
            for k, period in enumerate(part.periods)
        ],
        axis=1,
    )
    count = len(names) * len(part.periods)
    tiled = np.tile(np.arange(len(part.periods)), len(names))
    columns = {
        "as_of": pl.repeat(as_of, count, dtype=pl.Date, eager=True),
        "level": pl.repeat(level, count, dtype=pl.String, eager=True),
        "node": pl.Series(names, dtype=pl.String).gather(np.repeat(np.arange(len(names)), len(part.periods))),
        "period_type": pl.repeat(part.period_type, count, dtype=pl.String, eager=True),
        "period_start": pl.Series([period.label for period in part.periods], dtype=pl.Date).gather(tiled),
        "days_covered": np.array([period.end - period.start for period in part.periods], dtype=np.int32)[tiled],
        "mean": means.ravel(),
        **{name: quantiles[:, :, k].ravel() for k, name in enumerate(LEVEL_NAMES)},
    }
    return pl.DataFrame(columns, schema=HIERARCHY_SCHEMA)
