"""What a company may set about the gates: thresholds that a check reads, each described for the settings page.

Belongs here: numbers that tell good data from bad. Does not: which checks there are (suites/).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Percent = Annotated[float, Field(ge=0.0, le=100.0)]
Ratio = Annotated[float, Field(gt=0.0)]


class QualitySettings(BaseModel):
    """What data may pass. `warn_…` is shown and published; `max_…` and `min_…` of an error refuse the night."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    earliest_date: date = Field(
        date(1990, 1, 1), description="Facts dated before this day are taken for a wrong date and refuse the night."
    )
    allow_day_without_sales: bool = Field(
        False,
        description="Whether a business day without any sale may be closed. Set it where the company shuts some days: "
        "such a day then only warns.",
    )
    warn_line_quantity: Ratio = Field(
        100_000, description="A sale line of more units than this (either sign) is shown as implausible."
    )
    warn_line_amount: Ratio = Field(
        1_000_000, description="A sale line of more money than this (either sign) is shown as implausible."
    )
    warn_unknown_pct: Percent = Field(
        0.1,
        description="Share of sale lines of products or places that the ERP does not know, above which it is shown.",
    )
    max_unknown_pct: Percent = Field(
        5.0,
        description="Share of sale lines of products or places that the ERP does not know, above "
        "which the night is refused.",
    )
    warn_quarantined_pct: Percent = Field(
        0.5, description="Share of a feed's rows in quarantine above which it is shown (max_quarantined_pct refuses)."
    )
    warn_day_volume_low: Ratio = Field(
        0.5,
        description="Lines of the last day, as a multiple of the median of that weekday over the 8 weeks before, below "
        "which it is shown.",
    )
    warn_day_volume_high: Ratio = Field(2.0, description="The same multiple, above which it is shown.")
    warn_sales_age_days: int = Field(
        3, ge=0, description="A source whose newest sale is older than this many days at as_of is shown as late."
    )
    warn_stock_age_days: int = Field(
        3, ge=0, description="Stock whose newest snapshot is older than this many days at as_of is shown as late."
    )
    warn_snapshot_share: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.5,
        description="Rows of the newest stock snapshot, as a share of the median of the 7 before, below which it is "
        "shown.",
    )
    warn_forecast_low: Ratio = Field(
        0.3,
        description="Forecast of the next 4 weeks as a multiple of the last 4 weeks' sales, below which it is shown.",
    )
    warn_forecast_high: Ratio = Field(3.0, description="The same multiple, above which it is shown.")
    min_forecast: Ratio = Field(0.1, description="The same multiple, below which the night is refused.")
    max_forecast: Ratio = Field(10.0, description="The same multiple, above which the night is refused.")
    money_tolerance: float = Field(
        0.01,
        gt=0.0,
        description="How far order_value may lie from order_qty times unit_cost; raise it when planning.money_decimals "
        "is below 2.",
    )

    @model_validator(mode="after")
    def _warnings_come_before_refusals(self) -> Self:
        ordered = {
            "warn_unknown_pct <= max_unknown_pct": self.warn_unknown_pct <= self.max_unknown_pct,
            "warn_day_volume_low < warn_day_volume_high": self.warn_day_volume_low < self.warn_day_volume_high,
            "min_forecast <= warn_forecast_low < warn_forecast_high <= max_forecast": self.min_forecast
            <= self.warn_forecast_low
            < self.warn_forecast_high
            <= self.max_forecast,
        }
        for rule, holds in ordered.items():
            if not holds:
                raise ValueError(f"must hold: {rule}")
        return self
