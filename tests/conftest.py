"""Makes the helper modules beside the tests importable by name; deals the tests out to the workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Tests of a group run on one worker, so that what is dear to make is made once: a company's first night (a minute of
# processor), the hand-made company that dbt builds (40 s). Any other file is a group of its own.
GROUPS = {"test_night.py": "nights", "test_later_nights.py": "nights"} | {
    path.name: "dbt" for path in (Path(__file__).parent / "dbt").glob("test_*.py")
}
# begun last they would leave the other workers idle
LONGEST = ("nights", "test_online_retail.py", "dbt", "test_night_with_customers.py", "test_gate_mutations.py")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its group (`--dist loadgroup`), the longest groups first."""
    groups = {item: GROUPS.get(item.path.name, item.path.name) for item in items}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: LONGEST.index(groups[item]) if groups[item] in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list]:
    """A company after its first night, and what the command said. To be copied, not changed."""
    from night_runs import company, shelfcast

    home = company(tmp_path_factory.mktemp("company"))
    return home, [shelfcast("run", "--home", home)]


@pytest.fixture
def environment_stays() -> Iterator[None]:
    """A run points the process at its home; the next test starts without it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
