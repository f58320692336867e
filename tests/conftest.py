"""Makes the helper modules beside the tests importable by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole nights first: they are the longest files, and begun last they would leave the other workers idle."""
    items.sort(
        key=lambda item: item.path.name not in ("test_night.py", "test_later_nights.py", "test_online_retail.py")
    )
