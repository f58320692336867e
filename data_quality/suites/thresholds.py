"""Thresholds as SQL: the company's, or a category's own where it has one."""

from __future__ import annotations

from data_quality.settings import QualitySettings


def by_category(settings: QualitySettings, name: str, column: str = "category") -> str:
    """Return SQL for threshold `name` of the category in `column`."""
    own = settings.own(name)
    if not own:
        return f"{getattr(settings, name)}"
    cases = " ".join(f"when '{_escaped(category)}' then {value}" for category, value in own.items())
    return f"(case {column} {cases} else {getattr(settings, name)} end)"


def lowest(settings: QualitySettings, name: str) -> float:
    """Return the lowest value that threshold `name` has for any category."""
    return min([getattr(settings, name), *settings.own(name).values()])


def _escaped(text: str) -> str:
    return text.replace("'", "''")
