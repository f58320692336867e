"""From blocks of seven days to days: weekday profiles, what the calendar does to single days, and days of closure.

What belongs here: shares of a block's days, and sums of days over weeks and months. What does not: forecasting
blocks, and how effects of days are estimated (models/day_effects.py, with figures). Days are the base of everything
published, so weeks and months are sums of days and add up exactly.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.hierarchy import hierarchy_of
from ml.forecasting.models.day_effects import calendar_factor, closed_days
from ml.forecasting.panel import BLOCK_DAYS, Panel

PROFILE_WEEKS = 26
HORIZON_DAYS = HORIZON_BLOCKS * BLOCK_DAYS
_SERIES_TRUST = 60.0  # days sold at which a series' own profile weighs as much as that of its place and department
_GROUP_TRUST = 200.0


@dataclass(frozen=True)
class DayShares:
    """How blocks split into days.

    weekday[i, d]: share of day d of a block of series i (day 0 follows the cut-off). open_days[t]: 0 or 1 for each day
    ahead. calendar[c, t]: factor of what the calendar does to day t in cell c; cell[i]: the cell of a series.
    """

    weekday: np.ndarray
    open_days: np.ndarray
    calendar: np.ndarray
    cell: np.ndarray

    def split(self, blocks: np.ndarray, series: np.ndarray | slice) -> np.ndarray:
        """Daily means (rows, HORIZON_DAYS) of block means (rows, HORIZON_BLOCKS); every block keeps its sum.

        A block whose days are all closed is spread evenly: its demand was forecast, only its day is unknown.
        """
        shares = np.tile(self.weekday[series], (1, HORIZON_BLOCKS)) * self.open_days * self.calendar[self.cell[series]]
        by_block = shares.reshape(len(shares), HORIZON_BLOCKS, BLOCK_DAYS)
        total = by_block.sum(axis=2, keepdims=True)
        even = self.open_days.reshape(HORIZON_BLOCKS, BLOCK_DAYS)
        even = np.where(even.any(axis=1, keepdims=True), even, 1.0)
        flat = even / even.sum(axis=1, keepdims=True)
        by_block = np.where(total > 0, by_block / np.maximum(total, 1e-12), flat[None])
        return (by_block * blocks[:, :, None]).reshape(len(shares), HORIZON_DAYS)


def learn_day_shares(history: pl.DataFrame, panel: Panel, country: str | None) -> DayShares:
    """Weekday profile from the last 26 weeks: own days shrunk to place x department, that to the whole company.

    country: whose public holidays count (ISO code), None for none.
    """
    cutoff = panel.cutoff
    recent = history.filter(pl.col("date").is_between(cutoff - timedelta(days=BLOCK_DAYS * PROFILE_WEEKS - 1), cutoff))
    days_ago = recent.select((pl.lit(cutoff) - pl.col("date")).dt.total_days().cast(pl.Int64)).to_series().to_numpy()
    row = recent["series_id"].to_numpy().astype(np.int64) - 1
    day = BLOCK_DAYS - 1 - days_ago % BLOCK_DAYS
    quantity = recent["quantity"].to_numpy()
    own = _tally(row, day, quantity, panel.series)
    days_sold = np.bincount(row, minlength=panel.series).astype(np.float64)
    codes = panel.codes["location_department"]
    groups = int(codes.max()) + 1 if panel.series else 0
    group = _tally(codes[row], day, quantity, groups)
    group_days = np.bincount(codes[row], minlength=groups).astype(np.float64)
    company = _share(_tally(np.zeros_like(row), day, quantity, 1), np.full((1, BLOCK_DAYS), 1 / BLOCK_DAYS))
    group_share = _shrink(group, group_days, _GROUP_TRUST, np.repeat(company, groups, axis=0))
    weekday = _shrink(own, days_sold, _SERIES_TRUST, group_share[codes])
    hierarchy = hierarchy_of(panel.codes)
    calendar = calendar_factor(history, panel, hierarchy, HORIZON_DAYS, country)
    return DayShares(weekday.astype(np.float32), open_days(history, cutoff), calendar, hierarchy.cell_of)


def open_days(history: pl.DataFrame, cutoff: date) -> np.ndarray:
    """1 for each day ahead, 0 where the company sold next to nothing on that day of the year in every year known.

    Next to nothing: see `closed_days`. Only days of the year count (25 December), not weekdays: those are in the
    weekday profile.
    """
    totals = history.filter(pl.col("date") <= cutoff).group_by("date").agg(pl.col("quantity").sum()).sort("date")
    result = np.ones(HORIZON_DAYS)
    if totals.is_empty():
        return result
    first = totals["date"][0]
    ago = (totals["date"] - first).dt.total_days().to_numpy()
    closed = closed_days(np.bincount(ago, weights=totals["quantity"].to_numpy(), minlength=(cutoff - first).days + 1))
    for index in range(HORIZON_DAYS):
        day = cutoff + timedelta(days=index + 1)
        past = [d for d in (_years_before(day, n) for n in range(1, 11)) if d and first <= d <= cutoff]
        if past and all(closed[(d - first).days] for d in past):
            result[index] = 0.0
    return result


def _years_before(day: date, years: int) -> date | None:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return None


def _tally(row: np.ndarray, day: np.ndarray, quantity: np.ndarray, rows: int) -> np.ndarray:
    flat = np.bincount(row * BLOCK_DAYS + day, weights=quantity, minlength=rows * BLOCK_DAYS)
    return flat.reshape(rows, BLOCK_DAYS)


def _share(amount: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    total = amount.sum(axis=1, keepdims=True)
    return np.where(total > 0, amount / np.maximum(total, 1e-12), otherwise)


def _shrink(amount: np.ndarray, days: np.ndarray, trust: float, towards: np.ndarray) -> np.ndarray:
    weight = (days / (days + trust))[:, None]
    return weight * _share(amount, towards) + (1 - weight) * towards
