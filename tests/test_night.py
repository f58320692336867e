"""Whole nights on a small company, through the command line: what a user does, sees and may rely on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import nbformat
import polars as pl
import pytest
import small_company
from nbclient import NotebookClient
from night_runs import (
    SETTINGS,
    STOCK_LISTS,
    assert_contract,
    broken_copy,
    manifest,
    parquet_hashes,
    registry_of,
    shelfcast,
)

from benchmarks.marts import questions

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.usefixtures("environment_stays")


@pytest.fixture(scope="module")
def two_nights(first_night, tmp_path_factory) -> tuple[Path, list]:
    """One company, two nights on the same landing."""
    home = broken_copy(first_night, tmp_path_factory.mktemp("two_nights"))
    return home, [*first_night[1], shelfcast("run", "--home", home)]


def test_a_night_is_published_and_says_where_to_look(two_nights):
    home, results = two_nights
    assert results[0].exit_code == 0, results[0].output
    for text in (
        "business day 2025-06-25",
        "pos/sales",
        "seasonal naive",
        "lines worth",
        "open orders: 10 order lines",
        "index.html",
        "marts.duckdb",
    ):
        assert text in results[0].output
    names = {p.name for p in (home / "published" / "latest").iterdir()}
    assert {"manifest.json", "index.html", "marts.duckdb", "replenishment_orders.xlsx", "data_docs"} <= names
    assert {f"{name}.xlsx" for name in STOCK_LISTS} <= names
    assert {"weekly.html", "monthly.html"} <= names


def test_what_both_nights_recommended_is_kept_and_waits_to_be_measured(two_nights):
    with duckdb.connect(str(two_nights[0] / "published" / "latest" / "marts.duckdb"), read_only=True) as con:
        kept = dict(con.execute("select list, count(distinct as_of) from fct_recommendation group by all").fetchall())
        assert kept.keys() >= {"replenishment_orders", "transfer_orders"}
        assert set(kept.values()) == {1}, "of two runs of a business day the last"
        measured = con.execute(
            "select distinct status, measured_until > (select max(as_of) from fct_recommendation) "
            "from mart_recommendation_outcome"
        ).fetchall()
        assert measured == [("too early", True)]
        counted = con.execute("select sum(recommendation_count), sum(early_count) from mart_recommendation_effect")
        lines, early = counted.fetchone()
        assert lines == early > 0


def test_the_stock_lists_agree_with_each_other(two_nights):
    with duckdb.connect(str(two_nights[0] / "published" / "latest" / "marts.duckdb"), read_only=True) as con:
        assert all(con.execute(f"select count(*) from {name}").fetchone()[0] for name in STOCK_LISTS)
        # one action a place, by value, and the order line says what became of it
        moved = con.execute(
            "select o.order_qty, o.withheld_reason, t.move_in_gain_amount >= t.order_gain_amount "
            "from transfer_orders as t inner join replenishment_orders as o "
            "on t.sku_id = o.sku_id and t.to_location_id = o.location_id"
        ).fetchall()
        assert set(moved) == {(0.0, "units are moved in from another place instead", True)}
        # what is allocated is what is ordered of the feeding place
        gap = con.execute(
            "select max(abs(a.allocated_qty - coalesce(o.order_qty, 0))), count(distinct a.sku_id) "
            "from allocation as a left join replenishment_orders as o using (sku_id, location_id, from_location_id)"
        ).fetchone()
        assert gap == (0.0, len(small_company.FED_PRODUCTS))
        # what a place is to serve is owed by it
        owed = con.execute(
            "select o.backorder_qty, s.units from replenishment_orders as o inner join (select sku_id, location_id, "
            "sum(sourced_qty) as units from order_sourcing where location_id is not null group by all) as s "
            "using (sku_id, location_id)"
        ).fetchall()
        assert owed
        assert all(backorder == units for backorder, units in owed)
        short = con.execute("select sum(short_qty) from order_sourcing where location_id is null").fetchone()[0]
        assert short > 90_000, "nobody has 100,000"


def test_the_published_night_keeps_the_contract(two_nights):
    assert_contract(two_nights[0])


def test_the_first_questions_of_an_analyst_are_answered(two_nights):
    asked = questions(ROOT / "docs" / "analyst_questions.md")
    assert len(asked) == 12
    # the small company has one region of note, no promotions and no customers, and nothing of it lies long
    silent = {"Which promotions", "What does each region", "Which good customers", "Which products have become slow"}
    with duckdb.connect(str(two_nights[0] / "published" / "latest" / "marts.duckdb"), read_only=True) as con:
        for title, query in asked:
            rows = con.execute(query).fetchall()
            assert rows or any(title.startswith(words) for words in silent), title


def test_the_notebook_of_the_first_questions_runs(two_nights, monkeypatch):
    notebook = nbformat.read(ROOT / "docs" / "notebooks" / "first_questions.ipynb", as_version=4)
    monkeypatch.setenv("SHELFCAST_MARTS", str(two_nights[0] / "published" / "latest" / "marts.duckdb"))
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    answers = [cell.outputs for cell in notebook.cells if cell.source.startswith('con.sql("""')]
    assert len(answers) == 12
    assert all(any(output.output_type == "execute_result" for output in answer) for answer in answers)


def test_every_row_of_every_file_is_accounted_for(two_nights):
    inputs = {i["name"]: i for i in manifest(two_nights[0])["inputs"]}
    with (two_nights[0] / "landing/pos/sales/tills.csv").open() as file:
        physical = sum(1 for _ in file) - 1
    assert inputs["tills.csv"]["rows_physical"] == inputs["tills.csv"]["rows_loaded"] == physical


def test_the_same_landing_gives_the_same_bytes_and_loads_nothing_twice(two_nights):
    home, results = two_nights
    assert results[1].exit_code == 0, results[1].output
    assert parquet_hashes(home, "run-00001") == parquet_hashes(home, "run-00002")
    assert "rows: 0 loaded" in results[1].output


def test_the_first_night_trains_the_second_only_predicts_and_both_say_whose_models_forecast(two_nights):
    home, results = two_nights
    assert "training: there is no champion yet" in results[0].output
    assert "no training: the models in use forecast" in results[1].output
    for run in ("run-00001", "run-00002"):
        registry = registry_of(home, run)
        assert registry["trained_in"] == "run-00001"
        for name, digest in registry["files"].items():
            assert hashlib.sha256((home / "models/run-00001" / name).read_bytes()).hexdigest() == digest
    assert sorted(path.name for path in (home / "models").iterdir()) == ["champion.json", "run-00001"]


def test_check_results_are_kept_over_the_nights_beside_the_lists_of_doubts(two_nights):
    with duckdb.connect(str(two_nights[0] / "published/latest/marts.duckdb"), read_only=True) as con:
        nights = con.execute(
            "select run_id, count(*), count(distinct gate) from mart_data_quality group by 1 order by 1"
        )
        first, second = nights.fetchall()
        (tonight,) = con.execute("select count(*) from data_quality").fetchone()
        counted = con.execute("select count(*), count(distinct rule) from mart_count_list").fetchone()
        con.execute("select sku_id, why, repair_rule from mart_review_queue; select date from mart_missing_till_days")
    assert (first[0], second[0]) == ("run-00001", "run-00002")
    assert first[1] == second[1] == tonight
    assert second[2] == 6, "extracts, tables, forecasts, orders, prices, marts"
    assert counted[0] > 0, "its stock is drawn by chance, not made of its sales"


def test_every_table_and_column_says_what_it_is_where_analysts_query(two_nights):
    with duckdb.connect(str(two_nights[0] / "published/latest/marts.duckdb"), read_only=True) as con:
        silent = con.execute(
            "select table_name from duckdb_tables() where comment is null "
            "union all select view_name from duckdb_views() where comment is null and not internal "
            "union all select table_name || '.' || column_name from duckdb_columns() "
            "where comment is null and not internal"
        ).fetchall()
    assert silent == []


def test_the_marts_add_up_to_the_tills(two_nights):
    with duckdb.connect(str(two_nights[0] / "published/latest/marts.duckdb"), read_only=True) as con:
        sold, days = con.execute(
            "select (select sum(net_amount) from fct_sales), (select sum(net_amount) from mart_sku_location_day)"
        ).fetchone()
    tills = pl.read_csv(two_nights[0] / "landing/pos/sales/tills.csv")["net_amount"].sum()
    assert float(sold) == pytest.approx(tills, abs=0.005)
    assert days == sold


def test_rollback_points_back_and_a_wrong_run_is_named(two_nights):
    home, _ = two_nights
    latest = home / "published" / "latest"
    assert shelfcast("rollback", "--home", home, "run-00001").exit_code == 0
    assert latest.readlink().name == "run-00001"
    wrong = shelfcast("rollback", "--home", home, "run-00009")
    assert wrong.exit_code == 1
    assert "run-00009" in wrong.output
    assert shelfcast("rollback", "--home", home, "run-00002").exit_code == 0


def test_status_shows_runs_feeds_and_outputs(two_nights):
    output = shelfcast("status", "--home", two_nights[0]).output
    for text in ("run-00001", "run-00002", "published", "pos/sales", "2025-06-25", "latest"):
        assert text in output


def test_a_renamed_required_column_leaves_latest_as_it_was(two_nights, tmp_path):
    home = broken_copy(two_nights, tmp_path)
    tills = home / "landing/pos/sales/tills.csv"
    tills.write_text(tills.read_text().replace("quantity", "qty", 1))
    result = shelfcast("run", "--home", home)
    assert result.exit_code == 1
    assert "lacks required column 'quantity'" in result.output
    assert "tills.csv" in result.output
    assert (home / "published/latest").readlink().name == "run-00002"
    assert "refused" in shelfcast("status", "--home", home).output


def test_the_gate_stops_the_night_before_publication_and_names_check_table_and_rows(two_nights, tmp_path):
    home = broken_copy(two_nights, tmp_path)
    header = "sold_at,transaction_id,line_number,location_id,sku_id,quantity,net_amount,unit_price,channel"
    line = "1985-06-25T12:00:00,OLD-TILL,1,S01,00001,1,1.00,1.00,store"
    (home / "landing/pos/sales/late.csv").write_text(f"{header}\n{line}\n")
    result = shelfcast("run", "--home", home)
    assert result.exit_code == 1
    for text in ("marts.fct_sales", "sold_on_is_in_range", "OLD-TILL", "latest stays at run-00002"):
        assert text in result.output
    assert sorted(p.name for p in (home / "published").iterdir()) == ["latest", "run-00001", "run-00002"]


def test_a_daily_extract_that_stays_away_too_long_ends_the_night_before_anything_is_built(two_nights, tmp_path):
    home = broken_copy(two_nights, tmp_path)
    (home / "shelfcast.yml").write_text(SETTINGS + "quality: {max_late_days: 2}\n")
    stock = home / "landing/erp/inventory/stock.csv"
    late = ("2025-06-23", "2025-06-24", "2025-06-25")
    kept = [line for line in stock.read_text().splitlines() if not line.startswith(late)]
    stock.write_text("\n".join(kept) + "\n")
    result = shelfcast("run", "--home", home)
    assert result.exit_code == 1
    for text in ("feeds.erp_inventory", "is_not_too_late", "newest_date 2025-06-22", "latest stays at run-00002"):
        assert text in result.output
    assert "build business tables" not in result.output


def test_a_day_of_many_times_its_level_is_doubted_and_the_forecast_uses_the_level(two_nights):
    home, _ = two_nights
    with duckdb.connect(str(home / "published/latest/marts.duckdb"), read_only=True) as con:
        queue = "select sku_id, location_id, date, largest_line_qty, repair_rule, repaired_qty from mart_review_queue"
        ((*key, largest, rule, repaired),) = con.execute(queue).fetchall()
        accuracy = con.execute("select distinct step from forecast_accuracy where segment = 'touched'").fetchall()
    assert key == [small_company.sku(12), "S01", small_company.BULK_DAY]
    assert (largest, rule) == (small_company.BULK_UNITS, "outlier")
    with duckdb.connect(str(home / "warehouse/shelfcast.duckdb"), read_only=True) as con:
        history = "select quantity, sales_qty from ml.demand_history where repair_rule = 'outlier'"
        ((used, sold),) = con.execute(history).fetchall()
    assert used == repaired < 10 < small_company.BULK_UNITS <= sold
    assert sorted(accuracy) == [("with_outlier_repair",), ("without_outlier_repair",)]


@pytest.mark.parametrize(
    ("arguments", "settings", "text"),
    [
        (["--as-of", "31.05.2025"], "", "is not a date"),
        ([], "curency: EUR", "unknown setting 'curency'"),
        (["--as_of", "2025-05-31"], "", "No such option"),
    ],
)
def test_wrong_usage_and_settings_have_their_own_exit_status(tmp_path, arguments, settings, text):
    (tmp_path / "shelfcast.yml").write_text(settings)
    result = shelfcast("run", "--home", tmp_path, *arguments)
    assert result.exit_code == 2
    assert text in result.output


def test_an_empty_home_says_what_to_put_where(tmp_path):
    result = shelfcast("run", "--home", tmp_path)
    assert result.exit_code == 1
    for feed in ("pos/sales", "erp/products", "erp/locations"):
        assert f"{feed}: no rows" in result.output
    assert "nothing was published before" in result.output
    (alert,) = map(json.loads, (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines())
    assert (alert["kind"], alert["job"], alert["run_id"]) == ("refused", "nightly", "run-00001")
    assert "pos/sales: no rows" in alert["message"]


def test_a_day_that_has_no_sales_yet_cannot_be_closed(two_nights, tmp_path):
    home = broken_copy(two_nights, tmp_path)
    result = shelfcast("run", "--home", home, "--as-of", "2025-07-01")
    assert result.exit_code == 1
    assert "later than the last business day in pos/sales, 2025-06-25" in result.output
