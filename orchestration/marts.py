"""What a company may set about its marts: thresholds and rates that dbt's models read as vars of the same names.

Belongs here: settings only. What the models do with them stands in dbt_project/ and in the columns' descriptions.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

# a level's name stands in SQL and in a JSON path
Level = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^'\"\\]+$")]
Share = Annotated[float, Field(gt=0.0, lt=1.0)]


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
    dead_stock_days: int = Field(182, ge=1, description="Stock of which nothing left for so many days is dead.")
    dead_stock_days_by_category: dict[str, int] = Field(default_factory=dict, description="The same by category.")
    slow_mover_decline_pct: float = Field(
        40.0,
        gt=0.0,
        le=100.0,
        description="Sales of the last 30 days so far below the 30 before (per cent, per comparable day) are slow.",
    )
    slow_mover_decline_pct_by_category: dict[str, float] = Field(
        default_factory=dict, description="The same by category."
    )
    slow_mover_max_cover_days: int = Field(
        180, ge=1, description="Stock that lasts longer than this at the pace of the last 91 days is slow."
    )
    slow_mover_max_cover_days_by_category: dict[str, int] = Field(
        default_factory=dict, description="The same by category."
    )
    slow_mover_max_age_days: int = Field(180, ge=1, description="Stock older than this on average is slow.")
    slow_mover_max_age_days_by_category: dict[str, int] = Field(
        default_factory=dict, description="The same by category."
    )
    slow_mover_min_units: int = Field(
        12, ge=1, description="A decline is judged where so many units or more sold in the 30 days before."
    )
    slow_mover_min_deviations: float = Field(
        2.0,
        ge=0.0,
        description="A decline must exceed chance, by so many standard deviations of the difference of two counts.",
    )
    slow_mover_outcome_days: int = Field(
        56, ge=14, le=91, description="Days after a month end over which the backtest looks whether an alert was right."
    )
    stock_gap_days: int = Field(
        14,
        ge=0,
        le=366,
        description="Days after a stock record for which stock that nobody counted is worked out from movements, and "
        "marked; 0 = never. Orders and demand read counted stock only.",
    )
    holding_cost_yearly_pct: float = Field(20.0, ge=0, description="Yearly cost of holding stock, % of its cost.")
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
    price_response_min_weeks: int = Field(
        26,
        ge=8,
        le=104,
        description="Fewest weeks with a sale, of the last 104, from which a product's answer to prices is estimated.",
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
    hierarchy: tuple[Level, ...] = Field(
        ("department", "category", "subcategory"),
        min_length=1,
        description="Levels of the product hierarchy, the highest first: columns of `erp/products` or keys of the JSON "
        "in its `attributes`; as many as the company has.",
    )
    abc_a_share: Share = Field(
        0.8, description="Share of the money of 364 days up to which products, the best sellers first, are class A."
    )
    abc_b_share: Share = Field(0.95, description="The same share up to which they are class B; the rest is C.")
    xyz_x_variation: float = Field(
        0.5, gt=0, description="Coefficient of variation of weekly units up to which a product is class X."
    )
    xyz_y_variation: float = Field(1.0, gt=0, description="The same up to which it is class Y; above it is Z.")
    introduction_days: int = Field(
        182, ge=1, description="Days since launch or first sale for which a product counts as being introduced."
    )
    phase_out_days: int = Field(
        91, ge=0, description="Days before its discontinued_on from which a product counts as being phased out."
    )
    growth_ratio: float = Field(
        1.25,
        gt=1,
        description="Units of 13 weeks, as a multiple of the same weeks a year before (the 13 before, where younger), "
        "from which a product grows; only where the difference is more than chance.",
    )
    decline_ratio: Share = Field(0.75, description="The same multiple down to which a product declines.")
    customer_new_days: int = Field(
        91, ge=1, description="Days since the first purchase for which a customer counts as new."
    )
    customer_at_risk_gaps: float = Field(
        3.0, gt=0, description="Silence, as a multiple of the customer's usual gap, above which a customer is at risk."
    )
    customer_lapsed_gaps: float = Field(6.0, gt=0, description="The same multiple above which a customer has lapsed.")
    customer_lost_gaps: float = Field(12.0, gt=0, description="The same multiple above which a customer is lost.")
    customer_shortest_gap_days: int = Field(
        7, ge=1, description="Usual gaps shorter than this count as this many days: two days at home are no silence."
    )

    @model_validator(mode="after")
    def _cuts_rise(self) -> Self:
        if len(set(self.hierarchy)) < len(self.hierarchy):
            raise ValueError("hierarchy names a level twice")
        for lower, upper in (
            ("abc_a_share", "abc_b_share"),
            ("xyz_x_variation", "xyz_y_variation"),
            ("customer_at_risk_gaps", "customer_lapsed_gaps"),
            ("customer_lapsed_gaps", "customer_lost_gaps"),
        ):
            if getattr(self, lower) >= getattr(self, upper):
                raise ValueError(f"{lower} must lie below {upper}")
        return self
