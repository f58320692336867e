"""Planners' edits of the forecast: a layer over the daily means after reconciliation, never part of the model.

What belongs here: reading the list of edits strictly, which of them count this night, and what they do to daily means.
What does not: quantiles (tables.py scales them as the means), and scoring edits (evaluation/edits.py).

An edit names a node of a level, a period, and either a factor on its demand or the quantity that the node will sell in
the whole period. Edits of one night are applied in the order of their lines, each to what those before it left. All act
on days of series, so days, weeks, months and the hierarchy stay sums of one another.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from ml.forecasting.daily import HORIZON_DAYS
from ml.forecasting.panel import NODE_COLUMNS, TOTAL_NODE, node_names

_WRITTEN = {
    "level": pl.String,
    "node": pl.String,
    "starts_on": pl.Date,
    "ends_on": pl.Date,
    "factor": pl.Float64,
    "quantity": pl.Float64,
    "owner": pl.String,
    "reason": pl.String,
    "expires_on": pl.Date,
}
EDIT_COLUMNS = {**_WRITTEN, "file": pl.String, "line": pl.Int64}
MAX_FACTOR = 100.0
APPLIED, EXPIRED, OUTSIDE = "applied", "expired", "outside the horizon"
EDITS_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        **_WRITTEN,
        "state": pl.String,
        "covers_from": pl.Date,
        "covers_to": pl.Date,
        "unedited_qty": pl.Float64,
        "edited_qty": pl.Float64,
    }
)


class EditsError(ValueError):
    """The list of edits cannot be followed; one message a fault: file, line, column, value, why, what to do."""

    def __init__(self, messages: list[str]) -> None:
        self.messages = messages
        super().__init__("\n".join(messages))


@dataclass(frozen=True)
class Step:
    """What one edit does: means of member series on days ahead [start, end) become means x factor + added."""

    members: np.ndarray
    start: int
    end: int
    factor: float
    added: float = 0.0


@dataclass(frozen=True)
class EditLayer:
    """What a night's edits do, in their order, and what became of each: EDITS_SCHEMA, one row an edit of the list."""

    steps: list[Step]
    listed: pl.DataFrame

    def apply(self, means: np.ndarray, series: np.ndarray) -> np.ndarray:
        """Daily means (len(series), HORIZON_DAYS) with the edits in; series: the rows that means are of."""
        return _apply(self.steps, means, series)


def check_edits(edits: pl.DataFrame | None, series: pl.DataFrame) -> pl.DataFrame:
    """Return the edits with the agreed types, by file and line. Raises EditsError with every fault there is."""
    if edits is None or edits.is_empty():
        return pl.DataFrame(schema=EDIT_COLUMNS)
    rows = edits.select(pl.col(name).cast(kind) for name, kind in EDIT_COLUMNS.items()).sort("file", "line")
    known = {level: set(node_names(series, level)) for level in rows["level"].unique() if level in NODE_COLUMNS}
    faults = [fault for row in rows.iter_rows(named=True) for fault in _faults(row, known)]
    if faults:
        raise EditsError(faults)
    return rows


def apply_edits(
    edits: pl.DataFrame, series: pl.DataFrame, as_of: date, daily: Callable[[np.ndarray], np.ndarray], chunk: int
) -> EditLayer:
    """Resolve checked edits in their order.

    daily: daily means (rows, HORIZON_DAYS) of rows of series, before any edit; asked for `chunk` rows at a time. A
    quantity is for the whole period; of a period under way or beyond the horizon its share by days. A node without any
    forecast gets its quantity in equal parts.
    """
    steps: list[Step] = []
    rows = []
    nodes = {level: np.array(node_names(series, level)) for level in edits["level"].unique()}
    for row in edits.iter_rows(named=True):
        start, end = max((row["starts_on"] - as_of).days - 1, 0), min((row["ends_on"] - as_of).days, HORIZON_DAYS)
        state = EXPIRED if row["expires_on"] <= as_of else APPLIED if start < end else OUTSIDE
        rows.append({**row, "state": state, "start": start, "end": end})
        if state == APPLIED:
            members = nodes[row["level"]] == row["node"]
            steps.append(_step(row, members, start, end, steps, daily, chunk))
    applied = iter(steps)
    listed = [
        _listed(row, next(applied) if row["state"] == APPLIED else None, steps, as_of, daily, chunk) for row in rows
    ]
    return EditLayer(steps, pl.DataFrame(listed, schema=EDITS_SCHEMA))


def _step(
    row: Mapping[str, Any],
    members: np.ndarray,
    start: int,
    end: int,
    before: list[Step],
    daily: Callable[[np.ndarray], np.ndarray],
    chunk: int,
) -> Step:
    if row["factor"] is not None:
        return Step(members, start, end, float(row["factor"]))
    first, last = row["starts_on"], row["ends_on"]
    wanted = float(row["quantity"]) * (end - start) / ((last - first).days + 1)
    total = _total(members, start, end, before, daily, chunk)
    if total > 0:
        return Step(members, start, end, wanted / total)
    return Step(members, start, end, 1.0, wanted / (int(members.sum()) * (end - start)))


def _listed(
    row: Mapping[str, object],
    step: Step | None,
    steps: list[Step],
    as_of: date,
    daily: Callable[[np.ndarray], np.ndarray],
    chunk: int,
) -> dict[str, object]:
    """One row of EDITS_SCHEMA; quantities are of the days that the edit covers this night, with all edits in."""
    result: dict[str, object] = {name: row.get(name) for name in EDITS_SCHEMA} | {"as_of": as_of}
    if step is not None:
        window = (step.members, step.start, step.end)
        result["covers_from"] = as_of + timedelta(days=step.start + 1)
        result["covers_to"] = as_of + timedelta(days=step.end)
        result["unedited_qty"] = _total(*window, [], daily, chunk)
        result["edited_qty"] = _total(*window, steps, daily, chunk)
    return result


def _total(
    members: np.ndarray,
    start: int,
    end: int,
    steps: list[Step],
    daily: Callable[[np.ndarray], np.ndarray],
    chunk: int,
) -> float:
    rows = np.flatnonzero(members)
    parts = [rows[k : k + chunk] for k in range(0, len(rows), chunk)]
    return float(sum(_apply(steps, daily(part), part)[:, start:end].sum() for part in parts))


def _apply(steps: list[Step], means: np.ndarray, series: np.ndarray) -> np.ndarray:
    chosen = [(step, np.flatnonzero(step.members[series])) for step in steps]
    if not any(len(rows) for _, rows in chosen):
        return means
    result = means.copy()
    for step, rows in chosen:
        result[rows, step.start : step.end] = result[rows, step.start : step.end] * step.factor + step.added
    return result


def _faults(row: Mapping[str, object], known: Mapping[str, set[str]]) -> Iterator[str]:
    def fault(column: str, why: str, advice: str) -> str:
        return f"{row['file']}, line {row['line']}, column '{column}', value {_shown(row[column])}: {why} — {advice}"

    level, node = row["level"], row["node"]
    if level not in NODE_COLUMNS:
        yield fault("level", "unknown level", f"write one of {', '.join(NODE_COLUMNS)}{_near(level, NODE_COLUMNS)}")
    elif node not in known[str(level)]:
        parts = " / ".join(NODE_COLUMNS[str(level)]) or TOTAL_NODE
        yield fault("node", f"no {level} of this name is forecast", f"write {parts}{_near(node, known[str(level)])}")
    first, last, expires = row["starts_on"], row["ends_on"], row["expires_on"]
    for column, value in (("starts_on", first), ("ends_on", last), ("expires_on", expires)):
        if not isinstance(value, date):
            yield fault(column, "no date", "write a day as YYYY-MM-DD")
    if isinstance(first, date) and isinstance(last, date) and last < first:
        yield fault("ends_on", f"lies before starts_on {first}", "give the last day of the period")
    for column in ("owner", "reason"):
        if not str(row[column] or "").strip():
            yield fault(column, "empty", "say who edits and why: an edit nobody answers for is not followed")
    factor, quantity = row["factor"], row["quantity"]
    if (factor is None) == (quantity is None):
        yield fault(
            "factor",
            "a factor and a quantity" if factor is not None else "neither factor nor quantity",
            "give one of the two",
        )
    if isinstance(factor, float) and not 0 <= factor <= MAX_FACTOR:
        yield fault(
            "factor", f"not between 0 and {MAX_FACTOR:g}", "1.2 means a fifth more; for a total give a quantity"
        )
    if isinstance(quantity, float) and not 0 <= quantity < np.inf:
        yield fault("quantity", "no quantity of zero or more", "give units over the whole period")


def _shown(value: object) -> str:
    return "(empty)" if value is None else repr(str(value))


def _near(value: object, names: Iterable[object]) -> str:
    found = difflib.get_close_matches(str(value), [str(name) for name in names], n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
