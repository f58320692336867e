"""Customers who asked to be forgotten: their rows deleted, their sales without a name, in every night from now on.

A request is a row of `decisions/erase_customers`. What stays of it is a keyed hash of each account, so that an extract
that is delivered again is cleaned again. What lies outside the warehouse (landing/, older published nights) is listed
in docs/identity.md and not touched here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb
import polars as pl

from orchestration.identity import quarantined, tables
from orchestration.identity.customers import MAIN_SOURCE, Say, new_customer_ids
from orchestration.identity.keys import Hasher
from orchestration.sql import quoted

Accounts = set[tuple[str, str]]  # (source, customer_id)

REQUESTS = "raw.decisions_erase_customers"
# what stands in a request's customer_id once it was carried out, with the hash behind it
DONE = "erased:"
# a table with one of these is about goods: its rows stay and lose the customer; other tables are about the customer
_KEYS_OF_GOODS = {"transaction_id", "order_id"}


def open_requests(con: duckdb.DuckDBPyConnection) -> Accounts:
    """Return the accounts that somebody asked to forget and that were not forgotten yet."""
    rows = con.execute(
        "select distinct source, customer_id from feeds.decisions_erase_customers "
        "where not starts_with(customer_id, ?)",
        [DONE],
    ).fetchall()
    return {(source, customer_id) for source, customer_id in rows}


def delivered_again(con: duckdb.DuckDBPyConnection, hasher: Hasher) -> Accounts:
    """Return the forgotten accounts that files since the last night name again."""
    erased = register(con)
    if not erased:
        return set()
    found, _ = new_customer_ids(con)
    own = set(con.execute("select distinct _source, customer_id from feeds.crm_customers").fetchall())
    return {
        (source, customer_id)
        for source, customer_id in found.iter_rows()
        if hasher.erased(source, customer_id) in erased
        or ((source, customer_id) not in own and hasher.erased(MAIN_SOURCE, customer_id) in erased)
    }


def everything_of(con: duckdb.DuckDBPyConnection, requests: Accounts) -> Accounts:
    """Return the requested accounts with all accounts and ids of the same customers."""
    con.register("request_frame", _frame(requests).to_arrow())
    try:
        rows = con.execute(
            f"""
            with wanted as (
                select ids.unified_customer_id
                from {tables.IDS} as ids
                inner join request_frame as requests using (source, customer_id)
                union
                -- asked for under a till's id that no sale names: the account of crm behind it
                select accounts.unified_customer_id
                from {tables.ACCOUNTS} as accounts
                inner join request_frame as requests using (customer_id)
                where accounts.source = '{MAIN_SOURCE}' and not exists (
                    select 1 from {tables.ACCOUNTS} as own
                    where own.source = requests.source and own.customer_id = requests.customer_id
                )
            )
            select source, customer_id from {tables.IDS} where unified_customer_id in (from wanted)
            union
            select source, customer_id from {tables.ACCOUNTS} where unified_customer_id in (from wanted)
            union
            -- a till's id means the account of crm, also one that was never delivered
            select ids.source, ids.customer_id
            from {tables.IDS} as ids
            inner join request_frame as requests using (customer_id)
            where requests.source = '{MAIN_SOURCE}' and not ids.is_known
            """
        ).fetchall()
    finally:
        con.unregister("request_frame")
    return requests | set(rows)


def erase(
    con: duckdb.DuckDBPyConnection, hasher: Hasher, accounts: Accounts, say: Say, id_headers: Mapping[str, str]
) -> None:
    """Remove these accounts from raw, quarantine and identity, and remember them as hashes; one transaction.

    Every file's counts in the ledger move from loaded to excluded, so that its rows still add up. Quarantine is
    searched for everybody who was ever erased: a record that is refused again is never loaded. id_headers: see there.
    """
    con.register("erased_frame", _frame(accounts).to_arrow())
    con.execute("begin")
    try:
        con.execute("create or replace temp table erased_accounts as from erased_frame")
        texts = quarantined.erase_texts(con, hasher, register(con) | _hashes(hasher, accounts), id_headers)
        deleted = nulled = 0
        for table in tables.raw_tables_with_customers(con) if accounts else []:
            if _KEYS_OF_GOODS & _columns(con, table):
                nulled += _forget_customer(con, table)
            else:
                deleted += _delete_rows(con, table)
        for table in (tables.ACCOUNTS, tables.IDS):
            con.execute(f"delete from {table} where (source, customer_id) in (from erased_accounts)")
        for side in ("left", "right"):
            con.execute(
                f"delete from {tables.LINKS} where ({side}_source, {side}_customer_id) in (from erased_accounts)"
            )
        _remember(con, _hashes(hasher, accounts))
        con.execute("drop table erased_accounts")
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    finally:
        con.unregister("erased_frame")
    if not (accounts or texts):
        return
    say(
        f"erased {len(accounts):,} customer ids: {deleted:,} rows deleted, {nulled:,} lines without their customer, "
        f"{texts:,} refused records without their text"
    )


def close_requests(con: duckdb.DuckDBPyConnection, hasher: Hasher, requests: Accounts) -> None:
    """Put a hash in the place of each request's plain id; the request stays as the reason why rows are missing."""
    for source, customer_id in sorted(requests):
        con.execute(
            f"update {REQUESTS} set customer_id = ? where source = ? and customer_id = ?",
            [DONE + hasher.erased(source, customer_id), source, customer_id],
        )


def _delete_rows(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """Delete the rows of erased accounts and move them to excluded in their files' counts.

    A row that repeats one of an earlier file stands in raw as well, but was counted as a duplicate (ingestion/keys.py).
    """
    of_erased = f"from {table} where (_source, customer_id) in (from erased_accounts)"
    content = ", ".join(quoted(name) for name in sorted(_columns(con, table)) if not name.startswith("_"))
    by_file = con.execute(
        "select _file_id, count(*), count(*) filter (same > 1) from (select _file_id, row_number() over "
        f"(partition by {content} order by _file_id) as same {of_erased}) group by _file_id"
    ).fetchall()
    con.execute(f"delete {of_erased}")
    for file_id, rows, repeated in by_file:
        con.execute(
            "update ops.files set rows_loaded = rows_loaded - ($rows - least($repeated, rows_duplicate)), "
            "rows_duplicate = rows_duplicate - least($repeated, rows_duplicate), rows_excluded = rows_excluded + $rows "
            "where file_id = $file_id",
            {"rows": rows, "repeated": repeated, "file_id": file_id},
        )
    return sum(rows for _, rows, _ in by_file)


def _forget_customer(con: duckdb.DuckDBPyConnection, table: str) -> int:
    # what nobody declared may tell who it is as well
    rest = ", _rescued = null" if "_rescued" in _columns(con, table) else ""
    row = con.execute(
        f"update {table} set customer_id = null{rest} where (_source, customer_id) in (from erased_accounts)"
    ).fetchone()
    return int(row[0]) if row else 0


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {row[0] for row in con.execute(f"describe {table}").fetchall()}


def _hashes(hasher: Hasher, accounts: Iterable[tuple[str, str]]) -> set[str]:
    return {hasher.erased(source, customer_id) for source, customer_id in accounts}


def register(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the hashes of all accounts that were ever erased."""
    return {row[0] for row in con.execute(f"select account_hash from {tables.ERASED}").fetchall()}


def _remember(con: duckdb.DuckDBPyConnection, hashes: set[str]) -> None:
    new = sorted(hashes - register(con))
    if new:
        tables.append(con, tables.ERASED, pl.DataFrame({"account_hash": new}))


def _frame(accounts: Accounts) -> pl.DataFrame:
    schema = {"source": pl.String, "customer_id": pl.String}
    return pl.DataFrame(sorted(accounts), schema=schema, orient="row")
