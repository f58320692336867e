"""What a company may set about prices, promotions and clearance: the rules as data.

What belongs here: fields that a decision on prices reads, each described. What does not: stock decisions (settings).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Percent = Annotated[float, Field(ge=0.0, le=100.0)]
Strictness = Literal["hard", "soft", "off"]


class PricingSettings(BaseModel):
    """How prices, promotions and clearance are decided. Shares in percent, times in weeks or days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holding_cost_yearly_pct: float = Field(20.0, ge=0, description="Yearly cost of holding stock, % of its cost.")
    clearance_weeks: int = Field(
        8, ge=1, le=26, description="Weeks from tomorrow to the exit date of slow and excess stock (markdown_plan)."
    )
    clearance_expiry_days: int = Field(
        14, ge=1, le=28, description="Lots that expire within so many days are marked down by day (markdown_plan)."
    )
    clearance_discounts_pct: tuple[Percent, ...] = Field(
        (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0),
        min_length=2,
        description="Steps of a markdown, % off today's price, rising from 0; a path goes down them and never up.",
    )
    clearance_salvage_pct: Percent = Field(
        10.0, description="What a unit is worth that is left on the exit date, % of its cost. A lot that expired: 0."
    )
    clearance_keep_weeks: float = Field(
        13.0,
        ge=0.0,
        description="Stock for so many weeks may be left on the exit date and keeps its cost; of what is discontinued "
        "none.",
    )
    clearance_sell_through_pct: Percent | None = Field(
        None,
        description="Share of the stock that has to be gone by the exit date where prices can do it, even if a dearer "
        "path would bring in more. None: what brings in most.",
    )
    clearance_min_gain_amount: float = Field(
        1.0, ge=0.0, description="A markdown that brings in less than this beyond doing nothing is not proposed."
    )
    clearance_channels: dict[str, Percent] = Field(
        {"shelf": 0.0, "bundle": 25.0, "live_stream": 35.0, "staff_sale": 55.0},
        min_length=1,
        description="Channel of a clearance by its deepest planned discount: the one with the highest % not above it. "
        "Where tonight's transfer_orders move units away, these go first.",
    )
