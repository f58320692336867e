"""How good a resolution of accounts is beside the truth: precision and recall over pairs of accounts.

A pair counts when both accounts stand under one customer; so a wrongly joined family costs all of its pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Scores:
    """Pairs that are truly one person (`wanted`), that were joined (`found`), and that were both (`right`)."""

    wanted: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """Return the share of joined pairs that are truly one person."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Return the share of true pairs that were joined."""
        return self.right / self.wanted if self.wanted else 1.0


def score(truth: pl.DataFrame, resolved: pl.DataFrame) -> Scores:
    """Compare accounts (source, customer_id, person) with their resolution (…, unified_customer_id)."""
    both = truth.join(resolved, on=["source", "customer_id"], validate="1:1")
    return Scores(
        _pairs(both, "person"), _pairs(both, "unified_customer_id"), _pairs(both, "person", "unified_customer_id")
    )


def _pairs(frame: pl.DataFrame, *by: str) -> int:
    counts = frame.group_by(by).len()["len"].cast(pl.Int64)
    return int((counts * (counts - 1) // 2).sum())
