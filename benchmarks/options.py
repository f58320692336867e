"""What a person may choose for a benchmark run: one frozen object, made from the command line by run.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
QUICK_STORES = ("CA_1", "TX_2", "WI_3")


@dataclass(frozen=True)
class Options:
    """Choices of one run; empty `stores`, `cutoffs` or `contenders` mean: all, the benchmark's own, all.

    horizon: '28' (days), '26w' (weeks) or 'both'. price_plan_weeks: weeks of prices known beyond the cut-off.
    """

    data: Path
    stores: tuple[str, ...] = ()
    horizon: str = "both"
    cutoffs: tuple[int, ...] = ()
    contenders: tuple[str, ...] = ()
    with_lightgbm: bool = False
    price_plan_weeks: int = 0
    results: Path = RESULTS

    @property
    def scope(self) -> str:
        """Return the stores for file names and titles: 'all' or 'CA_1+TX_2+WI_3'."""
        return "+".join(self.stores) or "all"
