"""`make bench`: runs the benchmarks and prints their tables.

    python -m benchmarks.run [--quick] [--stores CA_1,TX_2] [--horizon 28|26w] [--cutoff d_1731[,d_1703]]

A new benchmark is a file of its own with `run(options, console) -> bool` and a line in BENCHMARKS.
"""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import (
    ablation,
    calibration,
    censoring,
    customers,
    decisions,
    forecasts,
    gate,
    identity,
    ingestion,
    launches,
    marts,
    months,
    next_products,
    page,
    pilots,
    price_bars,
    price_moves,
    replay,
)
from benchmarks.m5 import DEFAULT_DATA, M5MissingError, day_number
from benchmarks.options import QUICK_STORES, RESULTS, Options
from benchmarks.tpcds import benchmark as tpcds

BENCHMARKS: dict[str, Callable[[Options, Console], bool]] = {
    "forecasts": forecasts.run,
    "calibration": calibration.run,
    "ingestion": ingestion.run,
    "gate": gate.run,
    "identity": identity.run,
    "marts": marts.run,
    "customers": customers.run,
    "next_products": next_products.run,
    "censoring": censoring.run,
    "launches": launches.run,
    "months": months.run,
    "ablation": ablation.run,
    "decisions": decisions.run,
    "replay": replay.run,
    "page": page.run,
    "prices": price_bars.run,
    "price_moves": price_moves.run,
    "pilots": pilots.run,
    "tpcds": tpcds.run,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen benchmarks; exit status 0 when all came through, 1 when a contender failed, 2 on wrong usage."""
    parser = _parser()
    given = parser.parse_args(arguments)
    # a table of 13 columns does not fit the 80 that a file or pipe is given
    console = Console(width=None if sys.stdout.isatty() else 170)
    try:
        options = Options(
            data=given.data,
            stores=QUICK_STORES if given.quick and not given.stores else _words(given.stores),
            horizon=given.horizon,
            cutoffs=tuple(day_number(day) for day in _words(given.cutoff)),
            contenders=_words(given.contenders),
            with_lightgbm=given.with_lightgbm,
            price_plan_weeks=given.price_plan_weeks,
            results=given.results,
        )
        chosen = _words(given.only) or tuple(BENCHMARKS)
        _refuse_unknown("benchmark", chosen, set(BENCHMARKS))
        _refuse_unknown("contender", options.contenders, forecasts.CONTENDERS)
        outcomes = [BENCHMARKS[name](options, console) for name in chosen]
    except (M5MissingError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    return 0 if all(outcomes) else 1


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m benchmarks.run", description="Measure the project beside its peers.")
    parser.add_argument("--only", default="", help=f"some benchmarks only: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help=f"three stores: {', '.join(QUICK_STORES)}")
    parser.add_argument("--stores", default="", help="these stores, e.g. CA_1,TX_2")
    parser.add_argument("--horizon", choices=["28", "26w", "both"], default="both", help="28 days, 26 weeks or both")
    parser.add_argument("--cutoff", default="", help="last day known, e.g. d_1731, or several: d_1675,d_1703,d_1731")
    parser.add_argument("--contenders", default="", help='some only, e.g. "shelfcast,seasonal naive"')
    parser.add_argument("--with-lightgbm", action="store_true", help="mlforecast + LightGBM too (22 minutes and more)")
    parser.add_argument("--price-plan-weeks", type=int, default=0, help="weeks of prices known beyond the cut-off")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the official M5 files")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where sheets, logs and homes go")
    return parser


def _refuse_unknown(what: str, chosen: tuple[str, ...], known: set[str]) -> None:
    for name in chosen:
        if name not in known:
            raise ValueError(f"no {what} {name!r} — there are: {', '.join(sorted(known))}")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


if __name__ == "__main__":
    # a plain SIGTERM would leave the contender under way behind; an exit passes through measure.run, which ends it
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main())
