"""What `shelfcast run` and `shelfcast status` say on the terminal: short tables read from the record of the company.

The numbers of a night are those of its page: the same queries (publishing/page_*.py) on the same published files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from orchestration import replays, runs
from orchestration.ingestion import ledger
from orchestration.publishing import page, page_data, page_forecast, page_lists, page_orders
from orchestration.publishing.words import words
from orchestration.settings import Settings
from orchestration.warehouse import connect, table_exists


def print_night(settings: Settings, run_id: str, console: Console) -> None:
    """Say what a published night came to: rows, accuracy beside seasonal naive, orders, and where to look."""
    folder = settings.published / run_id
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    console.print(f"\n[bold]Published {manifest['run_id']}[/], business day {manifest['as_of']}")
    if (latest := (settings.published / "latest").readlink().name) != run_id:
        console.print(f"a past day: latest stays at {latest}")
    console.print(_rows_table(manifest["inputs"]))
    known = words("en")
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        source = page_data.source_of(con)
        _print_accuracy(page_forecast.accuracy(source), console)
        _print_orders(page_orders.orders(source, top_lines=1), console, settings.currency)
        for part in page_lists.stock_lists(source):
            if part["lead"] and part["top"]:
                numbers = {name: page.in_sentence(value, str) for name, value in part["lead"].items()}
                sentence = known[f"lead.{part['name']}"].format(**numbers)
                title = known[f"list.{part['tab']}"].lower()
                console.print(f"{title}: {sentence}", highlight=False, soft_wrap=True)
    for absent in manifest["absent"]:
        console.print(f"  [dim]absent: {absent['name']}: {absent['reason']}[/]", highlight=False, soft_wrap=True)
    console.print("\nwhere to look")
    for what, path in (
        ("the page of the night", folder / "index.html"),
        ("tables for analysts", folder / "marts.duckdb"),
        ("lists and tables", folder),
    ):
        console.print(f"  {what:<22} {path}", highlight=False, soft_wrap=True)


def print_replay(settings: Settings, console: Console) -> None:
    """Say what the newest replay came to: every rule at the service nearest the proposed one's."""
    with connect(settings) as con:
        rows = con.execute(
            f"select policy, fill_rate_pct, turnover_days, total_cost_amount, claim, pair_count from {replays.RESULTS} "
            "where is_compared and abc_class = 'all' and location_id = 'all' order by policy <> 'proposed', policy"
        ).fetchall()
    title = f"replay of {rows[0][-1]:,} products at places" if rows else "replay"
    table = Table("rule", "served", "days of stock", f"cost, {settings.currency}", "beside the proposed", title=title)
    for policy, served, days, cost, claim, _ in rows:
        table.add_row(policy, f"{served:.1f} %", f"{days:.1f}", f"{cost:,.0f}", claim or "")
    console.print(table)
    console.print("the next night publishes it: mart_policy_replay, and its chart on the page", highlight=False)


def print_status(settings: Settings, console: Console) -> None:
    """Show the last runs, freshness and row counts by feed, and the published runs."""
    if not settings.warehouse.exists():
        console.print(f"no run yet in {settings.home} — start with `shelfcast run --home {settings.home}`")
        return
    with connect(settings) as con:
        console.print(_runs_table(runs.recent(con, 10)))
        if table_exists(con, "ops.file_ledger"):
            console.print(_feeds_table(con))
            _print_refused(con, console)
    latest = settings.published / "latest"
    console.print(f"outputs: {latest} → {latest.readlink()}" if latest.is_symlink() else "outputs: none published yet")


def _rows_table(inputs: Sequence[Mapping[str, Any]], newest: Mapping[str, object] | None = None) -> Table:
    """One line a feed: rows read, loaded, quarantined, set aside (excluded, repeated, replaced), and their sum."""
    table = Table("feed", "files", "read", "loaded", "quarantined", "set aside", "adds up", box=SIMPLE_HEAD)
    if newest is not None:
        table.add_column("newest row")
    by_feed = page_data.feeds(inputs)
    for row in by_feed:
        _add_feed(table, row["feed"], row, None if newest is None else str(newest.get(row["feed"]) or ""))
    table.add_section()
    _add_feed(table, "all", page_data.all_feeds(by_feed), None if newest is None else "")
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:6]:
        column.justify = "right"
    return table


def _add_feed(table: Table, name: str, row: Mapping[str, Any], newest: str | None) -> None:
    aside = row["rows_excluded"] + row["rows_duplicate"] + row["rows_superseded"]
    counts = (row["files"], row["rows_physical"], row["rows_loaded"], row["rows_quarantined"], aside)
    last = [] if newest is None else [newest]
    table.add_row(name, *(f"{count:,}" for count in counts), "yes" if row["adds_up"] else "[red]NO[/]", *last)


def _print_accuracy(accuracy: Mapping[str, Any] | None, console: Console) -> None:
    if accuracy is None:
        return
    table = Table(
        "level", "weeks ahead", "accuracy", "seasonal naive", title="forecast accuracy in backtest, 1 - WMAPE"
    )
    for row in accuracy["table"]:
        baseline = "" if row["baseline_value"] is None else f"{1 - row['baseline_value']:.1%}"
        table.add_row(row["level"], row["horizon_band"], f"{1 - row['value']:.1%}", baseline)
    console.print(table)


def _print_orders(orders: Mapping[str, Any] | None, console: Console, currency: str) -> None:
    if orders is not None:
        value = f"{orders['value']:,.0f} {currency}"
        console.print(f"orders: {orders['lines']:,} lines worth {value}; {orders['withheld']:,} lines withheld")


def _runs_table(recent: list[runs.Run]) -> Table:
    table = Table("run", "business day", "state", "started (UTC)", "minutes", "message", box=SIMPLE_HEAD)
    for run in recent:
        minutes = f"{(run.ended_at - run.started_at).total_seconds() / 60:.1f}" if run.ended_at else ""
        day = str(run.as_of or "")
        first_line = run.message.splitlines()[0] if run.message else ""
        table.add_row(run.run_id, day, run.state, f"{run.started_at:%Y-%m-%d %H:%M}", minutes, first_line)
    return table


def _feeds_table(con: duckdb.DuckDBPyConnection) -> Table:
    rows = con.execute("select source || '/' || feed, max(last_date) from ops.file_ledger group by all").fetchall()
    return _rows_table(ledger.manifest_inputs(con), dict(rows))


def _print_refused(con: duckdb.DuckDBPyConnection, console: Console) -> None:
    refused = [e for e in ledger.known_files(con) if e.state == ledger.REFUSED]
    for entry in refused:
        where = Path(entry.source) / entry.feed / entry.name
        console.print(f"[red]refused[/] {where} {entry.detail}", highlight=False, soft_wrap=True)
