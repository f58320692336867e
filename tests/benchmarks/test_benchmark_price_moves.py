"""Moves of prices and what they are scored by, by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from benchmarks.price_moves import _changes, _score

MOVED = 8  # week


def weeks(sku: str, price: list[float], units: list[float], open_share: float = 1.0) -> pl.DataFrame:
    starts = [date(2025, 1, 6) + timedelta(weeks=n) for n in range(len(price))]
    return pl.DataFrame({"sku_id": sku, "week_start": starts, "units_qty": units, "price": price}).with_columns(
        availability_share=pl.lit(open_share)
    )


def test_a_move_is_what_sold_after_it_over_before_less_the_departments() -> None:
    moved = weeks("A", [10.0] * MOVED + [9.0] * 8, [50.0] * MOVED + [80.0] * 8)
    still = weeks("B", [5.0] * 16, [100.0] * MOVED + [110.0] * 8)
    away = weeks("C", [10.0] * MOVED + [9.0] * 8, [50.0] * 16, open_share=0.4)
    products = pl.DataFrame({"sku_id": ["A", "B", "C"], "department": ["D", "D", "E"]})
    found = _changes(pl.concat([moved, still, away]), products)
    assert "C" not in found["sku_id"].to_list()
    rows = found.filter(pl.col("price_change").abs() > 0.03)
    assert rows["week_start"].to_list() == [date(2025, 1, 6) + timedelta(weeks=MOVED)]
    row = rows.row(0, named=True)
    assert row["price_change"] == pytest.approx(np.log(0.9))
    assert row["units_change"] == pytest.approx(np.log(80 / 50) - np.log(110 / 100))
    assert row["count_variance"] == pytest.approx(1 / 200 + 1 / 320)


def test_elasticities_that_are_right_have_no_error_and_come_one_for_one() -> None:
    change = np.array([-0.1, 0.05, 0.2])
    moves = pl.DataFrame(
        {
            "price_change": change,
            "units_change": -2.0 * change,
            "units_after": [100.0, 50.0, 10.0],
            "count_variance": [0.01, 0.02, 0.03],
            "elasticity": [-2.0] * 3,
            "elasticity_sd": [0.1] * 3,
        }
    )
    score = _score("all", moves, 0.01)
    assert score["shelfcast"] == pytest.approx(0.0, abs=1e-12)
    assert score["came for each 1 said"] == pytest.approx(1.0)
    assert score["that one"] == pytest.approx(-2.0)
    assert score["no answer"] > 0.1
    assert score["units said for 1 that came"] == pytest.approx(1.0)
    assert score["without an answer"] == pytest.approx((100 * 0.8187 + 50 * 1.1052 + 10 * 1.4918) / 160, rel=1e-3)
    half = _score("all", moves.with_columns(elasticity=pl.lit(-4.0)), 0.01)
    assert half["came for each 1 said"] == pytest.approx(0.5)
