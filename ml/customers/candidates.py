"""Which products a customer may buy next, and what is known of each pair at the close of a day.

Belongs here: candidates and their features. Not here: how they are ranked, measured and told (next_products.py).

A customer's candidates are the products bought most (each day counts half after DAY_HALF_LIFE), those that sell best,
and those nearest to the customer's taste among what was never bought. Taste is PureSVD (Cremonesi, Koren, Turrin 2010):
a truncated singular value decomposition of customers x products, by scipy, so that no library for it alone is needed.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import LinearOperator, eigsh

from ml.customers.contract import QUARTER_DAYS, YEAR_DAYS

# 150 days: of 28, 56, 91 and 150 it ranks what is bought again best (0.345, 0.372, 0.378, 0.376 of ten; 0.789 to 0.825
# of customers with one right); the short one beside it tells what has begun or ended
DAY_HALF_LIFE, SHORT_HALF_LIFE = 150.0, 28.0
MONTH_DAYS = 28
OWN, POPULAR, NEAR = 40, 20, 20
# a product that is near one's taste is proposed where so many bought it in the last 28 days
NEAR_BUYERS = 3
FACTORS = 32
# taste is learned from products that so many customers bought: of fewer it says nothing
MIN_BUYERS = 10
_BLOCK = 512
# of the eigenvalues: more digits change no list
_TOLERANCE = 1e-4
_SCALE = 1_000_000
FEATURES = (
    *("days_28", "days_91", "days_364", "recency_days", "first_days", "decayed_days", "decayed_days_short"),
    *("usual_gap_days", "gaps_since", "buyers_28", "buyers_91", "buyers_364", "trend", "days_per_buyer"),
    *("visits_28", "visits_91", "customer_recency_days", "customer_products", "customer_days_91"),
    *("group_days_91", "group_days_364", "group_recency_days", "taste"),
)


@dataclass(frozen=True)
class Lines:
    """Purchases with whole numbers in place of texts. days: customer, product, group, date; one row each, sorted.

    customers, products: the texts, by number.
    """

    days: pl.DataFrame
    customers: pl.Series
    products: pl.Series


@dataclass(frozen=True)
class Taste:
    """Customers and products as points: the nearer, the more alike is what they buy. column: -1 = not learned."""

    of_customers: np.ndarray
    of_products: np.ndarray
    column: np.ndarray

    def score(self, customers: np.ndarray, products: np.ndarray) -> np.ndarray:
        """Return the score of each pair; nan where the product is not learned."""
        column = self.column[products]
        score = np.einsum("nk,nk->n", self.of_customers[customers], self.of_products[np.maximum(column, 0)])
        # rounded: the last digits of a product of matrices depend on the machine
        return np.where(column >= 0, np.round(score, 4), np.nan)


def lines_of(purchases: pl.DataFrame, products: pl.DataFrame) -> Lines:
    """Return purchases (customer_id, sku_id, date; one row a customer, product and day, in any order) as numbers.

    products: sku_id, group (the finest level of the hierarchy that is given; null = none).
    """
    customers = purchases["customer_id"].unique().sort()
    skus = purchases["sku_id"].unique().sort()
    groups = products.select("sku_id", group=pl.col("group").rank("dense").cast(pl.Int32))
    days = (
        purchases.join(_numbered(customers, "customer_id", "customer"), on="customer_id")
        .join(_numbered(skus, "sku_id", "product"), on="sku_id")
        .join(groups, on="sku_id", how="left")
        .select("customer", "product", pl.col("group").fill_null(-1), "date")
        .sort("customer", "product", "date")
    )
    return Lines(days, customers, skus)


def candidates(lines: Lines, cutoff: date, part: tuple[int, int] = (0, 1)) -> tuple[pl.DataFrame, Taste]:
    """Return customer, product, FEATURES of each candidate known at `cutoff`, sorted, and the taste behind it.

    Only products that somebody bought in the last 56 days, and customers who bought in the last 364. part: (k, n) =
    of every n customers the k-th; what is known of a product is of all of them.
    """
    age = (pl.lit(cutoff) - pl.col("date")).dt.total_days().cast(pl.Int32)
    known = lines.days.filter(pl.col("date") <= cutoff).with_columns(age=age).filter(pl.col("age") < YEAR_DAYS)
    own, buyers = _pairs(known), _customers(known)
    sold = _products(own)
    taste = _taste(own, lines.customers.len(), lines.products.len())
    is_asked = pl.col("customer") % part[1] == part[0]
    on_sale = sold.filter("is_on_sale").select("product")
    own, buyers = own.filter(is_asked), buyers.filter(is_asked)
    best = sold.filter("is_on_sale").sort("buyers_28", "product", descending=[True, False]).head(POPULAR)
    most = own.join(on_sale, on="product", how="semi").sort(
        ["customer", "decayed_days", "product"], descending=[False, True, False]
    )
    chosen = pl.concat(
        [
            most.group_by("customer", maintain_order=True).head(OWN).select("customer", "product"),
            buyers.select("customer").join(best.select("product"), how="cross"),
            _near(taste, own, sold.filter(pl.col("buyers_28") >= NEAR_BUYERS)["product"]),
        ]
    )
    found = (
        chosen.unique()
        .join(own, on=["customer", "product"], how="left")
        .join(sold.drop("is_on_sale"), on="product", how="left")
        .join(buyers, on="customer", how="inner")
        .join(lines.days.select("product", "group").unique(), on="product", how="left")
        .join(_groups(known), on=["customer", "group"], how="left")
        .sort("customer", "product")
    )
    scored = taste.score(found["customer"].to_numpy(), found["product"].to_numpy())
    return found.with_columns(taste=pl.Series(scored)).select("customer", "product", *FEATURES), taste


def bought_between(lines: Lines, after: date, until: date) -> pl.DataFrame:
    """Return customer, product of what was bought after `after` and on or before `until`, each once."""
    window = lines.days.filter((pl.col("date") > after) & (pl.col("date") <= until))
    return window.select("customer", "product").unique().sort("customer", "product")


def _numbered(values: pl.Series, name: str, number: str) -> pl.DataFrame:
    return pl.DataFrame({name: values}).with_row_index(number).with_columns(pl.col(number).cast(pl.Int32))


def _pairs(known: pl.DataFrame) -> pl.DataFrame:
    """What is known of a customer and a product; weights in whole millionths, so that any order adds up alike."""
    weights = [
        ((0.5 ** (pl.col("age") / half_life)) * _SCALE).round().cast(pl.Int64).sum().alias(name)
        for name, half_life in (("decayed_days", DAY_HALF_LIFE), ("decayed_days_short", SHORT_HALF_LIFE))
    ]
    found = known.group_by("customer", "product").agg(
        *_days_within("days"), *weights, recency_days=pl.col("age").min(), first_days=pl.col("age").max()
    )
    gaps = pl.when(pl.col("days_364") > 1).then(pl.col("days_364") - 1)
    return found.with_columns(
        pl.col("decayed_days", "decayed_days_short") / _SCALE,
        usual_gap_days=(pl.col("first_days") - pl.col("recency_days")) / gaps,
    ).with_columns(gaps_since=pl.col("recency_days") / pl.col("usual_gap_days"))


def _days_within(prefix: str) -> list[pl.Expr]:
    return [(pl.col("age") < w).sum().alias(f"{prefix}_{w}") for w in (MONTH_DAYS, QUARTER_DAYS, YEAR_DAYS)]


def _products(own: pl.DataFrame) -> pl.DataFrame:
    """What is known of a product over all customers; is_on_sale: somebody bought it in the last 56 days."""
    windows = (MONTH_DAYS, QUARTER_DAYS, YEAR_DAYS)
    buyers = [(pl.col(f"days_{w}") > 0).sum().alias(f"buyers_{w}") for w in windows]
    return (
        own.group_by("product")
        .agg(*buyers, is_on_sale=pl.col("recency_days").min() < 2 * MONTH_DAYS, days=pl.col("days_364").sum())
        .with_columns(
            trend=pl.col("buyers_28") / pl.col("buyers_91").clip(1),
            days_per_buyer=pl.col("days") / pl.col("buyers_364"),
        )
        .drop("days")
    )


def _customers(known: pl.DataFrame) -> pl.DataFrame:
    by_day = known.group_by("customer", "age").len("products")
    visits = [(pl.col("age") < w).sum().alias(f"visits_{w}") for w in (MONTH_DAYS, QUARTER_DAYS)]
    bought = known.group_by("customer").agg(customer_products=pl.col("product").n_unique())
    return (
        by_day.group_by("customer")
        .agg(
            *visits,
            customer_recency_days=pl.col("age").min(),
            customer_days_91=pl.col("products").filter(pl.col("age") < QUARTER_DAYS).sum(),
        )
        .join(bought, on="customer")
    )


def _groups(known: pl.DataFrame) -> pl.DataFrame:
    return known.group_by("customer", "group").agg(
        group_days_91=(pl.col("age") < QUARTER_DAYS).sum(),
        group_days_364=pl.len(),
        group_recency_days=pl.col("age").min(),
    )


def _taste(own: pl.DataFrame, customers: int, products: int) -> Taste:
    """PureSVD of log(1 + decayed days), columns by the root of their buyers, rows by their length."""
    column = np.full(products, -1)
    counted = own.group_by("product").len().filter(pl.col("len") >= MIN_BUYERS)["product"].sort().to_numpy()
    column[counted] = np.arange(len(counted))
    factors = min(FACTORS, min(customers, len(counted)) - 1)
    if factors < 1:
        return Taste(np.zeros((customers, 1)), np.zeros((1, 1)), np.full(products, -1))
    pairs = own.select("customer", "product", "decayed_days").sort("customer", "product")
    pairs = pairs.filter(pl.Series(column[pairs["product"].to_numpy()] >= 0))
    at = (pairs["customer"].to_numpy(), column[pairs["product"].to_numpy()])
    matrix = csr_matrix((np.log1p(pairs["decayed_days"].to_numpy()), at), shape=(customers, len(counted)))
    root = np.sqrt(np.bincount(at[1], minlength=len(counted)))
    matrix = matrix @ diags(1 / root)
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix = diags(1 / np.where(length > 0, length, 1.0)) @ matrix
    right = _right_singular_vectors(matrix, factors)
    return Taste(matrix @ right, right * root[:, None], column)


def _right_singular_vectors(matrix: csr_matrix, count: int) -> np.ndarray:
    """The `count` with the largest singular values, from the eigenvectors of the smaller of A A' and A' A.

    scipy's svds does the same and then a dense QR and SVD for signs and order, which nothing here needs: 1 s of 1.5.
    """
    is_wide = matrix.shape[0] < matrix.shape[1]
    small = matrix if is_wide else matrix.T.tocsr()
    side = small.shape[0]
    square = LinearOperator((side, side), matvec=lambda x: small @ (small.T @ x), dtype=float)
    # a start of ones: without it the start is drawn, and no two nights are alike
    values, vectors = eigsh(square, k=count, v0=np.ones(side), tol=_TOLERANCE)
    return small.T @ vectors / np.sqrt(np.maximum(values, 1e-12)) if is_wide else vectors


def _near(taste: Taste, own: pl.DataFrame, lively: pl.Series) -> pl.DataFrame:
    """Each customer's NEAR products by taste among `lively` ones that the customer has not bought."""
    products = lively.sort().to_numpy()
    products = products[taste.column[products] >= 0]
    schema = pl.Schema({"customer": pl.Int32, "product": pl.Int32})
    if not len(products):
        return pl.DataFrame(schema=schema)
    points = taste.of_products[taste.column[products]].astype(np.float32).T
    place = np.full(len(taste.column), -1)
    place[products] = np.arange(len(products))
    bought = own.select("customer", "product").sort("customer", "product")
    who, what = bought["customer"].to_numpy(), place[bought["product"].to_numpy()]
    asked = np.unique(who)
    found = []
    for start in range(0, len(asked), _BLOCK):
        block = asked[start : start + _BLOCK]
        score = taste.of_customers[block].astype(np.float32) @ points
        here = (who >= block[0]) & (who <= block[-1]) & (what >= 0)
        score[np.searchsorted(block, who[here]), what[here]] = -np.inf
        count = min(NEAR, len(products))
        nearest = np.argpartition(-score, count - 1, axis=1)[:, :count]
        is_new = np.isfinite(np.take_along_axis(score, nearest, axis=1)).ravel()
        pairs = {"customer": np.repeat(block, count)[is_new], "product": products[nearest.ravel()][is_new]}
        found.append(pl.DataFrame(pairs).cast(schema))
    return pl.concat(found)
