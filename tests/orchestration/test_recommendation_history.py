"""An edited workbook comes back: every line's decision is read, checked, answered by its place, and kept."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest

from orchestration import recommendation_history, runs
from orchestration.ingestion.declarations import source_feeds
from orchestration.ingestion.ledger import ensure_ledger
from orchestration.ingestion.loading import ingest
from orchestration.ingestion.settings import IngestionSettings
from orchestration.publishing.buyers import file_names, labels
from orchestration.publishing.night import Night, OutputTable
from orchestration.publishing.tables import write_parquet
from orchestration.publishing.workbook import write_parts, write_workbook

AS_OF = date(2024, 3, 5)
ORDERS = """
create table ml.replenishment_orders as
select * from (values
    ('0012', 'S1', 'V1', null, 6.0, 6.0), ('0013', 'S1', 'V1', null, 12.0, 6.0), ('0014', 'S1', 'V2', null, 3.0, 1.0),
    ('0015', 'S2', null, 'W1', 4.0, 4.0), ('0016', 'S2', null, 'W1', 4.0, 4.0), ('0017', 'S2', 'V/2', null, 2.0, 2.0)
) as t (sku_id, location_id, supplier_id, from_location_id, order_qty, order_multiple),
(values (date '2024-03-05', date '2024-03-06', 1.5, 7::bigint, 6.0, date '2024-03-09', 1.0, 2.0, null::varchar,
    9::bigint, 4.0, 0.5, 2.0)) as f
    (as_of, order_on, order_value, review_days, min_order_qty, stockout_on, expected_lost_qty, expected_lost_amount,
    withheld_reason, protection_days, inventory_position_qty, unit_cost, unit_margin)
"""
# a price for all places, a promotion of a week, a markdown of which the second step is planned anew anyway
PRICES = """
create table ml.price_recommendations as select date '2024-03-05' as as_of, '0012' as sku_id, '*' as location_id,
    '*' as channel, '*' as member_tier, date '2024-03-12' as effective_on, 3.0 as current_price, 2.5 as new_price,
    1.0 as unit_cost, 28.0 as new_units_qty, 7.0 as gain_amount;
create table ml.promotion_plan as select date '2024-03-05' as as_of, '0013' as sku_id, '*' as location_id,
    date '2024-03-18' as week_start, date '2024-03-24' as ends_on, 'percent_off' as mechanic, 3.0 as current_price,
    2.4 as new_price, 1.0 as unit_cost, 0.0 as mechanic_cost_amount, 5.0 as return_amount;
create table ml.markdown_plan as select date '2024-03-05' as as_of, '0014' as sku_id, 'S1' as location_id,
    'slow_stock' as basis, date '2024-03-06' + 7 * i::integer as starts_on, 7::bigint as period_days, i = 0 as is_first,
    'staff sale' as channel, 3.0 as list_price, 2.0 - i as new_price, 1.0 as unit_cost, 4.0 as gain_amount
    from range(2) as t (i);
create table ml.assortment_changes as select date '2024-03-05' as as_of, 'S1' as location_id, * from (values
    ('0012', 'keep', null), ('0013', 'delist', 2.0), ('0015', 'list', 2.0)
) as t (sku_id, action, gain_weekly_amount)
"""
TABLE = OutputTable("replenishment_orders", "ml.replenishment_orders", ("sku_id",), True, "Orders", "What to order.")
NIGHT = Night("run-00001", AS_OF, "Co", "EUR", "1", "h", [], [], [], {})
RUN = "insert into ops.runs by name select ? as run_id, ?::date as as_of, ? as state"


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for schema in ("raw", "feeds", "ops", "ml", "quarantine"):
        connection.execute(f"create schema {schema}")
    ensure_ledger(connection)
    connection.execute(f"create table ops.runs ({runs._COLUMNS}, rebuild_of varchar)")
    connection.execute(ORDERS)
    connection.execute(RUN, ["run-00001", AS_OF, runs.PUBLISHED])
    recommendation_history.note(connection, "run-00001", AS_OF)
    return connection


@pytest.fixture
def published(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Path:
    """The night's workbooks: the whole list and one a source."""
    folder = tmp_path / "night"
    folder.mkdir()
    written = write_parquet(con, TABLE, folder)
    write_workbook(folder / written.file, folder / "replenishment_orders.xlsx", written, NIGHT)
    parts = write_parts(folder / written.file, folder, written, NIGHT, None, {})
    (folder / "parts.json").write_text(json.dumps(parts))
    return folder


def come_back(workbook: Path, home: Path, decisions: dict[str, tuple[object, ...]], name: str = "") -> None:
    """Fill in decision, decided_qty, decided_by, note by product, as a person would, and save into home/decisions/."""
    book = openpyxl.load_workbook(workbook)
    sheet = book["replenishment_orders"]
    for row in sheet.iter_rows(min_row=2):
        for cell, value in zip(row, decisions.get(row[4].value, ()), strict=False):
            cell.value = value
    (home / "decisions").mkdir(exist_ok=True)
    book.save(home / "decisions" / (name or workbook.name))


def next_night(con: duckdb.DuckDBPyConnection, home: Path) -> list[str]:
    """Read what came back and judge it in a second run."""
    con.execute(RUN, ["run-00002", AS_OF, runs.RUNNING])
    con.execute("update ops.runs set as_of = '2024-03-06' where run_id = 'run-00002'")
    settings = IngestionSettings(quiet_seconds=0)
    report = ingest(con, source_feeds(home), home / "landing", "run-00002", 5.0, lambda _: None, settings)
    assert not [error for error in report.errors if "decisions" in error]
    assert not [warning for warning in report.warnings if "is new" in warning]
    con.execute("update ml.replenishment_orders set as_of = date '2024-03-06'")
    recommendation_history.note(con, "run-00002", date(2024, 3, 6))
    return recommendation_history.judge(con, "run-00002")


def state_of(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, float | None, str | None]]:
    rows = con.execute(
        "select sku_id, decision_state, decided_qty, decided_by from ml.recommendations where as_of = '2024-03-05'"
    ).fetchall()
    return {sku: tuple(rest) for sku, *rest in rows}


def test_accepted_changed_rejected_and_open_lines_are_kept(
    con: duckdb.DuckDBPyConnection, published: Path, tmp_path: Path
) -> None:
    come_back(
        published / "replenishment_orders.xlsx",
        tmp_path,
        {"0012": ("accept", None, "Ann"), "0013": ("Change", 18, "Ann", "fair"), "0015": ("拒绝", None, "Bo")},
    )
    assert next_night(con, tmp_path) == []
    assert state_of(con) == {
        "0012": ("accepted", 6, "Ann"),
        "0013": ("changed", 18, "Ann"),
        "0014": ("open", None, None),
        "0015": ("rejected", 0, "Bo"),
        "0016": ("open", None, None),
        "0017": ("open", None, None),
    }
    tonight = con.execute("select count(*), count(distinct recommendation_id) from ml.recommendations where is_tonight")
    assert tonight.fetchone() == (6, 6)


def test_what_cannot_be_followed_is_answered_with_its_place(
    con: duckdb.DuckDBPyConnection, published: Path, tmp_path: Path
) -> None:
    come_back(
        published / "replenishment_orders.xlsx",
        tmp_path,
        {
            "0012": ("maybe",),
            "0013": ("change", 7),
            "0014": ("change", "many"),
            "0015": ("accept", 8),
            "0016": ("change", 4),
            "0017": ("change", 0),
        },
    )
    where = "replenishment_orders.xlsx, sheet replenishment_orders, row"
    assert next_night(con, tmp_path) == [
        f"{where} 2, column 'decision', value 'maybe': unknown decision — write accept, change or reject",
        f"{where} 3, column 'decided_qty', value '7': not whole packs of 6 — write a multiple of order_multiple",
        f"{where} 4, column 'decided_qty', value 'many': no quantity of zero or more — write the units to order or "
        "move instead",
        f"{where} 5, column 'decided_qty', value '8': accepted, but with another quantity — write change, or leave "
        "the quantity empty",
        f"{where} 6, column 'decided_qty', value '4': below the smallest order of 6 — write zero, or min_order_qty or "
        "more",
    ]
    states = state_of(con)
    assert {sku: state for sku, (state, *_) in states.items() if state != "refused"} == {"0017": "changed"}
    assert states["0012"][1] is None


def test_a_later_workbook_leaves_lines_that_it_does_not_decide(
    con: duckdb.DuckDBPyConnection, published: Path, tmp_path: Path
) -> None:
    parts = json.loads((published / "parts.json").read_text())
    assert parts == {
        "V/2": "workbooks/replenishment_orders V_2.xlsx",
        "V1": "workbooks/replenishment_orders V1.xlsx",
        "V2": "workbooks/replenishment_orders V2.xlsx",
        "W1": "workbooks/replenishment_orders W1.xlsx",
    }
    come_back(published / parts["V1"], tmp_path, {"0012": ("accept",), "0013": ("reject",)})
    # the whole list sorts behind the parts, decides one line of its own and another one anew
    come_back(
        published / "replenishment_orders.xlsx", tmp_path, {"0013": ("accept",), "0014": ("accept",)}, "z_orders.xlsx"
    )
    assert next_night(con, tmp_path) == []
    states = {sku: state for sku, (state, *_) in state_of(con).items()}
    assert states == dict.fromkeys(("0012", "0013", "0014"), "accepted") | dict.fromkeys(
        ("0015", "0016", "0017"), "open"
    )


def test_a_line_that_no_night_recommended_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    text = "recommendation_id,decision\nffffffffffffffff,accept\n"
    (tmp_path / "decisions" / "replenishment_orders.csv").write_text(text)
    (message,) = next_night(con, tmp_path)
    assert "row 2, column 'recommendation_id', value 'ffffffffffffffff': no published line has this id" in message


def test_lines_of_a_refused_night_are_not_known(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    con.execute("update ops.runs set state = ?", [runs.REFUSED])
    (tmp_path / "decisions").mkdir()
    next_night(con, tmp_path)
    assert con.execute("select distinct as_of from ml.recommendations").fetchall() == [(date(2024, 3, 6),)]


def test_the_id_is_the_same_in_python_and_in_the_warehouse(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute("select recommendation_id from ops.recommendations where sku_id = '0012'").fetchone()
    assert found == (recommendation_history.recommendation_id("replenishment_orders", AS_OF, "0012", "S1", "V1", None),)


def test_a_line_belongs_to_the_buyer_of_its_supplier_then_of_its_product() -> None:
    import pyarrow as pa

    lines = pa.table({"sku_id": ["a", "b", "c", "d"], "supplier_id": ["V1", "V2", None, None]})
    products = pa.table({"sku_id": ["a", "b", "c"], "category": ["tea"] * 3, "department": ["food"] * 3})
    shares = {"Ann": ("V1",), "Bo": ("food",)}
    assert labels(lines, products, shares) == ["Ann", "Bo", "Bo", "others"]
    assert labels(lines, products, {}) == ["V1", "V2", "others", "others"]


def test_names_that_differ_in_case_or_in_odd_signs_stay_apart() -> None:
    assert file_names("t", ["a/b", "a:b", "A_B", "../x"]) == [
        "t a_b.xlsx",
        "t a_b (2).xlsx",
        "t A_B (3).xlsx",
        "t x.xlsx",
    ]


EXECUTED = """
create schema if not exists marts;
create table marts.fct_purchase_orders (
    sku_id varchar, location_id varchar, supplier_id varchar, ordered_on date, is_cancelled boolean
);
create table marts.fct_transfers (sku_id varchar, to_location_id varchar, from_location_id varchar, shipped_on date)
"""


def flags(con: duckdb.DuckDBPyConnection, as_of: date, **quantities: float) -> dict[str, str]:
    """Tonight's reason codes by product; quantities: what is proposed tonight in place of what was before."""
    lines = con.execute("select *, 'rounded_to_pack' as reason_codes from ml.replenishment_orders").pl()
    changed = {sku.lstrip("_"): qty for sku, qty in quantities.items()}
    proposed = pl.col("sku_id").replace_strict(changed, default=pl.col("order_qty"), return_dtype=pl.Float64)
    lines = lines.with_columns(order_qty=proposed)
    flagged = recommendation_history.with_decisions(con, "run-00003", as_of, lines)
    assert flagged.drop("reason_codes").equals(lines.drop("reason_codes"))
    codes = dict(flagged.select("sku_id", "reason_codes").iter_rows())
    return {sku: code.removeprefix("rounded_to_pack;") for sku, code in codes.items() if code != "rounded_to_pack"}


def test_the_next_nights_say_what_was_decided_until_it_is_carried_out_or_stale(
    con: duckdb.DuckDBPyConnection, published: Path, tmp_path: Path
) -> None:
    con.execute(EXECUTED)
    decided = {"0012": ("accept",), "0013": ("change", 18), "0014": ("reject",), "0015": ("change", 0), "0016": ("x",)}
    come_back(published / "replenishment_orders.xlsx", tmp_path, decided)
    next_night(con, tmp_path)
    con.execute(RUN, ["run-00003", date(2024, 3, 7), runs.RUNNING])
    night = date(2024, 3, 7)
    both = {"0012": "decided_before", "0013": "decided_before"}
    assert flags(con, night) == both | {"0014": "rejected_before"}, "a change to zero orders nothing; x is refused"
    assert flags(con, night, _0014=4.0) == both, "more is short now: proposed again without a word"
    assert flags(con, night, _0012=0.0, _0014=2.0) == {"0013": "decided_before", "0014": "rejected_before"}
    con.execute("insert into marts.fct_purchase_orders values ('0012', 'S1', 'V1', '2024-03-06', false)")
    con.execute("insert into marts.fct_purchase_orders values ('0013', 'S1', 'V1', '2024-03-06', true)")
    assert flags(con, night, _0014=4.0) == {"0013": "decided_before"}, "0012 was ordered; of 0013 it was cancelled"
    # to be ordered on 6 March, looked at again after 7 days
    assert set(flags(con, date(2024, 3, 12))) == {"0013", "0014"}
    assert flags(con, date(2024, 3, 13)) == {}


def test_every_list_is_kept_and_of_a_path_the_first_step(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(PRICES)
    assert recommendation_history.note(con, "run-00001", AS_OF) == 6 + 2
    assert recommendation_history.note(con, "run-00001", AS_OF, recommendation_history.PRICES) == 3
    assert recommendation_history.note(con, "run-00001", AS_OF, recommendation_history.PRICES) == 3
    kept = con.execute(
        "select list, sku_id, action, act_on, acts_until, current_price, recommended_price, expected_91_qty, channel "
        f"from {recommendation_history.HISTORY} where list <> 'replenishment_orders' order by list, sku_id"
    ).fetchall()
    assert kept == [
        ("assortment_changes", "0013", "delist", date(2024, 3, 6), date(2024, 4, 2), None, None, None, None),
        ("assortment_changes", "0015", "list", date(2024, 3, 6), date(2024, 4, 2), None, None, None, None),
        ("markdown_plan", "0014", "slow_stock", date(2024, 3, 6), date(2024, 3, 12), 3, 2, None, "*"),
        ("price_recommendations", "0012", None, date(2024, 3, 12), date(2024, 3, 18), 3, 2.5, 91, "*"),
        ("promotion_plan", "0013", "percent_off", date(2024, 3, 18), date(2024, 3, 24), 3, 2.4, None, "*"),
    ]


def test_an_order_is_kept_with_the_demand_that_the_night_expected(con: duckdb.DuckDBPyConnection) -> None:
    """28 days of 2, and 13 weeks of 7: the first has 5 days left, of the last 2 lie within 91 days."""
    con.execute(
        "create table ml.forecast_daily as select '0012' as sku_id, 'S1' as location_id, "
        "(date '2024-03-06' + i::integer) as date, 2.0 as mean from range(28) as t (i)"
    )
    con.execute(
        "create table ml.forecast_weekly as select '0012' as sku_id, 'S1' as location_id, "
        "(date '2024-03-04' + 7 * i::integer) as week_start, if(i = 0, 5, 7) as days_covered, "
        "if(i = 0, 5.0, 7.0) as mean from range(26) as t (i)"
    )
    recommendation_history.note(con, "run-00001", AS_OF)
    kept = con.execute(
        "select sku_id, expected_28_qty, expected_91_qty, position_qty, protection_days, expected_gain_amount "
        f"from {recommendation_history.HISTORY} where sku_id in ('0012', '0013') order by 1"
    ).fetchall()
    assert kept == [("0012", 56, 91, 4, 9, 2), ("0013", None, None, 4, 9, 2)]


def test_a_history_of_older_nights_gets_the_columns_that_came_since(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"alter table {recommendation_history.HISTORY} drop column expected_28_qty")
    recommendation_history.note(con, "run-00002", AS_OF)
    kept = con.execute(f"select run_id, expected_28_qty from {recommendation_history.HISTORY} order by 1").fetchall()
    assert kept == [("run-00001", None)] * 6 + [("run-00002", None)] * 6
