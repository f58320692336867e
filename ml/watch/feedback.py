"""Themes and sentiment of what customers write, per product and week; an alert where a theme jumps.

Belongs here: counts, moods, what a jump is. Not here: the words (lexicon.py). A small local method: lists of words in
English and Chinese, to which a company adds its own; no model. Texts are personal: they are counted here, and nothing
of them leaves.

A text is negative where its rating is 2 or less, positive from 4 on; without a rating, or with 3, by the words of
praise and complaint in it, turned round by a "not" up to two words before.
"""

import re
from datetime import date, timedelta

import polars as pl
from scipy.stats import binom

from ml.watch.contract import ALERTS_SCHEMA
from ml.watch.lexicon import COMPLAINT, NOT, NOT_BEFORE, PRAISE, THEMES
from ml.watch.settings import WatchSettings

THEME_JUMP = "feedback_theme_jump"
FEEDBACK_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "sku_id": pl.String,
        "week_start": pl.Date,
        "theme": pl.String,
        "texts": pl.Int64,
        "mentions": pl.Int64,
        "negative_mentions": pl.Int64,
        "mean_sentiment": pl.Float64,
        "earlier_texts": pl.Int64,
        "earlier_mentions": pl.Int64,
        "expected_mentions": pl.Float64,
        "chance": pl.Float64,
        "is_jump": pl.Boolean,
    }
)
EARLIER_WEEKS = 8
# a jump by chance: one in a thousand product-themes a week
_CHANCE = 1e-3
_LONGEST_FIRST = sorted(PRAISE | COMPLAINT, key=lambda word: (-len(word), word))
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[\u4e00-\u9fff]+")


def sentiment(text: str) -> int:
    """Return -1, 0 or 1 by words of praise and complaint, each turned round by a "not" up to two words before it."""
    words = _WORD.findall(text.lower())
    score = 0
    for place, word in enumerate(words):
        before = words[max(0, place - 2) : place]
        if "\u4e00" <= word[0] <= "\u9fff":
            score += _chinese(word)
        else:
            worth = (word in PRAISE) - (word in COMPLAINT)
            score += -worth if any(each in NOT for each in before) else worth
    return (score > 0) - (score < 0)


def _chinese(run: str) -> int:
    """A run of Chinese signs: no spaces part its words, so the longest listed word counts at each place."""
    score, place = 0, 0
    while place < len(run):
        found = next((word for word in _LONGEST_FIRST if run.startswith(word, place)), None)
        if found is None:
            place += 1
            continue
        worth = (found in PRAISE) - (found in COMPLAINT)
        score += -worth if run[:place].endswith(NOT_BEFORE) else worth
        place += len(found)
    return score


def themes_of(text: str, themes: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the themes whose words stand in a text: whole words where they have letters, parts of runs in Chinese."""
    lower = text.lower()
    words = set(_WORD.findall(lower))
    return [
        name
        for name, listed in themes.items()
        if any(word in words if word.isascii() else word in lower for word in (each.lower() for each in listed))
    ]


def feedback_themes(texts: pl.DataFrame, as_of: date, settings: WatchSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return FEEDBACK_SCHEMA, a row a product, week of the last nine and theme named in it, and the alerts of jumps.

    texts: sku_id, created_on, rating (null = none), text. Weeks are seven days back from as_of. expected: the product's
    texts of the week x the share of its eight weeks before that named the theme, half a mention added to both sides; a
    jump has theme_min_mentions and a chance (binomial) below one in a thousand. Only the last week raises alerts.
    """
    themes = {**THEMES, **settings.themes}
    age = (pl.lit(as_of) - pl.col("created_on")).dt.total_days() // 7
    dated = texts.drop_nulls(["sku_id", "text"]).with_columns(week=age)
    known = dated.filter(pl.col("week").is_between(0, 2 * EARLIER_WEEKS))
    if known.is_empty():
        return pl.DataFrame(schema=FEEDBACK_SCHEMA), pl.DataFrame(schema=ALERTS_SCHEMA)
    read = known.with_columns(
        mood=pl.when(pl.col("rating") <= 2)
        .then(-1)
        .when(pl.col("rating") >= 4)
        .then(1)
        .otherwise(pl.col("text").map_elements(sentiment, return_dtype=pl.Int64)),
        theme=pl.col("text").map_elements(lambda text: themes_of(text, themes), return_dtype=pl.List(pl.String)),
    )
    named = read.explode("theme").drop_nulls("theme")
    counts = named.group_by("sku_id", "theme", "week").agg(
        mentions=pl.len().cast(pl.Int64),
        negative_mentions=(pl.col("mood") < 0).sum().cast(pl.Int64),
        mood=pl.col("mood").sum(),
    )
    all_texts = read.group_by("sku_id", "week").agg(texts=pl.len().cast(pl.Int64))
    texts_before = _of_the_weeks_before(all_texts, ["sku_id"], "texts")
    mentions_before = _of_the_weeks_before(counts, ["sku_id", "theme"], "mentions")
    found = (
        counts.filter(pl.col("week") <= EARLIER_WEEKS)
        .join(all_texts, on=["sku_id", "week"])
        .join(texts_before, on=["sku_id", "week"], how="left")
        .join(mentions_before, on=["sku_id", "theme", "week"], how="left")
        .with_columns(pl.col("earlier_texts", "earlier_mentions").fill_null(0))
        .with_columns(share=(pl.col("earlier_mentions") + 0.5) / (pl.col("earlier_texts") + 1))
        .sort("sku_id", "week", "theme")
    )
    tail = binom.sf(found["mentions"].to_numpy() - 1, found["texts"].to_numpy(), found["share"].to_numpy())
    told = found.with_columns(
        as_of=pl.lit(as_of),
        week_start=pl.lit(as_of) - pl.duration(days=6) - pl.duration(days=7 * pl.col("week")),
        mean_sentiment=pl.col("mood") / pl.col("mentions"),
        expected_mentions=pl.col("texts") * pl.col("share"),
        chance=pl.Series(tail, dtype=pl.Float64).round(9),
    ).with_columns(
        is_jump=(pl.col("chance") < _CHANCE)
        & (pl.col("mentions") >= settings.theme_min_mentions)
        & (pl.col("earlier_texts") > 0)
    )
    shape = [pl.col(name).cast(kind) for name, kind in FEEDBACK_SCHEMA.items()]
    return told.sort("sku_id", "week_start", "theme").select(shape), _alerts(told, as_of)


def _of_the_weeks_before(counts: pl.DataFrame, key: list[str], value: str) -> pl.DataFrame:
    """The sum of a count over the EARLIER_WEEKS before each week, as earlier_<value>."""
    back = pl.DataFrame({"back": range(1, EARLIER_WEEKS + 1)}, schema={"back": pl.Int64})
    shifted = counts.join(back, how="cross").with_columns(week=pl.col("week") - pl.col("back"))
    return shifted.group_by(*key, "week").agg(pl.col(value).sum().alias(f"earlier_{value}"))


def _alerts(told: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What jumped in the last week and is not praise."""
    jumped = told.filter(pl.col("is_jump") & (pl.col("week") == 0) & (pl.col("mean_sentiment") <= 0))
    since = as_of - timedelta(days=6)
    alerts = jumped.with_columns(
        # two themes of a product are two alerts: the theme stands in the type
        alert_type=pl.format(f"{THEME_JUMP}_{{}}", "theme"),
        location_id=pl.lit("all places"),
        date=pl.lit(since),
        measured_value=pl.col("mentions").cast(pl.Float64),
        threshold="expected_mentions",
        money_at_risk=pl.lit(None, dtype=pl.Float64),
        explanation=pl.format(
            "{} of {} texts of the week name {} ({} of them complaints), where {} were to be expected from {} of {} "
            "in the "
            "eight weeks before: read them.",
            "mentions",
            "texts",
            "theme",
            "negative_mentions",
            pl.col("expected_mentions").round(1),
            "earlier_mentions",
            "earlier_texts",
        ),
    )
    return alerts.sort("sku_id", "alert_type").select(pl.col(n).cast(k) for n, k in ALERTS_SCHEMA.items())
