"""Numbers, days and plurals as the sentences on the lists write them: column expressions, never null.

What belongs here: how a value reads. What does not: which sentence stands on a line (explain and the module of a list).
"""

import polars as pl


def only_if(condition: pl.Expr, text: pl.Expr) -> pl.Expr:
    """The text where the condition holds, else nothing (never null, which would void the whole sentence)."""
    return pl.when(condition).then(text).otherwise(pl.lit(""))


def number(column: str | pl.Expr, decimals: int = 3) -> pl.Expr:
    """12.0 as '12', 18.42 as '18.42'."""
    expression = pl.col(column) if isinstance(column, str) else column
    return expression.round(decimals).cast(pl.String).str.strip_suffix(".0")


def money(column: str | pl.Expr) -> pl.Expr:
    """12.0 as '12.00'."""
    expression = pl.col(column) if isinstance(column, str) else column
    return expression.round(2).cast(pl.Decimal(20, 2)).cast(pl.String)


def day(column: str) -> pl.Expr:
    """A date as 'Mon 2018-01-01'."""
    return pl.col(column).dt.strftime("%a %Y-%m-%d")


def plural(count: pl.Expr, noun: str) -> pl.Expr:
    """The noun, with an s unless the count is 1."""
    return pl.when(count == 1).then(pl.lit(noun)).otherwise(pl.lit(noun + "s"))


def joined_codes(*codes: tuple[pl.Expr, str]) -> pl.Expr:
    """The codes whose condition holds, in order, joined by ';'."""
    parts = [pl.when(condition).then(pl.lit(code)) for condition, code in codes]
    return pl.concat_str(parts, separator=";", ignore_nulls=True)
