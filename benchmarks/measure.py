"""Runs a command and measures it: wall time and the peak memory of its whole process tree.

Each contender runs in a process of its own, so that none is charged for another's libraries or arrays.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_SECONDS = 0.25
KIB = 1024


@dataclass(frozen=True)
class Usage:
    """Wall seconds from start to end, peak memory in bytes, and the exit status."""

    seconds: float
    peak_bytes: int
    status: int


def run(command: list[str], log: Path, cwd: Path) -> Usage:
    """Run a command to its end, output to `log`; it is killed with its children when this process is interrupted.

    Peak memory: the larger of the polled sum over the tree (memory shared by forks counted once, where the system tells)
    and the largest single process as the kernel counted it, which no short peak escapes.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            peak, status, single = _watch(process)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    return Usage(time.perf_counter() - began, max(peak, single), status)


def _watch(process: subprocess.Popen[bytes]) -> tuple[int, int, int]:
    """Return the polled peak, the exit status and the kernel's peak of the largest process, all memory in bytes."""
    peak = 0
    while True:
        pid, state, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(state)
            # Linux counts ru_maxrss in KiB, macOS in bytes
            return peak, process.returncode, usage.ru_maxrss * (1 if sys.platform == "darwin" else KIB)
        peak = max(peak, _tree_bytes(process.pid))
        time.sleep(POLL_SECONDS)


def _tree_bytes(pid: int) -> int:
    try:
        root = psutil.Process(pid)
        return sum(_process_bytes(process) for process in [root, *root.children(recursive=True)])
    except psutil.Error:
        return 0


def _process_bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(memory, "pss", memory.rss))


def machine() -> dict[str, str | int]:
    """Return what the figures depend on: processor threads, memory, system, Python."""
    return {
        "processor_threads": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 1024**3),
        "system": sys.platform,
        "python": sys.version.split()[0],
    }
