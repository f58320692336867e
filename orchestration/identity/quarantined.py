"""Refused records of erased customers: the record stays counted, its text goes.

A refused record was never loaded, so it is known only by what its text says: the customer's id, or the very phone or
e-mail of an account that is being erased. A name alone is not enough: it is the namesake's as well. Records are JSON
with the file's own headers: `id_headers` says under which a table (`<source>_<feed>`) has the customer's id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import duckdb

from orchestration.identity.customers import MAIN_SOURCE
from orchestration.identity.keys import Hasher
from orchestration.sql import literal, quoted

ERASED = "(erased)"
CANONICAL = "customer_id"
_FIELD = re.compile(r"[,;|\t]")
_MIN_CONTACT = 6  # a shorter phone or e-mail stands in unrelated texts by chance


def erase_texts(con: duckdb.DuckDBPyConnection, hasher: Hasher, hashes: set[str], id_headers: Mapping[str, str]) -> int:
    """Blank what quarantine holds of accounts with these hashes, and of those in the table `erased_accounts`."""
    tables = con.execute(
        "select table_name from duckdb_columns() where schema_name = 'quarantine' and column_name = 'raw_text' "
        "order by table_name"
    ).fetchall()
    contacts = _contacts(con) if tables else []
    return sum(
        _erase_table(con, f"quarantine.{quoted(name)}", hasher, hashes, contacts, id_headers.get(name, CANONICAL))
        for (name,) in tables
    )


def _erase_table(
    con: duckdb.DuckDBPyConnection, table: str, hasher: Hasher, hashes: set[str], contacts: list[str], header: str
) -> int:
    # within a case: DuckDB may read the JSON before it has asked whether it is any
    # some records carry the file's header, others (set aside after they were read) the canonical name
    names = ", ".join(
        f"json_extract_string(raw_text, {literal('$.' + json.dumps(name, ensure_ascii=False))})"
        for name in (header, CANONICAL)
    )
    in_record = f"case when json_valid(raw_text) then coalesce({names}) end"
    in_json = con.execute(
        f"select distinct l.source, {in_record} as customer_id from {table} as q "
        "inner join ops.files as l using (file_id) where customer_id is not null"
    ).fetchall()
    found = [(source, own) for source, own in in_json if _is_erased(hasher, hashes, source, own.strip())]
    conditions = [
        f"({in_record} = {literal(own)} and file_id in "
        f"(select file_id from ops.files where source = {literal(source)}))"
        for source, own in found
    ]
    # a line that is no record has no named fields: each of its fields may be the id
    lines = con.execute(
        f"select q.file_id, q.line, l.source, q.raw_text from {table} as q "
        f"inner join ops.files as l using (file_id) where raw_text <> '{ERASED}' and not json_valid(raw_text)"
    ).fetchall()
    for file_id, line, source, text in lines:
        fields = {field.strip().strip('"') for field in _FIELD.split(text)}
        if any(_is_erased(hasher, hashes, source, field) for field in fields if field):
            conditions.append(f"(file_id = {file_id} and line = {line})")
    conditions += [f"contains(raw_text, {literal(contact)})" for contact in contacts]
    if not conditions:
        return 0
    row = con.execute(
        f"update {table} set raw_text = '{ERASED}', value = case when value is not null then '{ERASED}' end "
        f"where {' or '.join(conditions)}"
    ).fetchone()
    return int(row[0]) if row else 0


def _is_erased(hasher: Hasher, hashes: set[str], source: str, customer_id: str) -> bool:
    return hasher.erased(source, customer_id) in hashes or hasher.erased(MAIN_SOURCE, customer_id) in hashes


def _contacts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the phones and e-mails of `erased_accounts` as they were delivered."""
    accounts = con.execute(
        "select table_name from duckdb_columns() where schema_name = 'raw' and column_name in ('phone', 'email') "
        "group by table_name having count(*) = 2 order by table_name"
    ).fetchall()
    found: set[str] = set()
    for (name,) in accounts:
        rows = con.execute(
            f"select phone, email from raw.{quoted(name)} where (_source, customer_id) in (from erased_accounts)"
        ).fetchall()
        found |= {text for row in rows for text in row if text and len(text) >= _MIN_CONTACT}
    return sorted(found)
