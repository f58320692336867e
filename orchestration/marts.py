"""What a company may set about its marts: thresholds and rates that dbt's models read as vars of the same names.

Belongs here: settings only. What the models do with them stands in dbt_project/ and in the columns' descriptions.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class MartsSettings(BaseModel):
    """Thresholds and rates of the marts; each is a dbt var of the same name (dbt_project.yml has the same defaults)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead_time_window_days: int = Field(
        364,
        ge=7,
        description="Lead times and suppliers' performance are measured over the receipts of so many days.",
    )
    lead_time_min_receipts: int = Field(
        8,
        ge=2,
        description="Orders received on a lane (source and place), else on the source's lanes to places of that type, "
        "from which on the measured lead time replaces the one of erp/sourcing.",
    )
