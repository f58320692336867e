"""What dbt makes of the hand-made company, beside what a person reads off its rows (conftest.py)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace

import jinja2
import pytest
from feeds_warehouse import PROJECT

Query = Callable[[str], list[tuple]]

SERIES = "select sku_id, location_id, is_pooled, region from intermediate.int_series_selected order by series_id"
DEMAND = (
    "select sku_id, location_id, date, sales_qty, return_qty, net_amount, is_stockout "
    "from intermediate.int_demand_daily inner join intermediate.int_series_selected using (series_id) "
)


def day(number: int, month: int = 3) -> date:
    return date(2024, month, number)


# ---- time


def test_an_offset_becomes_the_wall_clock_of_the_place(query: Query) -> None:
    rows = query("select transaction_id, sold_at, sold_on from marts.fct_sales where sold_on = '2024-03-31' order by 1")
    assert rows == [
        ("t03", datetime(2024, 3, 31, 1, 30), day(31)),
        ("t04", datetime(2024, 3, 31, 3, 30), day(31)),
        ("t06", datetime(2024, 3, 31, 23, 30), day(31)),  # no zone of its own: the company's
    ]


def test_nothing_after_the_business_day_is_known(query: Query) -> None:
    for relation, column in (
        ("marts.fct_sales", "sold_on"),
        ("marts.fct_inventory_daily", "snapshot_date"),
        ("marts.mart_sku_location_day", "date"),
        ("intermediate.int_demand_daily", "date"),
        ("staging.stg_crm__redemptions", "redeemed_on"),
    ):
        assert query(f"select max({column}) from {relation}") == [(day(31),)], relation
    assert query("select customer_id from marts.dim_customer order by 1") == [("c1",), ("c3",)]
    assert query("select max(shipped_on), max(received_on) from staging.stg_erp__transfers") == [(day(30), day(31))]
    assert ("ordered_later",) not in query("select po_id from staging.stg_erp__purchase_orders")


def test_the_calendar_runs_from_the_first_fact_to_400_days_ahead(query: Query) -> None:
    assert query("select min(date), max(date), count(*) from marts.dim_date") == [
        (date(2022, 5, 5), date(2025, 5, 5), 1097)
    ]
    rows = query("select week_start, month_start, weekday, is_weekend from marts.dim_date where date = '2024-03-31'")
    assert rows == [(day(25), day(1), 7, True)]


# ---- which series


def test_listings_decide_where_ranging_is_delivered(query: Query) -> None:
    assert query(SERIES) == [
        ("A", "S1", False, "north"),
        ("A", "S2", False, "north"),  # listed from the first day that is forecast
        ("A", "unlisted:none", True, None),  # S4 was delisted, NOWHERE never listed
        ("A", "unlisted:south", True, "south"),
        ("C", "S1", False, "north"),  # listed, has not sold yet
        ("D", "unlisted:north", True, "north"),
        ("F", "unlisted:north", True, "north"),
        ("X", "unlisted:north", True, "north"),
    ]


def test_sales_decide_without_ranging(bare_query: Query) -> None:
    assert bare_query(SERIES) == [
        ("A", "NOWHERE", False, None),
        ("A", "S1", False, "north"),
        ("A", "S2", False, "north"),
        ("A", "S4", False, None),
        ("A", "S5", False, "south"),
        ("D", "S1", False, "north"),
        ("D", "S2", False, "north"),
        ("F", "S2", False, "north"),
        ("G", "S2", False, "north"),  # launched in the last 182 days and has sold here
        ("X", "S1", False, "north"),
    ]


def test_series_carry_what_is_known_of_them(query: Query) -> None:
    rows = query(
        "select series_id, department, category, first_sold_on, last_sold_on, launched_on "
        "from intermediate.int_series_selected where location_id in ('S1', 'unlisted:south') order by 1"
    )
    assert rows == [
        (1, "fresh", "fruit", day(30), day(31), date(2023, 1, 1)),  # no launch of the product known: listed then
        (4, "fresh", "fruit", day(10, 2), day(15), None),  # the closed place is part of the pool's history
        (5, None, None, None, None, date(2024, 4, 15)),
    ]


# ---- demand


def test_pooling_makes_every_products_total_whole(query: Query) -> None:
    skus = "sku_id in ('A', 'D', 'F', 'X')"
    sold = f"select sku_id, sum(quantity)::double from marts.fct_sales where quantity > 0 and {skus} group by 1"
    forecast = f"select sku_id, sum(sales_qty) from ({DEMAND}) group by 1"
    assert query(f"{forecast} order by 1") == query(f"{sold} order by 1")


def test_a_pool_sums_its_places(query: Query) -> None:
    assert query(DEMAND + "where is_pooled order by 1, 2, 3") == [
        ("A", "unlisted:none", day(22), 1, 0, 2.5, False),
        ("A", "unlisted:none", day(23), 2, 0, 5, False),
        ("A", "unlisted:south", day(10, 2), 3, 0, 7.5, False),
        ("A", "unlisted:south", day(15), 4, 0, 10, False),
        ("D", "unlisted:north", day(20), 3, 0, 3, False),
        ("F", "unlisted:north", date(2023, 4, 3), 1, 0, 1, False),
        ("X", "unlisted:north", day(21), 5, 0, 5.55, False),
    ]


def test_stockouts_are_days_with_or_without_a_sale(query: Query) -> None:
    assert query(DEMAND + "where not is_pooled order by 1, 2, 3") == [
        ("A", "S1", day(28), 0, 0, 0, True),
        ("A", "S1", day(30), 2, 1, 2.5, True),
        ("A", "S1", day(31), 2, 0, 5, False),
        ("A", "S2", day(31), 1, 0, 2.5, False),
    ]


# ---- what nobody declared


def test_what_only_the_facts_know_is_inferred(query: Query) -> None:
    assert query("select sku_id, product_name from marts.dim_product where is_inferred") == [("X", "X")]
    assert query("select location_id, location_type, is_open from marts.dim_location where is_inferred") == [
        ("NOWHERE", "unknown", True)
    ]


def test_an_unknown_time_zone_is_left_out_and_told(query: Query, house) -> None:
    assert query("select timezone from marts.dim_location where location_id = 'WH'") == [(None,)]
    assert "Warning in test stg_erp__locations_time_zone_is_known" in house.output


def test_customers_stand_in_the_marts_without_personal_data(query: Query) -> None:
    columns = {name for (name,) in query("select column_name from duckdb_columns() where schema_name = 'marts'")}
    assert not columns & {"full_name", "phone", "email", "birth_date", "gender"}


# ---- the day mart


def test_the_day_mart_holds_sales_returns_price_promotion_and_stock(query: Query) -> None:
    rows = query(
        "select date, units_qty, returns_qty, net_amount, price, is_promoted, on_hand_qty, is_stockout "
        "from marts.mart_sku_location_day where sku_id = 'A' and location_id = 'S1' and date >= '2024-03-28' order by 1"
    )
    assert rows == [
        (day(28), 0, 0, 0, None, False, 0, True),
        (day(29), 0, 0, 0, None, False, 5, False),
        (day(30), 2, 1, Decimal("2.50"), Decimal("2.5"), False, 0, True),
        (day(31), 2, 0, Decimal("5.00"), Decimal("2.5"), True, 7, False),
    ]


def test_the_day_mart_holds_every_day_on_which_the_place_carried_the_product(query: Query, bare_query: Query) -> None:
    days = (
        "select location_id, count(*), min(date), max(date) from marts.mart_sku_location_day where sku_id = 'A' "
        "group by 1 order by 1"
    )
    assert query(days) == [
        ("NOWHERE", 1, day(23), day(23)),  # not listed: the day of its sale
        ("S1", 456, date(2023, 1, 1), day(31)),  # as long as it is listed
        ("S2", 1, day(31), day(31)),  # listed from tomorrow
        ("S3", 425, date(2023, 1, 1), date(2024, 2, 29)),  # closed on 1 March
        ("S4", 455, date(2023, 1, 1), day(30)),
        ("S5", 1, day(15), day(15)),
        ("WH", 1, day(31), day(31)),
    ]
    # without listings from the first sale on, where the place is open
    assert bare_query(days) == [
        ("NOWHERE", 9, day(23), day(31)),
        ("S1", 2, day(30), day(31)),
        ("S2", 1, day(31), day(31)),
        ("S3", 20, date(2024, 2, 10), date(2024, 2, 29)),
        ("S4", 10, day(22), day(31)),
        ("S5", 17, day(15), day(31)),
    ]


def test_the_day_mart_holds_money_supply_and_what_was_lost(query: Query) -> None:
    rows = query(
        "select date, cost_amount, margin_amount, discount_amount, shelf_price, on_order_qty, in_transfer_qty, "
        "stockout_share, lost_qty, lost_amount, lost_margin_amount "
        "from marts.mart_sku_location_day where sku_id = 'A' and location_id = 'S1' and date >= '2024-03-28' order by 1"
    )
    shelf, cost, lost = Decimal("2.5"), Decimal("1.5"), Decimal("1.5")
    assert rows == [
        # 24 open, 12 that came after the day, 6 of 10 outstanding
        (day(28), 0, 0, 0, Decimal("2.75"), 42, 0, 1, 0, 0, 0),
        (day(29), 0, 0, 0, Decimal("2.0"), 42, 8, 0, 0, 0, 0),
        # sold out at 10:00, an hour that opens S1's day; the estimate of demand is 3.5, 2 were sold
        (day(30), cost, 1, 0, shelf, 42, 14, pytest.approx(rows[2][7]), lost, lost * shelf, lost),
        (day(31), 2 * cost, 2, 0, shelf, 42, 6, 0, 0, 0, 0),
    ]
    assert 0 < rows[2][7] < 1
    lost_of = "select distinct lost_qty from marts.mart_sku_location_day where sku_id = "
    assert query(lost_of + "'D' and location_id = 'S1'") == [(None,)]  # no series, no estimate


def test_prices_of_a_scope_never_overlap_and_the_plan_is_kept(query: Query, bare_query: Query) -> None:
    end = date(9999, 12, 31)
    prices = "select location_id, member_tier, valid_from, valid_to, price, is_observed from marts.fct_price "
    assert query(prices + "where sku_id = 'A' order by 1, 2, 3") == [
        ("*", "*", date(2024, 1, 1), day(29), Decimal("2.75"), False),
        ("*", "*", day(30), day(30, 4), Decimal("2.5"), False),
        ("*", "*", day(1, 5), end, Decimal("3.0"), False),
        ("*", "gold", day(30), end, Decimal("2.4"), False),
        ("S1", "*", day(29), day(29), Decimal("2.0"), False),
    ]
    assert query(prices + "where sku_id = 'X'") == [("S1", "*", day(21), end, Decimal("1.11"), True)]
    assert bare_query("select bool_and(is_observed) from marts.fct_price") == [(True,)]


def test_weeks_and_months_add_up_to_days(query: Query, bare_query: Query) -> None:
    sums = "select sum(units_qty), sum(returns_qty), sum(net_amount), sum(cost_amount), sum(lost_amount) from marts."
    for ask in (query, bare_query):
        days = ask(sums + "mart_sku_location_day")
        assert ask(sums + "mart_sku_location_week") == ask(sums + "mart_sku_location_month") == days
    assert query("select returned_on, returns_qty, returned_amount from marts.fct_returns") == [
        (day(30), 1, Decimal("2.50"))
    ]


def test_stock_that_nobody_counted_is_worked_out_and_marked(query: Query) -> None:
    rows = query(
        "select sku_id, location_id, snapshot_date, on_hand_qty, is_stockout from marts.fct_inventory_daily "
        "where is_estimated"
    )
    assert rows == [("D", "S1", day(31), 0, None)]


def test_a_promotion_without_a_place_holds_everywhere(query: Query) -> None:
    rows = query("select sku_id, location_id, date from marts.mart_sku_location_day where is_promoted order by all")
    assert rows == [("A", "S1", day(15)), ("A", "S1", day(31)), ("A", "S4", day(15)), ("A", "S5", day(15))]


def test_the_day_mart_adds_up_to_the_lines(query: Query, bare_query: Query) -> None:
    for ask in (query, bare_query):
        lines = ask("select sum(net_amount), sum(quantity), count(*) from marts.fct_sales")
        assert lines == [(Decimal("47.55"), Decimal("26"), 16)]
        assert ask("select sum(net_amount), sum(units_qty - returns_qty) from marts.mart_sku_location_day") == [
            lines[0][:2]
        ]


# ---- stock and supply


def test_positions_net_open_orders_and_transfers(query: Query) -> None:
    rows = query(
        "select location_id, sku_id, snapshot_date, on_hand_qty, reserved_qty, backorder_qty, on_order_qty, "
        "in_transfer_qty from intermediate.int_stock_positions order by 1, 2"
    )
    assert rows == [
        # 24 open, 12 received too late to be known, 6 of 10 outstanding
        ("S1", "A", day(31), 7, 1, 0, 42, 6),
        ("S1", "D", day(30), 0, 0, 0, 0, 0),
        ("WH", "A", day(31), 100, 0, 0, 0, 0),
    ]


def test_the_place_itself_is_sourced_before_the_star(query: Query) -> None:
    rows = query(
        "select location_id, supplier_id, from_location_id, lead_time_days, unit_cost, is_sourced "
        "from intermediate.int_sourcing_resolved where sku_id = 'A' order by 1"
    )
    cost = Decimal("1.5")  # of the product, where the row names none
    assert rows == [
        ("S1", "SUP1", None, 5, cost, True),  # the row of tomorrow is not valid yet
        ("S2", None, "WH", 2, cost, True),
        ("S3", None, "WH", 2, cost, True),
        ("S4", None, "WH", 2, cost, True),
        ("WH", "SUP2", None, 9, Decimal("1.2"), True),  # not fed by itself
    ]


# ---- a company with little


def test_without_optional_feeds_their_tables_are_empty_and_the_rest_stands(bare_query: Query) -> None:
    for relation in (
        "marts.fct_inventory_daily",
        "marts.dim_customer",
        "intermediate.int_stock_positions",
        "intermediate.int_promotion_periods",
    ):
        assert bare_query(f"select count(*) from {relation}") == [(0,)], relation
    assert bare_query("select count(*) from marts.mart_sku_location_day where is_promoted or is_stockout") == [(0,)]
    assert bare_query("select bool_or(is_sourced) from intermediate.int_sourcing_resolved") == [(False,)]


def test_a_run_without_a_business_day_is_refused() -> None:
    def refuse(message: str) -> None:
        raise ValueError(message)

    macro = (PROJECT / "macros" / "as_of.sql").read_text() + "{{ as_of() }}"
    template = jinja2.Environment().from_string(macro)
    exceptions = SimpleNamespace(raise_compiler_error=refuse)
    with pytest.raises(ValueError, match="as_of is not set"):
        template.render(execute=True, var=lambda _: "", exceptions=exceptions)
    given = template.render(execute=True, var=lambda _: "2024-03-31", exceptions=exceptions)
    assert given.strip() == "cast('2024-03-31' as date)"


@pytest.mark.parametrize("schema", ["staging", "intermediate", "marts"])
def test_schemas_carry_their_plain_names(query: Query, schema: str) -> None:
    assert query(f"select count(*) > 0 from information_schema.tables where table_schema = '{schema}'") == [(True,)]


# ---- doubts


def test_a_decision_reaches_demand_and_one_that_cannot_be_followed_does_not(query: Query, bare_query: Query) -> None:
    repaired = (
        "select sku_id, location_id, date, sales_qty, repaired_qty, repair_rule from intermediate.int_demand_daily "
        "inner join intermediate.int_series_selected using (series_id) where repair_rule is not null"
    )
    assert query(repaired) == [("A", "S1", day(30), 2, 3, "replaced")]
    assert query("select sku_id, date, units_qty, decision, repaired_qty, why from marts.mart_review_queue") == [
        ("A", day(30), 2, "replace", 3, "a person decided about this day; no rule doubts it")
    ]
    assert query("select decision, is_valid from staging.stg_decisions__review order by 1") == [
        ("delete", False),
        ("replace", True),
    ]
    assert bare_query(repaired) == bare_query("select * from marts.mart_review_queue") == []


def test_what_arrived_explains_sales_from_an_empty_shelf(query: Query, bare_query: Query) -> None:
    # A at S1 closed the 30th empty and sold two on the 31st, on which a transfer of eight arrived: nothing to count
    assert query("select * from marts.mart_count_list") == []
    assert bare_query("select * from marts.mart_count_list") == []


# ---- suppliers and the health of stock


def test_suppliers_that_only_orders_or_sourcing_name_are_inferred(query: Query) -> None:
    rows = query(
        "select supplier_id, product_count, location_count, typical_lead_time_days, typical_lead_time_source, "
        "is_inferred from marts.dim_supplier order by 1"
    )
    assert rows == [
        ("SUP1", 1, 1, 18, "measured", False),
        ("SUP2", 1, 1, 9, "delivered", True),
        ("SUP9", 0, 0, None, None, True),  # from tomorrow on
    ]


def test_orders_and_transfers_are_told_as_known_on_the_day(query: Query) -> None:
    orders = query(
        "select po_id, is_open, open_qty, fill_share, lead_time_days from marts.fct_purchase_orders "
        "order by ordered_on, po_id"
    )
    assert orders == [
        ("received", False, 0, 1.0, 18),
        ("open", True, 24, 0.0, None),
        ("received_later", True, 12, 0.0, None),
        ("cancelled", False, 0, 0.0, None),
        ("part_received", True, 6, 0.4, None),
    ]
    moves = query(
        "select transfer_id, is_in_transit, in_transit_qty, lead_time_days from marts.fct_transfers order by 1"
    )
    assert moves == [("arrived", False, 0, 2), ("under_way", True, 6, None)]


def test_a_supplier_is_measured_as_a_whole_and_by_lane(query: Query) -> None:
    rows = query(
        "select scope, location_id, order_count, lead_time_mean_days, promised_lead_time_days, lead_time_gap_days, "
        "on_time_share, fill_share, open_line_count, open_amount "
        "from marts.mart_supplier_performance where supplier_id = 'SUP1' order by 1"
    )
    # nothing was expected on a day, so nobody can say what was on time; 42 units at 1.50 are open
    figures = (5, 18.0, 5.0, 13.0, None, 1.0, 3, Decimal("63.00"))
    assert rows == [("all", None, *figures), ("lane", "S1", *figures)]


def test_one_order_does_not_replace_what_was_promised(query: Query) -> None:
    rows = query(
        "select lead_time_days, lead_time_source from intermediate.int_sourcing_resolved where location_id = 'S1' "
        "and is_sourced"
    )
    assert rows == [(5, "delivered")]


def test_the_health_of_a_stock_can_be_added_up_by_hand(query: Query) -> None:
    rows = query(
        "select stock_amount, avg_stock_364d_amount, cost_of_sales_364d_amount, turnover_364d_days, "
        "cover_forecast_days, sell_through_91d_pct, age_days, receipt_share, availability_28d_pct, target_qty, "
        "over_stock_qty from marts.mart_inventory_health where sku_id = 'A' and location_id = 'S1'"
    )
    # 0, 5, 0 and 7 on four days: 3 on average, at 1.50; 3 sold (2, 1 back, 2): 4.50; so 4 days of stock
    # 7 last 3.5 days at 2 a day; 3 / (3 + 7) sold; all 7 came on the last day
    # two of the four days closed empty: one for all of it, one from 10:00 on, by when 9 of 11 units sell in that place
    # position 7 - 1 + 42 + 6 = 54 against 25
    (row,) = rows
    assert row[:8] == (Decimal("10.50"), Decimal("4.50"), Decimal("4.50"), 4.0, 3.5, 30.0, 0.0, 1.0)
    assert row[8] == pytest.approx(100 * (1 - (1 + 2 / 11) / 4))
    assert row[9:] == (25, 29)


def test_the_network_is_one_warehouse(query: Query) -> None:
    rows = query(
        "select sku_id, on_hand_qty, free_qty, in_transfer_qty, on_order_qty, stock_amount, stocked_location_count "
        "from marts.mart_network_stock where ownership = 'all' order by 1"
    )
    # 7 at 1.50 in the store, 100 at 1.20 in the warehouse
    assert rows == [("A", 107, 106, 6, 42, Decimal("130.50"), 2), ("D", 0, 0, 0, 0, Decimal("0.00"), 0)]
    parts = "select sum(on_hand_qty), sum(in_transfer_qty), sum(on_order_qty) from marts.mart_network_stock"
    assert query(f"{parts} where ownership = 'all'") == query(f"{parts} where ownership <> 'all'")
    positions = "select sum(on_hand_qty), sum(in_transfer_qty), sum(on_order_qty) from intermediate.int_stock_positions"
    assert query(f"{parts} where ownership = 'all'") == query(positions)


def test_without_stock_its_marts_are_empty(bare_query: Query) -> None:
    for mart in (
        "dim_supplier",
        "fct_purchase_orders",
        "fct_transfers",
        "mart_supplier_performance",
        "mart_inventory_health",
        "mart_slow_movers",
        "mart_slow_mover_backtest",
        "mart_network_stock",
    ):
        assert bare_query(f"select count(*) from marts.{mart}") == [(0,)], mart
