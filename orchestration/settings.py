"""The one frozen Settings object: the only place that reads environment variables and `shelfcast.yml`.

Each room describes its own settings (`ml/forecasting/settings.py` and so on); this module composes them, finds the
home directory and turns a wrong key or value into an error that names it and the nearest valid one.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from operator import attrgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from data_quality.settings import QualitySettings
from ml.customers.settings import CustomerSettings
from ml.forecasting.settings import ForecastSettings
from ml.planning.pricing_settings import PricingSettings
from ml.planning.settings import PlanningSettings
from ml.range.settings import RangeSettings
from ml.simulation.settings import SimulationSettings
from ml.watch.settings import WatchSettings
from orchestration.alerts import AlertSettings
from orchestration.errors import SettingsError
from orchestration.identity.settings import IdentitySettings
from orchestration.ingestion.settings import IngestionSettings
from orchestration.marts import MartsSettings
from orchestration.publishing.settings import PublishingSettings
from orchestration.reference import CalendarSettings
from orchestration.strict_yaml import explain, read_mapping

HOME_VARIABLE = "SHELFCAST_HOME"
FILE_NAME = "shelfcast.yml"
# set once for the whole night, handed to the rooms that compute, no keys of their groups: key there -> where it is set
SHARED = {
    "forecast": {
        "seed": "seed",
        "threads": "threads",
        "week_starts_on": "week_starts_on",
        "holiday_country": "calendar.country",
    },
    "customers": {"seed": "seed"},
    "marts": {"holding_cost_yearly_pct": "holding_cost_yearly_pct"},
    "range": {"seed": "seed"},
    "simulation": {"seed": "seed"},
    "planning": {"holding_cost_yearly_pct": "holding_cost_yearly_pct"},
    "pricing": {"holding_cost_yearly_pct": "holding_cost_yearly_pct"},
}


class ScheduleSettings(BaseModel):
    """When the night starts by itself (Dagster's daemon must run: `shelfcast ui` starts it too)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str = Field(
        "02:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Local time of the nightly start, HH:MM."
    )

    replay_at: str = Field(
        "12:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Local time of the weekly replay's start, HH:MM."
    )
    late_until: str = Field(
        "08:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Local time until which an extract that comes after the night's start reruns the night; what comes "
        "later waits for the next one.",
    )
    keep_records_days: int = Field(
        90, ge=1, le=3650, description="Days that Dagster's own records of runs (events, logs) are kept."
    )
    replay_on: int = Field(7, ge=1, le=7, description="Weekday of the replay, ISO: Monday 1 … Sunday 7.")
    tuning_at: str = Field(
        "18:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Local time at which the tuning report starts on the first day of each quarter, HH:MM.",
    )

    @property
    def cron(self) -> str:
        """Return the night's start time as a cron expression."""
        return _cron(self.at, "*")

    @property
    def replay_cron(self) -> str:
        """Return the replay's start time as a cron expression, in which Sunday is 0."""
        return _cron(self.replay_at, str(self.replay_on % 7))

    @property
    def tuning_cron(self) -> str:
        """Return the tuning report's start as a cron expression: the first of January, April, July and October."""
        hour, minute = self.tuning_at.split(":")
        return f"{int(minute)} {int(hour)} 1 1,4,7,10 *"


def _cron(time: str, weekday: str) -> str:
    hour, minute = time.split(":")
    return f"{int(minute)} {int(hour)} * * {weekday}"


class Settings(BaseModel):
    """Everything a company may set; every key has a default. `home` is where it was read from, not a key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company: str = Field("Company", description="Name shown on the page and in the workbooks.")
    currency: str = Field("USD", description="Company currency, shown beside amounts.")
    timezone: str = Field(
        "UTC", description="Time zone of the company: of the schedule and of places without their own."
    )
    week_starts_on: int = Field(1, ge=1, le=7, description="First day of the week, ISO: Monday 1 … Sunday 7.")
    threads: int = Field(2, ge=1, le=64, description="Processor threads a night may use.")
    memory_limit: str = Field("4GB", pattern=r"^\d+(\.\d+)?(MB|GB)$", description="Memory the warehouse may use.")
    holding_cost_yearly_pct: float = Field(
        20.0,
        ge=0,
        le=1000,
        description="What holding stock costs a year (capital, space, loss), in percent of its value at cost.",
    )
    seed: int = Field(20260101, ge=0, description="Seed of everything that draws.")
    max_quarantined_pct: float = Field(
        5.0, ge=0, le=100, description="Share of a file's rows that may be quarantined before the night is refused."
    )
    simulated_feeds: tuple[str, ...] = Field(
        (), description="Feeds whose data are made up (a demo, a trial); said wherever they are shown."
    )
    calendar: CalendarSettings = Field(default_factory=CalendarSettings, description="Whose holidays count.")
    ingestion: IngestionSettings = Field(default_factory=IngestionSettings, description="How extracts are read.")
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings, description="When the night starts.")
    forecast: ForecastSettings = Field(default_factory=ForecastSettings, description="How demand is forecast.")
    customers: CustomerSettings = Field(
        default_factory=CustomerSettings, description="How customers' coming purchases are estimated."
    )
    planning: PlanningSettings = Field(default_factory=PlanningSettings, description="How stock is decided.")
    pricing: PricingSettings = Field(
        default_factory=PricingSettings, description="How prices, promotions and clearance are decided."
    )
    range: RangeSettings = Field(default_factory=RangeSettings, description="How ranges of products are decided.")
    simulation: SimulationSettings = Field(
        default_factory=SimulationSettings, description="How the past is replayed (`shelfcast replay`)."
    )
    watch: WatchSettings = Field(
        default_factory=WatchSettings, description="What raises an alert about channels and words."
    )
    quality: QualitySettings = Field(default_factory=QualitySettings, description="What data may pass the gates.")
    identity: IdentitySettings = Field(
        default_factory=IdentitySettings, description="How customer accounts of several sources are told to be one."
    )
    marts: MartsSettings = Field(default_factory=MartsSettings, description="Thresholds and rates of the marts.")
    alerts: AlertSettings = Field(
        default_factory=AlertSettings, description="Who hears of a night that was not published."
    )
    publishing: PublishingSettings = Field(default_factory=PublishingSettings, description="What a night publishes.")

    home: Path = Field(Path("home"), exclude=True, description="Not a key of the file: the home directory itself.")

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in available_timezones():
            near = difflib.get_close_matches(value, available_timezones(), n=1)
            raise ValueError(f"unknown time zone{f'; did you mean {near[0]!r}?' if near else ''}")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """Return the company's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def landing(self) -> Path:
        """Return the folder in which extracts arrive."""
        return self.home / "landing"

    @property
    def warehouse(self) -> Path:
        """Return the path of the warehouse file."""
        return self.home / "warehouse" / "shelfcast.duckdb"

    @property
    def models(self) -> Path:
        """Return the folder that holds the trained forecasting models."""
        return self.home / "models"

    @property
    def published(self) -> Path:
        """Return the folder that holds the published nights."""
        return self.home / "published"

    @property
    def data_docs(self) -> Path:
        """Return the folder of the checks' reports, copied into each published night."""
        return self.home / "warehouse" / "data_docs"

    @property
    def digest(self) -> str:
        """Return a hash of every setting, home aside: same settings, same hash, on any machine."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def home_directory() -> Path:
    """Return the home directory: `$SHELFCAST_HOME`, else `./home`."""
    return Path(os.environ.get(HOME_VARIABLE) or "home").resolve()


def load_settings(home: Path | None = None) -> Settings:
    """Read `shelfcast.yml` of a home directory; a home without the file has the defaults.

    Raises:
        SettingsError: an unknown key (named, with the nearest valid one), a value that does not fit, broken YAML.
    """
    home = (home or home_directory()).resolve()
    path = home / FILE_NAME
    values = read_mapping(path) if path.exists() else {}
    _refuse_misplaced(path, values)
    try:
        settings = Settings(**values, home=home)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(path, e) for e in error.errors())) from None
    filled = {}
    for group, keys in SHARED.items():
        given = {key: attrgetter(where)(settings) for key, where in keys.items()}
        filled[group] = getattr(settings, group).model_copy(update=given)
    return settings.model_copy(update=filled)


def _refuse_misplaced(path: Path, values: dict[str, Any]) -> None:
    """Refuse names that the settings know but that are no keys where they stand."""
    if "home" in values:
        raise SettingsError(
            f"{path}: unknown setting 'home' — the home directory is given by --home or {HOME_VARIABLE}"
        )
    for name, keys in SHARED.items():
        group = values.get(name)
        for key, where in keys.items():
            if isinstance(group, dict) and key in group:
                place = "" if "." in where else " at the top level"
                raise SettingsError(f"{path}: unknown setting '{name}.{key}' — set '{where}'{place}, for all steps")


def _explain(path: Path, error: Any) -> str:
    return explain(path, error, Settings, "setting", SHARED.get(str(error["loc"][0]), ()))
