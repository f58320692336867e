"""`shelfcast demo`: the demo company as a company's own system would deliver it, plus its settings file.

What the company is stands in seeds/demo; here only: where its files go, and that a company's own data is never mixed
with them.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestration.errors import ShelfcastError
from orchestration.settings import FILE_NAME, Settings

MARK = ".demo"


def write_demo(settings: Settings, say: Callable[[str], None]) -> None:
    """Write the demo's extracts and, where there is none, its `shelfcast.yml`; the same bytes each time.

    Raises:
        ShelfcastError: landing/ holds extracts that the demo did not write, or the demo's data package is missing.
    """
    from seeds.demo import company
    from seeds.demo.source import DemoDataMissingError

    mark = settings.landing / MARK
    if settings.landing.is_dir() and any(settings.landing.iterdir()) and not mark.exists():
        raise ShelfcastError(f"{settings.landing} holds a company's extracts — choose another --home for the demo")
    settings.landing.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        files = company.write(settings.landing, say=say)
    except DemoDataMissingError as error:
        raise ShelfcastError(str(error)) from None
    path = settings.home / FILE_NAME
    if not path.exists():
        path.write_text(_settings(), encoding="utf-8")
    say(f"{len(files)} extracts, {sum(f.rows for f in files):,} rows, in {settings.landing}")


def _settings() -> str:
    """Return the demo's `shelfcast.yml`: who it is, where, and what of its data is simulated."""
    from seeds.demo.company import COUNTRY, CURRENCY, NAME
    from seeds.demo.files import SIMULATED_FEEDS
    from seeds.demo.source import TIMEZONE

    feeds = "".join(f"  - {feed}\n" for feed in sorted(SIMULATED_FEEDS))
    return (
        "# The demo company. Every key and its default: docs/settings.md\n"
        f"company: {NAME}\ncurrency: {CURRENCY}\ntimezone: {TIMEZONE}\n"
        f"calendar: {{country: {COUNTRY}}}\n"
        "# nobody was asked in this public panel: without this its customers stand in no list\n"
        f"customers: {{write_to_unknown_consent: true}}\nsimulated_feeds:\n{feeds}"
    )
