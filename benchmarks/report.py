"""Result sheets: the same rows as a table on the terminal, as Markdown and as JSON in benchmarks/results/."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Usage


@dataclass(frozen=True)
class Row:
    """One contender: its score sheet (empty when it failed), what it cost, and remarks."""

    name: str
    usage: Usage
    scores: dict[str, Any]
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sheet:
    """One problem with all contenders. `facts`: what was measured on what (machine, versions, cut-off, series)."""

    name: str
    title: str
    rows: list[Row]
    facts: dict[str, Any]


def columns(row: Row) -> dict[str, str]:
    """Return the cells of one contender by heading, in order; a dash where it has no such figure."""
    scores, levels = row.scores, row.scores.get("levels", {})
    usage = row.usage
    cost = {
        "seconds": f"{usage.seconds:,.0f}",
        "cpu s": f"{usage.cpu_seconds:,.0f}",
        "peak GB": f"{usage.peak_bytes / 1e9:.1f}",
    }
    if not scores:
        return cost
    cells = {"WRMSSE": _number(scores.get("wrmsse"))}
    cells |= {level: _number(levels.get(level)) for level in ("total", "store", "item by store")}
    for band in scores.get("bands", {}):
        cells[f"WMAPE {band}"] = _number(scores["bands"][band]["wmape"])
    if "bands" not in scores:
        cells["WMAPE"] = _number(scores.get("wmape"))
    cells["bias"] = _number(scores.get("bias"), "+.1%")
    cells["WSPL"] = _number(scores.get("wspl"))
    below, at_or_below = scores.get("coverage", {}).get("p90", (None, None))
    cells["at p90"] = f"{below:.2f}..{at_or_below:.2f}" if below is not None else "-"
    return cells | cost


def show(sheet: Sheet, console: Console) -> None:
    """Print the table and the remarks."""
    headings, lines = _grid(sheet)
    table = Table(title=sheet.title)
    for k, heading in enumerate(headings):
        table.add_column(heading, justify="right" if k else "left", no_wrap=bool(k == 0))
    for line in lines:
        table.add_row(*line)
    console.print(table)
    for remark in _remarks(sheet):
        console.print(f"  {remark}", highlight=False, soft_wrap=True)


def write(sheet: Sheet, folder: Path) -> list[Path]:
    """Write the sheet as JSON (everything) and Markdown (the tables); returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = {
        "title": sheet.title,
        "facts": sheet.facts,
        "contenders": [
            {
                "name": row.name,
                "seconds": round(row.usage.seconds, 2),
                "cpu_seconds": round(row.usage.cpu_seconds, 2),
                "peak_bytes": row.usage.peak_bytes,
                "status": row.usage.status,
                "remarks": row.remarks,
                **row.scores,
            }
            for row in sheet.rows
        ],
    }
    as_json, as_markdown = folder / f"{sheet.name}.json", folder / f"{sheet.name}.md"
    as_json.write_text(json.dumps(everything, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    as_markdown.write_text(markdown(sheet), encoding="utf-8")
    return [as_json, as_markdown]


def markdown(sheet: Sheet) -> str:
    """Return the sheet as Markdown: the comparison, the remarks, all levels, the facts."""
    headings, lines = _grid(sheet)
    scored = [row for row in sheet.rows if row.scores.get("levels")]
    by_level = [
        [level, *(_number(row.scores["levels"][level]) for row in scored)]
        for level in (scored[0].scores["levels"] if scored else {})
    ]
    parts = [f"# {sheet.title}", _pipes(headings, lines), "\n".join(f"- {remark}" for remark in _remarks(sheet))]
    if scored:
        names = [row.name for row in scored]
        parts += ["RMSSE by level, weighted within the level:", _pipes(["level", *names], by_level)]
    parts.append("\n".join(f"- {key}: {value}" for key, value in sheet.facts.items()))
    return "\n\n".join(part for part in parts if part) + "\n"


def _grid(sheet: Sheet) -> tuple[list[str], list[list[str]]]:
    cells = {row.name: columns(row) for row in sheet.rows}
    headings = list(dict.fromkeys(heading for cell in cells.values() for heading in cell))
    return ["contender", *headings], [
        [name, *(cell.get(heading, "-") for heading in headings)] for name, cell in cells.items()
    ]


def _remarks(sheet: Sheet) -> list[str]:
    return [f"{row.name}: {remark}" for row in sheet.rows for remark in row.remarks]


def _pipes(headings: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *("---:" for _ in headings[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [headings, rule, *lines])


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)
