"""The made-up company of the gate's benchmark: as many lines as asked, the same on every machine, in order."""

from pathlib import Path

import pytest

from benchmarks import gate
from data_quality import gates
from data_quality.checks import failing_rows
from data_quality.engine import existing_tables
from data_quality.settings import QualitySettings
from orchestration.settings import load_settings
from orchestration.warehouse import connect


def test_the_company_has_its_size_and_passes_its_feed_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "PRODUCTS", 40)
    lines = gate._write_company(tmp_path, 70)
    assert lines == pytest.approx(10 * 40 * 70 * gate.LINES_PER_MILLE / 1000, rel=0.05)
    settings = load_settings(tmp_path)
    checks = gates.feeds_checks(QualitySettings(warn_orphan_pct=0), gate.AS_OF, existing_tables(settings.warehouse))
    assert len(checks) > 40
    with connect(settings) as con:
        queries = {check.name: failing_rows(check) for check in checks}
        assert [name for name, query in queries.items() if query and con.execute(query).fetchone()] == []
