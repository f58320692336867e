"""The tables of schema `identity`: their columns, and what was read last, so that an unchanged crm costs nothing.

`customer_accounts` and `customer_links` say who is who and why; `customer_ids` resolves every customer id that any
extract names; `erased_customers` remembers who was forgotten, as keyed hashes only. All stand there from the first
night on, empty without customers.
"""

from __future__ import annotations

import duckdb
import polars as pl

from orchestration.sql import quoted

ACCOUNTS, LINKS, IDS, ERASED, STATE = (
    f"identity.{name}" for name in ("customer_accounts", "customer_links", "customer_ids", "erased_customers", "state")
)
_COLUMNS = {
    ACCOUNTS: "source varchar, customer_id varchar, unified_customer_id varchar, cluster_size bigint",
    LINKS: (
        "left_source varchar, left_customer_id varchar, right_source varchar, right_customer_id varchar, "
        "method varchar, probability double, evidence varchar, is_followed boolean"
    ),
    IDS: "source varchar, customer_id varchar, unified_customer_id varchar, is_known boolean",
    ERASED: "account_hash varchar",
    STATE: "name varchar, value varchar",
}


def ensure_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing of the schema `identity`."""
    con.execute("create schema if not exists identity")
    for table, columns in _COLUMNS.items():
        con.execute(f"create table if not exists {table} ({columns})")


def write(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Replace the rows of one of these tables."""
    con.execute(f"delete from {table}")
    append(con, table, frame)


def append(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Add rows to one of these tables, by column name."""
    con.register("identity_frame", frame.to_arrow())
    try:
        con.execute(f"insert into {table} by name select * from identity_frame")
    finally:
        con.unregister("identity_frame")


def read_state(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """Return what was noted under a name, None when nothing was."""
    row = con.execute(f"select value from {STATE} where name = ?", [name]).fetchone()
    return row[0] if row else None


def note_state(con: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Note a value under a name, in place of the earlier one."""
    con.execute(f"delete from {STATE} where name = ?", [name])
    con.execute(f"insert into {STATE} values (?, ?)", [name, value])


def raw_tables_with_customers(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the tables in `raw` that name customers, `raw.<source>_<feed>`, decisions of people aside."""
    rows = con.execute(
        "select table_name from duckdb_columns() where schema_name = 'raw' and column_name = 'customer_id' "
        "and table_name not like 'decisions\\_%' escape '\\' order by table_name"
    ).fetchall()
    return [f"raw.{quoted(name)}" for (name,) in rows]
