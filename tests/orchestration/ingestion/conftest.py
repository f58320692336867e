"""The fixture of all tests of ingestion: an empty home."""

from __future__ import annotations

import pytest
from landings import Landing


@pytest.fixture
def landing(tmp_path) -> Landing:
    return Landing(tmp_path)
