"""What a company may set about its marts: thresholds and rates that dbt's models read as vars of the same names.

Belongs here: settings only. What the models do with them stands in dbt_project/ and in the columns' descriptions.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class MartsSettings(BaseModel):
    """Thresholds and rates of the marts; each is a dbt var of the same name (dbt_project.yml has the same defaults)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stock_gap_days: int = Field(
        14,
        ge=0,
        le=366,
        description="Days after a stock record for which stock that nobody counted is worked out from movements, and "
        "marked; 0 = never. Orders and demand read counted stock only.",
    )
    holding_cost_yearly_pct: float = Field(
        20.0,
        ge=0,
        le=1000,
        description="What holding stock costs a year (capital, space, loss), in percent of its value at cost.",
    )
    preference_weeks: int = Field(
        26,
        ge=8,
        le=104,
        description="Complete weeks from which the preference of regions is measured (mart_region_preference).",
    )
    promotion_baseline_days: int = Field(
        56,
        ge=14,
        le=364,
        description="Days before a promotion that are its baseline, those without promotion and with stock.",
    )
    promotion_after_days: int = Field(
        14, ge=0, le=56, description="Days after a promotion on which sales brought forward are looked for."
    )
    promotion_min_days: int = Field(
        14, ge=1, le=364, description="Fewest such days of a product at a place from which a baseline is believed."
    )
    anomaly_weeks: int = Field(
        13, ge=5, le=52, description="Weeks before a day whose same weekdays say what is usual (mart_kpi_anomalies)."
    )
    anomaly_threshold: float = Field(
        4.0,
        gt=0,
        le=100,
        description="A day is an anomaly this many robust standard deviations (1.4826 x MAD) from the usual.",
    )
