"""From links to customers: which links may be followed, and who stands together in the end.

Which pairs are links at all is linking's decision.
"""

from __future__ import annotations

import polars as pl


def follow(links: pl.DataFrame, people: pl.DataFrame) -> tuple[list[bool], list[list[int]]]:
    """Follow the links from the surest on; returns which were followed, and the rows of each customer.

    A link is not followed when it would put two accounts together of which name and birth date both differ: through a
    third account that has neither, a whole family would become one customer.
    """
    names = people["name_key"].to_list()
    days = people["birth_date"].to_list()
    home = list(range(people.height))
    members = [[row] for row in home]
    followed = [False] * links.height
    order = (
        links.with_row_index("position")
        .with_columns(by_key=pl.col("method") != "probability")
        .sort("by_key", "probability", "left", "right", descending=[True, True, False, False])
    )
    for position, left, right in order.select("position", "left", "right").iter_rows():
        a, b = home[left], home[right]
        if a != b:
            if any(_are_two(names, days, x, y) for x in members[a] for y in members[b]):
                continue
            if len(members[a]) < len(members[b]):
                a, b = b, a
            for row in members[b]:
                home[row] = a
            members[a] += members[b]
            members[b] = []
        followed[position] = True
    return followed, [sorted(rows) for rows in members if rows]


def _are_two(names: list[str | None], days: list[str | None], x: int, y: int) -> bool:
    """Say whether name and birth date are both known and both differ."""
    name, other = names[x], names[y]
    if name is None or other is None or name == other or days[x] is None or days[y] is None or days[x] == days[y]:
        return False
    return not _are_close_dates(str(days[x]), str(days[y]))


def _are_close_dates(a: str, b: str) -> bool:
    """Say whether two ISO dates are a slip apart: one sign, or day and month swapped."""
    return _is_one_edit(a, b) or (a[:4] == b[:4] and a[5:7] == b[8:] and a[8:] == b[5:7])


def _is_one_edit(a: str, b: str) -> bool:
    """Say whether one insertion, deletion, replacement or swap of neighbours turns one text into the other."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    a, b = a[start:], b[start:]
    if len(a) == len(b):
        return a[1:] == b[1:] or (a[1:2] + a[:1] == b[:2] and a[2:] == b[2:])
    return a[1:] == b if len(a) > len(b) else a == b[1:]
