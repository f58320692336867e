"""marts.duckdb: the marts and every published table in one file that analysts open, read-only.

Belongs here: copying tables and their comments from the warehouse into a fresh file, and creating what that file holds
as SQL. What the marts are is dbt's (dbt_project/stored/ has the functions and views of the file), what the published
columns mean stands in columns. The file is finished and closed before anybody sees it: a reader never meets a writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import jinja2

from orchestration.publishing.columns import meaning
from orchestration.publishing.night import PublicationError, WrittenTable
from orchestration.publishing.tables import parquet_source, relation
from orchestration.sql import literal, quoted

FILE_NAME = "marts.duckdb"
_ALIAS = "shelfcast_publication"
_DBT_PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
# functions and views of the file: SQL below dbt_project/stored/, with the marts that it reads
STORED = {
    "fct_promotion_days": ("fct_promotion_periods",),
    "margin_bridge": ("dim_product", "mart_sku_channel_day"),
}


def build_marts_file(
    con: duckdb.DuckDBPyConnection, folder: Path, written: Sequence[WrittenTable], mart_schemas: Sequence[str]
) -> list[str]:
    """Write `folder`/marts.duckdb and return the names of its tables, sorted.

    con: the warehouse, which may be open read-only; its own data are not touched. Published tables are taken from their
    Parquet files: what analysts query is what planners download, in the same order.

    Raises:
        PublicationError: two tables would have the same name.
    """
    marts = _marts_to_copy(con, written, mart_schemas)
    stored = {name: needs for name, needs in STORED.items() if marts.keys() >= set(needs)}
    described = {name: marts.pop(name) for name in stored if name in marts}
    path = folder / FILE_NAME
    con.execute(f"attach {literal(str(path))} as {_ALIAS} (read_write)")
    try:
        # one transaction for all: a hundred comments, each written to the disk by itself, took 6 s
        with con.cursor() as cursor:
            cursor.begin()
            for name, source in marts.items():
                cursor.execute(f"create table {_ALIAS}.{quoted(name)} as select * from {relation(source)}")
                _copy_comments(cursor, name, source)
            for output in written:
                data = parquet_source(folder / output.file)
                cursor.execute(f"create table {_ALIAS}.{quoted(output.table.name)} as select * from {data}")
                _comment_published(cursor, output)
            cursor.commit()
        # what is stored as SQL names its tables without a catalog, as the analysts will
        with con.cursor() as cursor:
            cursor.execute(f"use {_ALIAS}")
            for name in stored:
                cursor.execute(stored_sql(name))
        for name, source in described.items():
            _copy_comments(con, name, source, kind="view")
    finally:
        con.execute(f"detach {_ALIAS}")
    path.chmod(0o444)  # opened for writing by mistake, it would lock out every other reader
    return sorted([*marts, *described, *(output.table.name for output in written)])


def stored_sql(name: str) -> str:
    """Return the SQL of a function or view of the file, the macros of dbt that it shares with a model filled in."""
    # the only macros that it may call: plain SQL, without anything of dbt's
    shared = (_DBT_PROJECT / "macros" / "margin_bridge.sql").read_text(encoding="utf-8")
    text = (_DBT_PROJECT / "stored" / f"{name}.sql").read_text(encoding="utf-8")
    # SQL of the project itself: nothing in it comes from outside, and HTML's escapes would break it
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # nosec B701
    return environment.from_string(shared + text).render()


def _marts_to_copy(
    con: duckdb.DuckDBPyConnection, written: Sequence[WrittenTable], mart_schemas: Sequence[str]
) -> dict[str, str]:
    """Name in the file to relation in the warehouse. What is published, under whatever name, is there already."""
    published = {output.table.name: output.table.relation for output in written}
    found = con.execute(
        "select table_name, table_schema || '.' || table_name from information_schema.tables "
        "where table_catalog = current_database() and list_contains(?, table_schema) order by all",
        [list(mart_schemas)],
    ).fetchall()
    marts: dict[str, str] = {}
    for name, source in found:
        if source in published.values():
            continue
        other = published.get(name) or marts.get(name)
        if other is not None:
            raise PublicationError(f"{source} and {other} would both be {name} in {FILE_NAME} — rename one of them")
        marts[name] = source
    return marts


def _copy_comments(con: duckdb.DuckDBPyConnection, name: str, source: str, kind: str = "table") -> None:
    """Carry over what dbt wrote as comments (persist_docs). kind: what `name` is in the file, table or view."""
    schema, table = source.split(".", 1)
    for catalogue, where in (("tables", "table_name"), ("views", "view_name")):
        row = con.execute(
            f"select comment from duckdb_{catalogue}() where database_name = current_database() "
            f"and schema_name = ? and {where} = ?",
            [schema, table],
        ).fetchone()
        if row and row[0]:
            _comment(con, kind, quoted(name), row[0])
    columns = con.execute(
        "select column_name, comment from duckdb_columns() where database_name = current_database() "
        "and schema_name = ? and table_name = ? and comment is not null order by column_index",
        [schema, table],
    ).fetchall()
    for column, comment in columns:
        _comment(con, "column", f"{quoted(name)}.{quoted(column)}", comment)


def _comment_published(con: duckdb.DuckDBPyConnection, output: WrittenTable) -> None:
    name = quoted(output.table.name)
    _comment(con, "table", name, f"{output.table.title}. {output.table.description}")
    for column, _ in output.columns:
        if text := meaning(column):
            _comment(con, "column", f"{name}.{quoted(column)}", text)


def _comment(con: duckdb.DuckDBPyConnection, kind: str, what: str, text: str) -> None:
    # COMMENT ON takes a full name for tables only with catalog and schema, and no parameters
    con.execute(f"comment on {kind} {_ALIAS}.main.{what} is {literal(text)}")
