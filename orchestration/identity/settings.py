"""What a company may set about identity. Only fields that this room reads; the docs are generated from here."""

from pydantic import BaseModel, ConfigDict, Field


class IdentitySettings(BaseModel):
    """How accounts of several sources are resolved to one customer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phone_region: str = Field(
        "US",
        pattern=r"^[A-Z]{2}$",
        description="Country (ISO, two letters) of phone numbers that are written without a country code.",
    )
    shared_key_accounts: int = Field(
        12,
        ge=2,
        description="A phone or e-mail with more accounts than this is a shop's, not a person's: it links nobody.",
    )
    min_probability: float = Field(
        0.95, gt=0.5, lt=1, description="Probability from which name, birth date and city link two accounts."
    )
    placeholders: tuple[str, ...] = Field(
        (), description="Further texts that stand for a missing name, phone or e-mail, e.g. `walk-in`."
    )
