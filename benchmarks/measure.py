"""Runs a command and measures it: wall time and the peak memory of its whole process tree.

Each contender runs in a process of its own, so that none is charged for another's libraries or arrays.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Usage:
    """Wall seconds from start to end, processor seconds of the whole tree, peak memory in bytes, the exit status."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    status: int


def run(command: list[str], log: Path, cwd: Path) -> Usage:
    """Run a command to its end, output to `log`; it is killed with its children when this process is interrupted.

    Peak memory is polled and summed over the tree; what forked processes share is counted once where the system tells
    (Linux). The kernel's own maximum is no help: a child that is started by a large process begins with that one's.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began, cpu = time.perf_counter(), _cpu_of_children()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            peak = _watch(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return Usage(time.perf_counter() - began, _cpu_of_children() - cpu, peak, process.returncode)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(process: subprocess.Popen[bytes]) -> int:
    """Wait for the process and return the peak memory of its tree in bytes."""
    peak = 0
    while process.poll() is None:
        peak = _peak_bytes(process.pid, peak)
        time.sleep(POLL_SECONDS)
    return peak


def _peak_bytes(pid: int, peak: int) -> int:
    """Return the memory of the tree now or `peak`, whichever is larger."""
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
        resident = sum(process.memory_info().rss for process in tree)
        # shared pages cost milliseconds a gigabyte to tell apart: only asked for where it can matter
        if resident <= peak or len(tree) == 1:
            return max(peak, resident)
        return max(peak, sum(_proportional_bytes(process) for process in tree))
    except psutil.Error:  # one ended while it was looked at: the next poll sees the rest
        return peak


def _proportional_bytes(process: psutil.Process) -> int:
    memory = process.memory_full_info()
    return int(getattr(memory, "pss", memory.rss))


def machine() -> dict[str, str | int]:
    """Return what the figures depend on: processor threads, memory, system, Python."""
    return {
        "processor_threads": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 1024**3),
        "system": sys.platform,
        "python": sys.version.split()[0],
    }
