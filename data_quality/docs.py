"""Data Docs: one page a table and an index, static, readable without any request to another host.

Belongs here: what a page holds, in GX's components, and where it is written. Does not: how it looks (templates/).

GX's own page frame loads Bootstrap, jQuery, Font Awesome, Vega and its logo from six hosts, links to a newsletter and
writes the time into every page. Its components for results do none of that, so pages are made of them in our own frame.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from data_quality.results import CheckResult

TEMPLATES = Path(__file__).parent / "templates"
FRAME = "gate_page.j2"
INDEX = "index.html"

Page = Sequence[tuple[CheckResult, Any]]


def page_link(gate: str, table: str) -> str:
    """Return the path of a table's page, relative to the folder of the Data Docs."""
    return f"{gate}/{table}.html"


def write_docs(docs_dir: Path, gate: str, run_id: str, pages: Mapping[str, Page]) -> None:
    """Write the pages of one gate, replacing those of an earlier run. pages: per table, each result beside GX's own."""
    folder = docs_dir / gate
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for table, page in pages.items():
        sections = [_failed([result for result, _ in page]), *_expectations(page)]
        html = _render(f"{table} · {gate}", run_id, sections, home="../" + INDEX)
        (docs_dir / page_link(gate, table)).write_text(html, encoding="utf-8")
    (folder / INDEX).write_text(
        _render(f"Gate {gate}", run_id, [_overview(gate, pages)], home="../" + INDEX), encoding="utf-8"
    )
    gates = sorted(path.parent.name for path in docs_dir.glob(f"*/{INDEX}"))
    links = [[_link(name, f"{name}/{INDEX}")] for name in gates]
    index = _render("Data quality", run_id, [_table("Gates", ["Gate"], links)], home=INDEX)
    (docs_dir / INDEX).write_text(index, encoding="utf-8")


def _render(title: str, run_id: str, sections: list[Any], home: str) -> str:
    from great_expectations.render import RenderedDocumentContent

    document = RenderedDocumentContent(sections=sections, page_title=escape(title))
    return str(_view().render(document, template=FRAME, run_id=escape(run_id), home=home))


@cache
def _view() -> Any:
    """Make GX's view once: it compiles 8 templates, 0.1 s, when they are first used."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView(custom_views_directory=str(TEMPLATES))


def _overview(gate: str, pages: Mapping[str, Page]) -> Any:
    rows = []
    for table, page in pages.items():
        failed = [result for result, _ in page if not result.passed]
        errors = sum(result.severity == "error" for result in failed)
        rows.append([_link(table, f"{table}.html"), len(page), errors, len(failed) - errors])
    return _table(f"Tables of gate {gate}", ["Table", "Checks", "Errors", "Warnings"], rows)


def _failed(results: Sequence[CheckResult]) -> Any:
    rows = [
        [
            escape(result.check_name),
            result.severity,
            escape(result.description),
            "--" if result.failed_rows is None else f"{result.failed_rows:,}",
            escape(result.sample),
            escape(result.advice),
        ]
        for result in results
        if not result.passed
    ]
    counted = results[0].checked_rows
    title = f"{len(rows)} of {len(results)} checks failed" + ("" if counted is None else f", {counted:,} rows")
    header = ["Check", "Severity", "What must hold", "Failed rows", "Sample", "What to do"]
    return _table(title, header, rows) if rows else _table(title, ["Status"], [["all passed"]])


def _expectations(page: Page) -> list[Any]:
    """Return GX's own sections: the expectations on the table, then those on each column."""
    from great_expectations.render.renderer import ValidationResultsColumnSectionRenderer

    columns: dict[str, list[Any]] = {}
    for result, validation in page:
        # what it raised stands in our own table, in one line: GX would print a traceback with paths of this machine
        validation.exception_info = {"raised_exception": False, "exception_message": None, "exception_traceback": None}
        validation.success = result.passed
        columns.setdefault(validation.expectation_config.kwargs.get("column", ""), []).append(validation)
    renderer = ValidationResultsColumnSectionRenderer()
    return [renderer.render(validation_results=columns[name]) for name in sorted(columns)]


def _table(title: str, header: list[str], rows: list[list[Any]]) -> Any:
    from great_expectations.render import RenderedHeaderContent, RenderedSectionContent, RenderedTableContent

    blocks = [
        RenderedHeaderContent(header=title, styling={"classes": ["col-12"]}),
        RenderedTableContent(table=rows, header_row=header, styling={"body": {"classes": ["table"]}}),
    ]
    return RenderedSectionContent(section_name=title, content_blocks=blocks)


def _link(text: str, href: str) -> Any:
    from great_expectations.render import RenderedStringTemplateContent

    styling = {"params": {"link": {"tag": "a", "attributes": {"href": escape(href)}}}}
    return RenderedStringTemplateContent(
        string_template={"template": "$link", "params": {"link": text}, "styling": styling}
    )
