"""The commands of the README and the docs, as they stand there: what the tests of parsing and of running them share."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def blocks(language: str) -> list[tuple[str, str]]:
    """Page and text of each block of code whose fence names one of these languages (a regular expression)."""
    fence = re.compile(rf"^```(?:{language})\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [(page.name, text) for page in PAGES for text in fence.findall(page.read_text(encoding="utf-8"))]


def lines() -> list[tuple[str, str]]:
    """Page and text of each line of a block of shell, and of each short piece of code within a sentence."""
    found = [(page, line.strip()) for page, text in blocks("bash|sh|") for line in text.splitlines()]
    for page in PAGES:
        prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        found += [(page.name, code) for code in re.findall(r"`([^`\n]+)`", prose)]
    return found


def commands(program: str) -> list[tuple[str, str]]:
    """Page and arguments of each line that starts `program` of this project, without what explains it."""
    start = re.compile(rf"(?:\$ )?(?:sudo (?:-u \w+ )?)?(?:\S*/)?{program} (.*)$")
    return [
        (page, re.split(r"\s{2,}|\s#|\s\[|[;|&]", match[1])[0].strip())
        for page, line in lines()
        if (match := start.match(line))
    ]


def python_lines() -> list[str]:
    """Each `python -c …` of the docs, whole."""
    return [line for _, line in lines() if re.match(r"\S*python -c ", line)]
