"""The registry of models: what was written is what is read, or nothing is."""

import json
import stat
from datetime import date
from pathlib import Path

import pytest

from orchestration import model_registry as registry

FILES = {"trained.json": b'{"a": 1}\n', "lightgbm_to_week_4.txt": b"tree\n"}


def train(models: Path, run_id: str, cutoff: str, crowned: bool = True) -> dict[str, object]:
    card = registry.save(models, run_id, FILES, {"cutoff": cutoff})
    if crowned:
        registry.crown(models, run_id)
    return card


def test_models_come_back_as_they_were_written(tmp_path: Path) -> None:
    card = train(tmp_path / "models", "run-00001", "2025-03-01")
    assert registry.load(tmp_path / "models", "run-00001") == FILES
    # by sha256sum
    assert card["files"]["trained.json"] == "e8c628edc9968ef0c668f54e0ba2636b35503357eb1aca0ddc828aeace432f67"
    assert stat.S_IMODE((tmp_path / "models").stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", ["changed", "missing", "card"])
def test_a_file_that_is_not_as_written_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    train(tmp_path, "run-00001", "2025-03-01")
    path = tmp_path / "run-00001" / ("card.json" if damage == "card" else "lightgbm_to_week_4.txt")
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"tree!\n")
    with pytest.raises(registry.ModelRefusedError) as refused:
        registry.load(tmp_path, "run-00001")
    assert str(path) in str(refused.value)
    assert "the next night then trains anew" in str(refused.value)
    if damage == "changed":
        assert "sha256" in str(refused.value)


def test_no_night_uses_models_that_saw_its_future_or_were_never_published(tmp_path: Path) -> None:
    assert registry.champion(tmp_path, date(2025, 3, 1)) is None
    train(tmp_path, "run-00001", "2025-03-01")
    train(tmp_path, "run-00002", "2025-03-08")
    train(tmp_path, "run-00003", "2025-03-15", crowned=False)
    train(tmp_path, "run-00004", "2025-02-01")  # an earlier day, closed later

    def serving(day: date) -> str | None:
        found = registry.champion(tmp_path, day)
        return found.run_id if found else None

    assert serving(date(2025, 3, 20)) == "run-00002"
    assert serving(date(2025, 3, 8)) == "run-00002"
    assert serving(date(2025, 3, 7)) == "run-00001"
    assert serving(date(2025, 2, 10)) == "run-00004"
    assert serving(date(2025, 1, 31)) is None


def test_of_two_trainings_of_a_day_the_later_serves_and_a_removed_folder_does_not(tmp_path: Path) -> None:
    for run_id in ("run-00001", "run-00002"):
        train(tmp_path, run_id, "2025-03-01")
    assert registry.champion(tmp_path, date(2025, 3, 1)).run_id == "run-00002"
    for path in (tmp_path / "run-00002").iterdir():
        path.unlink()
    (tmp_path / "run-00002").rmdir()
    assert registry.champion(tmp_path, date(2025, 3, 1)).run_id == "run-00001"


def test_a_broken_list_of_champions_is_named(tmp_path: Path) -> None:
    train(tmp_path, "run-00001", "2025-03-01")
    (tmp_path / "champion.json").write_text(json.dumps({"champions": [{"run_id": "run-00001"}]}))
    with pytest.raises(registry.ModelRefusedError, match=r"champion\.json"):
        registry.champion(tmp_path, date(2025, 3, 1))


def test_training_a_run_again_replaces_its_files(tmp_path: Path) -> None:
    train(tmp_path, "run-00001", "2025-03-01")
    registry.save(tmp_path, "run-00001", {"trained.json": b"{}"}, {"cutoff": "2025-03-01"})
    assert registry.load(tmp_path, "run-00001") == {"trained.json": b"{}"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["champion.json", "run-00001"]
