"""Settings of customer value: every field has a default and says what it does. They are read elsewhere."""

from pydantic import BaseModel, ConfigDict, Field


class CustomerSettings(BaseModel):
    """How customers' coming purchases are estimated. Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=1, ge=0, description="Seed of every random draw; the same seed gives the same bytes.")

    min_customers: int = Field(
        default=200, ge=20, description="Customers with a known outcome below which rules are used, no learned model."
    )
    trees: int = Field(default=100, ge=10, description="Trees of each model.")
    leaves: int = Field(default=7, ge=2, description="Leaves a tree.")
    learning_rate: float = Field(default=0.05, gt=0, le=1, description="Step of each tree.")
    train_rows: int = Field(
        default=60_000, ge=1_000, description="Rows (customer x day of origin) that a model is fitted on, at most."
    )
    lightgbm_timeout_seconds: float = Field(
        default=300.0,
        gt=0,
        description="Time for one fit of LightGBM (the demo: 3 s); a longer one is killed, and a rule is used.",
    )
    next_products_new: int = Field(
        default=3, ge=0, le=20, description="Products shown to each customer at least that the customer never bought."
    )
    next_products_train_rows: int = Field(
        default=200_000, ge=1_000, description="Customers x candidates that the ranking is learned from, at most."
    )
    never_recommended: tuple[str, ...] = Field(
        default=(), description="Departments and categories of which no product is recommended (tobacco, fuel)."
    )
    write_to_unknown_consent: bool = Field(
        default=False,
        description="Whether customers whose marketing_consent is not delivered may stand in customer_next_products "
        "and audiences; those who refused never do.",
    )
