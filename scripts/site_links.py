"""A hook of mkdocs: on the site, what lies outside docs/ is named, not linked (a test holds that it is there)."""

import re
from typing import Any

OUTSIDE = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)]+)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace links that leave docs/ by their text and the path from the root of the repository."""
    depth = page.file.src_uri.count("/")

    def named(link: re.Match[str]) -> str:
        text, target = link[1], link[2]
        if target.count("../") <= depth:
            return link[0]
        return f"{text} (`{target.replace('../', '')}`)"

    return OUTSIDE.sub(named, markdown)
