"""Settings of what is watched: every field has a default and says what it does. They are read elsewhere."""

from pydantic import BaseModel, ConfigDict, Field


class WatchSettings(BaseModel):
    """What raises an alert about channels and words. Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    diversion_ratio: float = Field(
        default=5.0,
        gt=1,
        description="Sales of a place, as a multiple of its share of what its region sells of the product, from "
        "which on "
        "they may have left their channel (28 days).",
    )
    diversion_min_units: int = Field(default=50, ge=1, description="Units of 28 days below which none of that is said.")
    theme_min_mentions: int = Field(default=5, ge=2, description="Mentions in a week below which no theme jumps.")
    themes: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Themes of feedback with the words that name them, in any language; added to the built-in ones, "
        "and in "
        "place of one of the same name.",
    )
