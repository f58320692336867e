"""manifest.json: what a night is made of. Written last, so a folder that has one is complete.

Belongs here: the shape of the manifest (contracts.md, section 4). No clock: what it says follows from the night.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestration.publishing.night import Night, WrittenTable
from orchestration.publishing.runs import MANIFEST


def schema_version(columns: Sequence[tuple[str, str]]) -> str:
    """Return a version that changes when a column's name, type or place does, and only then: 12 hex digits."""
    return hashlib.sha256("\n".join(f"{name} {kind}" for name, kind in columns).encode()).hexdigest()[:12]


def manifest_of(night: Night, written: Sequence[WrittenTable], sequence: int) -> dict[str, Any]:
    """Return the manifest as plain values. sequence: which publication of this home it is, counted from 1."""
    return {
        "run_id": night.run_id,
        "as_of": night.as_of.isoformat(),
        "sequence": sequence,
        "company": night.company,
        "currency": night.currency,
        "code_version": night.code_version,
        "settings_hash": night.settings_hash,
        "inputs": night.inputs,
        "outputs": [_output(table) for table in written],
        "models": night.models,
        "warnings": night.warnings,
        "absent": [{"name": name, "reason": reason} for name, reason in sorted(night.absent.items())],
        "simulated_feeds": sorted(night.simulated_feeds),
    }


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest into a night's folder. Values that JSON does not know (dates) become text."""
    text = json.dumps(manifest, ensure_ascii=False, indent=2, default=str)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _output(written: WrittenTable) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": written.table.name,
        "file": written.file,
        "rows": written.rows,
        "sha256": written.sha256,
        "schema_version": schema_version(written.columns),
        "columns": [{"name": name, "type": kind} for name, kind in written.columns],
        "csv": written.csv,
        "xlsx": written.xlsx,
    }
    if written.parts:
        entry["workbooks"] = [{"of": label, "file": file} for label, file in written.parts]
    if written.csv_reason:
        entry["csv_reason"] = written.csv_reason
    return entry
