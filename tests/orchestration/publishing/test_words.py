"""The catalogues of the page hold the same keys, and every key that the page asks for."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import duckdb
import pytest

from orchestration.defs.assets.publication import OUTPUTS
from orchestration.publishing import page_files, page_kpis, page_lists, page_prices, page_range, words

TEMPLATES = Path(words.__file__).parent / "templates"


def test_every_language_has_every_word() -> None:
    assert words.languages() == ["en", "zh"]
    english = words.words("en")
    for language in words.languages():
        assert set(words.words(language)) == set(english), language
        assert all(text or key == "reason.default_review" for key, text in words.words(language).items())


def test_blanks_to_fill_in_are_the_same() -> None:
    def blanks(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for key, text in words.words("en").items():
        own = {"explanation"} if key.startswith("why.") else set()  # the line's own sentence, which is English
        assert blanks(text) in (blanks(words.words("zh")[key]), own), key


def test_sentences_are_filled_from_columns_that_the_side_files_have() -> None:
    for part in page_files.LISTS:
        columns = set(_columns(part.sql))
        for key, text in words.words("zh").items():
            if key == f"why.{part.name}" or key.startswith(f"why.{part.name}."):
                assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= columns, key


def test_a_part_of_a_sentence_without_its_values_is_left_out() -> None:
    known = {
        "why.stocks": "{on_hand} there[, lasts {days} days][; {more} to come]",
        "why.stocks.old": "{days} days old",
    }
    facts = {"on_hand": 4.0, "days": None, "more": 0}
    assert words.sentence(known, "stocks", facts, str) == "4.0 there"
    assert words.sentence(known, "stocks", facts | {"more": 2, "days": 9}, str) == "4.0 there, lasts 9 days; 2 to come"
    assert words.sentence(known, "stocks", facts | {"days": 9, "rule": "old"}, str) == "9 days old"
    with pytest.raises(KeyError):
        words.sentence(known, "stocks", {"days": 1}, str)


def test_what_the_page_asks_for_is_there() -> None:
    known = words.words("en")
    asked = {
        key
        for name in sorted(path.name for path in TEMPLATES.iterdir())
        for key in re.findall(r"""\bt\("([a-z_.]+[a-z_])"\)""", (TEMPLATES / name).read_text(encoding="utf-8"))
    }
    asked |= {f"list.{part.name}" for part in page_files.LISTS} | {f"kpi.{name}" for name in page_kpis.SHOWN}
    asked |= {f"column.{column}" for part in page_files.LISTS for column in part.filters}
    assert asked <= set(known), sorted(asked - set(known))


def test_the_lists_beside_the_orders_have_their_words() -> None:
    known = words.words("en")
    parts = [*page_lists.LISTS, *page_prices.LISTS, *page_range.LISTS]
    for part in parts:
        assert {f"list.{part.tab}", f"lead.{part.name}", f"nothing.{part.name}"} <= set(known), part.name
        columns = [name for name in _columns(part.top) if name != "facts"]
        assert len(columns) > 2, part.name
        assert {f"column.{column}" for column in columns} <= set(known), (part.name, columns)
        blanks = {name for _, name, _, _ in string.Formatter().parse(known[f"lead.{part.name}"]) if name}
        assert blanks == set(_columns(part.lead)), part.name


def test_every_published_table_has_its_title_and_meaning() -> None:
    """In every language; the English ones are those of Parquet, workbook and manifest."""
    known = words.words("en")
    for output in OUTPUTS:
        assert known.get(f"output.{output.name}") == output.title, output.name
        assert known.get(f"about.{output.name}") == output.description, output.name
    named = {key.partition(".")[2] for key in known if key.startswith(("output.", "about."))}
    assert named == {output.name for output in OUTPUTS}


def _columns(query: str) -> list[str]:
    """The names of what a query selects, by DuckDB's own parser."""
    with duckdb.connect() as con:
        tree = json.loads(con.execute("select json_serialize_sql(?)", [query.replace("?", "1")]).fetchall()[0][0])
    selected = tree["statements"][0]["node"]["select_list"]
    return [item["alias"] or item["column_names"][-1] for item in selected]
