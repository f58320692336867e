"""Broken files by the hundred: refused or accounted for, never an exception, never half a load (fuzzing.py)."""

from __future__ import annotations

import fuzzing
import pytest


@pytest.mark.parametrize("kind", fuzzing.KINDS)
def test_broken_files_are_refused_or_accounted_for(tmp_path, kind):
    ends = fuzzing.run(60, 20260105, tmp_path, (kind,))
    assert ends.total() == 60
    assert ends["refused"] > 5
