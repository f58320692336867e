"""What a company may set about publication. Only fields that this room reads; the docs are generated from here."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PublishingSettings(BaseModel):
    """How nights are kept and what the page of the night shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    buyers: dict[str, tuple[str, ...]] = Field(
        {},
        description="Buyer -> suppliers, categories or departments that are theirs: each gets a workbook of their own "
        "lines, and the page filters by them. Default: a workbook a supplier or feeding place.",
    )
    locale: Literal["en", "zh"] = Field("en", description="Language of index.html; the page has a switch to the other.")
    page_products: int = Field(
        30_000,
        ge=0,
        description="Products with a view of their own on the page: those with the largest orders, then the most sold.",
    )
    keep_runs: int = Field(
        14,
        ge=1,
        description="Published nights kept; older ones are removed. The one that latest points to always stays.",
    )
    top_lines: int = Field(10, ge=1, le=500, description="Most valuable order lines shown on the page of the night.")
    history_weeks: int = Field(
        104, ge=1, le=520, description="Weeks of sales shown before the forecast on the page of the night."
    )
