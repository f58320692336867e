"""What is known of days to come: season of the year, position in the month, public holidays.

What belongs here: functions of dates alone. What does not: events and promotions of the company (inputs, later).
"""

from datetime import date, timedelta
from functools import lru_cache

import numpy as np

BLOCK_CALENDAR = ("year_sin", "year_cos", "year_sin2", "year_cos2", "month_day", "early_days", "holiday_days")


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
