"""The `shelfcast` command: words for people around what the other modules do.

Exit status 0: done, or published. 1: refused or failed, and the message says why. 2: wrong usage or settings.
Heavy libraries are imported by the commands that need them, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.errors import ShelfcastError
from orchestration.security import require_private
from orchestration.settings import Settings, load_settings

app = typer.Typer(
    help="Retail extracts in; one warehouse, forecasts and order lists out, every night.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
pilot = typer.Typer(help="Try something in a few places and learn what it was worth.", no_args_is_help=True)
app.add_typer(pilot, name="pilot")
# a log file or a pipe has no width of its own: wide enough for the tables
WIDTH = None if sys.stdout.isatty() else 110
console = Console(width=WIDTH)
errors = Console(stderr=True, width=WIDTH)

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The company's home directory (default: $SHELFCAST_HOME, else ./home)."),
]

InsecureOption = Annotated[
    bool, typer.Option("--allow-insecure", help="Start although anyone on this machine may write to the home.")
]


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Print what a user can mend as a message, without a traceback, and leave with its exit status."""
    try:
        yield
    except ShelfcastError as error:
        errors.print(f"[red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        raise typer.Exit(error.exit_status) from None


@app.command()
def demo(home: HomeOption = None) -> None:
    """Write the demo company's extracts into landing/ (real tills of 2017; stock and suppliers are simulated)."""
    with _plain_errors():
        from orchestration.demo import write_demo

        write_demo(load_settings(home), _say)


@app.command()
def run(
    home: HomeOption = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="Business day to close (default: the last with sales)."),
    ] = None,
    allow_insecure: InsecureOption = False,
) -> None:
    """Run the night: ingest, build, check, forecast, propose orders, check, publish."""
    with _plain_errors():
        settings = load_settings(home)
        require_private(settings.home, allow_insecure)
        _run_night(settings, _day(as_of), None)


@app.command()
def replay(
    home: HomeOption = None,
    allow_insecure: InsecureOption = False,
    report: Annotated[bool, typer.Option("--report", help="Make the quarter's tuning report from it too.")] = False,
) -> None:
    """Replay the past under the proposed rule and simple ones; the next night publishes what came of it."""
    with _plain_errors():
        settings = load_settings(home)
        require_private(settings.home, allow_insecure)
        from orchestration.night import run_replay
        from orchestration.report import print_replay

        failures = run_replay(settings, Console(file=sys.stdout, width=WIDTH), with_report=report)
        if failures:
            errors.print(f"[red]not replayed:[/] {escape(chr(10).join(failures))}", soft_wrap=True, highlight=False)
            raise typer.Exit(1)
        print_replay(settings, console)


@app.command()
def rebuild(
    run_id: Annotated[str, typer.Argument(help="An earlier run, as `shelfcast status` lists them.")],
    home: HomeOption = None,
) -> None:
    """Make an older night again, with the files that had arrived by then; reads nothing from landing/."""
    with _plain_errors():
        settings = load_settings(home)
        from orchestration import runs
        from orchestration.warehouse import connect

        with connect(settings) as con:
            runs.find(con, run_id)
        _run_night(settings, None, run_id)


@app.command()
def backfill(
    first: Annotated[str, typer.Argument(metavar="FROM", help="First business day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="Last business day, included.")],
    home: HomeOption = None,
    allow_insecure: InsecureOption = False,
) -> None:
    """Run the nights of a range of past business days, one after the other; stops at the first that is not published.

    `latest` stays at the newest business day. In the UI: job past_nights, Backfill.
    """
    days = [date.fromisoformat(_day(text) or "") for text in (first, last)]
    if days[0] > days[1]:
        errors.print(f"[red]error:[/] {first} is after {last}")
        raise typer.Exit(2)
    with _plain_errors():
        settings = load_settings(home)
        require_private(settings.home, allow_insecure)
        from orchestration.night import run_past_nights

        outcomes = run_past_nights(settings, days[0], days[1], Console(file=sys.stdout, width=WIDTH))
        for day, outcome in outcomes:
            mark, name = ("[green]✓[/]", "published") if outcome.is_published else ("[red]✗[/]", "not published")
            console.print(f"{mark} {day} {name} {outcome.run.run_id if outcome.run else ''}", highlight=False)
        if not outcomes[-1][1].is_published:
            message = (outcomes[-1][1].run.message if outcomes[-1][1].run else "") or "\n".join(outcomes[-1][1].errors)
            errors.print(escape(message), soft_wrap=True, highlight=False)
            raise typer.Exit(1)


def _run_night(settings: Settings, day: str | None, rebuild: str | None) -> None:
    from orchestration.night import run_night
    from orchestration.report import print_night

    # bound to the terminal now: a step may send what a library prints elsewhere meanwhile
    outcome = run_night(settings, day, Console(file=sys.stdout, width=WIDTH), rebuild)
    if outcome.is_published and outcome.run:
        print_night(settings, outcome.run.run_id, console)
        return
    latest = settings.published / "latest"
    kept = f"latest stays at {latest.resolve().name}" if latest.exists() else "nothing was published before"
    message = (outcome.run.message if outcome.run else "") or "\n".join(outcome.errors)
    errors.print(f"[red]not published:[/] {kept}\n{escape(message)}", soft_wrap=True, highlight=False)
    raise typer.Exit(1)


@app.command()
def status(home: HomeOption = None) -> None:
    """Show the last runs, how fresh each feed is, what was quarantined, and where the outputs are."""
    with _plain_errors():
        from orchestration.report import print_status

        print_status(load_settings(home), console)


@app.command()
def rollback(
    run_id: Annotated[str, typer.Argument(help="A published run, as `shelfcast status` lists them.")],
    home: HomeOption = None,
) -> None:
    """Point `latest` back at an older run."""
    with _plain_errors():
        from orchestration.publishing.runs import point_latest

        point_latest(load_settings(home).published, run_id)
        console.print(f"latest → {run_id}")


@app.command()
def doctor(home: HomeOption = None) -> None:
    """Check versions, pins, disk, locks and a small fit of each model; say what to do."""
    with _plain_errors():
        from orchestration.doctor import examine

        findings = examine(load_settings(home))
    table = Table("", "check", "finding", "what to do", show_lines=False)
    for finding in findings:
        table.add_row("[green]✓[/]" if finding.is_good else "[red]✗[/]", finding.check, finding.seen, finding.advice)
    console.print(table)
    if not all(finding.is_good for finding in findings):
        raise typer.Exit(1)


@pilot.command("plan")
def pilot_plan(
    name: Annotated[str, typer.Argument(help="Name of the pilot: its folder in home/pilots/.")],
    home: HomeOption = None,
    places: Annotated[str, typer.Option(help="The pilot's places, ids with commas (default: chosen).")] = "",
    size: Annotated[int, typer.Option(min=2, max=50, help="How many places to choose.")] = 5,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="Weeks that the pilot lasts.")] = 8,
    weeks_before: Annotated[
        int, typer.Option(min=8, max=104, help="Weeks before it that places are compared by.")
    ] = 26,
    starts_on: Annotated[
        str | None, typer.Option(metavar="DATE", help="First day (default: the day after the last night).")
    ] = None,
    measure: Annotated[str, typer.Option(help="net_amount or units_qty.")] = "net_amount",
    departments: Annotated[str, typer.Option(help="Departments that count, with commas (default: all).")] = "",
) -> None:
    """Choose places with matched controls and say what effect they can show, before the pilot starts."""
    with _plain_errors():
        from orchestration.pilots import plan_pilot

        day = _day(starts_on)
        page = plan_pilot(
            load_settings(home),
            name,
            places=_names(places),
            size=size,
            weeks=weeks,
            weeks_before=weeks_before,
            starts_on=date.fromisoformat(day) if day else None,
            measure=measure,
            departments=_names(departments),
        )
        _print_page(page)


@pilot.command("measure")
def pilot_measure(
    name: Annotated[str, typer.Argument(help="A planned pilot.")],
    home: HomeOption = None,
) -> None:
    """Say on one page what a pilot came to: effect, interval, and what may be claimed."""
    with _plain_errors():
        from orchestration.pilots import measure_pilot

        _print_page(measure_pilot(load_settings(home), name))


@app.command("dbt-docs")
def dbt_docs(home: HomeOption = None) -> None:
    """Write one page with every table: columns, tests, SQL and lineage. It asks no outside host."""
    with _plain_errors():
        from orchestration.dbt_docs import write_docs

        console.print(str(write_docs(load_settings(home))), soft_wrap=True, highlight=False)


@app.command()
def prepare(home: HomeOption = None, allow_insecure: InsecureOption = False) -> None:
    """Write Dagster's instance settings into the home: what its webserver and daemon start with."""
    with _plain_errors():
        from orchestration.night import prepare_instance

        settings = load_settings(home)
        require_private(settings.home, allow_insecure)
        console.print(str(prepare_instance(settings)), soft_wrap=True, highlight=False)


@app.command()
def ui(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
    allow_insecure: InsecureOption = False,
) -> None:
    """Open Dagster's UI on this machine; its daemon runs the nightly schedule."""
    with _plain_errors():
        from orchestration.night import prepare_instance

        settings = load_settings(home)
        require_private(settings.home, allow_insecure)
        prepare_instance(settings)
    # Dagster's UI has no login: it listens on this machine only
    dagster = str(Path(sys.executable).with_name("dagster"))
    arguments = ["dev", "-m", "orchestration.definitions", "-h", "127.0.0.1", "-p", str(port)]
    os.execv(dagster, [dagster, *arguments])


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _print_page(page: Path) -> None:
    console.print(page.read_text(encoding="utf-8"), markup=False, highlight=False, soft_wrap=True)
    console.print(str(page), soft_wrap=True, highlight=False)


def _day(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        errors.print(f"[red]error:[/] {text!r} is not a date like 2026-01-31")
        raise typer.Exit(2) from None


def _say(message: str) -> None:
    console.print(f"  [dim]{escape(message)}[/]", highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
