"""The page's words by language: one catalogue a language, `catalogues/<language>.yml`, with the same keys.

Belongs here: reading a catalogue. Numbers and dates by language stand in page; the template asks for words by key.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

CATALOGUES = Path(__file__).parent / "catalogues"


def languages() -> list[str]:
    """Return the languages that there are catalogues of."""
    return sorted(path.stem for path in CATALOGUES.glob("*.yml"))


@cache
def words(language: str) -> dict[str, str]:
    """Return key -> text of one language. Raises FileNotFoundError: there is no such catalogue."""
    found: dict[str, str] = yaml.safe_load((CATALOGUES / f"{language}.yml").read_text(encoding="utf-8"))
    return found
