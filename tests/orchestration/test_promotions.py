"""Promotions as the night writes them: returns, by channel where there are several; why a mechanic is not planned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from data_quality.checks import failing_rows
from data_quality.suites.prices import price_checks
from ml.response.past_promotions import PROMOTED_SCHEMA
from orchestration.defs.assets.prices import NO_PROMOTIONS, ONE_CHANNEL, _returns, _unplanned
from orchestration.warehouse import replace_table

AS_OF = date(2025, 6, 25)
ROWS = [
    # promotion, product, channel, net sales, discount, uplift, cannibalised, effect
    ("P", "a", "store", 60.0, 10.0, 5.0, 1.0, 4.0),
    ("P", "a", "web", 20.0, 0.0, -2.0, 0.25, -2.25),
    ("P", "b", "store", 40.0, 5.0, 3.0, 0.0, 3.0),
    ("Q", "a", "web", 10.0, 5.0, 1.0, None, 1.0),
]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("create schema marts; create schema ml")
        con.execute(
            "create table rows (promotion_id text, sku_id text, channel text, net_amount double, "
            "discount_amount double, uplift_margin_amount double, "
            "cannibalised_margin_amount double, net_margin_effect_amount double)"
        )
        con.executemany("insert into rows values (?, ?, ?, ?, ?, ?, ?, ?)", ROWS)
        yield con


def _marts(con: duckdb.DuckDBPyConnection, which: str) -> None:
    con.execute(
        "create or replace table marts.mart_promotion_roi_by_channel as select *, 'display' as mechanic, "
        "date '2025-06-01' as starts_on, date '2025-06-07' as ends_on, discount_amount as promotion_cost_amount, "
        "2.0 as actual_qty, 1.0 as baseline_qty, 0.0 as pulled_forward_margin_amount, null::text as missing_reason "
        f"from rows where {which}"
    )
    shown = {*PROMOTED_SCHEMA} - {"promotion_id", "sku_id", "mechanic", "starts_on", "ends_on"}
    con.execute(
        "create or replace table marts.mart_promotion_roi as "
        "select promotion_id, sku_id, mechanic, starts_on, ends_on, missing_reason, "
        f"{', '.join(f'sum({name}) as {name}' for name in sorted(shown))} "
        "from marts.mart_promotion_roi_by_channel group by all"
    )


def test_the_channels_of_every_row_add_up_to_it(con: duckdb.DuckDBPyConnection) -> None:
    _marts(con, "true")
    made, absent = {}, {"promotion_roi": "no prices", "promotion_roi_by_channel": "no prices"}
    _returns(con, AS_OF, made, absent)
    assert absent == {}
    for name, frame in made.items():
        replace_table(con, f"ml.{name}", frame)
    rows = con.execute(
        "select level, channel, net_margin_effect_amount, promotion_count from ml.promotion_roi_by_channel "
        "where node in ('P', 'display') order by all"
    ).fetchall()
    assert rows == [
        *(("mechanic", "store", 7.0, 1), ("mechanic", "web", -1.25, 2)),
        *(("promotion", "store", 7.0, 1), ("promotion", "web", -2.25, 1)),
    ]
    checks = [check for check in price_checks(AS_OF) if check.table == "ml.promotion_roi_by_channel"]
    queries = [query for check in checks if (query := failing_rows(check))]
    assert "channels_add_up" in {check.name for check in checks}
    assert [con.execute(query).fetchall() for query in queries] == [[] for _ in queries]


def test_one_channel_is_the_whole_and_no_promotion_is_nothing(con: duckdb.DuckDBPyConnection) -> None:
    _marts(con, "channel = 'web'")
    made, absent = {}, {}
    _returns(con, AS_OF, made, absent)
    assert (list(made), absent) == (["promotion_roi"], {"promotion_roi_by_channel": ONE_CHANNEL})
    _marts(con, "false")
    made, absent = {}, {}
    _returns(con, AS_OF, made, absent)
    assert (made, absent) == ({}, dict.fromkeys(("promotion_roi", "promotion_roi_by_channel"), NO_PROMOTIONS))


def test_a_mechanic_is_planned_where_its_cost_and_what_it_brings_are_known() -> None:
    assert _unplanned({"display", "percent_off"}, {"mailer"}) == [
        "promotion_plan has no display: pricing.promotion_mechanic_costs does not say what one costs",
        "promotion_plan has no mailer: no product shows what one brings",
    ]
    assert _unplanned({"display"}, {"display"}) == []
