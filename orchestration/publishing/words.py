"""The page's words by language: one catalogue a language, `catalogues/<language>.yml`, with the same keys.

Belongs here: reading a catalogue. Numbers and dates by language stand in page; the template asks for words by key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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


def sentence(known: Mapping[str, str], name: str, facts: Mapping[str, object], show: Callable[[object], str]) -> str:
    """The sentence of a line of the list `name`: `why.<name>` of the catalogue, filled from the line's columns.

    A list whose lines are of several kinds (alert_type, rule) may have one sentence a kind, `why.<name>.<kind>`. A part
    in [brackets] is left out where a blank of it is null or 0. show: a value as text. templates/lists.js does the same.
    Raises KeyError: the line has no such column.
    """
    kind = facts.get("alert_type") or facts.get("rule")
    text = known.get(f"why.{name}.{kind}", known[f"why.{name}"])

    def filled(part: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda blank: show(facts[blank[1]]), part)

    def optional(part: re.Match[str]) -> str:
        return filled(part[1]) if all(facts[name] for name in re.findall(r"\{(\w+)\}", part[1])) else ""

    return filled(re.sub(r"\[(.*?)\]", optional, text))
