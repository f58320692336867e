"""Returns of promotions added up by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ml.response.past_promotions import (
    PROMOTED_BY_CHANNEL_SCHEMA,
    PROMOTED_SCHEMA,
    ROI_BY_CHANNEL_SCHEMA,
    ROI_SCHEMA,
    promotion_returns,
    promotion_returns_by_channel,
)

AS_OF = date(2025, 6, 25)


def _row(promotion: str, sku: str, effect: float, cost: float = 10.0, mechanic: str = "display") -> dict:
    row = {name: 0.0 for name, kind in PROMOTED_SCHEMA.items() if kind == pl.Float64}
    row |= {"promotion_id": promotion, "sku_id": sku, "mechanic": mechanic, "starts_on": AS_OF, "ends_on": AS_OF}
    row |= {"net_amount": 70.0, "discount_amount": 30.0, "promotion_cost_amount": cost}
    return row | {
        "uplift_margin_amount": effect + 1,
        "cannibalised_margin_amount": 1.0,
        "net_margin_effect_amount": effect,
    }


def test_a_promotion_and_its_mechanic() -> None:
    rows = [_row("P", "a", 4.0), _row("P", "b", 6.0), _row("Q", "a", -9.0, cost=20.0)]
    found = promotion_returns(pl.DataFrame(rows, schema=PROMOTED_SCHEMA), AS_OF)
    assert found.schema == ROI_SCHEMA
    first = found.filter(level="promotion", node="P").row(0, named=True)
    # two products with 4 and 6: sum 10, variance 2, standard error sqrt(2 x 2) = 2
    assert first["net_margin_effect_amount"] == 10
    assert first["net_margin_effect_low_amount"] == pytest.approx(10 - 1.6449 * 2, abs=1e-3)
    assert first["roi"] == pytest.approx(0.5)
    assert first["claim"] == "gains"
    assert first["depth_band"] == "25 to 35 % off"
    alone = found.filter(level="promotion", node="Q").row(0, named=True)
    assert (alone["net_margin_effect_low_amount"], alone["claim"]) == (None, "no claim")
    # promotions with 10 and -9: sum 1, variance 180.5, standard error 19
    mechanic = found.filter(level="mechanic").row(0, named=True)
    assert mechanic["net_margin_effect_high_amount"] == pytest.approx(1 + 1.6449 * 19, abs=1e-2)
    assert (mechanic["promotion_count"], mechanic["sku_count"], mechanic["claim"]) == (2, 3, "no claim")
    assert found.filter(level="mechanic and depth_band")["node"].to_list() == ["display / 25 to 35 % off"]


def test_channels_share_the_depth_of_their_promotion_and_add_up_to_it() -> None:
    # at the till 30 of 100 were given away, on the web nothing: together 30 of 170, 15 to 25 % off
    store = [{**_row("P", sku, effect), "channel": "store"} for sku, effect in (("a", 4.0), ("b", 6.0))]
    web = [{**_row("P", "a", -3.0, cost=0.0), "channel": "web", "net_amount": 140.0, "discount_amount": 0.0}]
    rows = pl.DataFrame([*store, *web], schema=PROMOTED_BY_CHANNEL_SCHEMA)
    found = promotion_returns_by_channel(rows, AS_OF)
    assert found.schema == ROI_BY_CHANNEL_SCHEMA
    assert found.filter(level="promotion")["channel"].to_list() == ["store", "web"]
    assert found.filter(level="mechanic and depth_band")["node"].unique().to_list() == ["display / 15 to 25 % off"]
    on_web = found.filter(level="promotion", channel="web").row(0, named=True)
    assert (on_web["net_margin_effect_amount"], on_web["roi"], on_web["off_share"]) == (-3.0, None, 0.0)
    assert on_web["explanation"].startswith("Over the channel web: ")
    whole = promotion_returns(rows.drop("channel"), AS_OF)
    amounts = [name for name in whole.columns if name.endswith("_qty") or name == "net_margin_effect_amount"]
    added = found.group_by("level", "node").agg(pl.col(amounts).sum()).sort("level", "node")
    assert added.equals(whole.select("level", "node", *amounts))
