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
