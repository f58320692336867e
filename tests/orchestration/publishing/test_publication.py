"""A night is published whole or not at all, and what it says of itself is true."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest
from conftest import AS_OF, OUTPUTS, night_of

from orchestration import failpoints
from orchestration.publishing import publication
from orchestration.publishing.manifest import schema_version
from orchestration.publishing.night import OutputTable, PublicationError
from orchestration.publishing.runs import latest_run_id, list_runs

ROOT = Path(__file__).parents[3]
CHECK_PUBLISHED = ROOT.parent / "shared" / "acceptance" / "check_published.py"
Run = Callable[..., Path]


def entries(published_dir: Path) -> list[str]:
    return sorted(path.name for path in published_dir.iterdir()) if published_dir.is_dir() else []


def manifest_of(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_a_night_holds_every_file_it_names(night_folder: Path) -> None:
    manifest = manifest_of(night_folder)
    named = {
        "index.html",
        "index.en.html",
        "index.zh.html",
        *(f"{name}{part}.html" for name in ("weekly", "monthly", "tuning") for part in ("", ".en", ".zh")),
        "manifest.json",
        "marts.duckdb",
        "data_docs",
        "workbooks",
        "page",
    }
    for output in manifest["outputs"]:
        named |= {output[kind] for kind in ("file", "csv", "xlsx") if output[kind]}
        assert all((night_folder / part["file"]).is_file() for part in output.get("workbooks", ()))
    assert {path.name for path in night_folder.iterdir()} == named
    assert "replenishment_orders.xlsx" in named
    assert (night_folder / "data_docs" / "index.html").exists()
    assert latest_run_id(night_folder.parent) == night_folder.name


def test_the_manifest_has_the_keys_of_the_contract(night_folder: Path) -> None:
    manifest = manifest_of(night_folder)
    assert manifest["run_id"] == "run-00001"
    assert manifest["as_of"] == AS_OF.isoformat()
    assert manifest["settings_hash"] == "0123456789abcdef"
    assert manifest["absent"] == [{"name": "transfer_orders", "reason": "erp/lanes was not delivered"}]
    assert manifest["inputs"][0]["rows_quarantined"] == 4
    assert manifest["sequence"] == 1
    assert [output["name"] for output in manifest["outputs"]] == [table.name for table in OUTPUTS]
    weekly = manifest["outputs"][1]
    assert weekly["rows"] == 12 * 4 * 27
    assert [column["name"] for column in weekly["columns"]] == pq.read_schema(night_folder / weekly["file"]).names


def test_schema_version_changes_with_the_schema_only() -> None:
    columns = [("sku_id", "string"), ("mean", "double")]
    assert schema_version(columns) == schema_version(list(columns))
    assert len({schema_version(c) for c in (columns, columns[::-1], [("sku_id", "string"), ("mean", "float")])}) == 3


def test_two_runs_of_the_same_tables_have_the_same_parquet_bytes(run_night: Run) -> None:
    first, second = run_night("a", OUTPUTS), run_night("b", OUTPUTS)
    for table in OUTPUTS:
        name = f"{table.name}.parquet"
        assert (first / name).read_bytes() == (second / name).read_bytes()
        csv = f"{table.name}.csv"
        assert (first / csv).read_bytes() == (second / csv).read_bytes()
    assert [run.run_id for run in list_runs(first.parent)] == ["a", "b"]


def test_rows_come_from_the_warehouse_unchanged(night_folder: Path, con: duckdb.DuckDBPyConnection) -> None:
    for table in OUTPUTS:
        file = f"read_parquet('{night_folder / table.name}.parquet')"
        differing = con.execute(
            f"select count(*) from ((from {file} except all from {table.relation}) "
            f"union all (from {table.relation} except all from {file}))"
        ).fetchone()
        assert differing == (0,), table.name


def test_marts_file_holds_marts_and_published_tables_with_comments(night_folder: Path) -> None:
    with duckdb.connect(str(night_folder / "marts.duckdb"), read_only=True) as marts:
        names = {row[0] for row in marts.execute("select table_name from duckdb_tables()").fetchall()}
        marts_only = {"dim_product", "dim_location", "mart_pairs", "mart_sku_location_day", "mart_kpi_drivers"}
        marts_only |= {"mart_kpi_anomalies", "mart_recommendation_outcome", "mart_recommendation_effect"}
        assert names == marts_only | {"mart_edit_score"} | {t.name for t in OUTPUTS}
        comments = dict(marts.execute("select table_name, comment from duckdb_tables()").fetchall())
        assert comments["dim_product"] == "One row a product."
        assert comments["forecast_weekly"].startswith("Weekly forecast")
        columns = {
            (table, column): comment
            for table, column, comment in marts.execute(
                "select table_name, column_name, comment from duckdb_columns()"
            ).fetchall()
        }
        assert columns["dim_product", "sku_id"] == "Key of the product."
        assert columns["forecast_daily", "p90"] == "Quantile: demand stays at or below this with probability 0.90."
        # the order of the Parquet file, which makes lookups by product fast
        keys = marts.execute("select sku_id from forecast_daily").fetchall()
        assert keys == sorted(keys)
    assert (night_folder / "marts.duckdb").stat().st_mode & 0o222 == 0


def test_a_mart_published_under_its_own_name_is_there_once(run_night: Run) -> None:
    products = OutputTable("dim_product", "marts.dim_product", ("sku_id",), False, "Products", "All products.")
    folder = run_night(outputs=(products,))
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as marts:
        assert marts.execute("select count(*) from dim_product").fetchone() == (12,)


def test_two_tables_of_one_name_are_refused(run_night: Run, published_dir: Path) -> None:
    clash = OutputTable("dim_product", "ml.forecast_accuracy", ("level",), False, "", "")
    with pytest.raises(PublicationError, match=r"marts.dim_product and ml.forecast_accuracy would both be dim_product"):
        run_night(outputs=(clash,))
    with pytest.raises(PublicationError, match="listed twice"):
        run_night(outputs=(OUTPUTS[0], OUTPUTS[0]))
    with pytest.raises(PublicationError, match=r"both published and absent \(no reason\)"):
        run_night(absent={"data_quality": "no reason"})
    assert entries(published_dir) == []


def test_the_warehouse_connection_is_left_as_it_was(run_night: Run, con: duckdb.DuckDBPyConnection) -> None:
    before = con.execute("select database_name from duckdb_databases() order by all").fetchall()
    run_night()
    assert con.execute("select database_name from duckdb_databases() order by all").fetchall() == before
    assert con.execute("select current_database()").fetchone() == before[0]


def test_a_table_too_long_for_a_spreadsheet_has_no_csv_and_says_why(
    run_night: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.publishing.tables.CSV_MAX_ROWS", 7)
    folder = run_night()
    output = manifest_of(folder)["outputs"][0]
    assert output["csv"] is None
    assert output["csv_reason"] == "8 rows; a spreadsheet opens 7. Read the Parquet file or marts.duckdb."
    assert not (folder / "data_quality.csv").exists()
    assert "No CSV: 8 rows" in (folder / "index.html").read_text(encoding="utf-8")


STEPS = [
    "write_parquet",
    "write_csv",
    "write_workbook",
    "build_marts_file",
    "write_page",
    "write_manifest",
    "runs.finish_building",
]


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_at_any_step_leaves_what_was_there(
    run_night: Run, published_dir: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    a_list = tuple(output for output in OUTPUTS if output.is_list)[:1]
    first = run_night("a", outputs=a_list)
    before = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}

    def fail(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"{publication.__name__}.{step}", fail)
        with pytest.raises(OSError, match="No space left"):
            run_night("b", outputs=a_list)
    assert entries(published_dir) == ["a", "latest"]
    assert latest_run_id(published_dir) == "a"
    assert {path: path.read_bytes() for path in first.rglob("*") if path.is_file()} == before
    # and the same night can be published once the reason is gone
    assert run_night("b", outputs=a_list) == published_dir / "b"


def test_a_night_is_never_overwritten(run_night: Run) -> None:
    folder = run_night("a")
    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(PublicationError, match="published already"):
        run_night("a", warnings=["another"])
    assert (folder / "manifest.json").read_bytes() == before


def test_older_nights_go(run_night: Run, published_dir: Path) -> None:
    for run_id in ("a", "b", "c"):
        run_night(run_id, keep_runs=2)
    assert entries(published_dir) == ["b", "c", "latest"]
    assert [run.sequence for run in list_runs(published_dir)] == [2, 3]


PUBLISH = """
import resource, signal, sys
from pathlib import Path
import duckdb
from conftest import OUTPUTS, night_of, quietly
from orchestration.publishing import publication
from orchestration.publishing.settings import PublishingSettings
if len(sys.argv) > 3:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
with duckdb.connect(sys.argv[1], read_only=True) as con:
    publication.publish(
        con, night_of("next"), OUTPUTS[-1:], published_dir=Path(sys.argv[2]), settings=PublishingSettings(), say=quietly
    )
"""


def publish_apart(warehouse: Path, published: Path, *more: str, **environment: str) -> subprocess.CompletedProcess:
    """Publish a night 'next' in a process of its own, which may die."""
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    return subprocess.run(
        [sys.executable, "-c", PUBLISH, str(warehouse), str(published), *more],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
    )


@pytest.mark.parametrize("point", ["mid_publish", "before_rename", "before_swap", "after_swap"])
def test_a_killed_publication_leaves_latest_whole_and_the_next_one_tidies_up(
    point: str, run_night: Run, published_dir: Path, warehouse_file: Path
) -> None:
    run_night("a")
    killed = publish_apart(warehouse_file, published_dir, **{failpoints.VARIABLE: point})
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    has_name, is_latest = point in ("before_swap", "after_swap"), point == "after_swap"
    assert entries(published_dir) == ["a", "latest", "next"] if has_name else [".building-next", "a", "latest"]
    assert latest_run_id(published_dir) == ("next" if is_latest else "a")
    assert (published_dir / "latest" / "manifest.json").is_file()
    run_night("b")
    assert entries(published_dir) == ["a", "b", "latest", *(["next"] if has_name else [])]
    assert latest_run_id(published_dir) == "b"


def test_a_full_disk_leaves_latest_and_nothing_half_done(
    run_night: Run, published_dir: Path, warehouse_file: Path
) -> None:
    run_night("a")
    full = publish_apart(warehouse_file, published_dir, "20000")
    assert full.returncode == 1
    assert b"large" in full.stderr or b"write" in full.stderr, full.stderr.decode()
    assert entries(published_dir) == ["a", "latest"]
    assert publish_apart(warehouse_file, published_dir).returncode == 0
    assert latest_run_id(published_dir) == "next"


def test_a_past_night_made_now_is_kept_beside_latest(run_night: Run, published_dir: Path) -> None:
    run_night("a")
    run_night("past", as_of=night_of("a").as_of - timedelta(days=3), keeps_latest=True)
    assert entries(published_dir) == ["a", "latest", "past"]
    assert latest_run_id(published_dir) == "a"
    run_night("same")
    assert latest_run_id(published_dir) == "same"


def test_readers_of_latest_never_see_an_error_or_half_a_night(run_night: Run, published_dir: Path) -> None:
    run_night("run-0")
    done = threading.Event()
    reads, errors = [0], []

    def read() -> None:
        while not done.is_set():
            try:
                folder = (published_dir / "latest").resolve(strict=True)
                manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
                assert manifest["run_id"] == folder.name
                with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as marts:
                    assert marts.execute("select count(*) from data_quality").fetchone() == (8,)
                reads[0] += 1
            except Exception as error:
                errors.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 4):
            run_night(f"run-{number}")
    finally:
        done.set()
        reader.join()
    assert errors == []
    assert reads[0] >= 3


def test_the_workbook_of_a_night_holds_its_lines(night_folder: Path) -> None:
    sheet = openpyxl.load_workbook(night_folder / "replenishment_orders.xlsx", read_only=True)["replenishment_orders"]
    keys = [row[0] for row in sheet.iter_rows(min_row=2, min_col=5, max_col=5, values_only=True)]
    assert keys == pq.read_table(night_folder / "replenishment_orders.parquet")["sku_id"].to_pylist()
    assert keys[0] == "0000000"


@pytest.mark.skipif(not CHECK_PUBLISHED.exists(), reason="../shared/acceptance is not beside this checkout")
def test_the_acceptance_check_passes(night_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = runpy.run_path(str(CHECK_PUBLISHED))
    assert check["main"](night_folder.parents[1], "latest") == 0, capsys.readouterr().out
