"""What is known of days to come: season of the year, position in the month, public holidays.

What belongs here: functions of dates alone. What does not: events and promotions of the company (inputs, later).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

BLOCK_CALENDAR = ("year_sin", "year_cos", "year_sin2", "year_cos2", "month_day", "early_days", "holiday_days")

SEASON_HARMONICS = 2  # more follow the noise of three or four years (dynamic_regression.py has the figures)
MONTH_PARTS = ((1, 5), (6, 10), (11, 15), (21, 25), (26, 31))  # days of the month; the rest, 16 to 20, is the measure
_MONTH_PENALTY = 0.3  # of that of a season or a holiday: the month comes round twelve times a year
# Most events of a calendar move nothing. WRMSSE of the benchmark without holidays 0.894; with its 30 events believed as
# holidays are 0.905, 5 times less 0.894, 20 times less 0.886; with the public holidays alone 0.880.
_EVENT_PENALTY = 20.0

_DAY_LAGS = (-2, -1, 0, 1)  # days from an event to the day that it moves: people shop before it, and less after it
# Of a day's regressors, relative to an event (models/day_effects.py); none of them is sharp: a tenth or ten times moves
# the error of the benchmark by less than 1 %.
_WEEKDAY_PENALTY, _MONTH_DAY_PENALTY = 0.1, 3.0

Events = dict[str, frozenset[date]]  # name -> its days, past and to come


@dataclass(frozen=True)
class Regressors:
    """What the calendar says of consecutive blocks: names, values (blocks, names), and how much each is drawn to 0."""

    names: tuple[str, ...]
    values: np.ndarray
    penalty: np.ndarray


@dataclass(frozen=True)
class DayRegressors:
    """What the calendar says of consecutive days: names, values (days, names), how much each is drawn to 0, kind."""

    names: tuple[str, ...]
    values: np.ndarray
    penalty: np.ndarray
    is_weekday: np.ndarray


def day_regressors(
    first: date, days: int, country: str | None, events: Events, regional: list[tuple[Events, float]]
) -> DayRegressors:
    """Regressors of `days` days from `first` on: weekday, day of the month, days around each holiday and event.

    regional: events of single regions, each with the share of the demand that it concerns (1 for groups of that
    region, 0 for those of another: names are the same for all groups, so that effects can be handed down).
    """
    dates = [first + timedelta(days=k) for k in range(days)]
    columns: dict[str, np.ndarray] = {}
    for weekday in range(1, 7):  # against Sunday, so that they add up to nothing over a week
        columns[f"weekday {weekday}"] = np.array([(d.isoweekday() == weekday) - (d.isoweekday() == 7) for d in dates])
    penalty = [_WEEKDAY_PENALTY] * len(columns)
    for number in range(1, 32):
        columns[f"day {number}"] = np.array([day.day == number for day in dates])
        penalty.append(_MONTH_DAY_PENALTY)
    shares: dict[str, dict[date, float]] = {}
    company = {**_dates_by_holiday(country, first.year, dates[-1].year + 1), **events}
    for known, share in ((company, 1.0), *regional):
        for name, its_days in known.items():
            on = shares.setdefault(name, {})
            for day in its_days:
                on[day] = min(on.get(day, 0.0) + share, 1.0)
    for name, on in sorted(shares.items()):
        for lag in _DAY_LAGS:
            columns[f"{name} {lag:+d}"] = np.array([on.get(day - timedelta(days=lag), 0.0) for day in dates])
            penalty.append(1.0)
    is_weekday = np.array([name.startswith("weekday ") for name in columns])
    values = np.array(list(columns.values()), dtype=np.float64).T
    return DayRegressors(tuple(columns), values, np.array(penalty), is_weekday)


def block_regressors(
    first: date, days: int, blocks: int, country: str | None, events: Events, has_season: bool
) -> Regressors:
    """Regressors of `blocks` blocks of `days` days from `first` on, for models of groups of series.

    The season of the year in harmonics (only with has_season: it takes two years to tell it from growth), days of each
    public holiday and event in the block and in the block after it (people shop before a holiday), and the share of the
    block's days in each part of the month.
    """
    starts = [first + timedelta(days=days * k) for k in range(blocks)]
    columns: dict[str, list[float]] = {}
    for k in range(1, SEASON_HARMONICS + 1 if has_season else 1):
        angle = [2 * np.pi * k * (day + timedelta(days=days // 2)).timetuple().tm_yday / 365.25 for day in starts]
        columns[f"season_sin{k}"], columns[f"season_cos{k}"] = list(np.sin(angle)), list(np.cos(angle))
    penalty = [1.0] * len(columns)
    holidays = _dates_by_holiday(country, first.year, (starts[-1] + timedelta(days=2 * days)).year)
    listed = {f"event {name}": dates for name, dates in events.items()}
    for known, price in ((holidays, 1.0), (listed, _EVENT_PENALTY)):
        for name, dates in sorted(known.items()):
            for label, later in ((name, 0), (f"before {name}", days)):
                columns[label] = [
                    float(sum(day + timedelta(days=later + k) in dates for k in range(days))) for day in starts
                ]
                penalty.append(price)
    for low, high in MONTH_PARTS:
        part = [sum(low <= (day + timedelta(days=k)).day <= high for k in range(days)) / days for day in starts]
        columns[f"days {low} to {high}"] = part
        penalty.append(_MONTH_PENALTY)
    return Regressors(tuple(columns), np.array(list(columns.values())).T, np.array(penalty))


def _dates_by_holiday(country: str | None, first_year: int, last_year: int) -> Events:
    dates: dict[str, set[date]] = {}
    for year in range(first_year, last_year + 1):
        for name, day in named_holidays(country, year):
            dates.setdefault(name, set()).add(day)
    return {name: frozenset(days) for name, days in dates.items()}


def block_calendar(start: date, days: int, country: str | None) -> list[float]:
    """Calendar features of a block of days (names: BLOCK_CALENDAR), from its first day and its length.

    early_days: days of the block among the first ten of a month (pay and benefits are spent then).
    """
    middle = start + timedelta(days=days // 2)
    angle = 2 * np.pi * middle.timetuple().tm_yday / 365.25
    dates = [start + timedelta(days=k) for k in range(days)]
    return [
        float(np.sin(angle)),
        float(np.cos(angle)),
        float(np.sin(2 * angle)),
        float(np.cos(2 * angle)),
        float(start.day),
        float(sum(day.day <= 10 for day in dates)),
        float(sum(day in holidays_of(country, day.year) for day in dates)),
    ]


@lru_cache(maxsize=256)
def named_holidays(country: str | None, year: int) -> tuple[tuple[str, date], ...]:
    """(name, day) of the public holidays of a year on their own days, not those given in lieu; none without a country.

    Raises ValueError when the country is not known to the `holidays` package.
    """
    if country is None:
        return ()
    holidays_of(country, year)  # refuses a country that is not known
    import holidays

    known = holidays.country_holidays(country, years=year, observed=False)
    return tuple((name, day) for day in sorted(known) for name in known.get_list(day))


@lru_cache(maxsize=256)
def holidays_of(country: str | None, year: int) -> frozenset[date]:
    """Public holidays of a country (ISO code, e.g. US) in a year; none without a country.

    Raises ValueError when the country is not known to the `holidays` package.
    """
    if country is None:
        return frozenset()
    import holidays

    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError as error:
        raise ValueError(
            f"holiday_country {country!r} is not known: use an ISO code such as US or CN, or leave it out"
        ) from error


def week_start(day: date, week_starts_on: int) -> date:
    """First day of the week that holds `day`; week_starts_on 1 = Monday … 7 = Sunday."""
    return day - timedelta(days=(day.isoweekday() - week_starts_on) % 7)


def month_start(day: date, months_later: int = 0) -> date:
    """First day of the month that holds `day`, or of a later one."""
    index = day.year * 12 + day.month - 1 + months_later
    return date(index // 12, index % 12 + 1, 1)


def forecast_weeks(as_of: date, week_starts_on: int, weeks: int) -> list[date]:
    """Weeks of the forecast: that of as_of + 1 and those after it; one more than `weeks` if the first is under way."""
    first = week_start(as_of + timedelta(days=1), week_starts_on)
    under_way = first != as_of + timedelta(days=1)
    return [first + timedelta(days=7 * k) for k in range(weeks + under_way)]


def forecast_months(as_of: date, months: int) -> list[date]:
    """Months of the forecast: the one that holds as_of + 1 and those after it, `months` in all."""
    return [month_start(as_of + timedelta(days=1), k) for k in range(months)]
