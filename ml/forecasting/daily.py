"""From blocks of seven days to days: profiles of the weekday and of the day of the month, and days of closure.

What belongs here: shares of a block's days, and sums of days over weeks and months. What does not: forecasting
blocks. In the benchmark the day of the month matters more than all else within a week (benefits are paid in its first
half): with a flat level of 8 weeks, 28 days after d_1577, d_1675, d_1703, d_1731 have a WRMSSE of .825 .636 .719 .708
with weekdays alone and .736 .612 .583 .700 with the day of the month per place and category. Days are the base of
everything published, so weeks and months are sums of days and add up exactly.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.panel import BLOCK_DAYS, Panel

PROFILE_WEEKS = 26
HORIZON_DAYS = HORIZON_BLOCKS * BLOCK_DAYS
_SERIES_TRUST = 60.0  # days sold at which a series' own profile weighs as much as that of its place and department
_GROUP_TRUST = 200.0
MONTH_PROFILE_DAYS = 728
_UNITS_TRUST = 500.0  # units sold on a day of the month at which a group's own factor weighs as much as its parent's
_MONTHS_TRUST = 6.0


@dataclass(frozen=True)
class DayShares:
    """How blocks split into days.

    weekday[i, d]: share of day d of a block of series i (day 0 follows the cut-off). open_days[t]: 0 or 1 for each day
    ahead. month[g, t]: factor of the day of the month of day t for group g; group[i]: the group of a series.
    """

    weekday: np.ndarray
    open_days: np.ndarray
    month: np.ndarray
    group: np.ndarray

    def split(self, blocks: np.ndarray, series: np.ndarray | slice) -> np.ndarray:
        """Daily means (rows, HORIZON_DAYS) of block means (rows, HORIZON_BLOCKS); every block keeps its sum.

        A block whose days are all closed is spread evenly: its demand was forecast, only its day is unknown.
        """
        shares = np.tile(self.weekday[series], (1, HORIZON_BLOCKS)) * self.open_days * self.month[self.group[series]]
        by_block = shares.reshape(len(shares), HORIZON_BLOCKS, BLOCK_DAYS)
        total = by_block.sum(axis=2, keepdims=True)
        even = self.open_days.reshape(HORIZON_BLOCKS, BLOCK_DAYS)
        even = np.where(even.any(axis=1, keepdims=True), even, 1.0)
        flat = even / even.sum(axis=1, keepdims=True)
        by_block = np.where(total > 0, by_block / np.maximum(total, 1e-12), flat[None])
        return (by_block * blocks[:, :, None]).reshape(len(shares), HORIZON_DAYS)


def learn_day_shares(history: pl.DataFrame, panel: Panel) -> DayShares:
    """Weekday profile from the last 26 weeks: own days shrunk to place x department, that to the whole company."""
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
    ahead = [cutoff + timedelta(days=k + 1) for k in range(HORIZON_DAYS)]
    month = month_profile(history, panel)[:, [day.day - 1 for day in ahead]]
    return DayShares(weekday.astype(np.float32), open_days(history, cutoff), month, codes)


def month_profile(history: pl.DataFrame, panel: Panel) -> np.ndarray:
    """Factor of each day of the month per place x department, around 1: (groups, 31), from the last two years.

    Sales of that day of the month over what weekday and the 29 days around let expect; shrunk from place x department
    to place to company by units sold, and all towards 1 by the number of months seen; smoothed over three days. All 1
    with less than half a year of history.
    """
    codes = panel.codes["location_department"]
    groups = int(codes.max(initial=0)) + 1
    days = min(BLOCK_DAYS * panel.blocks, MONTH_PROFILE_DAYS)
    if days < 182:
        return np.ones((groups, 31))
    cutoff = panel.cutoff
    known = history.filter(pl.col("date").is_between(cutoff - timedelta(days=days - 1), cutoff))
    ago = known.select((pl.lit(cutoff) - pl.col("date")).dt.total_days().cast(pl.Int64)).to_series().to_numpy()
    group = codes[known["series_id"].to_numpy() - 1].astype(np.int64)
    flat = np.bincount(group * days + days - 1 - ago, weights=known["quantity"].to_numpy(), minlength=groups * days)
    sold = flat.reshape(groups, days)
    day_of_month = np.array([(cutoff - timedelta(days=days - 1 - k)).day - 1 for k in range(days)])
    place = np.zeros(groups, dtype=np.int64)
    place[codes] = panel.codes["location"]
    places = _sum_rows(sold, place)
    seen = np.bincount(day_of_month, minlength=31)
    company, _ = _month_ratio(sold.sum(axis=0, keepdims=True), day_of_month)
    company = 1 + seen / (seen + _MONTHS_TRUST) * (company - 1)
    by_place = _towards(*_month_ratio(places, day_of_month), company)
    profile = _towards(*_month_ratio(sold, day_of_month), by_place[place])
    return (np.roll(profile, 1, axis=1) + 2 * profile + np.roll(profile, -1, axis=1)) / 4


def _month_ratio(sold: np.ndarray, day_of_month: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sales over expected sales, expected sales), both (rows, 31), from daily sales (rows, days)."""
    running = np.concatenate([np.zeros((len(sold), 1)), np.cumsum(sold, axis=1)], axis=1)
    days = sold.shape[1]
    start, end = np.maximum(np.arange(days) - 14, 0), np.minimum(np.arange(days) + 15, days)
    around = (running[:, end] - running[:, start]) / (end - start)
    for weekday in range(BLOCK_DAYS):
        part = slice(weekday, None, BLOCK_DAYS)
        around[:, part] *= _safe_ratio(sold[:, part].sum(axis=1), around[:, part].sum(axis=1))[:, None]
    expected, actual = np.zeros((len(sold), 31)), np.zeros((len(sold), 31))
    for day in range(31):
        chosen = day_of_month == day
        expected[:, day], actual[:, day] = around[:, chosen].sum(axis=1), sold[:, chosen].sum(axis=1)
    return np.clip(_safe_ratio(actual, expected), 0.25, 4.0), expected


def _towards(ratio: np.ndarray, units: np.ndarray, parent: np.ndarray) -> np.ndarray:
    weight = units / (units + _UNITS_TRUST)
    return weight * ratio + (1 - weight) * parent


def _safe_ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1.0), 1.0)


def _sum_rows(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    result = np.zeros((int(codes.max(initial=0)) + 1, values.shape[1]))
    np.add.at(result, codes, values)
    return result


def open_days(history: pl.DataFrame, cutoff: date) -> np.ndarray:
    """1 for each day ahead, 0 where the company sold next to nothing on that day of the year in every year known.

    Next to nothing: under 5 % of the median day of the two weeks around it. Only days of the year count (25 December),
    not weekdays: those are in the weekday profile.
    """
    totals = history.filter(pl.col("date") <= cutoff).group_by("date").agg(pl.col("quantity").sum()).sort("date")
    by_day = dict(zip(totals["date"].to_list(), totals["quantity"].to_list(), strict=True))
    result = np.ones(HORIZON_DAYS)
    if not by_day:
        return result
    first = min(by_day)
    for index in range(HORIZON_DAYS):
        day = cutoff + timedelta(days=index + 1)
        past = [d for d in (_years_before(day, n) for n in range(1, 11)) if d and first <= d <= cutoff]
        if past and all(_is_closed(by_day, d) for d in past):
            result[index] = 0.0
    return result


def _is_closed(by_day: dict[date, float], day: date) -> bool:
    around = [by_day.get(day + timedelta(days=k), 0.0) for k in range(-7, 8) if k]
    return by_day.get(day, 0.0) < 0.05 * float(np.median(around))


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
