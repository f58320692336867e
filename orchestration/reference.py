"""Reference data that no company delivers: the public holidays of its country, from the package `holidays`.

Belongs here: which country's days, and their names as a frame. Not here: what a holiday means to a day (`dim_date`),
and the Dagster asset that writes the table (defs/assets/reference.py).
"""

from __future__ import annotations

from datetime import date
from typing import Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

HOLIDAYS = "reference.holidays"
SCHEMA = {
    "date": pl.Date,
    "holiday_name": pl.String,
    "country": pl.String,
    "subdivision": pl.String,
    "region": pl.String,
}
LANGUAGE = "en_US"


class CalendarSettings(BaseModel):
    """Whose calendar the company keeps. Days and names come from the package `holidays`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: str | None = Field(
        None,
        pattern=r"^[A-Z]{2}$",
        description="Country (ISO, two letters) whose public holidays stand in `dim_date`; without it there are none.",
    )
    subdivision: str | None = Field(
        None, description="State or province whose own holidays count for all places too (ISO 3166-2, e.g. `BY`)."
    )
    subdivision_by_region: dict[str, str] = Field(
        {},
        description="The same by region of `erp/locations`; such days count in that region only (`dim_date_event`).",
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.country is None and (self.subdivision or self.subdivision_by_region):
            raise ValueError("a subdivision needs its country — set calendar.country")
        # 0.4 s to import: only who sets a country pays for it
        for subdivision in [None, self.subdivision, *self.subdivision_by_region.values()] if self.country else []:
            try:
                _days(str(self.country), subdivision, 2024, 2024)
            except NotImplementedError as error:
                raise ValueError(f"no holidays are known for it: {error}") from None
        return self


def holidays_between(calendar: CalendarSettings, first: date, last: date) -> pl.DataFrame:
    """Return the holidays of the years from `first` to `last`, sorted: one row a day, name and region.

    Columns as SCHEMA; `region` is null for days that count everywhere, `subdivision` for those of the whole country.
    """
    if calendar.country is None:
        return pl.DataFrame(schema=SCHEMA)
    country, years = calendar.country, (first.year, last.year)
    everywhere = _days(country, calendar.subdivision, *years)
    national = _days(country, None, *years)
    rows: list[tuple[object, ...]] = [
        (*day, country, None if day in national else calendar.subdivision, None) for day in everywhere
    ]
    for region, subdivision in calendar.subdivision_by_region.items():
        rows += [(*day, country, subdivision, region) for day in _days(country, subdivision, *years) - everywhere]
    keys = ["date", "holiday_name", "region"]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort(keys, nulls_last=False)


def _days(country: str, subdivision: str | None, first_year: int, last_year: int) -> set[tuple[date, str]]:
    """Return the days with their names.

    Raises:
        NotImplementedError: the package does not know the country or its subdivision.
    """
    from holidays import country_holidays

    years = range(first_year, last_year + 1)
    plain = country_holidays(country, subdiv=subdivision)
    # left to itself the package asks the machine's locale: English where it has it, else the country's own language
    language = LANGUAGE if LANGUAGE in plain.supported_languages else plain.default_language
    days = country_holidays(country, subdiv=subdivision, years=years, language=language)
    return {(day, name) for day in days for name in days.get_list(day)}
