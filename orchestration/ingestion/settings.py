"""What a company may set about reading extracts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class IngestionSettings(BaseModel):
    """How patient ingestion is with files, and what it believes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quiet_seconds: float = Field(
        2.0, ge=0, le=600, description="A file younger than this is looked at twice, so long apart: does it still grow?"
    )
    wait_seconds: float = Field(
        120.0,
        ge=0,
        le=86_400,
        description="How long to wait for a file that still grows before it is left for the next run.",
    )
    max_unpacked_gb: float = Field(50.0, gt=0, description="Most that a compressed file may unpack to.")
    max_unpacked_ratio: float = Field(
        200.0, gt=1, description="Most times its own size that a compressed file over 100 MB may unpack to."
    )
    future_days: int = Field(
        1, ge=0, le=400, description="Days after today up to which a sale or stock row is believed (time zones)."
    )
    stray_days: int = Field(
        400,
        ge=30,
        description="Rows of a file that stand more days than this from all its other dates, if few, are kept aside.",
    )
