"""The progress display of `shelfcast run`: one line a step while it works, with time and memory when it is done.

It listens to Dagster's own log records, so the UI and the terminal tell the same story.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

import psutil
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

# what a step is called on the terminal; a step without a name here shows its own
STEP_NAMES = {
    "ingest": "read extracts",
    "feeds_gate": "check the extracts",
    "identify_customers": "tell who is who",
    "dbt_build": "build business tables (dbt)",
    "marts_gate": "check the tables",
    "demand_history": "estimate demand",
    "forecasts": "forecast 26 weeks",
    "forecasts_gate": "check the forecasts",
    "recommendations": "propose orders",
    "orders_gate": "check the orders",
    "dbt_build_marts": "build the marts (dbt)",
    "results_gate": "check the marts",
    "published__latest": "publish",
    "replay_history": "replay the past",
    "replay_gate": "check the replay",
}


def peak_memory_gb() -> float:
    """Return the memory in use now by this process and its children, in GB (10^9 bytes)."""
    process = psutil.Process()
    total = 0
    for p in [process, *process.children(recursive=True)]:
        try:
            total += p.memory_info().rss
        except psutil.Error:
            continue
    return total / 1e9


class ProgressDisplay(logging.Handler):
    """Turns Dagster's log records into lines on the terminal. Use as a context manager around the run."""

    def __init__(self, console: Console):
        super().__init__(logging.DEBUG)
        self.console = console
        self._started: dict[str, float] = {}
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> ProgressDisplay:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        meta: Mapping[str, object] = getattr(record, "dagster_meta", {})
        step = str(meta.get("step_key") or "")
        event = getattr(meta.get("dagster_event"), "event_type_value", None)
        if event == "STEP_START":
            self._start(step)
        elif event in ("STEP_SUCCESS", "STEP_FAILURE"):
            self._finish(step, event == "STEP_SUCCESS")
        elif event == "STEP_UP_FOR_RETRY":
            self._print(f"  [yellow]{_name(step)}: will be tried again[/]")
        elif event is None and step and record.levelno >= logging.INFO:
            self._message(record.levelno, str(meta.get("orig_message") or ""))

    def _start(self, step: str) -> None:
        self._started[step] = time.monotonic()
        self._tasks[step] = self._progress.add_task(_name(step))

    def _finish(self, step: str, is_good: bool) -> None:
        seconds = time.monotonic() - self._started.pop(step, time.monotonic())
        if step in self._tasks:
            self._progress.remove_task(self._tasks.pop(step))
        mark = "[green]✓[/]" if is_good else "[red]✗[/]"
        self._print(f"{mark} {_name(step):<32} {seconds:7.1f} s  {peak_memory_gb():4.1f} GB")

    def _message(self, level: int, text: str) -> None:
        # dagster-dbt tells its whole command line, before and after: it stands in Dagster's own log
        if text.startswith(("Running dbt command", "Finished dbt command")):
            return
        style = "red" if level >= logging.ERROR else "yellow" if level >= logging.WARNING else "dim"
        self._print(f"  [{style}]{escape(text)}[/]")

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)


def _name(step: str) -> str:
    return STEP_NAMES.get(step, step)
