"""The folder of nights: one link that moves in one step, older nights that go, leftovers that nobody sees."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from orchestration.publishing import runs
from orchestration.publishing.night import PublicationError
from orchestration.publishing.runs import latest_run_id, list_runs, point_latest, prune, start_building


def make_run(published: Path, run_id: str, sequence: int) -> Path:
    folder = published / run_id
    folder.mkdir(parents=True)
    (folder / "page").write_text(run_id)
    (folder / "manifest.json").write_text(
        json.dumps({"run_id": run_id, "as_of": "2024-03-05", "sequence": sequence}), encoding="utf-8"
    )
    return folder


def test_runs_come_in_the_order_of_publication_not_of_names(tmp_path: Path) -> None:
    for sequence, run_id in enumerate(("zz", "aa", "mm"), start=1):
        make_run(tmp_path, run_id, sequence)
    point_latest(tmp_path, "aa")
    assert [run.run_id for run in list_runs(tmp_path)] == ["zz", "aa", "mm"]
    assert [run.is_latest for run in list_runs(tmp_path)] == [False, True, False]
    assert runs.next_sequence(tmp_path) == 4


def test_what_is_not_complete_is_not_a_run(tmp_path: Path) -> None:
    make_run(tmp_path, "good", 1)
    (tmp_path / "no-manifest").mkdir()
    make_run(tmp_path, ".building-x", 2)
    (make_run(tmp_path, "broken", 3) / "manifest.json").write_text('{"run_id": ')
    (tmp_path / "a-file").write_text("x")
    assert [run.run_id for run in list_runs(tmp_path)] == ["good"]
    assert list_runs(tmp_path / "nowhere") == []


def test_latest_is_a_relative_link(tmp_path: Path) -> None:
    make_run(tmp_path / "home", "a", 1)
    assert latest_run_id(tmp_path / "home") is None
    point_latest(tmp_path / "home", "a")
    (tmp_path / "home").rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "latest" / "page").read_text() == "a"
    assert (tmp_path / "moved" / "latest").readlink() == Path("a")


def test_pointing_at_a_night_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    make_run(tmp_path, "a", 1)
    point_latest(tmp_path, "a")
    with pytest.raises(PublicationError, match=r"no complete night 'b' — there are: a"):
        point_latest(tmp_path, "b")
    with pytest.raises(PublicationError, match="no complete night"):
        point_latest(tmp_path, "../elsewhere")
    assert latest_run_id(tmp_path) == "a"


def test_a_folder_in_the_place_of_the_link_is_named(tmp_path: Path) -> None:
    make_run(tmp_path, "a", 1)
    (tmp_path / "latest").mkdir()
    with pytest.raises(PublicationError, match="move it away"):
        point_latest(tmp_path, "a")
    with pytest.raises(PublicationError, match="move it away"):  # before anything is built
        start_building(tmp_path, "b")


def test_a_reader_never_misses_latest_while_it_moves(tmp_path: Path) -> None:
    for number in range(2):
        make_run(tmp_path, f"run-{number}", number)
    point_latest(tmp_path, "run-0")
    done = threading.Event()
    reads, errors = [0], []

    def read() -> None:
        while not done.is_set():
            try:
                folder = (tmp_path / "latest").resolve(strict=True)
                assert (folder / "page").read_text() == folder.name
                reads[0] += 1
            except Exception as error:
                errors.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(300):
            point_latest(tmp_path, f"run-{number % 2}")
    finally:
        done.set()
        reader.join()
    assert errors == []
    assert reads[0] > 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "run-0", "run-1"]


def test_prune_keeps_the_newest_and_the_one_that_latest_points_to(tmp_path: Path) -> None:
    for sequence in range(1, 6):
        make_run(tmp_path, f"run-{sequence}", sequence)
    (tmp_path / "notes").mkdir()  # not ours: stays
    point_latest(tmp_path, "run-1")
    assert prune(tmp_path, 2) == ["run-2", "run-3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "notes", "run-1", "run-4", "run-5"]
    assert prune(tmp_path, 2) == []


@pytest.mark.parametrize("run_id", ["", "latest", ".hidden", "a/b", "..", "a b", "x" * 101, "a\nb"])
def test_a_run_id_that_cannot_name_a_folder_is_refused(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(PublicationError, match="cannot name a folder"):
        start_building(tmp_path, run_id)


def test_what_killed_runs_left_behind_is_removed(tmp_path: Path) -> None:
    make_run(tmp_path, "a", 1)
    for name in (".building-dead", ".removing-dead"):
        (tmp_path / name / "data_docs").mkdir(parents=True)
        (tmp_path / name / "data_docs" / "file").write_text("x")
    (tmp_path / ".linking-dead").symlink_to("nowhere")
    building = start_building(tmp_path, "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".building-b", "a"]
    assert list(building.iterdir()) == []
