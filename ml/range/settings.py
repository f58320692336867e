"""Settings of the range: every field has a default and says what it does. They are read elsewhere."""

from pydantic import BaseModel, ConfigDict, Field


class RangeSettings(BaseModel):
    """How ranges are decided. Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=1, ge=0, description="Seed of every random draw; the same seed gives the same bytes.")

    most_clusters: int = Field(
        default=8, ge=2, le=30, description="Store clusters, at most; how many there are is chosen."
    )
    walk_away_pct: float = Field(
        default=30.0,
        gt=0,
        lt=100,
        description="Of those who want something of a kind, the share that buys nothing rather than any of it: what a "
        "product that goes takes along, and one that comes brings.",
    )
    most_changes: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Products exchanged at a place in one night's assortment_changes, at most.",
    )
    least_places: int = Field(
        default=3, ge=1, description="Places of the cluster that have to sell a product before it is listed elsewhere."
    )
    hit_min_units: int = Field(
        default=20, ge=1, description="Units below which a new product is no hit, however few others sold."
    )
    hit_max_weeks: int = Field(
        default=8, ge=2, le=26, description="Weeks since its first sale in which a hit is early."
    )
