"""Takes the pictures of Dagster's UI that the README shows: the graph, one table with its figures, its checks.

    .venv/bin/python scripts/take_screenshots.py [home]      a home after a night; needs Chromium (debian-packages-test)

Starts Dagster's webserver on a free port of this machine and ends it again; writes docs/images/*.png.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from orchestration.night import prepare_instance
from orchestration.settings import load_settings

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
JOB, TABLE = "/locations/orchestration.definitions/jobs/nightly", "/assets/marts/fct_sales"
# file, page, what must stand there before the picture is taken, how long its drawing takes then
SHOTS = (
    ("graph.png", JOB, "text=publication", 8_000),
    ("asset.png", f"{TABLE}?view=overview", "text=Description", 4_000),
    ("checks.png", f"{TABLE}?view=checks", "text=marts_gate", 4_000),
)
SIZE = ViewportSize(width=1280, height=760)
START_SECONDS = 600


def main(home: str = "home") -> None:
    """Start the webserver, take the pictures, end it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no Chromium on this machine: apt-get install chromium (scripts/debian-packages-test)")
    prepare_instance(load_settings(Path(home)))
    port = _free_port()
    command = [str(Path(sys.executable).with_name("dagster-webserver")), "-m", "orchestration.definitions"]
    server = subprocess.Popen([*command, "-h", "127.0.0.1", "-p", str(port)], env=os.environ.copy())
    try:
        _wait(f"http://127.0.0.1:{port}/server_info")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            tab = browser.new_page(viewport=SIZE)
            for file, page, text, drawing in SHOTS:
                tab.goto(f"http://127.0.0.1:{port}{page}")
                tab.wait_for_selector(text, timeout=120_000)
                tab.wait_for_timeout(drawing)
                tab.screenshot(path=IMAGES / file)
                print(f"{file}: {(IMAGES / file).stat().st_size / 1e3:.0f} kB")
            browser.close()
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait(address: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # nosec B310  # this machine only
        except (urllib.error.URLError, OSError):
            time.sleep(1)
        else:
            return
    sys.exit(f"Dagster's webserver did not answer within {START_SECONDS} s")


if __name__ == "__main__":
    main(*sys.argv[1:2])
