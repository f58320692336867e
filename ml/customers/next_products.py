"""What each customer will probably buy next: candidates ranked by the contender that was right about the last month.

Belongs here: the contenders, their measure on the last 28 days, the lines of the list with their evidence. Not here:
what is known of a pair (candidates.py).

hit_rate_at_10 is the share of the ten products shown that the customer bought in the month, over customers who were
known before it and bought anything in it. The share of customers with one right of ten is beside it; where a few
products are in most baskets it says little (best-sellers alone reach 0.68 with a grocer).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import lightgbm as lgb
import numpy as np
import polars as pl

from ml.customers.candidates import FEATURES, MONTH_DAYS, Lines, Taste, bought_between, candidates, lines_of
from ml.customers.contract import ACCURACY_SCHEMA, NEXT_PRODUCTS_SCHEMA, QUARTER_DAYS
from ml.customers.models import LIGHTGBM, parameters
from ml.customers.settings import CustomerSettings
from ml.workers.trees import NotGrown, Trees, grown

AGAIN, AGAIN_LATELY, BEST = "bought_again", "bought_again_lately", "best_sellers"
TARGET, HIT_RATE = "next_products", "hit_rate_at_10"
SHOWN = 10
REPEATED, NEW = "again", "new"
# parts of the measured lines by score, each with its own share bought
BANDS = 10
# months before the business day at whose start the model looks: three hit 0.3749 of ten, two 0.3728, one 0.3706, for
# the same rows; a month fewer is 1 s less of 10
TRAINED_MONTHS = (2, 3, 4)
_Z90 = 1.6449
_SCORED = {"customer": pl.Int32, "product": pl.Int32, "score": pl.Float64}


@dataclass(frozen=True)
class NextProducts:
    """lines: NEXT_PRODUCTS_SCHEMA. accuracy: ACCURACY_SCHEMA, each contender on the last month."""

    lines: pl.DataFrame
    accuracy: pl.DataFrame
    notes: tuple[str, ...] = ()


def next_products(
    purchases: pl.DataFrame, products: pl.DataFrame, customers: pl.DataFrame, as_of: date, settings: CustomerSettings
) -> NextProducts:
    """Return what each customer who may be written to will probably buy in the 28 days after `as_of`.

    purchases: customer_id, sku_id, date, each once, in any order. products: sku_id, product_name, department, category,
    group, is_discontinued. customers: customer_id, marketing_consent (null = not said). Ten lines a customer, and after
    them next_products_new products that the customer has never bought, unless they are among the ten.
    """
    lines = lines_of(_recommendable(purchases, products, as_of, settings), products)
    if lines.days.is_empty():
        return NextProducts(pl.DataFrame(schema=NEXT_PRODUCTS_SCHEMA), pl.DataFrame(schema=ACCURACY_SCHEMA))
    model, notes = _trained(lines, as_of, settings)
    cutoff = as_of - timedelta(days=MONTH_DAYS)
    earlier, _ = candidates(lines, cutoff)
    bought = bought_between(lines, cutoff, as_of)
    accuracy = measure(earlier, bought, model, cutoff)
    chosen = _chosen(accuracy)
    known, taste = candidates(lines, as_of)
    ranked = _shown(known, scores(known, chosen, model), settings)
    bands = _bands(_shown(earlier, scores(earlier, chosen, model), settings), bought)
    allowed = reachable(customers, settings)
    reached = ranked.filter(pl.Series(lines.customers.gather(ranked["customer"]).is_in(allowed.to_list())))
    told = _told(_with_evidence(reached, bands, taste, known, lines, chosen), products, as_of, chosen)
    return NextProducts(told, accuracy, notes)


def reachable(customers: pl.DataFrame, settings: CustomerSettings) -> pl.Series:
    """Return the ids that may be written to: who consented and, where the settings say so, who was never asked."""
    unknown = settings.write_to_unknown_consent
    return customers.filter(pl.col("marketing_consent").fill_null(unknown))["customer_id"].unique().sort()


def scores(known: pl.DataFrame, contender: str, model: lgb.Booster | None) -> np.ndarray:
    """Return a number for each row of `known` (as candidates returns it); higher = more probable."""
    if contender == LIGHTGBM:
        assert model is not None
        return np.asarray(model.predict(_matrix(known)))
    return known.select(_RULES[contender]()).to_series().to_numpy()


def measure(known: pl.DataFrame, bought: pl.DataFrame, model: lgb.Booster | None, cutoff: date) -> pl.DataFrame:
    """Score every contender on the products of the month after `cutoff` (ACCURACY_SCHEMA).

    known: the candidates at the cut-off. bought: customer, product. Empty where nobody who was known came.
    """
    customers = known.select("customer").unique().join(bought, on="customer", how="semi")
    rows: list[dict[str, object]] = []
    for name in (*((LIGHTGBM,) if model else ()), *_RULES) if customers.height else ():
        top = _top(known, scores(known, name, model)).join(customers, on="customer", how="semi")
        hits = top.join(bought, on=["customer", "product"], how="semi")
        metrics = {
            HIT_RATE: hits.height / (SHOWN * customers.height),
            "customers_with_a_hit": hits["customer"].n_unique() / customers.height,
            "products_shown": float(top["product"].n_unique()),
        }
        shared = {"target": TARGET, "model": name, "customers": customers.height, "cutoff": cutoff, "is_chosen": False}
        rows += [{"metric": metric, "value": value, **shared} for metric, value in metrics.items()]
    accuracy = pl.DataFrame(rows, schema=ACCURACY_SCHEMA)
    return accuracy.with_columns(is_chosen=pl.col("model") == _chosen(accuracy))


def _days_again() -> pl.Expr:
    # days first, then who bought it last: never as much as a day
    return pl.col("days_364").fill_null(0) - pl.col("recency_days").fill_null(999) / 1_000


_RULES: dict[str, Callable[[], pl.Expr]] = {
    AGAIN: _days_again,
    AGAIN_LATELY: lambda: pl.col("decayed_days").fill_null(0.0),
    BEST: lambda: pl.col("buyers_91").cast(pl.Float64),
}


def _recommendable(
    purchases: pl.DataFrame, products: pl.DataFrame, as_of: date, settings: CustomerSettings
) -> pl.DataFrame:
    """Purchases up to `as_of` of products that are still sold and that the settings do not keep back."""
    kept_back = list(settings.never_recommended)
    out = products.filter(
        pl.col("is_discontinued")
        | pl.any_horizontal(pl.col("department", "category").is_in(kept_back)).fill_null(False)
    )
    return purchases.filter(pl.col("date") <= as_of).join(out, on="sku_id", how="anti")


def _trained(lines: Lines, as_of: date, settings: CustomerSettings) -> tuple[lgb.Booster | None, tuple[str, ...]]:
    """A model of who buys what in 28 days, learned on the three months before the one on which it is measured.

    The model that was measured is the one that is used: another one fitted with that month in it would be 3 s more and
    not measured.
    """
    first = lines.days["date"].min()
    assert isinstance(first, date)
    origins = [as_of - timedelta(days=MONTH_DAYS * months) for months in TRAINED_MONTHS]
    origins = [origin for origin in origins if (origin - first).days + 1 >= QUARTER_DAYS]
    if not origins:
        return None, ("next products: no learned model — the records are shorter than 147 days",)
    parts = []
    for number, origin in enumerate(origins):
        # every third customer at each origin: three months for the rows of one
        known, _ = candidates(lines, origin, (number, len(origins)))
        bought = bought_between(lines, origin, origin + timedelta(days=MONTH_DAYS)).with_columns(is_bought=pl.lit(1.0))
        parts.append(known.join(bought, on=["customer", "product"], how="left", maintain_order="left"))
    rows = pl.concat(parts).with_columns(pl.col("is_bought").fill_null(0.0))
    customers = rows["customer"].n_unique()
    if customers < settings.min_customers or rows["is_bought"].sum() == 0:
        return None, (f"next products: no learned model — {customers} customers are too few to learn from",)
    rows = rows.gather_every(-(-rows.height // settings.next_products_train_rows))
    fixed = parameters(settings) | {"objective": "binary", "learning_rate": 0.1, "min_data_in_leaf": 100}
    trees = Trees(_matrix(rows), list(FEATURES), rows["is_bought"].to_numpy(), fixed, settings.trees)
    try:
        return grown([(TARGET, trees)], settings.lightgbm_timeout_seconds)[TARGET], ()
    except NotGrown as error:
        return None, (f"next products: no learned model — {error}",)


def _matrix(rows: pl.DataFrame) -> np.ndarray:
    return rows.select(pl.col(name).cast(pl.Float32) for name in FEATURES).to_numpy()


def _chosen(accuracy: pl.DataFrame) -> str:
    """The contender with the most hits; what is bought again where nothing could be measured."""
    rated = accuracy.filter(pl.col("metric") == HIT_RATE).sort("value", "model", descending=[True, False])
    return str(rated["model"][0]) if rated.height else AGAIN_LATELY


def _top(known: pl.DataFrame, score: np.ndarray) -> pl.DataFrame:
    """The SHOWN products of each customer with the highest score, by rank."""
    scored = known.select("customer", "product", score=pl.Series(score, dtype=pl.Float64))
    ordered = scored.sort("customer", "score", "product", descending=[False, True, False])
    return ordered.group_by("customer", maintain_order=True).head(SHOWN)


def _shown(known: pl.DataFrame, score: np.ndarray, settings: CustomerSettings) -> pl.DataFrame:
    """The lines of each customer: SHOWN by score, then the best that were never bought; customer, product, score, rank.

    Adds what is known of the pair.
    """
    top = _top(known, score)
    never = known.with_columns(score=pl.Series(score, dtype=pl.Float64)).filter(pl.col("days_364").is_null())
    already = top.join(never.select("customer", "product"), on=["customer", "product"], how="semi")
    counted = already.group_by("customer").agg(has=pl.len().cast(pl.Int64))
    more = (
        never.select("customer", "product", "score")
        .join(top.select("customer", "product"), on=["customer", "product"], how="anti")
        .join(counted, on="customer", how="left")
        .sort("customer", "score", "product", descending=[False, True, False])
        .with_columns(place=pl.int_range(pl.len()).over("customer"))
        .filter(pl.col("place") < settings.next_products_new - pl.col("has").fill_null(0))
        .select("customer", "product", "score")
    )
    both = pl.concat([top, more]).sort("customer", maintain_order=True)
    ranked = both.with_columns(rank=pl.int_range(1, pl.len() + 1).over("customer").cast(pl.Int32))
    return ranked.join(known, on=["customer", "product"], how="left", maintain_order="left")


def _bands(shown: pl.DataFrame, bought: pl.DataFrame) -> pl.DataFrame:
    """What share of the measured month's lines was bought, by band of score: from_score, lines, share, low, high.

    Bands are tenths of the lines. low, high: Wilson's 90 % interval of a share. Empty where nothing was measured.
    """
    schema = {"from_score": pl.Float64, "measured_lines": pl.Int64, "measured_share": pl.Float64}
    came = shown.join(bought.select("customer").unique(), on="customer", how="semi")
    if came.is_empty():
        return pl.DataFrame(schema=schema | {"measured_share_low": pl.Float64, "measured_share_high": pl.Float64})
    hit = bought.with_columns(hit=pl.lit(1.0))
    lines = came.select("customer", "product", "score").join(hit, on=["customer", "product"], how="left")
    edges = np.unique(np.quantile(lines["score"].to_numpy(), np.arange(BANDS) / BANDS))
    band = np.searchsorted(edges, lines["score"].to_numpy(), side="right") - 1
    count = np.bincount(band, minlength=len(edges))
    hits = np.bincount(band, weights=lines["hit"].fill_null(0.0).to_numpy(), minlength=len(edges))
    share = hits / count
    middle = (share + _Z90**2 / (2 * count)) / (1 + _Z90**2 / count)
    half = _Z90 / (1 + _Z90**2 / count) * np.sqrt(share * (1 - share) / count + _Z90**2 / (4 * count**2))
    return pl.DataFrame(
        {
            "from_score": edges,
            "measured_lines": count.astype(np.int64),
            "measured_share": share,
            # where none or all were bought the end is 0 or 1 itself, not a rounding of it
            "measured_share_low": np.clip(middle - half, 0.0, share),
            "measured_share_high": np.clip(middle + half, share, 1.0),
        }
    )


def _with_evidence(
    ranked: pl.DataFrame, bands: pl.DataFrame, taste: Taste, known: pl.DataFrame, lines: Lines, chosen: str
) -> pl.DataFrame:
    """The lines with ids in place of numbers, probability, the share measured in their band, and what is alike."""
    ranked = ranked.with_columns(
        customer_id=lines.customers.gather(ranked["customer"]), sku_id=lines.products.gather(ranked["product"])
    )
    if bands.height:
        band = np.searchsorted(bands["from_score"].to_numpy(), ranked["score"].to_numpy(), side="right") - 1
        ranked = pl.concat([ranked, bands.drop("from_score")[np.maximum(band, 0)]], how="horizontal")
    else:
        ranked = ranked.with_columns(pl.lit(None).alias(name) for name in bands.columns[1:])
    alike = _alike(ranked.filter(pl.col("days_364").is_null()), taste, known)
    like = pl.Series(alike["like"]).cast(pl.Int32)
    named = alike.with_columns(like_sku_id=lines.products.gather(like)).drop("like")
    return ranked.join(named, on=["customer", "product"], how="left", maintain_order="left").with_columns(
        probability=pl.col("score") if chosen == LIGHTGBM else pl.col("measured_share")
    )


def _alike(new: pl.DataFrame, taste: Taste, known: pl.DataFrame) -> pl.DataFrame:
    """Of each new product what its customer buys that is nearest to it in taste: customer, product, like."""
    own = known.filter(pl.col("days_364").is_not_null()).sort(
        ["customer", "decayed_days", "product"], descending=[False, True, False]
    )
    own = own.group_by("customer", maintain_order=True).head(SHOWN).select("customer", like="product")
    pairs = new.select("customer", "product").join(own, on="customer", how="inner", maintain_order="left_right")
    column = [taste.column[pairs[name].to_numpy()] for name in ("product", "like")]
    points = [taste.of_products[np.maximum(each, 0)] for each in column]
    length = np.linalg.norm(points[0], axis=1) * np.linalg.norm(points[1], axis=1)
    cosine = np.einsum("nk,nk->n", *points) / np.where(length > 0, length, 1.0)
    near = pairs.with_columns(cosine=pl.Series(np.round(cosine, 4))).filter(
        pl.Series((column[0] >= 0) & (column[1] >= 0)) & (pl.col("cosine") > 0)
    )
    ordered = near.sort("customer", "product", "cosine", "like", descending=[False, False, True, False])
    return ordered.unique(["customer", "product"], keep="first", maintain_order=True).drop("cosine")


def _told(lines: pl.DataFrame, products: pl.DataFrame, as_of: date, chosen: str) -> pl.DataFrame:
    """The lines as published, with the sentence that a marketer reads."""
    names = products.select("sku_id", name=pl.coalesce("product_name", "sku_id"))
    likes = names.select(like_sku_id="sku_id", like_name="name")
    is_new = pl.col("days_364").is_null()
    told = (
        lines.join(names, on="sku_id", how="left", maintain_order="left")
        .join(likes, on="like_sku_id", how="left", maintain_order="left")
        .with_columns(
            as_of=pl.lit(as_of),
            kind=pl.when(is_new).then(pl.lit(NEW)).otherwise(pl.lit(REPEATED)),
            bought_days_364=pl.col("days_364").fill_null(0),
            last_bought_on=pl.lit(as_of) - pl.duration(days=pl.col("recency_days")),
            model=pl.lit(chosen),
        )
        .with_columns(explanation=pl.when(is_new).then(_of_new()).otherwise(_of_repeated()) + _chance())
    )
    ordered = told.sort("customer_id", "rank")
    return ordered.select(pl.col(name).cast(kind) for name, kind in NEXT_PRODUCTS_SCHEMA.items())


def _of_repeated() -> pl.Expr:
    gap = pl.col("usual_gap_days").round(0).cast(pl.Int64)
    return pl.concat_str(
        pl.format("Bought on {} days of the last 364", "bought_days_364"),
        pl.when(gap.is_not_null()).then(pl.format(", every {} days", gap)).otherwise(pl.lit("")),
        pl.format(", last {} days ago", "recency_days"),
    )


def _of_new() -> pl.Expr:
    return pl.concat_str(
        pl.format("Not bought in 364 days; {} customers bought it in the last 28", "buyers_28"),
        pl.when(pl.col("group_days_364") > 0)
        .then(pl.format("; {} purchases of its kind by this customer", "group_days_364"))
        .otherwise(pl.lit("")),
        pl.when(pl.col("like_name").is_not_null())
        .then(pl.format("; its buyers are nearest to those of {}, which this customer buys", "like_name"))
        .otherwise(pl.lit("")),
    )


def _chance() -> pl.Expr:
    def percent(name: str) -> pl.Expr:
        return (pl.col(name) * 100).round(0).cast(pl.Int64)

    measured = pl.format(
        "; of {} such lines a month ago {} % were bought [{}, {}]",
        "measured_lines",
        *(percent(name) for name in ("measured_share", "measured_share_low", "measured_share_high")),
    )
    return (
        pl.when(pl.col("measured_share").is_not_null())
        .then(pl.format(": {} % within 28 days", percent("probability")) + measured + ".")
        .otherwise(pl.lit("."))
    )
