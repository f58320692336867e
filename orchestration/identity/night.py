"""The identity step of a night, in its order: clean what came again, say who is who, forget who asked for it.

Requests are carried out after linking, because all accounts of the customer go; what is left is then linked once more,
as if the erased had never been there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from orchestration.identity import tables
from orchestration.identity.customers import Say, link_customers, resolve_customer_ids
from orchestration.identity.erasure import (
    close_requests,
    delivered_again,
    erase,
    everything_of,
    open_requests,
    register,
)
from orchestration.identity.keys import Hasher
from orchestration.identity.settings import IdentitySettings


@dataclass(frozen=True)
class IdentityReport:
    """Rows of the identity tables after the night, and what it did."""

    accounts: int
    customers: int
    links: int
    ids: int
    was_linked: bool
    erased: int


def identify(
    con: duckdb.DuckDBPyConnection,
    hasher: Hasher,
    settings: IdentitySettings,
    threads: int,
    say: Say,
    id_headers: Mapping[str, str] | None = None,
) -> IdentityReport:
    """Bring the schema `identity` up to date with what was ingested; a night without changes reads a few counts.

    id_headers: the file's own header of the customer's id by `<source>_<feed>`, where it is not `customer_id`.
    """
    headers = id_headers or {}
    tables.ensure_tables(con)
    again = delivered_again(con, hasher)
    if register(con):
        erase(con, hasher, again, say, headers)
    was_linked = link_customers(con, hasher, settings, threads, say)
    resolve_customer_ids(con, hasher)
    requests = open_requests(con)
    forgotten = everything_of(con, requests) if requests else set()
    if forgotten:
        erase(con, hasher, forgotten, say, headers)
        close_requests(con, hasher, requests)
        was_linked = link_customers(con, hasher, settings, threads, say)
        resolve_customer_ids(con, hasher)
    return IdentityReport(
        accounts=_count(con, tables.ACCOUNTS),
        customers=_count(con, f"(select distinct unified_customer_id from {tables.ACCOUNTS})"),
        links=_count(con, tables.LINKS),
        ids=_count(con, tables.IDS),
        was_linked=was_linked,
        erased=len(again) + len(forgotten),
    )


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = con.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0
