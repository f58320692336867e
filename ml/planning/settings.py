"""What a company may set about its stock decisions.

What belongs here: fields that a decision reads, each described, for the settings page is generated from them. What does
not: where the extracts lie or when the night starts (orchestration).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(gt=0.0, lt=1.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
DaysAhead = Annotated[int, Field(ge=1, le=182)]


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
    idle_markdown_pct: float = Field(
        10.0,
        ge=0.0,
        le=100.0,
        description="What a unit that finds no buyer within the protection days loses of its cost, %; the cost of "
        "holding it these days comes on top.",
    )
    transfer_min_gain_amount: float = Field(
        0.5, ge=0.0, description="A move that earns less than this, net of its cost by unit, is not proposed."
    )
    transfer_max_packs: int = Field(
        12, ge=1, le=60, description="Packs of a product that one place gives, or takes, in a night."
    )
    allocation_method: Literal["value", "fair_share"] = Field(
        "value",
        description="Who gets what when a feeding place has too little. value: unit by unit where the next one saves "
        "the most lost margin. fair_share: each request is filled to the same share.",
    )
    allocation_ring_fences: dict[str, Share] = Field(
        default_factory=dict,
        description="By place (location_id): the share of what its feeding place has of a product that is kept for it "
        "first, up to its request.",
    )
    open_orders_are_reserved: bool = Field(
        False,
        description="Whether reserved_qty in erp/inventory already holds the units of pos/open_orders; then they are "
        "taken off once.",
    )
    promise_days: tuple[DaysAhead, ...] = Field(
        (7, 28),
        min_length=1,
        description="For how many days after the business day available_to_promise says what can be declared.",
    )
    sourcing_cost_per_km: float = Field(0.01, ge=0.0, description="Cost of carrying a unit one km to a customer.")
    sourcing_cost_per_parcel: float = Field(4.0, ge=0.0, description="Cost of a parcel, whatever is in it.")
    sourcing_split_penalty: float = Field(
        2.0, ge=0.0, description="Further cost of each parcel of an order beyond its first."
    )
    sourcing_other_region_km: float = Field(
        500.0, ge=0.0, description="Distance assumed to a place of another region where coordinates are not known."
    )
    sourcing_places_considered: int = Field(
        8, ge=1, le=50, description="Cheapest places of an open order line that are considered together."
    )
