"""Which stock lists a night can make of the feeds that came, and what the manifest says of the others."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from orchestration.defs.assets import recommendations
from orchestration.defs.assets.publication import OUTPUTS

FRAME = pl.DataFrame({"order_qty": [1.0]})


@pytest.mark.parametrize(
    ("delivered", "absent"),
    [
        (
            {"erp/inventory", "erp/sourcing", "erp/lanes", "pos/open_orders"},
            {},
        ),
        (
            {"erp/inventory", "erp/sourcing"},
            {"transfer_orders": "no erp/lanes delivered", "order_sourcing": "no pos/open_orders delivered"},
        ),
        (
            {"erp/inventory", "pos/open_orders"},
            {
                "replenishment_orders": "no erp/sourcing delivered",
                "transfer_orders": "no erp/sourcing and no erp/lanes delivered",
                "allocation": "no erp/sourcing delivered",
            },
        ),
    ],
)
def test_a_list_without_its_feeds_is_absent_with_the_reason(delivered: set[str], absent: dict[str, str]) -> None:
    assert recommendations._absent(delivered) == absent


def test_without_stock_every_list_is_absent() -> None:
    absent = recommendations._absent({"erp/sourcing", "erp/lanes", "pos/open_orders"})
    assert set(absent) == set(recommendations.NEEDED_FEEDS)
    assert set(absent.values()) == {"no erp/inventory delivered"}
    assert recommendations._lists(None, absent) == {}


def test_where_no_place_feeds_another_there_is_nothing_to_share_out() -> None:
    replenishment = SimpleNamespace(lines=FRAME, transfers=FRAME, allocation=FRAME, has_feeding_places=False)
    plan = SimpleNamespace(replenishment=replenishment, promises=FRAME, order_sourcing=None)
    absent = {"order_sourcing": "no pos/open_orders delivered", "transfer_orders": "no erp/lanes delivered"}
    lists = recommendations._lists(plan, absent)
    assert set(lists) == {"replenishment_orders", "available_to_promise"}
    assert absent["allocation"] == recommendations.NO_FEEDING_PLACE


def test_every_list_is_published() -> None:
    published = {output.name for output in OUTPUTS if output.is_list}
    assert set(recommendations.NEEDED_FEEDS) <= published
