"""Docs that repeat what the code knows: held together, so that neither can be forgotten."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex

import click
import jsonschema
import pytest
import typer
import yaml
from doc_commands import ROOT, commands

from benchmarks import run
from orchestration.cli import app
from orchestration.ingestion.catalogue import canonical_feeds


def test_pages_that_repeat_the_code_are_what_the_code_says():
    spec = importlib.util.spec_from_file_location("docs_script", ROOT / "scripts" / "write_reference_docs.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, page in script.PAGES.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page(), f"{name}: run {spec.origin}"


def test_the_schema_of_declarations_takes_the_worked_example_and_names_what_is_wrong():
    schema = json.loads((ROOT / "docs" / "source-declaration.schema.json").read_text(encoding="utf-8"))
    example = yaml.safe_load((ROOT / "docs" / "examples" / "online_retail.yml").read_text(encoding="utf-8"))
    jsonschema.validate(example, schema)
    example["feeds"]["orders"]["columns"]["sold_on"] = "InvoiceDate"
    with pytest.raises(jsonschema.ValidationError, match="sold_on"):
        jsonschema.validate(example, schema)


def test_the_contracts_page_and_the_catalogue_name_the_same_columns():
    text = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    rows = {m[1]: m[2] for m in re.finditer(r"^\| `([a-z]+/[a-z_]+)` \|[^|]*\|(.*)\|$", text, re.MULTILINE)}
    assert set(rows) == set(canonical_feeds())
    for name, feed in canonical_feeds().items():
        listed = re.split(r" · |, (?=[a-z_]+_id)", re.sub(r"\([^)]*\)", "", rows[name]))
        required = {c.split("**R**")[1].split()[0].strip(",") for c in listed if "**R**" in c}
        assert required == set(feed.required), name
        for column in feed.columns:
            assert re.search(rf"\b{column.name}\b", rows[name]), f"{name}: {column.name}"


def test_every_link_of_the_readme_and_the_docs_leads_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_debian_packages_are_one_line_of_the_readme():
    packages = (ROOT / "scripts" / "debian-packages").read_text().split()
    assert f"apt-get install {' '.join(packages)}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_shelfcast_command_of_the_docs_is_one_that_the_program_takes():
    program = typer.main.get_command(app)
    lines = commands("shelfcast")
    assert len(lines) > 10
    for page, line in lines:
        name, *arguments = shlex.split(line)
        assert name in program.commands, f"{page}: shelfcast {line}"
        command = program.commands[name]
        takes_more = any(isinstance(p, click.Argument) or p.param_type_name == "argument" for p in command.params)
        if takes_more and not arguments:
            continue  # the contracts' list shows what it takes in brackets
        command.make_context(name, arguments)  # parses, runs nothing; raises on what it does not know


def test_every_benchmark_of_the_docs_is_one_that_the_program_takes():
    lines = [line.partition("benchmarks.run")[2] for _, line in commands("python") if "benchmarks.run" in line]
    assert len(lines) > 10
    for line in lines:
        given = run._parser().parse_args(shlex.split(line))
        assert set(run._words(given.only)) <= set(run.BENCHMARKS), line


def test_the_site_has_every_page():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if page not in nav} == set()
