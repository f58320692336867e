import polars as pl
import pytest
from planning_night import AS_OF, CYCLE, inputs, one_line

from ml.planning.explain import recompute
from ml.planning.replenishment import propose_orders


def test_the_worked_line_reads():
    line = one_line(
        {
            "on_hand_qty": 5.0,
            "reserved_qty": 1.0,
            "on_order_qty": 3.0,
            "lead_time_sd_days": 1.0,
            "min_order_qty": 12.0,
            "order_multiple": 12.0,
        },
        weekdays={"V1": "1"},
    )
    assert line["explanation"] == (
        "Order 36 (3 packs of 12) of Product A for Store S1 on Mon 2018-01-01 from Supplier V1: expected demand 18 "
        "over 9 days (2 lead [2 ± 1] + 7 review); to be in stock with 95 % probability that takes 35; 5 on hand, "
        "1 reserved, 3 on order → short 28; minimum 12; rounded up to 36; without it demand exceeds the stock with "
        "89.6 % probability."
    )


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ({"order_multiple": 100.0}, "Order 100 (1 pack of 100) of"),
        ({"backorder_qty": 2.5}, "5 on hand, 0 reserved, 2.5 owed on backorders, 0 on order → short"),
        ({"in_transfer_qty": 4.0}, "0 on order, 4 in transfer → short"),
        ({"min_order_qty": 90.0}, "; raised to the minimum of 90;"),
        ({"lead_time_days": None}, "over 14 days (7 lead [assumed] + 7 review [assumed])"),
        ({"lead_time_days": 2.25}, "over 10 days (3 lead [2.25] + 7 review [assumed])"),
        ({"lead_time_source": "measured_lane"}, "over 9 days (2 lead [2 measured] + 7 review [assumed])"),
        (
            {"lead_time_source": "measured_location_type", "lead_time_sd_days": 1.25},
            "over 9 days (2 lead [2 ± 1.25 measured] + 7 review [assumed])",
        ),
    ],
)
def test_each_term_is_said(pair, words):
    assert words in one_line(pair)["explanation"]


def test_the_wait_for_the_order_day_is_said():
    assert "over 12 days (3 wait + 2 lead + 7 review)" in one_line({}, weekdays={"V1": "4"})["explanation"]


@pytest.mark.parametrize("column", ["target_qty", "on_hand_qty", "reserved_qty", "on_order_qty", "order_multiple"])
def test_recompute_notices_a_changed_term(column):
    lines = propose_orders(inputs({"order_multiple": 6.0}), AS_OF, CYCLE).lines
    assert recompute(lines).to_list() == lines["order_qty"].to_list()
    changed = lines.with_columns(pl.col(column) + 7)
    assert recompute(changed).to_list() != lines["order_qty"].to_list()


def test_recompute_orders_nothing_on_a_withheld_line():
    lines = propose_orders(inputs({"snapshot_age": None}), AS_OF, CYCLE).lines
    assert recompute(lines).to_list() == [0.0]
    assert recompute(lines.clear()).to_list() == []
