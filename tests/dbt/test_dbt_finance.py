"""Money, channels and promotions of the hand-made company, and what marts.duckdb holds as SQL beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.publishing.marts_file import FILE_NAME, build_marts_file

Query = Callable[[str], list[tuple]]
BRIDGE = (
    "sku_id, department, category, product_status, before_net_amount, after_net_amount, uncosted_net_amount, "
    "before_qty, after_qty, before_margin_amount, after_margin_amount, change_amount, price_effect_amount, "
    "volume_effect_amount, mix_effect_amount, cost_effect_amount, promotion_effect_amount, volume_index"
)


@pytest.fixture(scope="module")
def analyst(house, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    """Rows of a query on the file that analysts open."""
    folder = tmp_path_factory.mktemp("marts_file")
    with duckdb.connect(str(house.warehouse), read_only=True) as con:
        build_marts_file(con, folder, [], ["marts"])
    with duckdb.connect(str(Path(folder, FILE_NAME)), read_only=True) as con:
        yield lambda sql: con.execute(sql).fetchall()


def test_the_bridge_of_any_two_periods_is_that_of_the_table(analyst: Query) -> None:
    comparisons = analyst(
        "select distinct period_type, compared_with, before_starts_on, before_ends_on, starts_on, ends_on "
        "from mart_margin_bridge order by all"
    )
    assert {(c[0], c[1]) for c in comparisons} >= {("week", "previous"), ("month", "previous")}
    for period_type, compared_with, *days in comparisons:
        asked = ", ".join(f"'{day}'" for day in days)
        table = analyst(
            f"select {BRIDGE} from mart_margin_bridge where period_type = '{period_type}' "
            f"and compared_with = '{compared_with}' and starts_on = '{days[2]}' order by sku_id"
        )
        assert analyst(f"select {BRIDGE} from margin_bridge({asked}) order by sku_id") == table != []


def test_the_function_takes_any_days_and_they_may_overlap(analyst: Query) -> None:
    rows = analyst(
        "select sku_id, product_status, before_net_amount, after_net_amount, change_amount, price_effect_amount, "
        "volume_effect_amount + mix_effect_amount "
        "from margin_bridge('2024-03-30', '2024-03-30', '2024-03-30', '2024-03-31')"
    )
    # A costs 1.50 at S1: one unit net for 2.50, then four net for 10.00 at two places
    assert rows == [("A", "continuing", Decimal("2.50"), Decimal("10.00"), Decimal("3.00"), 0, Decimal("3.00"))]


def test_a_bridge_between_days_without_sales_is_empty(analyst: Query) -> None:
    assert analyst("select * from margin_bridge('1999-01-01', '1999-01-31', '1999-02-01', '1999-02-28')") == []


def test_promotion_days_are_a_view_of_the_file_too(analyst: Query, query: Query) -> None:
    days = analyst("select * from fct_promotion_days order by all")
    assert days == query("select * from marts.fct_promotion_days order by all")
    assert ("P1", "A", "S1", date(2024, 4, 6)) in days
    assert analyst("select view_name from duckdb_views() where not internal") == [("fct_promotion_days",)]


def test_daily_figures_add_up_to_the_lines(query: Query, bare_query: Query) -> None:
    for ask in (query, bare_query):
        lines = ask("select sum(net_amount), count(*), count(distinct transaction_id) from marts.fct_sales")
        assert ask("select sum(net_amount), sum(line_count), sum(lead_transaction_count) from marts.kpi_daily") == lines
    assert bare_query("select count(stock_qty), count(availability_pct) from marts.kpi_daily") == [(0, 0)]


def test_stock_stands_on_the_main_channel_of_its_place(query: Query) -> None:
    rows = query(
        "select location_id, channel, sum(stock_qty) from marts.kpi_daily "
        "where date = '2024-03-31' and stock_qty is not null group by all order by all"
    )
    assert rows == [("S1", "store", 7), ("WH", "none", 100)]


def test_drivers_compare_the_last_whole_week(query: Query) -> None:
    assert query(
        "select distinct compared_with, starts_on, before_starts_on from marts.mart_kpi_drivers order by 1"
    ) == [
        ("previous", date(2024, 3, 25), date(2024, 3, 18)),
        ("year_before", date(2024, 3, 25), date(2023, 3, 27)),
    ]


def test_a_promotion_is_measured_where_there_is_something_to_compare(query: Query, bare_query: Query) -> None:
    rows = query(
        "select promotion_id, sku_id, units_qty, measured_location_count from marts.mart_promotion_roi order by 1"
    )
    assert rows == [("P1", "A", 2, 1), ("P2", "A", 4, 2)]  # S5 sold them and is not listed; S3 has closed
    for mart in ("mart_promotion_roi", "mart_promotion_summary", "fct_promotion_days", "dim_promotion"):
        assert bare_query(f"select count(*) from marts.{mart}") == [(0,)], mart
