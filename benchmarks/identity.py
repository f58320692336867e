"""Customer accounts of three sources resolved to customers, on a generated set whose truth is known.

100,000 accounts (20,000 with --quick): precision and recall over pairs, seconds and peak memory of a process
of its own that reads the accounts, resolves them and writes the result. Bars: 0.99, 0.95, 60 s on 2 cores.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks import measure
from benchmarks.generated_customers import generate
from benchmarks.linkage_scores import score
from benchmarks.options import QUICK_STORES, ROOT, Options

ACCOUNTS, QUICK_ACCOUNTS = 100_000, 20_000
MIN_PRECISION, MIN_RECALL, MAX_SECONDS = 0.99, 0.95, 60.0
THREADS = 2


def run(options: Options, console: Console) -> bool:
    """Measure one resolution and print it; says whether it came through and kept the bars."""
    accounts = QUICK_ACCOUNTS if options.stores == QUICK_STORES else ACCOUNTS
    work = options.results / "work" / "identity"
    work.mkdir(parents=True, exist_ok=True)
    truth = generate(accounts)
    truth.drop("person").write_parquet(work / "accounts.parquet")
    log = work / "identity.log"
    usage = measure.run([sys.executable, "-m", "benchmarks.identity", str(work)], log, ROOT)
    if usage.status != 0:
        console.print(f"[red]the resolution of customers failed[/], see {log}")
        return False
    scores = score(truth, pl.read_parquet(work / "resolved.parquet"))
    links = dict(pl.read_parquet(work / "links.parquet").group_by("method").len().sort("method").iter_rows())
    figures = {
        "accounts": accounts,
        "people": truth["person"].n_unique(),
        "pairs of one person": scores.wanted,
        "precision": round(scores.precision, 4),
        "recall": round(scores.recall, 4),
        "seconds": round(usage.seconds, 1),
        "cpu_seconds": round(usage.cpu_seconds, 1),
        "peak_gb": round(usage.peak_bytes / 1e9, 2),
        "links": links,
    }
    facts = json.dumps({**figures, **measure.machine()}, indent=2, ensure_ascii=False)
    (options.results / "identity.json").write_text(facts + "\n", encoding="utf-8")
    _show(figures, console)
    is_kept = scores.precision >= MIN_PRECISION and scores.recall >= MIN_RECALL and usage.seconds <= MAX_SECONDS
    console.print("  all bars kept" if is_kept else "  [red]a bar was missed[/]")
    return is_kept


def _show(figures: dict[str, object], console: Console) -> None:
    bars = {"precision": f"≥ {MIN_PRECISION}", "recall": f"≥ {MIN_RECALL}", "seconds": f"≤ {MAX_SECONDS:g}"}
    table = Table("figure", "measured", "bar", title="customers over three sources, one process, 2 threads")
    for name, value in figures.items():
        shown = f"{value:,}" if isinstance(value, int) else str(value)
        table.add_row(name.replace("_", " "), shown, bars.get(name, ""))
    console.print(table)


def resolve(work: Path) -> None:
    """Resolve `accounts.parquet` of a folder and write `resolved.parquet` and `links.parquet`: what is measured."""
    from orchestration.identity.keys import Hasher
    from orchestration.identity.linking import link_accounts
    from orchestration.identity.settings import IdentitySettings

    settings = IdentitySettings(phone_region="DE")
    accounts = pl.read_parquet(work / "accounts.parquet")
    resolved, links = link_accounts(accounts, Hasher(b"benchmark" * 4), settings, THREADS)
    resolved.write_parquet(work / "resolved.parquet")
    links.write_parquet(work / "links.parquet")


if __name__ == "__main__":
    resolve(Path(sys.argv[1]))
