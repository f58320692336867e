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
