"""Accounts to customers: which scored pairs are links, and what each rests on.

A link is made by an equal phone or e-mail when nothing speaks against it, else by probability. Pure functions on
frames; how alike two accounts are is comparing's business, who stands together clustering's, tables customers'.
"""

from __future__ import annotations

import polars as pl

from orchestration.identity.clustering import follow
from orchestration.identity.comparing import (
    DATE_CLOSE,
    DATE_EQUAL,
    DIFFERS,
    EQUAL,
    NAME_CLOSE,
    NAME_EQUAL,
    NAME_ONE_SIGN,
    UNKNOWN,
    scored_pairs,
)
from orchestration.identity.keys import Hasher
from orchestration.identity.normalise import (
    normal_birth_date,
    normal_city,
    normal_email,
    normal_name,
    normal_phone,
    plain_placeholders,
)
from orchestration.identity.settings import IdentitySettings

ACCOUNTS = {
    "source": pl.String,
    "customer_id": pl.String,
    "unified_customer_id": pl.String,
    "cluster_size": pl.Int64,
}
LINKS = {
    "left_source": pl.String,
    "left_customer_id": pl.String,
    "right_source": pl.String,
    "right_customer_id": pl.String,
    "method": pl.String,
    "probability": pl.Float64,
    "evidence": pl.String,
    "is_followed": pl.Boolean,
}


def link_accounts(
    accounts: pl.DataFrame, hasher: Hasher, settings: IdentitySettings, threads: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Resolve accounts to customers.

    accounts: `source`, `customer_id` (unique together), `full_name`, `phone`, `email`, `birth_date` (date), `city`.
    Returns (accounts with their `unified_customer_id`, links with method, probability and evidence), both sorted. The
    order of the input changes nothing.
    """
    accounts = accounts.sort("source", "customer_id").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    people = _people(accounts, hasher, settings)
    links = _links(scored_pairs(people, threads), people, settings)
    followed, clusters = follow(links, people)
    ids = list(accounts.select("source", "customer_id").iter_rows())
    unified: list[str] = [""] * len(ids)
    sizes = [0] * len(ids)
    for members in clusters:
        unified_id = hasher.customer_id(ids[row] for row in members)
        for row in members:
            unified[row], sizes[row] = unified_id, len(members)
    resolved = accounts.select("source", "customer_id").with_columns(
        unified_customer_id=pl.Series(unified, dtype=pl.String), cluster_size=pl.Series(sizes, dtype=pl.Int64)
    )
    return resolved, _described(links.with_columns(is_followed=pl.Series(followed, dtype=pl.Boolean)), accounts)


def _people(accounts: pl.DataFrame, hasher: Hasher, settings: IdentitySettings) -> pl.DataFrame:
    """Return what is compared: normal names, dates and cities, and hashes of phone and e-mail."""
    nobody = plain_placeholders(settings.placeholders)

    def hashed(purpose: str, value: str | None) -> str | None:
        return hasher.digest(purpose, value)[:32] if value else None

    phones = {
        p: hashed("phone", normal_phone(p, settings.phone_region, nobody)) for p in accounts["phone"].unique().to_list()
    }
    emails = {e: hashed("email", normal_email(e, nobody)) for e in accounts["email"].unique().to_list()}
    names = {n: normal_name(n, nobody) for n in accounts["full_name"].unique().to_list()}
    cities = {c: normal_city(c) for c in accounts["city"].unique().to_list()}
    days = {d: normal_birth_date(d) for d in accounts["birth_date"].unique().to_list()}
    name = [names[n] for n in accounts["full_name"].to_list()]
    people = pl.DataFrame(
        {
            "row": accounts["row"],
            "name": pl.Series(name, dtype=pl.String),
            "name_key": pl.Series([n and " ".join(sorted(n.split())) for n in name], dtype=pl.String),
            "birth_date": pl.Series([days[d] for d in accounts["birth_date"].to_list()], dtype=pl.String),
            "city": pl.Series([cities[c] for c in accounts["city"].to_list()], dtype=pl.String),
            "phone_key": pl.Series([phones[p] for p in accounts["phone"].to_list()], dtype=pl.String),
            "email_key": pl.Series([emails[e] for e in accounts["email"].to_list()], dtype=pl.String),
        }
    )
    # a phone with more accounts than a household has is a shop's or a made-up one: it is no evidence at all
    own = [
        pl.when(pl.len().over(key) <= settings.shared_key_accounts).then(pl.col(key)).alias(key)
        for key in ("phone_key", "email_key")
    ]
    return people.with_columns(own)


def _links(pairs: pl.DataFrame, people: pl.DataFrame, settings: IdentitySettings) -> pl.DataFrame:
    """Keep the pairs that are links, with their method: `phone`, `email` or `probability`."""
    date_agrees = pl.col("birth_date") >= DATE_CLOSE
    # one other sign in a short name: siblings are called so, therefore the birth date has to speak for it
    name_agrees = (
        (pl.col("name") == NAME_EQUAL)
        | ((pl.col("name") == NAME_CLOSE) & (pl.col("birth_date") != DIFFERS))
        | ((pl.col("name") == NAME_ONE_SIGN) & date_agrees)
    )
    # a family shares a phone: the phone links two accounts only when the name or the birth date agrees as well ...
    is_same_person = name_agrees | (pl.col("birth_date") == DATE_EQUAL)
    # ... or when nothing but the phone is known, and all who give it could be one person
    is_unknown = (pl.col("name") == UNKNOWN) & (pl.col("birth_date") == UNKNOWN)

    def links_by(key: str) -> pl.Expr:
        return (pl.col(key) == EQUAL) & (is_same_person | (is_unknown & pl.col(f"{key}_is_ones")))

    method = (
        pl.when(links_by("phone"))
        .then(pl.lit("phone"))
        .when(links_by("email"))
        .then(pl.lit("email"))
        .when((pl.col("probability") >= settings.min_probability) & is_same_person)
        .then(pl.lit("probability"))
    )
    return (
        pairs.join(_keys_of_one(people), left_on="left", right_on="row", how="left", maintain_order="left")
        .with_columns(method=method)
        .filter(pl.col("method").is_not_null())
        .drop("phone_is_ones", "email_is_ones")
    )


def _keys_of_one(people: pl.DataFrame) -> pl.DataFrame:
    """Say of each account whether its phone and its e-mail are given by people of at most one name and birth date."""

    def is_ones(key: str) -> pl.Expr:
        kinds = [pl.col(c).drop_nulls().n_unique().over(f"{key}_key") <= 1 for c in ("name_key", "birth_date")]
        return pl.all_horizontal(kinds).alias(f"{key}_is_ones")

    return people.select("row", is_ones("phone"), is_ones("email"))


def _described(links: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Return the links by account, with the columns that agreed in words: `phone, name, birth_date (close)`."""
    ids = accounts.select("row", "source", "customer_id")
    words = [
        _agreement(column, close)
        for column, close in (("phone", 0), ("email", 0), ("name", 1), ("birth_date", 1), ("city", 1))
    ]
    return (
        links.with_columns(evidence=pl.concat_str(words, separator=", ", ignore_nulls=True))
        .join(ids.rename({"source": "left_source", "customer_id": "left_customer_id"}), left_on="left", right_on="row")
        .join(
            ids.rename({"source": "right_source", "customer_id": "right_customer_id"}), left_on="right", right_on="row"
        )
        .select(list(LINKS))
        .sort("left_source", "left_customer_id", "right_source", "right_customer_id")
    )


def _agreement(column: str, levels_of_close: int) -> pl.Expr:
    best = {"name": NAME_EQUAL, "birth_date": DATE_EQUAL}.get(column, EQUAL)
    when = pl.when(pl.col(column) == best).then(pl.lit(column))
    return when.when(pl.col(column) > DIFFERS).then(pl.lit(f"{column} (close)")) if levels_of_close else when
