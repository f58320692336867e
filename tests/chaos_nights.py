"""Whole nights of a small company that are killed, starved, locked out and given a broken warehouse: `make chaos`.

    python tests/chaos_nights.py [moments] [seed] [part ...]

After every accident `latest` must be what it was, to the byte, and the next night must publish the bytes that an
undisturbed one publishes. Prints what was survived; the first thing that was not ends it. A sample of each runs in
`make test` (tests/orchestration/); design: ../shared/design/faults.md, 32 to 37.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.queues import Queue
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import small_company
from night_runs import SETTINGS

from orchestration.defs.assets.publication import night_of, outputs_of
from orchestration.failpoints import FAILPOINTS, VARIABLE
from orchestration.publishing.publication import publish
from orchestration.quality_history import HISTORY
from orchestration.settings import load_settings
from orchestration.warehouse import connect

COMMAND = [str(Path(sys.executable).with_name("shelfcast"))]
READS, PUBLICATIONS, READERS = 10_000, 20, 2


def start(home: Path, limit: Callable[[], None] | None = None, **environment: str) -> subprocess.Popen[str]:
    """A night in a process of its own, in a session of its own."""
    return subprocess.Popen(
        [*COMMAND, "run", "--home", str(home)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=limit,  # noqa: PLW1509  # this process has one thread
    )


def night(home: Path, limit: Callable[[], None] | None = None, **environment: str) -> tuple[int, str]:
    """Run a night to its end, whatever that is: exit status and output."""
    process = start(home, limit, **environment)
    output, _ = process.communicate()
    return process.returncode, output


def bytes_of(home: Path) -> dict[str, str]:
    """Output to SHA-256 of what `latest` points to; nothing before the first publication."""
    manifest = home / "published" / "latest" / "manifest.json"
    if not manifest.exists():
        return {}
    return {o["name"]: o["sha256"] for o in json.loads(manifest.read_text(encoding="utf-8"))["outputs"]}


class Company:
    """A company after its first night, its landing before it, and what every later night must publish."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.home = folder / "base"
        small_company.write(self.home / "landing")
        (self.home / "shelfcast.yml").write_text(SETTINGS, encoding="utf-8")
        self.fresh = self.copy("fresh", self.home)
        started = time.monotonic()
        status, output = night(self.home)
        assert status == 0, output
        self.seconds = time.monotonic() - started
        self.expected = bytes_of(self.home)

    def copy(self, name: str, source: Path | None = None) -> Path:
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source or self.home, target, symlinks=True)
        return target

    def recovers(self, home: Path, before: dict[str, str], what: str) -> None:
        """`latest` is what it was before the accident; the next night publishes what an undisturbed one does."""
        assert bytes_of(home) in (before, self.expected), f"{what}: latest is neither night"
        status, output = night(home)
        assert status == 0, f"{what}: the next night did not publish\n{output}"
        assert bytes_of(home) == self.expected, f"{what}: the next night published other bytes"
        left = [path.name for path in (home / "published").iterdir() if path.name.startswith(".")]
        assert left == [], f"{what}: left behind {left}"


def killed_at_failpoints(company: Company, _: int, __: random.Random) -> str:
    for point in FAILPOINTS:
        home = company.copy("killed", company.fresh if point in ("mid_load", "after_forecasts") else None)
        before = bytes_of(home)
        status, output = night(home, **{VARIABLE: point})
        assert status == -signal.SIGKILL, f"{point} was not reached\n{output}"
        company.recovers(home, before, point)
    return f"killed at {len(FAILPOINTS)} failpoints"


def killed_at_moments(company: Company, moments: int, draw: random.Random) -> str:
    home = company.copy("killed", company.fresh)
    for number in range(moments):
        before = bytes_of(home)
        process = start(home)
        time.sleep(draw.uniform(0.0, company.seconds))
        # with its children or without them: a power cut, or the kernel short of memory
        if draw.random() < 0.5:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
        assert bytes_of(home) in (before, company.expected), f"moment {number}: latest is neither night"
        if number % 10 == 9 or number == moments - 1:
            company.recovers(home, bytes_of(home), f"moment {number}")
    return f"killed at {moments} moments"


def full_disk(company: Company, _: int, __: random.Random) -> str:
    sizes = (200_000, 2_000_000, 8_000_000)
    for size in sizes:

        def limit(size: int = size) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        home = company.copy("full")
        status, output = night(home, limit)
        assert status == 1, f"no file above {size} bytes: status {status}\n{output}"
        assert "Traceback" not in output, output
        company.recovers(home, company.expected, f"no file above {size} bytes")
    return f"a full disk at {len(sizes)} sizes"


def little_memory(company: Company, _: int, __: random.Random) -> str:
    ends = []
    for limit in ("20MB", "60MB", "500MB"):
        home = company.copy("memory")
        (home / "shelfcast.yml").write_text(SETTINGS + f"memory_limit: {limit}\n", encoding="utf-8")
        status, output = night(home)
        assert status in (0, 1), f"{limit}: status {status}\n{output}"
        assert "Traceback" not in output, output
        ends.append(f"{limit} {'published' if status == 0 else 'said so'}")
        (home / "shelfcast.yml").write_text(SETTINGS, encoding="utf-8")
        company.recovers(home, company.expected, limit)
    return "little memory: " + ", ".join(ends)


def locked_warehouse(company: Company, _: int, __: random.Random) -> str:
    home = company.copy("locked")
    code = "import duckdb, sys, time; con = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(20)"
    path = str(home / "warehouse" / "shelfcast.duckdb")
    analyst = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
    assert analyst.stdout is not None
    assert analyst.stdout.readline() == "held\n"
    first, second = start(home), start(home)
    outputs = [process.communicate()[0] for process in (first, second)]
    assert first.returncode == second.returncode == 0, outputs
    analyst.wait()
    assert any("waiting for another run to end" in output for output in outputs), outputs
    assert bytes_of(home) == company.expected
    return "a warehouse held by an analyst, and two nights started at once"


def broken_warehouse(company: Company, _: int, draw: random.Random) -> str:
    kinds: dict[str, Callable[[bytes], bytes]] = {
        "header": lambda data: b"\xff" * 64 + data[64:],
        "cut": lambda data: data[: len(data) // 2],
        "empty": lambda _: b"",
        "block": lambda data: data[:4096] + draw.randbytes(4096) + data[8192:],
    }
    for name, spoil in kinds.items():
        home = company.copy("broken")
        path = home / "warehouse" / "shelfcast.duckdb"
        path.write_bytes(spoil(path.read_bytes()))
        company.recovers(home, company.expected, f"warehouse with broken {name}")
    return f"a warehouse broken in {len(kinds)} ways, rebuilt from landing to the byte"


def _read(published: Path, done: Event, reads: Synchronized[int], wrong: Queue[str]) -> None:
    """Read `latest` until told to stop; counts, and puts what was seen that must not be."""
    while not done.is_set():
        folder = (published / "latest").resolve(strict=True)
        with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
            seen = con.execute(
                "select (select count(*) from fct_sales), (select count(*) from dim_product), "
                "(select max(run_id) from mart_data_quality)"
            ).fetchone()
        if seen is None or not seen[0] or not seen[1] or seen[2] != folder.name:
            wrong.put(f"{folder.name}: {seen}")
            return
        with reads.get_lock():
            reads.value += 1


def _publish_again(home: Path, number: int) -> None:
    """Publish the warehouse's night once more, under another name that its checks bear too."""
    settings, name = load_settings(home), f"run-{number:05d}"
    with connect(settings) as con:
        con.execute(f"update {HISTORY} set run_id = ?", [name])
        night = replace(night_of(con, settings), run_id=name)
        publish(
            con,
            night,
            outputs_of(night),
            published_dir=settings.published,
            settings=settings.publishing,
            say=lambda _: None,
        )


def readers(company: Company, _: int, __: random.Random) -> str:
    """A night is published again and again while others read: its checks must bear the name of the folder."""
    home = company.copy("readers")
    done, reads, wrong = multiprocessing.Event(), multiprocessing.Value("q", 0), multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=_read, args=(home / "published", done, reads, wrong)) for _ in range(READERS)
    ]
    for process in processes:
        process.start()
    published = 0
    while published < PUBLICATIONS or reads.value < READS:
        _publish_again(home, 100 + published)
        published += 1
        assert wrong.empty(), wrong.get()
        assert all(process.is_alive() for process in processes), "a reader failed; its error stands above"
    done.set()
    for process in processes:
        process.join()
    assert wrong.empty(), wrong.get()
    return f"{reads.value:,} reads during {published} publications, no error, no mixed night"


PARTS = {
    part.__name__: part
    for part in (
        killed_at_failpoints,
        killed_at_moments,
        full_disk,
        little_memory,
        locked_warehouse,
        broken_warehouse,
        readers,
    )
}


def main(moments: int = 50, seed: int = 1, *parts: str) -> None:
    """Run all parts, or those named, and print what was survived."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        company = Company(Path(folder))
        print(f"a night takes {company.seconds:.0f} s", flush=True)
        for name in parts or PARTS:
            started = time.monotonic()
            print(f"survived: {PARTS[name](company, moments, draw)} ({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
