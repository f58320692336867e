"""Returns of promotions added up by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ml.response.past_promotions import PROMOTED_SCHEMA, ROI_SCHEMA, promotion_returns

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
