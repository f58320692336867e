"""What a company may set about the replay of its history.

What belongs here: fields that a replay reads, each described, for the settings page is generated from them. What does
not: how stock is decided (ml.planning.settings), which the replay takes as it is.
"""

from pydantic import BaseModel, ConfigDict, Field


class SimulationSettings(BaseModel):
    """How the past is replayed. Times in days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: int = Field(182, ge=84, le=364, multiple_of=7, description="Days to the business day that are replayed.")
    warm_up_days: int = Field(
        28, ge=7, le=56, description="Of these, days not counted: they still tell of the stock that was there at first."
    )
    max_lines: int = Field(
        30_000,
        ge=100,
        description="Products at places that are replayed at most; beyond it products are drawn by lot, with all of "
        "their places.",
    )
    draws: int = Field(400, ge=100, le=5_000, description="Bootstrap samples of products behind every interval.")
    seed: int = Field(1, ge=0, description="Seed of lead times, of the lot and of the samples.")
