"""YAML files read strictly: a wrong key or value is refused with its file, its key and the nearest valid name.

Used by the settings and by source declarations. What their keys mean stands in their own models.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from orchestration.errors import SettingsError


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file of `key: value` lines; an empty file is an empty mapping.

    Raises:
        SettingsError: not UTF-8, not YAML, or not a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as YAML — {error} — mend the file or remove it") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: holds a {type(values).__name__}, not `key: value` lines")
    return values


def explain(path: Path, error: Any, model: type[BaseModel], noun: str, hidden: Collection[str] = ()) -> str:
    """Word one error of pydantic's `ValidationError.errors()` for the person who wrote the file.

    model: what the file was read as. noun: what its keys are called. hidden: keys of the model that are not offered.
    """
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        valid = [name for name in valid_keys(model, error["loc"][:-1]) if name not in hidden]
        return f"{path}: unknown {noun} '{key}' — {nearest(str(error['loc'][-1]), valid)}"
    if error["type"] == "missing":
        return f"{path}: {noun} '{key}' is missing — it has no default"
    return f"{path}: {noun} '{key}' has value {error['input']!r} — {error['msg'].removeprefix('Value error, ')}"


def nearest(word: str, valid: Collection[str]) -> str:
    """Return advice that names the nearest of the valid words, or all of them when none is near."""
    near = difflib.get_close_matches(word, list(valid), n=1)
    return f"did you mean '{near[0]}'?" if near else f"valid: {', '.join(sorted(valid))}"


def valid_keys(model: type[BaseModel], parents: tuple[str | int, ...]) -> list[str]:
    """Return the keys that a nested part of a model knows; `parents` is the way to it, names in mappings included."""
    current: Any = model
    for part in parents:
        fields = getattr(current, "model_fields", None)
        current = _model_within(fields[str(part)].annotation) if fields and str(part) in fields else current
    return [field.alias or name for name, field in current.model_fields.items() if not field.exclude]


def _model_within(annotation: Any) -> Any:
    """Return the model inside `dict[str, Model]`, `Model | None` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [found for argument in get_args(annotation) if (found := _model_within(argument))]
    return inner[-1] if inner else None
