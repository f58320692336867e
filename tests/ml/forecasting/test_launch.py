"""Products without a sale: like products, the same product elsewhere, and the day they come."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ml.forecasting.models.launch import launch_blocks
from ml.forecasting.panel import Panel, build_panel

AS_OF = date(2024, 12, 29)
BLOCKS = 120


def company(rates: dict[tuple[str, str], tuple[float, int]]) -> tuple[pl.DataFrame, Panel]:
    """rates: (product, place) -> (units a week, week of the first sale; -1: none yet); one sale a week.

    Row 0 is something of another department that was always there.
    """
    rates = {("OLD", "L"): (1.0, 0)} | rates
    series = pl.DataFrame(
        {
            "series_id": range(1, len(rates) + 1),
            "sku_id": [sku for sku, _ in rates],
            "location_id": [place for _, place in rates],
            "is_pooled": False,
            "region": "r",
            "department": ["e"] + ["d"] * (len(rates) - 1),
            "category": "c",
        },
        schema_overrides={"series_id": pl.Int32},
    )
    rows = [
        (number, AS_OF - timedelta(days=7 * (BLOCKS - 1 - week)), rate)
        for number, (rate, born) in enumerate(rates.values(), start=1)
        if born >= 0
        for week in range(born, BLOCKS)
    ]
    history = pl.DataFrame(rows, {"series_id": pl.Int32, "date": pl.Date, "quantity": pl.Float64}, orient="row")
    return series, build_panel(series, history, AS_OF)


def launched(series: pl.DataFrame, day: date | None, price: list[float | None] | None = None) -> pl.DataFrame:
    last = pl.col("series_id") == series.height
    frame = series.with_columns(launched_on=pl.when(last).then(pl.lit(day, dtype=pl.Date)))
    return frame if price is None else frame.with_columns(unit_price=pl.Series(price, dtype=pl.Float64))


def test_the_same_product_elsewhere_scaled_to_the_place() -> None:
    """P sells 9 a week at L, whose department sells 5.5 a series; at M it sells 11: 9 / 6.5 * 12."""
    series, panel = company({("P", "L"): (9, 0), ("Q", "L"): (2, 0), ("Q", "M"): (11, 0), ("P", "M"): (0, -1)})
    blocks = launch_blocks(launched(series, AS_OF + timedelta(days=1)), panel)
    assert blocks[4] == pytest.approx(np.full(27, 9 / 6.5 * 12))
    assert not blocks[:4].any()


def test_like_products_by_price() -> None:
    """A launch at the same price counts whole, one at a tenth of it not at all; the department counts as three more."""
    rates = {("A", "L"): (20, 60), ("B", "L"): (2, 60), ("N", "L"): (0, -1)}
    series, panel = company(rates)
    usual = 11.0
    dear = launch_blocks(launched(series, AS_OF + timedelta(days=1), [1.0, 5.0, 50.0, 50.0]), panel)[3, 0]
    assert dear == pytest.approx((2 / 12 * 12 + 3 * usual) / 4)
    unknown = launch_blocks(launched(series, AS_OF + timedelta(days=1)), panel)[3, 0]
    assert unknown == pytest.approx((20 + 2 + 3 * usual) / 5)


def test_nothing_before_the_launch_and_less_with_every_week_without_a_sale() -> None:
    series, panel = company({("P", "L"): (7, 0), ("P", "M"): (0, -1)})
    level = launch_blocks(launched(series, AS_OF + timedelta(days=1)), panel)[2, 0]
    later = launch_blocks(launched(series, AS_OF + timedelta(days=18)), panel)[2]
    assert later[:2].tolist() == [0.0, 0.0]
    assert later[2] == pytest.approx(level * 4 / 7)  # days 18 to 21 of 15 to 21
    assert later[3] == pytest.approx(level)
    waited = launch_blocks(launched(series, AS_OF - timedelta(days=27)), panel)[2, 0]
    assert waited == pytest.approx(level / 2), "four weeks"


def test_a_listing_that_never_sold_or_of_unknown_age_is_not_new() -> None:
    series, panel = company({("P", "L"): (7, 0), ("P", "M"): (0, -1)})
    assert not launch_blocks(launched(series, AS_OF - timedelta(days=183)), panel).any()
    assert not launch_blocks(launched(series, None), panel).any()
    assert not launch_blocks(series, panel).any()


def test_the_curve_of_past_launches() -> None:
    """Forty launches that sell 12 a week for 13 weeks and 6 after it, drawn to no curve by a hundred."""
    rates = {(f"P{k}", "L"): (12.0, 60) for k in range(40)} | {("N", "L"): (0, -1)}
    series, panel = company(rates)
    panel.demand[1:41, 73:] = 6.0
    blocks = launch_blocks(launched(series, AS_OF + timedelta(days=1)), panel)[41]
    assert blocks[20] / blocks[5] == pytest.approx((40 * 0.5 + 100) / 140)
