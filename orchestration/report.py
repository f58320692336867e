"""What `shelfcast run` and `shelfcast status` say on the terminal: short tables read from the record of the company."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration import runs
from orchestration.ingestion import ledger
from orchestration.settings import Settings
from orchestration.warehouse import connect, table_exists

COUNTS = ("rows_physical", "rows_loaded", "rows_quarantined", "rows_excluded", "rows_duplicate", "rows_superseded")


def print_night(settings: Settings, console: Console) -> None:
    """Say what the newest night came to: rows, accuracy beside seasonal naive, orders, and where to look."""
    folder = (settings.published / "latest").resolve()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    console.print(f"\n[bold]Published {manifest['run_id']}[/], business day {manifest['as_of']}")
    console.print(_rows_table(manifest["inputs"]))
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        _print_accuracy(con, console)
        _print_orders(con, console, settings.currency)
    for absent in manifest["absent"]:
        console.print(f"  [dim]absent: {absent['name']}: {absent['reason']}[/]", highlight=False, soft_wrap=True)
    console.print("\nwhere to look")
    for what, path in (
        ("the page of the night", folder / "index.html"),
        ("tables for analysts", folder / "marts.duckdb"),
        ("lists and tables", folder),
    ):
        console.print(f"  {what:<22} {path}", highlight=False, soft_wrap=True)


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


def _rows_table(inputs: list[dict]) -> Table:
    table = Table("feed", "files", "rows", "loaded", "quarantined", "excluded", "duplicate", "superseded")
    for column in table.columns[1:]:
        column.justify = "right"
    feeds = sorted({i["feed"] for i in inputs})
    totals = {feed: [sum(i[c] for i in inputs if i["feed"] == feed) for c in COUNTS] for feed in feeds}
    for feed in feeds:
        files = sum(i["feed"] == feed for i in inputs)
        table.add_row(feed, str(files), *(f"{n:,}" for n in totals[feed]))
    everything = [sum(counts) for counts in zip(*totals.values(), strict=True)]
    table.add_section()
    table.add_row("all", str(len(inputs)), *(f"{n:,}" for n in everything))
    return table


def _print_accuracy(con: duckdb.DuckDBPyConnection, console: Console) -> None:
    rows = con.execute(
        "select level, horizon_band, step, value, baseline_value from forecast_accuracy "
        "where segment = 'all' and metric = 'wmape' and step = (select max(step) from forecast_accuracy where step = 'published') "
        "order by level, horizon_band"
    ).fetchall()
    if not rows:
        return
    table = Table("level", "weeks ahead", "accuracy (1 - WMAPE)", "seasonal naive", title="forecast accuracy, backtest")
    for level, band, _, value, baseline in rows:
        table.add_row(level, band, f"{1 - value:.1%}", "" if baseline is None else f"{1 - baseline:.1%}")
    console.print(table)


def _print_orders(con: duckdb.DuckDBPyConnection, console: Console, currency: str) -> None:
    try:
        row = con.execute(
            "select count(*) filter (order_qty > 0), sum(order_value), count(*) filter (withheld_reason is not null) "
            "from replenishment_orders"
        ).fetchone()
    except duckdb.CatalogException:
        return
    if row:
        console.print(f"orders: {row[0]:,} lines worth {row[1] or 0:,.0f} {currency}; {row[2]:,} lines withheld")


def _runs_table(recent: list[runs.Run]) -> Table:
    table = Table("run", "business day", "state", "started (UTC)", "minutes", "message")
    for run in recent:
        minutes = f"{(run.ended_at - run.started_at).total_seconds() / 60:.1f}" if run.ended_at else ""
        day = str(run.as_of or "")
        first_line = run.message.splitlines()[0] if run.message else ""
        table.add_row(run.run_id, day, run.state, f"{run.started_at:%Y-%m-%d %H:%M}", minutes, first_line)
    return table


def _feeds_table(con: duckdb.DuckDBPyConnection) -> Table:
    table = Table("feed", "files", "newest row", "rows", "loaded", "quarantined", "excluded", "duplicate", "superseded")
    for column in table.columns[1:]:
        column.justify = "right"
    sums = ", ".join(f"sum({c})" for c in COUNTS)
    rows = con.execute(
        f"select source || '/' || feed, count(*), max(last_date), {sums} from ops.file_ledger where state in (?, ?) "
        "group by all order by 1",
        [ledger.LOADED, ledger.DUPLICATE],
    ).fetchall()
    for feed, files, newest, *counts in rows:
        table.add_row(feed, str(files), str(newest or ""), *(f"{n:,}" for n in counts))
    return table


def _print_refused(con: duckdb.DuckDBPyConnection, console: Console) -> None:
    refused = [e for e in ledger.known_files(con) if e.state == ledger.REFUSED]
    for entry in refused:
        where = Path(entry.source) / entry.feed / entry.name
        console.print(f"[red]refused[/] {where} {entry.detail}", highlight=False, soft_wrap=True)
