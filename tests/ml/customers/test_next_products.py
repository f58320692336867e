"""Next products: candidates by hand, nobody who refused, more than best-sellers on generated customers."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ml.customers import candidates as c
from ml.customers.contract import NEXT_PRODUCTS_SCHEMA
from ml.customers.next_products import AGAIN, BEST, HIT_RATE, LIGHTGBM, NEW, SHOWN, measure, next_products, reachable
from ml.customers.settings import CustomerSettings
from ml.workers.trees import NotGrown

AS_OF = date(2024, 12, 31)
OPEN = CustomerSettings(write_to_unknown_consent=True)


def generated(customers: int = 240, days: int = 300, seed: int = 3) -> pl.DataFrame:
    """Each customer buys of one of four tastes of thirty products, mostly the own six, every four days or so."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        taste = number % 4
        own = draw.choice(30, 6, replace=False)
        for age in range(int(draw.integers(0, 4)), days, 4):
            for _ in range(3):
                product = own[draw.integers(6)] if draw.random() < 0.8 else draw.integers(30)
                rows.append((f"c{number:03d}", f"t{taste}-{product:02d}", AS_OF - timedelta(days=age)))
    schema = {"customer_id": pl.String, "sku_id": pl.String, "date": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row").unique().sort("customer_id", "sku_id", "date")


def products_of(purchases: pl.DataFrame) -> pl.DataFrame:
    return (
        purchases.select("sku_id")
        .unique()
        .sort("sku_id")
        .with_columns(
            product_name="sku_id",
            department=pl.lit("food"),
            category=pl.col("sku_id").str.slice(0, 2),
            group=pl.col("sku_id").str.slice(0, 2),
            is_discontinued=pl.lit(False),
        )
    )


def asked(purchases: pl.DataFrame, consent: bool | None = None) -> pl.DataFrame:
    return purchases.select("customer_id").unique().with_columns(marketing_consent=pl.lit(consent, dtype=pl.Boolean))


@pytest.fixture(scope="module")
def purchases() -> pl.DataFrame:
    return generated()


@pytest.fixture(scope="module")
def found(purchases):
    return next_products(purchases, products_of(purchases), asked(purchases), AS_OF, OPEN)


def test_what_is_known_of_a_pair_by_hand():
    days = [date(2024, 12, 31), date(2024, 12, 21), date(2024, 12, 1)]
    rows = pl.DataFrame({"customer_id": ["a"] * 3 + ["b"], "sku_id": ["tea"] * 4, "date": [*days, days[1]]})
    lines = c.lines_of(rows, pl.DataFrame({"sku_id": ["tea"], "group": ["drinks"]}))
    known, taste = c.candidates(lines, AS_OF)
    row = known.row(0, named=True)
    assert (row["days_28"], row["days_91"], row["recency_days"], row["first_days"]) == (2, 3, 0, 30)
    assert row["usual_gap_days"] == 15.0
    assert row["gaps_since"] == 0.0
    assert row["decayed_days"] == pytest.approx(1 + 0.5 ** (10 / 150) + 0.5 ** (30 / 150), abs=1e-5)
    assert (row["buyers_28"], row["visits_28"], row["customer_days_91"], row["group_days_91"]) == (2, 2, 3, 3)
    assert known["taste"].is_nan().all()
    assert taste.score(np.array([0]), np.array([0])).shape == (1,)


def test_nothing_after_the_cut_off_counts(purchases):
    lines = c.lines_of(purchases, products_of(purchases))
    until = AS_OF - timedelta(days=60)
    short = c.lines_of(purchases.filter(pl.col("date") <= until), products_of(purchases))
    assert lines.products.equals(short.products)
    assert c.candidates(lines, until)[0].equals(c.candidates(short, until)[0])


def test_taste_brings_products_that_alike_customers_buy(purchases):
    known, _ = c.candidates(c.lines_of(purchases, products_of(purchases)), AS_OF)
    lines = c.lines_of(purchases, products_of(purchases))
    never = known.filter(pl.col("days_364").is_null()).with_columns(
        customer_id=lines.customers.gather(known.filter(pl.col("days_364").is_null())["customer"]),
        sku_id=lines.products.gather(known.filter(pl.col("days_364").is_null())["product"]),
    )
    taste = (never["customer_id"].str.slice(1).cast(pl.Int32) % 4).cast(pl.String)
    is_own = never["sku_id"].str.slice(1, 1) == taste
    mean = never.with_columns(is_own=is_own).group_by("is_own").agg(pl.col("taste").mean()).sort("is_own")
    assert mean["taste"][1] > mean["taste"][0]


def test_the_ranking_beats_best_sellers_and_is_not_worse_than_what_was_bought_most(found):
    rate = dict(found.accuracy.filter(pl.col("metric") == HIT_RATE).select("model", "value").iter_rows())
    assert rate[LIGHTGBM] > 1.5 * rate[BEST]
    assert rate[LIGHTGBM] > 0.95 * rate[AGAIN]
    chosen = found.accuracy.filter("is_chosen")["model"].unique().to_list()
    assert chosen == [max(rate, key=lambda name: rate[name])]


def test_lines_are_ten_and_the_new_ones_after_them(found, purchases):
    assert found.lines.schema == NEXT_PRODUCTS_SCHEMA
    by_customer = found.lines.group_by("customer_id").agg(
        top=(pl.col("rank") <= SHOWN).sum(),
        new=(pl.col("kind") == NEW).sum(),
        ranks=pl.col("rank").n_unique(),
        lines=pl.len(),
    )
    assert by_customer["top"].unique().to_list() == [SHOWN]
    assert by_customer["new"].min() >= OPEN.next_products_new
    assert (by_customer["ranks"] == by_customer["lines"]).all()
    bought = purchases.select("customer_id", "sku_id").unique()
    assert found.lines.filter(pl.col("kind") == NEW).join(bought, on=["customer_id", "sku_id"]).is_empty()


def test_the_measured_share_is_the_share_bought_in_its_band(found):
    shown = found.lines.filter(pl.col("measured_share").is_not_null())
    assert (shown["measured_share_low"] <= shown["measured_share"]).all()
    assert (shown["measured_share"] <= shown["measured_share_high"]).all()
    # a model that says what happens: by band of ten, its mean is near what was measured
    bands = shown.group_by("measured_share").agg(pl.col("probability").mean(), pl.len()).filter(pl.col("len") > 100)
    assert (bands["measured_share"] - bands["probability"]).abs().max() < 0.15


def test_who_refused_is_left_out_and_who_was_not_asked_as_the_settings_say(purchases):
    customers = pl.DataFrame({"customer_id": ["yes", "no", "unasked"], "marketing_consent": [True, False, None]})
    assert reachable(customers, CustomerSettings()).to_list() == ["yes"]
    assert reachable(customers, OPEN).to_list() == ["unasked", "yes"]
    refused = asked(purchases).with_columns(marketing_consent=pl.col("customer_id") != "c001")
    found = next_products(purchases, products_of(purchases), refused, AS_OF, CustomerSettings())
    assert "c001" not in found.lines["customer_id"]
    assert found.lines["customer_id"].n_unique() == 239


def test_what_is_kept_back_or_discontinued_is_never_proposed(purchases):
    products = products_of(purchases).with_columns(is_discontinued=pl.col("sku_id") == "t1-00")
    settings = CustomerSettings(write_to_unknown_consent=True, never_recommended=("t0",))
    found = next_products(purchases, products, asked(purchases), AS_OF, settings).lines
    assert found.filter(pl.col("sku_id").str.starts_with("t0") | (pl.col("sku_id") == "t1-00")).is_empty()


def test_short_records_rank_by_what_was_bought_most_and_say_so(purchases):
    short = purchases.filter(pl.col("date") > AS_OF - timedelta(days=100))
    found = next_products(short, products_of(short), asked(short), AS_OF, OPEN)
    assert "shorter than 147 days" in found.notes[0]
    assert found.lines["model"].unique().to_list() != [LIGHTGBM]
    assert found.lines.height > 0


def test_a_fit_that_crashes_leaves_the_rules_and_says_so(purchases, monkeypatch):
    def crashes(*_: object) -> None:
        raise NotGrown("the worker crashed")

    monkeypatch.setattr("ml.customers.next_products.grown", crashes)
    found = next_products(purchases, products_of(purchases), asked(purchases), AS_OF, OPEN)
    assert found.notes == ("next products: no learned model — the worker crashed",)
    assert LIGHTGBM not in found.accuracy["model"]
    assert found.lines.height > 0


def test_the_hit_rate_by_hand():
    known = pl.DataFrame(
        {"customer": [0, 0, 1], "product": [0, 1, 0], "days_364": [9, 1, 1], "recency_days": [1, 1, 1],
         "decayed_days": [5.0, 1.0, 1.0], "buyers_91": [2, 1, 2]}
    )  # fmt: skip
    bought = pl.DataFrame({"customer": [0, 2], "product": [1, 0]})
    rates = measure(known, bought, None, AS_OF).filter(pl.col("metric") == HIT_RATE)
    # of customers 0 and 1 only 0 came: one of ten shown
    assert rates["value"].to_list() == [0.1] * 3
    assert rates["customers"].to_list() == [1] * 3


def test_the_same_input_gives_the_same_lines(found, purchases):
    again = next_products(
        purchases.sample(fraction=1.0, shuffle=True, seed=9), products_of(purchases), asked(purchases), AS_OF, OPEN
    )
    assert again.lines.equals(found.lines)


def test_nobody_known_is_no_error():
    empty = pl.DataFrame(schema={"customer_id": pl.String, "sku_id": pl.String, "date": pl.Date})
    products = pl.DataFrame(
        schema={"sku_id": pl.String, "product_name": pl.String, "department": pl.String, "category": pl.String,
                "group": pl.String, "is_discontinued": pl.Boolean}
    )  # fmt: skip
    found = next_products(empty, products, asked(empty), AS_OF, OPEN)
    assert found.lines.is_empty()
    assert found.accuracy.is_empty()
