"""Names and texts quoted for DuckDB: what ingestion and publication both need where a statement takes no parameter."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Quote one identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text value."""
    return "'" + text.replace("'", "''") + "'"
