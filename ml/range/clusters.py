"""Stores by what they sell: clusters of the mix of sales, how sure they are, and words for what sets each apart.

Belongs here: clusters and their words. Not here: what a store should list (assortment.py).

The mix of a store is the share of each category, drawn to the company's by a tenth of the mean store's sales, as square
roots (Hellinger: shares of 1 and 2 % are as far apart as of 20 and 23 %). k-means; of the numbers of clusters on
which the two halves of the last 26 weeks agree best, to a twentieth, the largest (adjusted Rand index, Hubert and
Arabie 1985). Where no agreement is beyond what shuffled labels reach, all places are one cluster.
"""

from datetime import date

import numpy as np
import polars as pl
from scipy.cluster.vq import kmeans2

from ml.range.settings import RangeSettings

CLUSTERS_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "location_id": pl.String,
        "cluster": pl.String,
        "cluster_words": pl.String,
        "places": pl.Int64,
        "agreement": pl.Float64,
        "is_stable": pl.Boolean,
        "is_thin": pl.Boolean,
        "net_amount": pl.Float64,
        "explanation": pl.String,
    }
)
# of the mean store's sales: stores with less are placed, but place nobody else
_PRIOR_SHARE, _THIN_SHARE = 0.1, 0.25
_RESTARTS = 10
_AS_GOOD = 0.05
# a cluster of fewer is a store of its own
_LEAST_PLACES = 3
_WORDS = 3
# a category below this share of the company says nothing of a cluster, nor does one that sells as everywhere
_LEAST_SHARE, _LEAST_INDEX = 0.005, 1.05
# shuffled labels agree less than the halves do in 99 of 100 tries, or there are no clusters
_SHUFFLES, _BEYOND_CHANCE = 200, 0.99


def store_clusters(sales: pl.DataFrame, as_of: date, settings: RangeSettings) -> pl.DataFrame:
    """Return CLUSTERS_SCHEMA, one row a place.

    sales: location_id, category, half (0 = weeks 26 to 14 ago, 1 = the last 13), net_amount (not below zero). Empty
    with fewer than six places to compare: two clusters of three are the least that can be told apart.
    """
    places = sales["location_id"].unique().sort()
    names = sales["category"].unique().sort()
    halves = [_table(sales.filter(pl.col("half") == half), places, names) for half in (0, 1)]
    whole = halves[0] + halves[1]
    total = whole.sum(axis=1)
    is_thin = total < _THIN_SHARE * total.mean() if len(total) else np.array([], dtype=bool)
    if (~is_thin).sum() < 6 or names.len() < 2:
        return pl.DataFrame(schema=CLUSTERS_SCHEMA)
    points, early, late = (_points(part, total.mean()) for part in (whole, *halves))
    agreement, centres = _chosen(points[~is_thin], early[~is_thin], late[~is_thin], settings)
    label = _nearest(points, centres)
    order = np.argsort(-np.bincount(label, weights=total, minlength=len(centres)), kind="stable")
    number = np.argsort(order)
    stable = (_nearest(early, centres) == label) & (_nearest(late, centres) == label)
    words = [_words(whole, label == cluster, names) for cluster in range(len(centres))]
    count = np.bincount(label, minlength=len(centres))
    found = pl.DataFrame(
        {
            "as_of": [as_of] * len(places),
            "location_id": places,
            "cluster": [f"C{number[each] + 1}" for each in label],
            "cluster_words": [words[each] for each in label],
            "places": count[label].astype(np.int64),
            "agreement": np.full(len(places), round(agreement, 4)),
            "is_stable": stable,
            "is_thin": is_thin,
            "net_amount": total,
        }
    )
    return found.with_columns(explanation=_sentence()).match_to_schema(CLUSTERS_SCHEMA)


def adjusted_rand(first: np.ndarray, second: np.ndarray) -> float:
    """Return how far two labellings agree beyond chance: 1 = wholly, 0 = as by chance."""
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    pairs, rows, columns = (
        float((part * (part - 1) / 2).sum()) for part in (table, table.sum(axis=1), table.sum(axis=0))
    )
    chance = rows * columns / (len(first) * (len(first) - 1) / 2)
    most = (rows + columns) / 2
    return 1.0 if most == chance else (pairs - chance) / (most - chance)


def _table(sales: pl.DataFrame, places: pl.Series, names: pl.Series) -> np.ndarray:
    values = np.zeros((places.len(), names.len()))
    at = (places.search_sorted(sales["location_id"]).to_numpy(), names.search_sorted(sales["category"]).to_numpy())
    np.add.at(values, at, np.maximum(sales["net_amount"].to_numpy(), 0.0))
    return values


def _points(values: np.ndarray, usual: float) -> np.ndarray:
    company = values.sum(axis=0) / max(values.sum(), 1e-9)
    prior = _PRIOR_SHARE * usual
    return np.sqrt((values + prior * company) / (values.sum(axis=1, keepdims=True) + prior))


def _chosen(
    points: np.ndarray, early: np.ndarray, late: np.ndarray, settings: RangeSettings
) -> tuple[float, np.ndarray]:
    """The agreement of the halves and the centres, for the largest number of clusters on which they agree well."""
    tried: list[tuple[float, np.ndarray, list[np.ndarray]]] = []
    for count in range(2, min(settings.most_clusters, len(points) // 3) + 1):
        halves = [_nearest(part, _centres(part, count, settings.seed)) for part in (early, late)]
        centres = _centres(points, count, settings.seed)
        is_small = np.bincount(_nearest(points, centres)).min() < _LEAST_PLACES
        if not tried or not is_small:
            tried.append((adjusted_rand(*halves), centres, halves))
    most = max(agreement for agreement, *_ in tried)
    agreement, centres, (first, second) = [each for each in tried if each[0] >= most - _AS_GOOD][-1]
    draw = np.random.default_rng(settings.seed)
    shuffled = [adjusted_rand(first, draw.permutation(second)) for _ in range(_SHUFFLES)]
    if agreement <= np.quantile(shuffled, _BEYOND_CHANCE):
        return agreement, points.mean(axis=0, keepdims=True)
    return agreement, centres


def _centres(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The centres of the k-means with the least spread of some starts; empty clusters drop out."""
    least: tuple[float, np.ndarray] | None = None
    for start in range(_RESTARTS):
        centres, label = kmeans2(points, count, minit="++", seed=np.random.default_rng(seed + start), missing="warn")
        centres = centres[np.unique(label)]
        spread = float(((points - centres[_nearest(points, centres)]) ** 2).sum())
        if least is None or spread < least[0] - 1e-12:
            least = spread, centres
    assert least is not None
    return least[1]


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)


def _words(values: np.ndarray, inside: np.ndarray, names: pl.Series) -> str:
    """The categories of which a cluster sells most beyond the company's share, each with its index."""
    company = values.sum(axis=0) / values.sum()
    own = values[inside].sum(axis=0) / max(values[inside].sum(), 1e-9)
    index = np.where(company >= _LEAST_SHARE, own / np.maximum(company, 1e-12), 0.0)
    first = np.lexsort((np.arange(len(index)), -index))[:_WORDS]
    said = [f"{names[int(each)]} ({index[each]:.2f})" for each in first if index[each] >= _LEAST_INDEX]
    return "more " + ", ".join(said) if said else "the company's mix"


def _sentence() -> pl.Expr:
    agreement = pl.col("agreement").round(2)
    apart = pl.concat_str(
        pl.format("One of {} places that sell {}; ", "places", "cluster_words"),
        pl.when(pl.col("is_thin"))
        .then(pl.lit("its own sales are few, so the next cluster is taken"))
        .when(pl.col("is_stable"))
        .then(pl.lit("both halves of the last 26 weeks place it here"))
        .otherwise(pl.lit("one half of the last 26 weeks would place it elsewhere")),
        pl.format("; over all stores the halves agree to {}.", agreement),
    )
    together = pl.format(
        "All {} places are one cluster: the halves of the last 26 weeks agree on no division beyond chance ({}).",
        "places",
        agreement,
    )
    return pl.when(pl.col("places") == pl.len()).then(together).otherwise(apart)
