"""What a company may set about the gates: thresholds that a check reads, each described for the settings page.

Belongs here: numbers that tell good data from bad. Does not: which checks there are (suites/).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Percent = Annotated[float, Field(ge=0.0, le=100.0)]
Ratio = Annotated[float, Field(gt=0.0)]
Above1 = Annotated[float, Field(gt=1.0)]
Chance = Annotated[float, Field(gt=0.0, lt=1.0)]


class CategoryThresholds(BaseModel):
    """What one category of products may set for itself; what it does not name holds as for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    warn_line_quantity: Ratio | None = None
    warn_line_amount: Ratio | None = None
    warn_amount_mismatch_pct: Percent | None = None
    warn_price_drift_pct: Ratio | None = None
    warn_stock_mismatch_pct: Percent | None = None
    outlier_ratio: Above1 | None = None


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
    max_fallback_pct: Percent = Field(
        5.0,
        description="Share of series forecast by a simpler method than the backtest chose, because that one failed, "
        "above which the night is refused.",
    )
    warn_late_days: int = Field(
        1,
        ge=0,
        description="A feed that comes daily (20 of 28 days) and whose newest row is older than this many days at "
        "as_of is shown as late.",
    )
    max_late_days: int | None = Field(
        None,
        ge=0,
        description="The same, above which the night is refused; without a number a late feed never refuses a night.",
    )
    warn_orphan_pct: Percent = Field(
        1.0,
        description="Share of a feed's rows that name a product, place, supplier, promotion or campaign which its own "
        "feed does not have, above which it is shown.",
    )
    warn_amount_mismatch_pct: Percent = Field(
        1.0,
        description="Share of a category's sale lines (with a unit_price) whose net_amount is not quantity times "
        "unit_price less discount, to 2 cents and 1 %, above which it is shown.",
    )
    warn_price_drift_pct: Ratio = Field(
        20.0,
        description="Change of a category's prices, same product at the same place, last 4 weeks over the 13 before "
        "(median in %, either way), above which it is shown.",
    )
    warn_mix_psi: Ratio = Field(
        0.25,
        description="Population stability index of the units by category, last 4 weeks over the 13 before, above which "
        "it is shown (0.1 a shift, 0.25 another business).",
    )
    warn_stock_mismatch_pct: Percent = Field(
        10.0,
        description="Share of a category's products and places whose stock is not opening + received - sold - shipped "
        "over the last 28 days, above which it is shown.",
    )
    stock_tolerance: float = Field(
        0.5, ge=0.0, description="Units by which that sum may miss the closing stock of a product at a place."
    )
    outlier_ratio: Above1 = Field(
        10.0,
        description="A product-location day of this many times its own level, or more, goes to the review queue, and "
        "the forecast uses the level until a person decides.",
    )
    outlier_min_days: int = Field(
        8, ge=3, description="Selling days below which a product at a place has no level of its own and is not judged."
    )
    outlier_spread: Ratio = Field(
        2.0, description="An outlier is also above this many times what nine in ten of its selling days do not exceed."
    )
    outlier_context_factor: float = Field(
        2.0,
        ge=1.0,
        description="Factor on outlier_ratio for days under a calendar event, or a promotion with fewer than three "
        "earlier days to compare with.",
    )
    missing_till_max_chance: Chance = Field(
        1e-6,
        description="A place without any sale on a day, where its own weekdays give this a smaller probability and "
        "others sell, has missing tills: the day is unknown, not zero.",
    )
    missing_till_max_days: int = Field(
        7, ge=1, description="Days in a row without a sale beyond which a place was closed, not its tills missing."
    )
    phantom_max_chance: Chance = Field(
        0.001,
        description="Stock on hand without a sale for so long that chance explains it with less than this probability "
        "goes to the count list.",
    )
    phantom_min_days: int = Field(
        8, ge=3, description="Selling days of the last year below which no silence of a product at a place is judged."
    )
    by_category: dict[str, CategoryThresholds] = Field(
        default_factory=dict,
        description="Thresholds of single categories, by the name of erp/products: `{Grocery: {outlier_ratio: 20}}`. "
        "Keys: warn_line_quantity, warn_line_amount, warn_amount_mismatch_pct, warn_price_drift_pct, "
        "warn_stock_mismatch_pct, outlier_ratio.",
    )
    history_runs: int = Field(
        400, ge=1, description="Nights whose check results mart_data_quality keeps, the newest ones."
    )
    money_tolerance: float = Field(
        0.01,
        gt=0.0,
        description="How far order_value may lie from order_qty times unit_cost; raise it when planning.money_decimals "
        "is below 2.",
    )

    def own(self, name: str) -> dict[str, float]:
        """Return what categories set for themselves of threshold `name`, by category, sorted."""
        values = {category: getattr(own, name) for category, own in sorted(self.by_category.items())}
        return {category: value for category, value in values.items() if value is not None}

    @model_validator(mode="after")
    def _warnings_come_before_refusals(self) -> Self:
        ordered = {
            "warn_unknown_pct <= max_unknown_pct": self.warn_unknown_pct <= self.max_unknown_pct,
            "warn_day_volume_low < warn_day_volume_high": self.warn_day_volume_low < self.warn_day_volume_high,
            "warn_late_days <= max_late_days": self.max_late_days is None or self.warn_late_days <= self.max_late_days,
            "min_forecast <= warn_forecast_low < warn_forecast_high <= max_forecast": self.min_forecast
            <= self.warn_forecast_low
            < self.warn_forecast_high
            <= self.max_forecast,
        }
        for rule, holds in ordered.items():
            if not holds:
                raise ValueError(f"must hold: {rule}")
        return self
