"""The households: crm/customers, crm/campaigns, crm/campaign_members, crm/redemptions.

The data set knows no name, phone, mail, birth date, gender or city; the age bands, incomes and family sizes of 801
households have no canonical column that they fit, so they are left out rather than bent.

Belongs here: who a customer is and what reached them. Does not: what a coupon is (promotions).
"""

from __future__ import annotations

import polars as pl

from seeds.demo.promotions import coupon_id

_CUSTOMER = pl.col("household_id").cast(pl.String)
_CAMPAIGN = pl.col("campaign_id").cast(pl.String)


def customers(transactions: pl.DataFrame, demographics: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Every household that bought, was described or was addressed: customer_id, sorted."""
    known = pl.concat([frame.select(customer_id=_CUSTOMER) for frame in (transactions, demographics, members)])
    return known.unique().sort("customer_id")


def campaigns(descriptions: pl.DataFrame) -> pl.DataFrame:
    """The campaigns with their type and period; eight of the 27 began before or end after the year of the tills."""
    return descriptions.select(
        campaign_id=_CAMPAIGN,
        campaign_type="campaign_type",
        starts_on=pl.col("start_date").dt.date(),
        ends_on=pl.col("end_date").dt.date(),
    ).sort("campaign_id")


def campaign_members(members: pl.DataFrame) -> pl.DataFrame:
    """Which household each campaign addressed."""
    return members.select(campaign_id=_CAMPAIGN, customer_id=_CUSTOMER).sort("campaign_id", "customer_id")


def redemptions(redeemed: pl.DataFrame) -> pl.DataFrame:
    """Every coupon redeemed; promotion_id names the coupon in its campaign (erp/promotions)."""
    return redeemed.select(
        customer_id=_CUSTOMER,
        campaign_id=_CAMPAIGN,
        promotion_id=coupon_id(),
        redeemed_on=pl.col("redemption_date").dt.date(),
    ).sort("redeemed_on", "customer_id", "campaign_id", "promotion_id")
