"""The fixture of all tests of ingestion: an empty home."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from landings import Landing


@pytest.fixture
def landing(tmp_path) -> Iterator[Landing]:
    landing = Landing(tmp_path)
    yield landing
    landing.con.close()
