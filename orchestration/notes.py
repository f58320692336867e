"""What the night's steps say beside their tables: warnings, and of each output that is absent why (`ml.notes`).

Belongs here: writing a step's notes and reading everybody's. What a step says is the step's; the manifest and the page
show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from orchestration.warehouse import append_frame

NOTES = "ml.notes"
WARNING, ABSENT = "warning", "absent"
# line: the order in which a step said it
SCHEMA = pl.Schema({"step": pl.String, "line": pl.Int32, "kind": pl.String, "output": pl.String, "text": pl.String})
_COLUMNS = "step varchar, line integer, kind varchar, output varchar, text varchar"


def keep(
    con: duckdb.DuckDBPyConnection, step: str, warnings: Sequence[str] = (), absent: Mapping[str, str] | None = None
) -> None:
    """Replace what the step said before; other steps' notes stay.

    absent: published name of an output -> why there is none this night.
    """
    said: list[tuple[str, str | None, str]] = [(WARNING, None, text) for text in warnings]
    said += [(ABSENT, output, text) for output, text in (absent or {}).items()]
    frame = pl.DataFrame([(step, line, *note) for line, note in enumerate(said)], schema=SCHEMA, orient="row")
    con.execute(f"create table if not exists {NOTES} ({_COLUMNS})")
    con.begin()
    try:
        con.execute(f"delete from {NOTES} where step = ?", [step])
        append_frame(con, NOTES, frame)
    except duckdb.Error:
        con.rollback()
        raise
    con.commit()


def warnings(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the warnings of all steps, by the step's name and as it said them."""
    found = con.execute(f"select text from {NOTES} where kind = ? order by step, line", [WARNING])
    return [text for (text,) in found.fetchall()]


def absent(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return published name -> why there is none this night."""
    found = con.execute(f"select output, text from {NOTES} where kind = ? order by step, line", [ABSENT])
    return dict(found.fetchall())
