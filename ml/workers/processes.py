"""Work in processes of their own, which may crash or hang without taking the night along.

What belongs here: handing tasks to workers, in any number, and telling what became of each. What does not: what a task
is (trees.py, ml/forecasting/models/prophet.py), and shards of a table (ml/forecasting/shards.py).

Processes, not threads: Prophet's optimiser is a program of its own that has been seen to hang for ever
(facebook/prophet #248, #888, #2524). Every worker leads a process group; when its answer is late, all of it is killed.

Workers are forked from a server that has read LightGBM and computed nothing: 0.1 s for each after the first, where a
new Python needs 2 s. Forks of this process itself would inherit the locks of its threads.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

PRELOADED = ["lightgbm"]


@dataclass(frozen=True)
class Failed:
    """Why a task has no answer, in words. is_own: the function raised, and its worker goes on."""

    why: str
    is_own: bool = False


_PENDING = object()


def run_tasks(
    function: Callable[[Any], Any],
    tasks: Iterable[tuple[str, Any]],
    workers: int,
    timeout_seconds: float,
    otherwise: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """Answer of each task by name, in the order of tasks; or Failed (an exception, a crash, no answer in time).

    function: must be importable by name, or a partial of such a one: workers know nothing of this process. tasks:
    (name, what the function is called with); taken one by one as workers get free, so not all need to be in memory.
    timeout_seconds: for one task; the first of a worker includes its start and what the function imports. otherwise:
    what to call in this process with a task that failed. The answers do not depend on the number of workers.
    """
    results: dict[str, Any] = {}
    order: list[str] = []
    waiting = iter(tasks)
    pool: list[_Worker] = []

    def next_task() -> tuple[str, Any] | None:
        task = next(waiting, None)
        if task is not None:
            order.append(task[0])
        return task

    coming = next_task()
    try:
        while coming is not None or any(worker.task for worker in pool):
            idle = [worker for worker in pool if worker.task is None]
            while coming is not None and (idle or len(pool) < workers):
                worker = idle.pop() if idle else _Worker(function)
                if worker not in pool:
                    pool.append(worker)
                worker.give(*coming)
                coming = next_task()
            wait([worker.pipe for worker in pool if worker.task], timeout=0.2)
            for worker in list(pool):
                name, payload = worker.task or "", worker.payload
                answer = worker.answer(timeout_seconds)
                if answer is not _PENDING:
                    failed = isinstance(answer, Failed) and otherwise is not None
                    results[name] = otherwise(payload) if failed and otherwise is not None else answer
                if not worker.is_usable:
                    pool.remove(worker)
    finally:
        for worker in pool:
            worker.kill()
    return {name: results[name] for name in order}


class _Worker:
    """A process that answers one task at a time."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        # OpenMP's threads spin while they wait; beside other work a fit of 13 to 31 s then took 72 s
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, function), daemon=True)
        self.process.start()
        theirs.close()
        self.task: str | None = None
        self.payload: Any = None
        self.given = 0.0
        self.is_usable = True

    def give(self, name: str, payload: Any) -> None:
        """Hand over a task; the clock starts."""
        self.task, self.payload, self.given = name, payload, time.monotonic()
        try:
            self.pipe.send(payload)
        except OSError:
            self.is_usable = False

    def answer(self, timeout_seconds: float) -> Any:
        """Answer of the task, or Failed where it is broken or late; _PENDING while it is under way, or without one."""
        if self.task is None:
            return _PENDING
        answer = _PENDING
        if self.pipe.poll():
            try:
                answer = self.pipe.recv()
            except (EOFError, OSError):
                answer = Failed("the worker crashed")
        elif not self.process.is_alive() or not self.is_usable:
            answer = Failed("the worker crashed")
        elif time.monotonic() - self.given > timeout_seconds:
            answer = Failed(f"no answer within {timeout_seconds:g} s")
        if answer is _PENDING:
            return answer
        if isinstance(answer, Failed) and not answer.is_own:
            self.kill()
        self.task, self.payload = None, None
        return answer

    def kill(self) -> None:
        """End the process and whatever it started."""
        self.is_usable = False
        if self.process.pid is not None and self.process.is_alive():
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self.process.kill()
        self.process.join(timeout=5)
        self.pipe.close()


def _serve(pipe: Connection, function: Callable[[Any], Any]) -> None:
    """Body of a worker: answer tasks until the pipe closes."""
    os.setsid()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            answer = function(task)
        except Exception as error:  # whatever the function raises becomes a counted fallback
            answer = Failed(f"{type(error).__name__}: {error}", is_own=True)
        pipe.send(answer)
