"""Forecasts on M5, the project beside its peers: same series, same cut-off, same machine, each in its own process.

28 days after d_1731, scored by day as the competition does; 26 weeks after d_1577, scored by week.
"""

from __future__ import annotations

import shutil
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console

from benchmarks import m5, measure, peers, problem, project, report
from benchmarks.options import ROOT, Options

PROJECT = "shelfcast"
CONTENDERS = {PROJECT, *peers.PEERS["day"], *peers.PEERS["week"]}
DAILY_CUTOFF, WEEKLY_CUTOFF = 1731, 1577
VERSIONS = (PROJECT, "lightgbm", "prophet", "polars", "duckdb", "statsforecast", "mlforecast")


def run(options: Options, console: Console) -> bool:
    """Measure every task that was asked for; says whether all contenders came through."""
    data = m5.load(options.data, list(options.stores) or None)
    nights: dict[int, project.Night] = {}
    is_good = True
    for task in tasks(options):
        console.print(f"\n[bold]{task.name}[/], {data.series.height:,} series ({options.scope})")
        posed = problem.pose(data, task, options.price_plan_weeks)
        work = options.results / "work" / f"{task.name}_{options.scope}"
        posed.given.write(work)
        rows = [_peer(name, posed, work, console) for name in peer_names(task, options)]
        if not options.contenders or PROJECT in options.contenders:
            if task.cutoff not in nights:
                nights[task.cutoff] = _night(data, task, options, console)
            rows.append(_project(posed, nights[task.cutoff]))
        sheet = report.Sheet(
            f"m5_{task.name}_{options.scope}", f"M5, {task.name}, {options.scope} stores", rows, _facts(posed, options)
        )
        report.show(sheet, console)
        for path in report.write(sheet, options.results):
            console.print(f"  {path}", highlight=False, soft_wrap=True)
        is_good &= all(row.scores for row in rows)
    return is_good


def tasks(options: Options) -> list[problem.Task]:
    """Return the tasks of a run, weeks after days; a cut-off that was given holds for both."""
    chosen = []
    if options.horizon in ("28", "both"):
        chosen += [problem.daily(cutoff) for cutoff in options.cutoffs or (DAILY_CUTOFF,)]
    if options.horizon in ("26w", "both"):
        chosen += [problem.weekly(cutoff) for cutoff in options.cutoffs or (WEEKLY_CUTOFF,)]
    return chosen


def peer_names(task: problem.Task, options: Options) -> list[str]:
    """Return the peers to run: those named, else all but the slow ones (--with-lightgbm adds them)."""
    known = peers.PEERS[task.period]
    if options.contenders:
        return [name for name in known if name in options.contenders]
    return [name for name in known if options.with_lightgbm or name not in peers.SLOW]


def _peer(name: str, posed: problem.Problem, folder: Path, console: Console) -> report.Row:
    slug = name.replace(" ", "_").lower()
    out, log = folder / f"{slug}.npz", folder / f"{slug}.log"
    out.unlink(missing_ok=True)
    console.print(f"  {name} …", highlight=False)
    usage = measure.run([sys.executable, "-m", "benchmarks.peers", name, str(folder), str(out)], log, ROOT)
    if usage.status:
        return report.Row(name, usage, {}, [f"failed with status {usage.status}, see {log}"])
    return report.Row(name, usage, posed.score(problem.Forecast.read(out)))


def _night(data: m5.M5, task: problem.Task, options: Options, console: Console) -> project.Night:
    """Write the home of a cut-off anew and run its night."""
    home = options.results / "homes" / f"d{task.cutoff}_{options.scope}"
    shutil.rmtree(home, ignore_errors=True)
    began = time.perf_counter()
    rows = m5.write_extracts(m5.cut(data, task.cutoff, options.price_plan_weeks), home / "landing")
    seconds = time.perf_counter() - began
    lines = f"{rows['pos/sales']:,} sales lines in {seconds:.1f} s"
    console.print(f"  {PROJECT}: wrote {lines}, running the night …", highlight=False)
    return project.run_night(home, problem.last_day(data, task.cutoff), options.results / f"night_{home.name}.log")


def _project(posed: problem.Problem, night: project.Night) -> report.Row:
    log = f"night_{night.home.name}.log"
    if night.usage.status:
        return report.Row(PROJECT, night.usage, {}, [f"exit status {night.usage.status}, see {log}"])
    try:
        reading = project.read_forecast(night.home, posed.given)
    except (OSError, ValueError) as error:  # published, but not what was promised: that is a result too
        return report.Row(PROJECT, night.usage, {}, [str(error)])
    steps = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in night.steps.items())
    remarks = [
        f"the whole night is counted: {steps or 'no steps reported'}",
        f"acceptance checker: {night.accepted}",
        f"{reading.series_without:,} series not published, counted as zero "
        f"({reading.sold_before_without:,} of them had sold before the cut-off)",
    ]
    if reading.rows_elsewhere:
        elsewhere = f"{reading.rows_elsewhere:,} rows, {reading.units_elsewhere:,.0f} units"
        remarks.append(f"forecasts of other series are not scored: {elsewhere}")
    remarks += [f"absent: {name} ({reason})" for name, reason in project.absent_outputs(night.home).items()]
    return report.Row(PROJECT, night.usage, posed.score(reading.forecast), remarks)


def _facts(posed: problem.Problem, options: Options) -> dict[str, object]:
    given = posed.given
    trained = given.train.shape[1]
    return {
        "cut-off": f"d_{given.task.cutoff}",
        "forecast from": given.starts[trained].isoformat(),
        "periods": f"{given.task.horizon} {given.task.period}s after {trained}",
        "series": len(given.train),
        "series never sold before": int((~given.train.any(axis=1)).sum()),
        "units that came": int(posed.actual.sum()),
        "weeks of prices known ahead": options.price_plan_weeks,
        **measure.machine(),
        **{name: _version(name) for name in VERSIONS},
    }


def _version(package: str) -> str:
    """Return a contender's version; the peers come with the bench extra and may be missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
