"""The one scalar SQL expression that a declaration may hold: checked, and rewritten for the file's columns.

Nothing but operators, literals, CASE and a list of harmless functions over headers passes: no query, no aggregate, no
function that reads a file or a setting. What a header's text is parsed as follows from its use, not from a file's
values, so that the same declaration means the same in every file: operands of arithmetic and what is compared with a
number are numbers, arguments of date functions are time stamps, the rest is text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Literal

import sqlglot
from sqlglot import exp

Kind = Literal["text", "number", "timestamp"]
# (header, kind) → SQL of that header's value
Resolve = Callable[[str, Kind], str]

_ARITHMETIC: tuple[type[exp.Expr], ...] = (
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.IntDiv,
    exp.Mod,
    exp.Neg,
    exp.Round,
    exp.Abs,
    exp.Ceil,
)
_ARITHMETIC += (exp.Floor, exp.Sign, exp.Sqrt, exp.Pow)
_ALIKE: tuple[type[exp.Expr], ...] = (
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.In,
    exp.Between,
    exp.Coalesce,
    exp.Nullif,
)
_ALIKE += (exp.Greatest, exp.Least, exp.Case, exp.If, exp.NullSafeEQ, exp.NullSafeNEQ)
_TEMPORAL: tuple[type[exp.Expr], ...] = (
    exp.Extract,
    exp.DateTrunc,
    exp.TimestampTrunc,
    exp.Year,
    exp.Month,
    exp.Day,
    exp.TimeToStr,
)
_TEMPORAL += (exp.DateDiff, exp.DateAdd, exp.DateSub, exp.DayOfWeek, exp.Hour, exp.Quarter, exp.LastDay)
_NUMBER_RESULT = (*_ARITHMETIC, exp.Length, exp.Extract, exp.Year, exp.Month, exp.Day, exp.DateDiff, exp.StrPosition)
_TEXT: tuple[type[exp.Expr], ...] = (
    exp.Upper,
    exp.Lower,
    exp.Trim,
    exp.Left,
    exp.Right,
    exp.Substring,
    exp.Concat,
    exp.ConcatWs,
    exp.DPipe,
)
_TEXT += (exp.Replace, exp.SplitPart, exp.Length, exp.RegexpLike, exp.RegexpFullMatch, exp.RegexpExtract)
_TEXT += (exp.RegexpReplace, exp.StartsWith, exp.EndsWith, exp.Contains, exp.StrPosition, exp.Like, exp.ILike)
_TEXT += (exp.StrToTime, exp.Pad, exp.Escape, exp.Reverse)
_STRUCTURE: tuple[type[exp.Expr], ...] = (
    exp.Paren,
    exp.And,
    exp.Or,
    exp.Not,
    exp.Is,
    exp.Null,
    exp.Boolean,
    exp.Literal,
    exp.Column,
)
_STRUCTURE += (exp.Identifier, exp.Cast, exp.TryCast, exp.DataType, exp.DataTypeParam, exp.Interval, exp.Var)
_ALLOWED = (*_ARITHMETIC, *_ALIKE, *_TEMPORAL, *_TEXT, *_STRUCTURE)
_ALLOWED_NAMES = {"try_strptime", "strptime", "ltrim", "rtrim", "lpad", "rpad", "nfc_normalize", "strip_accents"}
_ALLOWED_NAMES |= {"make_date", "make_timestamp", "epoch_ms", "to_timestamp", "date_part", "isodow", "trunc"}


def header_name(text: str) -> str:
    """Return a header as it is compared: trimmed, NFKC (full-width brackets are brackets)."""
    return unicodedata.normalize("NFKC", text).strip()


class ExpressionError(Exception):
    """The text is not one harmless scalar expression; the message says what in it is not."""


@cache
def _parse(text: str) -> exp.Expr:
    try:
        trees = [tree for tree in sqlglot.parse(text, dialect="duckdb") if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        raise ExpressionError(f"cannot be read as an expression ({str(error).splitlines()[0]})") from None
    if len(trees) != 1:
        raise ExpressionError("is not one expression")
    for node in trees[0].walk():
        name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
        if not (isinstance(node, _ALLOWED) and type(node) is not exp.Expr) and name not in _ALLOWED_NAMES:
            shown = node.sql(dialect="duckdb")[:60]
            raise ExpressionError(
                f"{shown!r} is not allowed — one scalar expression over the file's headers: operators, CASE, and "
                "functions of text, numbers and dates"
            )
        if isinstance(node, exp.Column) and len(node.parts) > 1:
            raise ExpressionError(f"{node.sql()!r} has a dot — put a header that holds one in double quotes")
    return trees[0]


def headers_of(text: str) -> list[str]:
    """Return the headers that an expression reads, each once, in order.

    Raises:
        ExpressionError: it is not one harmless scalar expression.
    """
    return list(dict.fromkeys(header_name(column.name) for column in _parse(text).find_all(exp.Column)))


def kinds_of(text: str) -> dict[str, set[Kind]]:
    """Return what each header is read as in an expression."""
    kinds: dict[str, set[Kind]] = {}
    for column in _parse(text).find_all(exp.Column):
        kinds.setdefault(header_name(column.name), set()).add(_kind_by_use(column))
    return kinds


def rewrite(text: str, resolve: Resolve) -> str:
    """Return the expression as DuckDB's SQL, each header replaced by what `resolve` says it is.

    Raises:
        ExpressionError: it is not one harmless scalar expression.
    """
    copy = _parse(text).copy()
    columns = list(copy.find_all(exp.Column))
    # every use is judged in the whole, before anything is replaced; numbered names first, so that what replaces a
    # header is not parsed again
    values = [resolve(header_name(column.name), _kind_by_use(column)) for column in columns]
    for number, column in enumerate(columns):
        column.args["this"] = exp.to_identifier(f"header_{number}_", quoted=True)
    sql = copy.sql(dialect="duckdb")
    for number, value in enumerate(values):
        sql = sql.replace(f'"header_{number}_"', f"({value})")
    return f"({sql})"


def _kind_by_use(column: exp.Expr) -> Kind:
    """Say what a header's text must be parsed as, from what stands around it."""
    node, parent = column, column.parent
    while isinstance(parent, exp.Paren):
        node, parent = parent, parent.parent
    if parent is None or isinstance(parent, _TEXT):
        return "text"
    if isinstance(parent, _TEMPORAL):
        return "timestamp"
    beside = {_kind(sibling) for sibling in _siblings(parent, node)} - {None}
    if isinstance(parent, _ARITHMETIC):
        return "timestamp" if "timestamp" in beside else "number"
    if isinstance(parent, _ALIKE):
        for kind in ("number", "timestamp", "text"):
            if kind in beside:
                return kind
        # a branch of CASE or COALESCE is what the whole is used as
        is_branch = isinstance(parent, exp.Case | exp.If | exp.Coalesce | exp.Nullif | exp.Greatest | exp.Least)
        return _kind_by_use(parent) if is_branch and parent.parent is not None else "text"
    return "text"


def _siblings(parent: exp.Expr, node: exp.Expr) -> list[exp.Expr]:
    if isinstance(parent, exp.If) and isinstance(parent.parent, exp.Case):
        if node is parent.this:
            return []
        case = parent.parent
        branches = [branch.args["true"] for branch in case.args["ifs"]] + [case.args.get("default")]
        return [branch for branch in branches if branch is not None and branch is not node]
    if isinstance(parent, exp.Case):
        return [branch.args["true"] for branch in parent.args["ifs"]]
    return [child for child in parent.iter_expressions() if child is not node]


def _kind(node: exp.Expr) -> Kind | None:
    """Return what an expression yields, None when that is not known from itself."""
    if isinstance(node, exp.Paren):
        return _kind(node.this)
    if isinstance(node, exp.Literal):
        return "text" if node.is_string else "number"
    if isinstance(node, exp.Cast):
        kind = node.to.this.value if hasattr(node.to.this, "value") else str(node.to.this)
        if kind in {"DATE", "TIMESTAMP", "TIMESTAMPTZ", "DATETIME"}:
            return "timestamp"
        return "text" if kind in {"TEXT", "VARCHAR", "CHAR"} else "number"
    if isinstance(node, exp.Interval | exp.DateTrunc | exp.TimestampTrunc | exp.StrToTime):
        return "timestamp"
    if isinstance(node, _NUMBER_RESULT):
        return "number"
    return "text" if isinstance(node, _TEXT) else None
