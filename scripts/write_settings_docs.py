"""Writes docs/settings.md from the settings' own descriptions; a test says when it was forgotten.

.venv/bin/python scripts/write_settings_docs.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from orchestration.settings import SHARED_WITH_FORECAST, Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
HEAD = """# Settings

`home/shelfcast.yml` holds what a company sets; every key has a default, and an unknown key is an error that names it.
This page is written by `scripts/write_settings_docs.py` from the settings' own descriptions.
"""


def settings_page() -> str:
    """Return the page as Markdown: one table for the top level, one a nested group."""
    top = [(name, field) for name, field in Settings.model_fields.items() if not field.exclude]
    groups = [(name, field) for name, field in top if _is_group(field.annotation)]
    parts = [HEAD, _table([(n, f) for n, f in top if not _is_group(f.annotation)])]
    for name, field in groups:
        hidden = SHARED_WITH_FORECAST if name == "forecast" else ()
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


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
    print(f"wrote {PAGE}")
