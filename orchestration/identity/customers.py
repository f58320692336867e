"""Who is who tonight: accounts linked when crm changed, and every customer id of every extract resolved.

Belongs here: what is read from the warehouse and written to its schema `identity`, and when. Not here: which accounts
are one customer (linking) and how somebody is forgotten (erasure).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import duckdb
import polars as pl

from orchestration.identity import tables
from orchestration.identity.keys import Hasher
from orchestration.identity.linking import link_accounts
from orchestration.identity.settings import IdentitySettings

Say = Callable[[str], None]
# a change of the rules links everything anew, like a change of the data; count up with each
RULES = 1
MAIN_SOURCE = "crm"
_READ_UP_TO, _LINKED = "customer ids read up to file", "accounts linked"


def link_customers(
    con: duckdb.DuckDBPyConnection, hasher: Hasher, settings: IdentitySettings, threads: int, say: Say
) -> bool:
    """Link the accounts of `feeds.crm_customers` when they, the settings or the secret changed; says whether it did."""
    state = _state_of_accounts(con, hasher, settings)
    if tables.read_state(con, _LINKED) == state:
        return False
    accounts = con.execute(
        "select _source as source, customer_id, full_name, phone, email, birth_date, city from feeds.crm_customers "
        "qualify row_number() over (partition by _source, customer_id order by _file_id desc, _line desc) = 1"
    ).pl()
    resolved, links = link_accounts(accounts, hasher, settings, threads)
    con.execute("begin")
    try:
        tables.write(con, tables.ACCOUNTS, resolved)
        tables.write(con, tables.LINKS, links)
        # what an id resolves to may have changed: all are resolved anew
        con.execute(f"delete from {tables.IDS}")
        tables.note_state(con, _READ_UP_TO, "0")
        tables.note_state(con, _LINKED, state)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    methods = ", ".join(f"{count:,} by {method}" for method, count in _by_method(links))
    say(
        f"customers: {resolved['unified_customer_id'].n_unique():,} of {resolved.height:,} accounts"
        + (f", links: {methods}" if methods else "")
    )
    return True


def new_customer_ids(con: duckdb.DuckDBPyConnection) -> tuple[pl.DataFrame, int]:
    """Return the (source, customer_id) that files since the last call name, sorted, and the newest file's number."""
    since = int(tables.read_state(con, _READ_UP_TO) or 0)
    named = tables.raw_tables_with_customers(con)
    if not named:
        return pl.DataFrame(schema={"source": pl.String, "customer_id": pl.String}), since
    parts = [
        f"select distinct _source as source, customer_id from {table} "
        f"where _file_id > {since} and customer_id is not null"
        for table in named
    ]
    newest = con.execute(
        f"select max(newest) from ({' union all '.join(f'select max(_file_id) as newest from {t}' for t in named)})"
    ).fetchone()
    found = con.execute(f"select distinct source, customer_id from ({' union all '.join(parts)}) order by all").pl()
    return found, max(since, int(newest[0] or 0)) if newest else since


def resolve_customer_ids(con: duckdb.DuckDBPyConnection, hasher: Hasher) -> int:
    """Give every customer id that is new its customer; returns how many were new.

    An id is an account of its own source, else of the built-in source `crm`, else nobody's: then it keeps a pseudonym
    of its own.
    """
    found, newest = new_customer_ids(con)
    con.register("found_frame", found.to_arrow())
    try:
        resolved = con.execute(
            f"""
            select found.source, found.customer_id,
                coalesce(own.unified_customer_id, main.unified_customer_id) as unified_customer_id
            from found_frame as found
            left join {tables.ACCOUNTS} as own using (source, customer_id)
            left join {tables.ACCOUNTS} as main
                on main.source = '{MAIN_SOURCE}' and main.customer_id = found.customer_id
            where not exists (
                select 1 from {tables.IDS} as known
                where known.source = found.source and known.customer_id = found.customer_id
            )
            order by found.source, found.customer_id
            """
        ).pl()
    finally:
        con.unregister("found_frame")
    unified = [known or hasher.customer_id([(source, own)]) for source, own, known in resolved.iter_rows()]
    rows = resolved.with_columns(
        is_known=pl.col("unified_customer_id").is_not_null(),
        unified_customer_id=pl.Series(unified, dtype=pl.String),
    )
    tables.append(con, tables.IDS, rows)
    tables.note_state(con, _READ_UP_TO, str(newest))
    return rows.height


def _state_of_accounts(con: duckdb.DuckDBPyConnection, hasher: Hasher, settings: IdentitySettings) -> str:
    """Return a text that changes when the accounts, the rules, the settings or the secret do."""
    sources = con.execute(
        "select _source, count(*), max(_file_id), sum(_file_id) from feeds.crm_customers group by all order by all"
    ).fetchall()
    text = f"{RULES} {settings.model_dump_json()} {hasher.fingerprint} {sources}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _by_method(links: pl.DataFrame) -> list[tuple[str, int]]:
    return list(links.group_by("method").len().sort("method").iter_rows())
