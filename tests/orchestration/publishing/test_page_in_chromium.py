"""The page in a real browser, from a file and without a server: opens, filters, sorts, downloads, switches language.

Screenshots are kept in `$SHELFCAST_SCREENSHOTS`, else in pytest's folder of the run.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make install")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: scripts/debian-packages-test)"
)
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright_api.Browser]:
    with playwright_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = os.environ.get("SHELFCAST_SCREENSHOTS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


Open = Callable[..., playwright_api.Page]


@pytest.fixture
def open_page(browser: playwright_api.Browser, night_folder: Path) -> Iterator[Open]:
    """Open a page of the night; afterwards nothing may have been said on the console or asked of a host."""
    complaints: list[str] = []
    contexts = []

    def start(name: str = "index.html", viewport: dict[str, int] = WIDE) -> playwright_api.Page:
        context = browser.new_context(viewport=viewport, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.append(asked.url) if asked.url.startswith("http") else None)
        page.goto((night_folder / name).as_uri())
        page.wait_for_selector("#panel-orders tbody tr")
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


def lines_of(page: playwright_api.Page) -> int:
    return page.locator("#panel-orders tbody tr").count()


def test_the_page_opens_wide_and_on_a_phone(open_page: Open, screenshots: Path) -> None:
    for name, viewport in (("wide", WIDE), ("phone", PHONE)):
        page = open_page(viewport=viewport)
        page.wait_for_selector("#chart-sales svg")
        assert page.locator("ol.first li").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], "nothing sticks out"
        page.screenshot(path=screenshots / f"page-{name}.png")
        page.screenshot(path=screenshots / f"page-{name}-whole.png", full_page=True)


def test_a_list_is_filtered_searched_and_sorted(open_page: Open, night_folder: Path) -> None:
    orders = pq.read_table(night_folder / "replenishment_orders.parquet").to_pylist()
    page = open_page()
    assert lines_of(page) == min(20, len(orders))
    page.get_by_label("Place").first.select_option(label="Store 1")
    own = [line for line in orders if line["location_id"] == "S001"]
    assert lines_of(page) == len(own)
    page.get_by_label("Search in this list").fill("product 4")
    playwright_api.expect(page.locator("#panel-orders [role=status]")).not_to_have_text(
        f"{len(own)} of {len(orders)} lines"
    )
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_role("columnheader", name="Quantity").first.get_by_role("button").click()
    column = page.locator("#panel-orders th[aria-sort='descending']")
    assert column.count() == 1
    shown = [float(text) for text in page.locator("#panel-orders td[data-label=Quantity]").all_inner_texts()]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == max(line["order_qty"] for line in orders)


def test_the_lines_shown_are_downloaded_as_safe_csv(open_page: Open, night_folder: Path, tmp_path: Path) -> None:
    orders = pq.read_table(night_folder / "replenishment_orders.parquet").to_pylist()
    page = open_page()
    page.get_by_label("Place").first.select_option(label="Store 2")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download these lines").click()
    download.value.save_as(tmp_path / "orders.csv")
    with (tmp_path / "orders.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    own = {line["sku_id"]: line["order_qty"] for line in orders if line["location_id"] == "S002"}
    assert {row["sku_id"]: float(row["order_qty"]) for row in rows} == own
    assert not any(value.startswith("=") for row in rows for value in row.values())
    with page.expect_download() as whole:
        page.locator("#panel-orders").get_by_role("link", name="XLSX").click()
    assert whole.value.suggested_filename == "replenishment_orders.xlsx"


def test_a_product_is_found_and_its_sum_is_shown(open_page: Open, screenshots: Path) -> None:
    page = open_page()
    page.get_by_role("searchbox", name="Find a product").fill("北京")
    page.get_by_role("button", name="北京烤鸭 (整只)").first.wait_for()
    page.get_by_role("searchbox", name="Find a product").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.locator("svg").first.wait_for()
    page.locator("dialog summary").first.click()
    assert "Target" in dialog.inner_text()
    page.screenshot(path=screenshots / "product.png")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_lists_and_products_are_reached_by_keyboard(open_page: Open) -> None:
    page = open_page()
    page.locator("ol.first button").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Enter")  # the button that closes has the focus
    assert page.evaluate("document.activeElement.className") == "open", "focus returns to where it was"


def test_the_language_is_switched(open_page: Open, screenshots: Path) -> None:
    page = open_page()
    page.get_by_role("link", name="中文").click()
    page.wait_for_selector("#panel-orders tbody tr")
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert page.get_by_role("heading", name="先做什么").is_visible()
    assert "2024年3月5日" in page.inner_text("h1")
    page.screenshot(path=screenshots / "page-zh.png")
    page.get_by_role("link", name="English").click()
    page.wait_for_selector("#panel-orders tbody tr")
    assert page.get_by_role("heading", name="What to do first").is_visible()


@pytest.mark.parametrize("name", ["index.html", "index.zh.html"])
def test_axe_finds_nothing_serious(open_page: Open, name: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(name)
    page.wait_for_selector("#chart-sales svg")
    found = Axe().run(page).response["violations"]
    page.locator("ol.first button").first.click()
    page.get_by_role("dialog").locator("svg").first.wait_for()
    found += Axe().run(page, "dialog").response["violations"]
    serious = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]][:5]) for rule in serious] == []
