"""Reading extracts: the project beside plain DuckDB on the same files, in the same run, each in a process of its own.

Plain DuckDB does `create table as select` from the files and nothing else. The project also hashes every file, compares
headers and counts, casts with checks, looks for repeated keys and keeps a ledger. Seconds are of the work itself,
without imports.

    python -m benchmarks.ingestion plain|shelfcast HOME      one contender, as the benchmark starts it
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks import m5, measure
from benchmarks.options import ROOT, Options

CSV_LINES, SMALL_FILES = 10_000_000, 10_000
ROUNDS = 2
PLAIN, PROJECT = "plain", "shelfcast"


@dataclass(frozen=True)
class Case:
    """One set of files; the bar is a multiple of `against`, a (case, contender)."""

    name: str
    home: Path
    bar: float
    against: tuple[str, str]


def run(options: Options, console: Console) -> bool:
    """Measure every case; says whether all bars hold."""
    work = options.results / "work" / "ingestion"
    shutil.rmtree(work, ignore_errors=True)
    console.print("\n[bold]ingestion[/]: writing extracts …")
    cases = _write_cases(options, work)
    figures: dict[tuple[str, str], measure.Usage] = {}
    for _ in range(ROUNDS):
        for case in cases:
            # plain DuckDB looks at each of 10,000 files to guess its columns: minutes, and no bar rests on it
            for contender in (PLAIN, PROJECT) if case.against[1] == PLAIN else (PROJECT,):
                figures[case.name, contender] = _better(
                    figures.get((case.name, contender)), _measure(case, contender, work)
                )
    table = Table("files", "plain DuckDB s", "shelfcast s", "times", "bar", "peak GB", "holds", box=SIMPLE_HEAD)
    is_good = True
    for case in cases:
        plain, own = figures.get((case.name, PLAIN)), figures[case.name, PROJECT]
        times = own.seconds / figures[case.against].seconds
        holds = times <= case.bar and own.status == 0
        is_good &= holds
        bar = f"{case.bar:g} x {' '.join(case.against)}"
        peak = f"{own.peak_bytes / 1e9:.1f}"
        alone = f"{plain.seconds:.1f}" if plain else "-"
        mark = "yes" if holds else "[red]NO[/]"
        table.add_row(case.name, alone, f"{own.seconds:.1f}", f"{times:.2f}", bar, peak, mark)
    console.print(table)
    return is_good


def _write_cases(options: Options, work: Path) -> list[Case]:
    data = m5.load(options.data, list(options.stores) or None)
    parquet, whole, small = (work / name for name in ("parquet", "csv", "small"))
    m5.write_extracts(data, parquet / "landing")
    for home in (whole, small):
        (home / "landing" / "pos" / "sales").mkdir(parents=True)
    tills = f"select * from read_parquet('{parquet}/landing/pos/sales/*') limit {CSV_LINES}"
    target = whole / "landing" / "pos" / "sales" / "tills.csv"
    with duckdb.connect() as con:
        con.execute(f"copy ({tills}) to '{target}' (header)")
    _split(target, small / "landing" / "pos" / "sales")
    return [
        Case("Parquet, M5 whole", parquet, 2.5, ("Parquet, M5 whole", PLAIN)),
        Case("CSV, one file", whole, 2.5, ("CSV, one file", PLAIN)),
        Case(f"CSV, {SMALL_FILES:,} files", small, 2.0, ("CSV, one file", PROJECT)),
    ]


def _split(source: Path, folder: Path) -> None:
    """Write the same lines as SMALL_FILES files, each with the header."""
    lines = source.read_bytes().splitlines(keepends=True)
    header, rows = lines[0], lines[1:]
    size = -(-len(rows) // SMALL_FILES)
    for number in range(SMALL_FILES):
        part = rows[number * size : (number + 1) * size]
        if part:
            (folder / f"{number:05d}.csv").write_bytes(header + b"".join(part))


def _measure(case: Case, contender: str, work: Path) -> measure.Usage:
    log = work / f"{case.name.replace(' ', '_')}_{contender}.log"
    usage = measure.run([sys.executable, "-m", "benchmarks.ingestion", contender, str(case.home)], log, ROOT)
    found = re.search(r"^seconds (\S+)$", log.read_text(encoding="utf-8"), re.MULTILINE)
    return measure.Usage(float(found[1]) if found else usage.seconds, usage.cpu_seconds, usage.peak_bytes, usage.status)


def _better(one: measure.Usage | None, other: measure.Usage) -> measure.Usage:
    return other if one is None or other.seconds < one.seconds else one


def _plain(home: Path) -> int:
    reader = "read_parquet" if list(home.glob("landing/pos/sales/*.parquet")) else "read_csv"
    target = home / "warehouse" / "plain.duckdb"
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    with duckdb.connect(str(target), config={"threads": 2, "memory_limit": "3GB"}) as con:
        con.execute(f"create table sales as select * from {reader}('{home}/landing/pos/sales/*')")
        row = con.execute("select count(*) from sales").fetchone()
    target.unlink()
    return row[0] if row else 0


def _project(home: Path) -> int:
    from orchestration.ingestion.declarations import source_feeds
    from orchestration.ingestion.loading import ingest
    from orchestration.settings import load_settings
    from orchestration.warehouse import connect

    settings = load_settings(home)
    settings.warehouse.unlink(missing_ok=True)
    feeds = [feed for feed in source_feeds(home) if feed.name == "pos/sales"]
    with connect(settings) as con:
        report = ingest(con, feeds, settings.landing, "run-00001", 0.0, lambda _: None, settings.ingestion)
    settings.warehouse.unlink()
    return report.rows_loaded


def main(contender: str, home: Path) -> None:
    """Run one contender and print its seconds."""
    if contender == PROJECT:
        import orchestration.ingestion.loading  # noqa: F401  imports are not measured
    began = time.perf_counter()
    rows = _project(home) if contender == PROJECT else _plain(home)
    print(f"{rows:,} rows\nseconds {time.perf_counter() - began:.3f}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
