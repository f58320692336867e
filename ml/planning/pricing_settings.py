"""What a company may set about prices, promotions and clearance: the rules as data.

What belongs here: fields that a decision on prices reads, each described. What does not: stock decisions (settings).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Percent = Annotated[float, Field(ge=0.0, le=100.0)]
PRICE_RULES = ("floor", "ceiling", "largest_step", "ending", "ladder", "competitor_band", "stock_depth")
# mechanics that cost the same however much is sold: nothing is given away
UncutMechanic = Literal["display", "mailer"]
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
    price_rules: dict[str, Strictness] = Field(
        {
            "floor": "hard",
            "ceiling": "hard",
            "largest_step": "hard",
            "ending": "hard",
            "ladder": "hard",
            "competitor_band": "soft",
            "stock_depth": "hard",
        },
        description="How strict each rule of price_recommendations is. hard: never broken by a proposal; soft: broken "
        "where it pays more than price_soft_rule_pct; off: not asked. A rule that is not named is off.",
    )
    price_min_margin_pct: float = Field(
        5.0, ge=-100.0, description="Rule floor: no price below the unit cost and so many % of it."
    )
    price_ceiling_pct: float = Field(
        110.0,
        gt=0.0,
        description="Rule ceiling: no price above so many % of list_price in erp/products, if it is given.",
    )
    price_largest_step_pct: Percent = Field(10.0, description="Rule largest_step: no change by more than so many %.")
    price_ending_unit: float = Field(
        0.1, gt=0.0, description="Rule ending: a price is a whole number of these units, and one of price_endings."
    )
    price_endings: tuple[float, ...] = Field(
        (0.09,), min_length=1, description="Rule ending: what a price may have beyond whole units, each below one unit."
    )
    price_competitor_band_pct: Percent = Field(
        5.0,
        description="Rule competitor_band: a price lies within the lowest and highest seen at competitors in the last "
        "28 days, so many % either way.",
    )
    price_stock_days: int = Field(
        28,
        ge=1,
        le=28,
        description="Rule stock_depth: no lower price where what is there and coming ends within so "
        "many days of the demand it would have.",
    )
    price_soft_rule_pct: Percent = Field(
        5.0, description="What breaking one soft rule has to bring beyond keeping it, % of the margin at today's price."
    )
    price_min_gain_amount: float = Field(
        1.0, ge=0.0, description="A change that is expected to bring less margin than this in 28 days is not proposed."
    )
    price_min_chance_pct: Percent = Field(
        60.0, description="Nor one whose gain is above zero with less probability than this."
    )
    price_lead_days: int = Field(
        7, ge=1, le=28, description="Days from the business day to the day on which new prices hold."
    )
    price_no_touch: tuple[tuple[date, date], ...] = Field(
        (),
        description="Weeks without a change, as pairs of first and last day: new prices hold from the day after.",
    )
    promotion_budget: float | None = Field(
        None,
        ge=0.0,
        description="What the promotions of promotion_plan may give away and cost together. None: no limit.",
    )
    promotion_weeks: int = Field(3, ge=1, le=3, description="Weeks that promotion_plan plans.")
    promotion_depths_pct: tuple[Percent, ...] = Field(
        (10.0, 20.0, 30.0, 40.0), min_length=1, description="Depths that a promotion may have, % off."
    )
    promotion_gap_weeks: int = Field(
        3, ge=1, le=52, description="A product is on promotion at a place once in so many weeks on end."
    )
    promotion_max_per_category: int = Field(
        3, ge=1, description="Products of a category on promotion at a place in a week, at most."
    )

    promotion_mechanic_costs: dict[UncutMechanic, Annotated[float, Field(ge=0.0)]] = Field(
        {},
        description="What a display or mailer of a product costs at a place in a week, by mechanic. Only one that is "
        "named is planned, and only where the response to it was seen.",
    )

    @model_validator(mode="after")
    def _rules_are_known(self) -> PricingSettings:
        unknown = sorted(set(self.price_rules) - set(PRICE_RULES))
        if unknown:
            raise ValueError(f"price_rules has {unknown[0]!r}, which is no rule: there are {', '.join(PRICE_RULES)}")
        if self.clearance_discounts_pct[0] != 0.0 or list(self.clearance_discounts_pct) != sorted(
            set(self.clearance_discounts_pct)
        ):
            raise ValueError("clearance_discounts_pct has to begin with 0 and to rise")
        if max(self.clearance_discounts_pct) >= 100.0:
            raise ValueError("clearance_discounts_pct has to stay below 100")
        if not all(0.0 <= ending < self.price_ending_unit for ending in self.price_endings):
            raise ValueError("price_endings have to be below price_ending_unit")
        return self
