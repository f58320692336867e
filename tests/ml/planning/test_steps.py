import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ml.planning.steps import STEPS, apply_steps

QUANTITY = st.decimals(0, 5000, places=3).map(float)
MULTIPLE = st.sampled_from([0.001, 0.1, 0.25, 0.3, 1.0, 2.5, 6.0, 12.0, 144.0])


def stepped(need, minimum, multiple, *, shelf=None, life=None, there=5.0):
    terms = {
        "need_qty": need,
        "min_order_qty": minimum,
        "order_multiple": multiple,
        "shelf_room_qty": shelf,
        "shelf_life_room_qty": life,
        "expected_at_arrival_qty": there,
    }
    return apply_steps(pl.DataFrame([terms], schema=dict.fromkeys(terms, pl.Float64))).row(0, named=True)


@given(need=QUANTITY, minimum=QUANTITY, multiple=MULTIPLE)
def test_whole_packs_at_least_the_minimum_and_never_less_than_the_need(need, minimum, multiple):
    line = stepped(need, minimum, multiple)
    order = line[STEPS[-1].column]
    assert abs(order / multiple - round(order / multiple)) <= 1e-6
    if need == 0:
        assert order == 0  # a minimum or a pack never makes a need
    else:
        wanted = max(need, minimum)
        assert line["after_moq_qty"] == wanted
        assert wanted - 1e-6 <= order < wanted + multiple + 1e-6  # not a pack more than it takes


@given(packs=st.integers(1, 3000), multiple=MULTIPLE)
def test_whole_packs_stay_as_they_are(packs, multiple):
    """Sums such as 3 * 0.1 are a hair above their decimal: that must not cost a pack."""
    need = packs * multiple
    assert abs(stepped(need, 0.0, multiple)["after_pack_qty"] - need) <= 1e-6


def test_steps_by_hand():
    assert stepped(19, 12, 12)["after_pack_qty"] == 24
    assert stepped(5, 12, 12)["after_pack_qty"] == 12
    assert stepped(5, 10, 4) | {"after_moq_qty": 10, "after_pack_qty": 12} == stepped(5, 10, 4)
    assert str(stepped(0, 12, 12)["after_pack_qty"]) == "0.0"  # not -0.0


ROOM = st.one_of(st.none(), st.decimals(0, 500, places=3).map(float))


@given(need=QUANTITY, minimum=QUANTITY, multiple=MULTIPLE, shelf=ROOM, life=ROOM, there=st.floats(0, 3))
def test_limits_hold_or_one_smallest_order_goes_to_an_empty_shelf(need, minimum, multiple, shelf, life, there):
    line = stepped(need, minimum, multiple, shelf=shelf, life=life, there=there)
    order = line[STEPS[-1].column]
    assert abs(order / multiple - round(order / multiple)) <= 1e-6
    assert order == 0 or order >= minimum - 1e-6
    room = min(x for x in (shelf, life, float("inf")) if x is not None)
    if order > room + 1e-6:
        assert there < 1
        assert need > 0
        assert line["after_pack_qty"] == 0
        assert order - multiple < max(minimum, multiple) + 1e-6


def test_limits_by_hand():
    assert stepped(20, 0, 6, shelf=14)["after_pack_qty"] == 12
    assert stepped(20, 0, 6, shelf=5)["after_smallest_qty"] == 0
    assert stepped(20, 0, 6, shelf=5, there=0)["after_smallest_qty"] == 6
    assert stepped(20, 18, 6, life=14)["after_pack_qty"] == 0
    assert stepped(20, 0, 1, shelf=9, life=7)["after_shelf_life_qty"] == 7


def test_a_withheld_line_stays_without_quantities():
    line = stepped(None, 12, 12)
    assert line["after_moq_qty"] is None
    assert line["after_pack_qty"] is None
