"""The benchmark of stock decisions on a small made-up network: it runs, its world is sound, and it sees what is not."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from benchmarks import decisions
from benchmarks.options import QUICK_STORES, Options


def test_a_small_network_is_planned_and_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "QUICK_PRODUCTS", 40)
    monkeypatch.setattr(decisions, "SHIPMENT", 0.5)
    options = Options(data=Path(), stores=QUICK_STORES, results=tmp_path)
    assert decisions.run(options, Console(quiet=True))
    row = json.loads((tmp_path / "decisions.json").read_text(encoding="utf-8"))["moves"]
    assert (row["products"], row["places"], row["lanes"]) == (40, 10, 90)
    assert row["moves"] > 0
    assert row["orders worth more"] > 0
    assert row["orders displaced"] > 0


def test_the_same_seed_makes_the_same_world() -> None:
    one, other = (decisions.network(20, 10) for _ in range(2))
    assert one[0].equals(other[0])
    assert one[1].equals(other[1])


def test_a_source_below_its_target_is_not_sound() -> None:
    line = {
        "from_location_id": "S00",
        "to_location_id": "S01",
        "qty": 6.0,
        "order_multiple": 6.0,
        "source_position_after_qty": 9.0,
        "source_target_qty": 9.0,
        "net_gain_amount": 1.0,
    }
    assert decisions.is_sound(pl.DataFrame([line]))
    for wrong in ({"source_target_qty": 10.0}, {"qty": 5.0}, {"net_gain_amount": -1.0}):
        assert not decisions.is_sound(pl.DataFrame([line | wrong]))
