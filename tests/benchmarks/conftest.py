"""The hand-made M5 as files."""

from pathlib import Path

import mini_m5
import pytest


@pytest.fixture(scope="session")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the three official files, small."""
    folder = tmp_path_factory.mktemp("m5")
    mini_m5.write(folder)
    return folder
