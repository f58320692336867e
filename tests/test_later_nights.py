"""Nights after the first one: with edits, made again, models that were tampered with; and one of an earlier day."""

from __future__ import annotations

from datetime import date
from unittest.mock import ANY

import duckdb
import polars as pl
import pytest
from night_runs import (
    STOCK_LISTS,
    assert_contract,
    broken_copy,
    company,
    manifest,
    parquet_hashes,
    registry_of,
    shelfcast,
)

pytestmark = [pytest.mark.nights, pytest.mark.usefixtures("environment_stays")]


def test_a_model_file_that_was_changed_ends_the_night(first_night, tmp_path):
    home = broken_copy(first_night, tmp_path)
    model = home / "models/run-00001/trained.json"
    model.write_bytes(model.read_bytes().replace(b"0", b"1", 1))
    result = shelfcast("run", "--home", home)
    assert result.exit_code == 1
    for text in ("models/run-00001/trained.json", "was changed after it was written", "latest stays at run-00001"):
        assert text in result.output.replace("\n", "")


def test_an_edit_that_cannot_be_followed_ends_the_night_and_says_where_it_stands(first_night, tmp_path):
    home = broken_copy(first_night, tmp_path)
    (home / "decisions").mkdir()
    header = "level,node,starts_on,ends_on,factor,quantity,owner,reason,expires_on"
    good = "total,total,2025-06-26,2025-07-02,1.2,,Ann,fair,2025-07-02"
    bad = "location,S99,2025-06-26,2025-07-02,1.2,,Ann,fair,2025-07-02"
    edits = home / "decisions/forecast_edits.csv"
    edits.write_text(f"{header}\n{good}\n{bad}\n")
    result = shelfcast("run", "--home", home)
    assert result.exit_code == 1
    for text in ("forecast_edits.csv, line 3, column 'node', value 'S99'", "latest stays at run-00001"):
        assert text in result.output
    edits.write_text(f"{header}\n{good}\n")
    assert shelfcast("run", "--home", home).exit_code == 0
    plain, edited = (
        pl.read_parquet(home / f"published/{run}/forecast_daily.parquet").filter(pl.col("date") <= date(2025, 7, 2))
        for run in ("run-00001", "run-00003")
    )
    assert edited["mean"].sum() == pytest.approx(1.2 * plain["mean"].sum())
    listed = pl.read_parquet(home / "published/run-00003/forecast_edits.parquet")
    assert listed.select("owner", "state", "expires_on").rows() == [("Ann", "applied", date(2025, 7, 2))]
    assert "fair" in (home / "published/run-00003/index.html").read_text(encoding="utf-8")


def test_a_replay_says_what_it_came_to_passes_its_gate_and_waits_for_the_next_night(first_night, tmp_path):
    home = broken_copy(first_night, tmp_path)
    with (home / "shelfcast.yml").open("a") as settings:
        settings.write("simulation: {days: 84, draws: 100}\n")
    result = shelfcast("replay", "--report", "--home", home)
    assert result.exit_code == 0, result.output
    for text in ("min/max on average sales", "proposed", "days of stock", "the next night publishes it"):
        assert text in result.output
    with duckdb.connect(str(home / "warehouse/shelfcast.duckdb"), read_only=True) as con:
        groups = "select distinct service_group from {} order by 1"
        tuned = con.execute(groups.format("ml.service_tuning")).fetchall()
        asked = con.execute("select count(*) from ops.data_quality where gate = 'replay'").fetchone()[0]
        report = con.execute(
            "select service_group, learned_until = proved_from - 1, setting, previous_as_of from ml.tuning_report"
        ).fetchall()
    assert tuned == [("all products",)]
    assert report == [("all products", True, "planning.service_target", None)]
    assert asked > 20


def test_an_older_night_made_again_later_has_the_same_bytes(first_night, tmp_path):
    home = broken_copy(first_night, tmp_path)
    tills = home / "landing" / "pos" / "sales" / "tills.csv"
    lines = tills.read_text(encoding="utf-8").splitlines(keepends=True)
    # a correction takes lines back, and a late file brings others
    tills.write_text("".join(lines[:-40]), encoding="utf-8")
    (tills.parent / "late.csv").write_text(lines[0] + lines[-1].replace("-S", "-late-S", 1), encoding="utf-8")
    corrected = shelfcast("run", "--home", home)
    assert corrected.exit_code == 0, corrected.output
    assert parquet_hashes(home, "run-00002") != parquet_hashes(home, "run-00001")
    again = shelfcast("rebuild", "run-00001", "--home", home)
    assert again.exit_code == 0, again.output
    assert parquet_hashes(home, "run-00003") == parquet_hashes(home, "run-00001")
    assert manifest(home, "run-00003")["inputs"] == manifest(home, "run-00001")["inputs"]
    assert registry_of(home, "run-00003") == registry_of(home, "run-00001") | {"trained_because": ANY}
    assert shelfcast("rebuild", "run-00099", "--home", home).exit_code == 1


def test_without_stock_the_orders_are_absent_and_an_earlier_day_can_be_closed(tmp_path):
    home = company(tmp_path, with_stock=False)
    result = shelfcast("run", "--home", home, "--as-of", "2025-05-31")
    assert result.exit_code == 0, result.output
    absent = {a["name"]: a["reason"] for a in manifest(home)["absent"]}
    assert all("erp/inventory" in absent[name] for name in ("replenishment_orders", *STOCK_LISTS))
    weekly = pl.read_parquet(home / "published/latest/forecast_weekly.parquet")
    assert weekly["as_of"].unique().to_list() == [date(2025, 5, 31)]
    # Saturday the 31st is closed: one day of its week lies ahead, then 26 whole weeks
    assert weekly.filter(pl.col("week_start") == date(2025, 5, 26))["days_covered"].unique().to_list() == [1]
    assert_contract(home)
