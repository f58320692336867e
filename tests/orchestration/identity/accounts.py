"""Accounts by hand for the tests of identity: `people` fills in what a test does not care about."""

from __future__ import annotations

from datetime import date

import polars as pl

from orchestration.identity.keys import Hasher
from orchestration.identity.linking import link_accounts
from orchestration.identity.settings import IdentitySettings

HASHER = Hasher(b"0123456789abcdef0123456789abcdef")
SETTINGS = IdentitySettings(phone_region="DE")
COLUMNS = {
    "source": pl.String,
    "customer_id": pl.String,
    "full_name": pl.String,
    "phone": pl.String,
    "email": pl.String,
    "birth_date": pl.Date,
    "city": pl.String,
}


def people(*rows: dict) -> pl.DataFrame:
    """Accounts by column; `id` is "source/customer_id", a birth date ISO text, and what is missing is null."""
    full = []
    for row in rows:
        source, customer_id = row["id"].split("/")
        born = row.get("born")
        values = (row.get("name"), row.get("phone"), row.get("email"), born and date.fromisoformat(born))
        full.append((source, customer_id, *values, row.get("city")))
    return pl.DataFrame(full, schema=COLUMNS, orient="row")


def clusters(*rows: dict, settings: IdentitySettings = SETTINGS) -> set[frozenset[str]]:
    """The ids that became one customer, single accounts left out."""
    resolved, _ = link_accounts(people(*rows), HASHER, settings, threads=1)
    named = resolved.with_columns(id=pl.col("source") + "/" + pl.col("customer_id"))
    groups = named.group_by("unified_customer_id").agg("id")["id"].to_list()
    return {frozenset(group) for group in groups if len(group) > 1}
