"""Moods and themes of texts, jumps, and sales that left their channel: by hand, and silence where nothing happened."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ml.watch.contract import ALERTS_SCHEMA
from ml.watch.diversion import DIVERSION, diverted
from ml.watch.feedback import feedback_themes, sentiment, themes_of
from ml.watch.launches import hit_alerts
from ml.watch.lexicon import THEMES
from ml.watch.settings import WatchSettings

AS_OF = date(2024, 12, 31)


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("Great tea, we love it", 1),
        ("It was not good", -1),
        ("Not bad at all", 1),
        ("Arrived broken, great box though, useless", -1),
        ("It is a kettle", 0),
        ("质量很差 失望", -1),
        ("很喜欢 推荐", 1),
        ("不好", -1),
        ("不错", 1),
        ("", 0),
    ],
)
def test_the_mood_of_a_text(text, mood):
    assert sentiment(text) == mood


def test_themes_are_whole_words_and_parts_of_chinese_runs():
    assert themes_of("The box was crushed and late", THEMES) == ["packaging", "delivery"]
    assert themes_of("Boxing is fitting", THEMES) == []
    assert themes_of("快递太慢 有异味", THEMES) == ["delivery", "smell_and_taste"]
    assert themes_of("The ZIP jams", {"zip": ("zip",)}) == ["zip"]


def written(weeks: dict[int, tuple[int, int]], text: str = "the lid leaks") -> pl.DataFrame:
    """Texts by weeks back: how many, and how many of them say `text`; the others say nothing."""
    rows = [
        ("kettle", AS_OF - timedelta(days=7 * week), None, text if number < saying else "a kettle")
        for week, (count, saying) in weeks.items()
        for number in range(count)
    ]
    schema = {"sku_id": pl.String, "created_on": pl.Date, "rating": pl.Float64, "text": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_theme_that_jumps_raises_an_alert_by_hand():
    weeks = {0: (10, 6), **{week: (10, 1 if week <= 4 else 0) for week in range(1, 9)}}
    found, alerts = feedback_themes(written(weeks), AS_OF, WatchSettings())
    row = found.filter(pl.col("week_start") == date(2024, 12, 25)).row(0, named=True)
    assert (row["theme"], row["texts"], row["mentions"], row["earlier_texts"], row["earlier_mentions"]) == (
        "quality", 10, 6, 80, 4,
    )  # fmt: skip
    # ten texts x (4 + 0.5) / (80 + 1)
    assert row["expected_mentions"] == pytest.approx(10 * 4.5 / 81)
    assert row["is_jump"]
    alert = alerts.row(0, named=True)
    assert (alert["alert_type"], alert["sku_id"], alert["measured_value"]) == (
        "feedback_theme_jump_quality",
        "kettle",
        6,
    )
    assert "lid" not in alert["explanation"], "texts are personal"


def test_what_is_usual_praised_or_new_raises_none():
    usual = dict.fromkeys(range(9), (10, 6))
    assert feedback_themes(written(usual), AS_OF, WatchSettings())[1].is_empty()
    praised = {0: (10, 6), **dict.fromkeys(range(1, 9), (10, 0))}
    assert feedback_themes(written(praised, "great quality"), AS_OF, WatchSettings())[1].is_empty()
    assert feedback_themes(written({0: (10, 6)}), AS_OF, WatchSettings())[1].is_empty()
    empty, none = feedback_themes(written({}), AS_OF, WatchSettings())
    assert empty.is_empty()
    assert none.schema == ALERTS_SCHEMA


def test_a_rating_outweighs_words_and_a_company_adds_its_own_themes():
    rated = written({0: (1, 1)}, "great zip").with_columns(rating=pl.lit(1.0))
    found, _ = feedback_themes(rated, AS_OF, WatchSettings(themes={"zip": ("zip",)}))
    row = found.row(0, named=True)
    assert (row["theme"], row["mean_sentiment"], row["negative_mentions"]) == ("zip", -1.0, 1)


def stores(seed: int = 1, places: int = 12, products: int = 40) -> pl.DataFrame:
    """Places of one region that sell all products at their own size, by chance of counts."""
    draw = np.random.default_rng(seed)
    rows = []
    for place in range(places):
        for product in range(products):
            mean = (1 + place % 4) * (5 + product)
            units, before = draw.poisson(mean), draw.poisson(mean * 154 / 28)
            rows.append(
                ("north", f"S{place}", f"p{product:02d}", None, "tea", float(units), float(before), 2.0 * units)
            )
    names = ("region", "location_id", "sku_id", "product_name", "category", "units", "units_before", "net_amount")
    schema = dict.fromkeys(names[:5], pl.String) | dict.fromkeys(names[5:], pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize("seed", range(5))
def test_places_that_sell_their_part_raise_no_alert(seed):
    assert diverted(stores(seed), AS_OF, WatchSettings()).is_empty()


def test_a_place_far_outside_its_part_is_named_with_the_money():
    is_it = (pl.col("location_id") == "S3") & (pl.col("sku_id") == "p10")
    sales = stores().with_columns(
        units=pl.when(is_it).then(2_000.0).otherwise("units"),
        net_amount=pl.when(is_it).then(4_000.0).otherwise("net_amount"),
    )
    alert = diverted(sales, AS_OF, WatchSettings()).row(0, named=True)
    assert (alert["alert_type"], alert["location_id"], alert["sku_id"]) == (DIVERSION, "S3", "p10")
    # 4 x 15 units are its part
    assert alert["measured_value"] == pytest.approx(2_000 / 60, rel=0.2)
    assert alert["money_at_risk"] == pytest.approx(4_000 * (1 - 60 / 2_000), rel=0.02)
    # who always sold so much does not divert now
    steady = sales.with_columns(units_before=pl.when(is_it).then(11_000.0).otherwise("units_before"))
    assert diverted(steady, AS_OF, WatchSettings()).is_empty()


def test_texts_in_any_order_say_the_same():
    texts = written({0: (10, 6), **dict.fromkeys(range(1, 9), (10, 0))})
    mixed = texts.sample(fraction=1.0, shuffle=True, seed=1)
    both = [feedback_themes(each, AS_OF, WatchSettings()) for each in (texts, mixed)]
    assert both[0][0].equals(both[1][0])
    assert both[0][1].equals(both[1][1])


def test_a_hit_is_one_alert_that_keeps_its_id_and_says_how_far_above_launches_it_is() -> None:
    hits = pl.DataFrame(
        {
            "sku_id": ["b", "a"],
            "first_sold_on": [date(2024, 3, 1), date(2024, 3, 8)],
            "ratio": [6.0, 4.0],
            "usual_units_per_place": [0.5, 1.0],
            "high_units_per_place": [1.5, 2.0],
            "explanation": ["3 a place.", "4 a place."],
        }
    )
    alerts = hit_alerts(hits)
    assert alerts.schema == ALERTS_SCHEMA
    assert alerts.row(1, named=True) == {
        "alert_type": "new_product_hit",
        "sku_id": "b",
        "location_id": "all places",
        "date": date(2024, 3, 1),
        "measured_value": 6.0,
        "threshold": 3.0,
        "money_at_risk": None,
        "explanation": "3 a place. See that its orders keep up, and where else it could sell.",
    }
    assert hit_alerts(hits.clear()).is_empty()
