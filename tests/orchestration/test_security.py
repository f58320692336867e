"""A home that others may write to is refused; folders with personal data are closed."""

from __future__ import annotations

import stat

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.errors import SettingsError
from orchestration.security import require_private


def test_a_home_that_anyone_may_write_to_is_refused_unless_that_is_meant(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(SettingsError, match="chmod o-w"):
        require_private(tmp_path, allow_insecure=False)
    require_private(tmp_path, allow_insecure=True)
    result = CliRunner().invoke(app, ["run", "--home", str(tmp_path)])
    assert result.exit_code == 2
    assert "--allow-insecure" in result.output


def test_the_folders_with_personal_data_are_closed_to_others(tmp_path):
    (tmp_path / "warehouse").mkdir(mode=0o755)
    (tmp_path / "published").mkdir(mode=0o755)
    require_private(tmp_path, allow_insecure=False)
    assert stat.S_IMODE((tmp_path / "warehouse").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "published").stat().st_mode) == 0o755
