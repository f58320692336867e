"""What a company may set about its stock decisions.

What belongs here: fields that a decision reads, each described, for the settings page is generated from them. What does
not: where the extracts lie or when the night starts (orchestration).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(gt=0.0, lt=1.0)]


class PlanningSettings(BaseModel):
    """How stock is decided. Quantities are in base units, times in days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service_type: Literal["value", "fill_rate", "cycle", "newsvendor"] = Field(
        "value",
        description="What service_target means. value: the share of all demand that is served from stock, with the "
        "next unit where it is worth most: one price of a lost sale for all lines, their own shares differ. fill_rate: "
        "the same share for every line by itself (type 2). cycle: the probability that stock lasts through the "
        "protection period (type 1). newsvendor: no target is read; the probability is that at which the margin of the "
        "next unit and the cost of holding it balance.",
    )
    service_target: Probability = Field(
        0.95, description="Service aimed at where neither the product's department nor its class has its own."
    )
    service_target_by_class: dict[str, Probability] = Field(
        default_factory=dict, description="Service aimed at by ABC class of the product (dim_product.abc_class)."
    )
    service_target_by_department: dict[str, Probability] = Field(
        default_factory=dict,
        description="Service aimed at by department, as the departments are called in erp/products.",
    )
    apply_tuned_targets: bool = Field(
        False,
        description="Ask for what the newest replay tuned (mart_service_tuning) in place of the targets set here, so "
        "that what is set is what is served.",
    )
    holding_cost_yearly_pct: float = Field(20.0, ge=0, description="Yearly cost of holding stock, % of its cost.")
    order_budget: float | None = Field(
        None,
        ge=0.0,
        description="Money that one night's orders may cost; units go where they save the most per money. None: no "
        "limit.",
    )
    default_lead_time_days: float = Field(
        7.0,
        ge=0.0,
        le=180.0,
        description="Lead time where erp/sourcing leaves it blank; such lines carry the reason code default_lead_time.",
    )
    default_review_days: int = Field(
        7,
        ge=1,
        le=180,
        description="Days from one order to the next where the source has no order_weekdays; such lines carry the "
        "reason code default_review.",
    )
    max_snapshot_age_days: int = Field(
        3,
        ge=0,
        description="A stock record older than this many days at as_of is not trusted: the line is withheld, with the "
        "reason. 3 bridges a long weekend.",
    )
    money_decimals: int = Field(2, ge=0, le=4, description="Decimals that order values are rounded to.")
