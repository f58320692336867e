"""Writes what docs/ repeats of the code: the settings page and the JSON Schema of source declarations.

.venv/bin/python scripts/write_reference_docs.py      a test says when it was forgotten
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from orchestration.ingestion.catalogue import canonical_feeds
from orchestration.ingestion.shape import SourceDeclaration
from orchestration.settings import SHARED, Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
HEAD = """# Settings

`home/shelfcast.yml` holds what a company sets; every key has a default, and an unknown key is an error that names it.
This page is written by `scripts/write_reference_docs.py` from the settings' own descriptions.
"""


def settings_page() -> str:
    """Return the page as Markdown: one table for the top level, one a nested group."""
    top = [(name, field) for name, field in Settings.model_fields.items() if not field.exclude]
    groups = [(name, field) for name, field in top if _is_group(field.annotation)]
    parts = [HEAD, _table([(n, f) for n, f in top if not _is_group(f.annotation)])]
    for name, field in groups:
        hidden = SHARED.get(name, ())
        fields = [(n, f) for n, f in field.annotation.model_fields.items() if n not in hidden]
        parts.append(f"## {name}\n\n{field.description}\n\n{_table(fields)}")
    return "\n".join(parts)


def _is_group(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _table(fields: list[tuple[str, Any]]) -> str:
    rows = [f"| `{name}` | `{_default(field)}` | {field.description} |" for name, field in fields]
    return "\n".join(["| key | default | what it does |", "|---|---|---|", *rows]) + "\n"


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    return "none" if value in (None, (), {}) else str(value)


def declaration_schema() -> str:
    """Return the JSON Schema of a source declaration: with it an editor completes keys, feeds and columns."""
    schema = SourceDeclaration.model_json_schema()
    feed = schema["$defs"]["FeedDeclaration"]["properties"]
    feed["feeds_into"]["anyOf"] = [{"enum": list(canonical_feeds())}]
    names = sorted({column.name for feed in canonical_feeds().values() for column in feed.columns})
    # `sold_at: header` is short for `sold_at: {from: header}`
    how = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/ColumnSource"}]}
    feed["columns"]["anyOf"] = [{"type": "object", "propertyNames": {"enum": names}, "additionalProperties": how}]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


PAGES = {"settings.md": settings_page, "source-declaration.schema.json": declaration_schema}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
        print(f"wrote {DOCS / name}")
