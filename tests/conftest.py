"""Makes the helper modules beside the tests importable by name; deals the tests out to the workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

sys.path.insert(0, str(Path(__file__).parent))

# Tests of a group run on one worker, so that what is dear to make is made once: a company's first night (a minute of
# processor), the hand-made company that dbt builds (40 s). Any other file is a group of its own.
GROUPS = dict.fromkeys(("test_night.py", "test_later_nights.py", "test_doc_commands.py"), "nights") | {
    path.name: "dbt" for path in (Path(__file__).parent / "dbt").glob("test_*.py")
}
# begun last they would leave the other workers idle
LONGEST = ("nights", "test_online_retail.py", "dbt", "test_night_with_customers.py", "test_gate_mutations.py")


def group_of(file_name: str) -> str:
    return GROUPS.get(file_name, file_name)


class GroupScheduling(LoadFileScheduling):
    """Deals out groups instead of files."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(Path(nodeid.split("::", maxsplit=1)[0]).name)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> GroupScheduling:
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups first, which xdist keeps with --no-loadscope-reorder."""
    places = {group: place for place, group in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(group_of(item.path.name), len(LONGEST)))


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
