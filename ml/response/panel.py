"""Weeks of sales with what was asked for them, laid out for the regression.

What belongs here: the shape of the input, and regressors made of prices and promotions. What does not: estimating.

A product whose price is known only when it sells says that cheap weeks sell, so weeks come from products that sold in
nearly all of them, or whose price list was delivered (dbt: int_product_price_weeks decides, this room only reads).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

PRICE, DISCOUNT, ENDED, TREND = "price", "discount", "ended", "trend"
# extra sales of a mechanic come beside what its discount explains: a display without one has only this
MECHANIC = "on "
# mechanics that do not make the product itself cheaper
_FULL_PRICE = ("display", "mailer", "gift")
WEEKS_SCHEMA = pl.Schema(
    {
        "sku_id": pl.String,
        "zone_id": pl.String,
        "week_start": pl.Date,
        "units_qty": pl.Float64,
        "price": pl.Float64,
        "paid_price": pl.Float64,
        "availability_share": pl.Float64,
    }
)
MECHANICS_SCHEMA = pl.Schema(
    {"sku_id": pl.String, "week_start": pl.Date, "mechanic": pl.String, "promoted_share": pl.Float64}
)
LEVELS = ("department", "category")
_LEAST_DISCOUNT = 0.02  # below that, lines of other days or a rounded price
_LEAST_AVAILABLE = 0.2  # a week with less says nothing of demand
_LEAST_OFFERED = 0.2  # of a week and its places, up to which a product still counts as at rest
DEEPEST = np.log(4.0)  # 75 % off: beyond it a mistake of the till


@dataclass(frozen=True)
class WeekPanel:
    """Rows of product, zone and week, sorted by product, zone, week.

    sku, zone, week: codes (int); zone numbers pairs of product and zone. units: sold. open_share: of the week with
    stock. price: on the shelf. values (rows, regressors) by `names`. depth: log of price over price paid while an offer
    holds, discount_part: on what part of the week it does, 0 to 1. category, department: code by product. skus,
    categories, departments: names.
    """

    sku: np.ndarray
    zone: np.ndarray
    week: np.ndarray
    units: np.ndarray
    open_share: np.ndarray
    values: np.ndarray
    price: np.ndarray
    depth: np.ndarray
    discount_part: np.ndarray
    names: tuple[str, ...]
    skus: pl.Series
    category: np.ndarray
    department: np.ndarray
    categories: pl.Series
    departments: pl.Series

    @property
    def weeks(self) -> int:
        """Number of weeks from the first to the last."""
        return int(self.week.max()) + 1 if len(self.week) else 0

    def is_at_rest(self) -> np.ndarray:
        """Rows without discount, mechanic or a discount that has just ended."""
        cheaper = [i for i, name in enumerate(self.names) if name in (DISCOUNT, ENDED)]
        shown = [i for i, name in enumerate(self.names) if name.startswith(MECHANIC)]
        return ~((self.values[:, cheaper] != 0.0).any(axis=1) | (self.values[:, shown] > _LEAST_OFFERED).any(axis=1))


def with_stock(weeks: pl.DataFrame) -> pl.DataFrame:
    """The weeks that say something of demand."""
    return weeks.filter(pl.col("availability_share").fill_null(1.0) >= _LEAST_AVAILABLE)


def lay_out(weeks: pl.DataFrame, mechanics: pl.DataFrame, products: pl.DataFrame) -> WeekPanel:
    """Return the panel.

    weeks: WEEKS_SCHEMA, one row a product, zone and week with stock, at least one; price > 0, paid_price null: as
    price. mechanics: MECHANICS_SCHEMA. products: sku_id, department, category; unknown ones count as one group.

    Raises:
        ValueError: a product, zone and week comes twice, or a price is not above zero.
    """
    rows = weeks.select(pl.col(name).cast(kind) for name, kind in WEEKS_SCHEMA.items())
    if rows.select("sku_id", "zone_id", "week_start").is_duplicated().any():
        raise ValueError("a product, zone and week comes twice in the weeks of sales")
    if not (rows["price"] > 0).all():
        raise ValueError("the weeks of sales hold a price that is not above zero")
    groups = products.select("sku_id", *(pl.col(name).fill_null("unknown") for name in LEVELS)).unique("sku_id")
    rows = (
        rows.join(groups, on="sku_id", how="left")
        .with_columns(pl.col(name).fill_null("unknown") for name in LEVELS)
        .with_columns(_discount())
        .sort("sku_id", "zone_id", "week_start")
    )
    rows, shown = _with_mechanics(rows, mechanics)
    shelf_price, depth = rows["price"].to_numpy(), rows[DISCOUNT].to_numpy()
    rows = rows.with_columns(_ended(), _log_price(), _trend())
    names = (PRICE, DISCOUNT, ENDED, TREND, *shown)
    skus = rows["sku_id"].unique().sort()
    of_sku = skus.to_frame().join(rows.select("sku_id", *LEVELS).unique("sku_id"), on="sku_id", maintain_order="left")
    department = of_sku["department"]
    category = department + "\x1f" + of_sku["category"]
    categories, departments = category.unique().sort(), department.unique().sort()
    first = rows["week_start"].min()
    pairs = rows.select((pl.struct("sku_id", "zone_id").rle_id()).alias("pair")).to_series()
    return WeekPanel(
        sku=_codes(rows["sku_id"], skus),
        zone=pairs.to_numpy().astype(np.int64),
        week=((rows["week_start"] - first).dt.total_days() // 7).to_numpy().astype(np.int64),
        units=rows["units_qty"].clip(0.0).to_numpy(),
        open_share=rows["availability_share"].fill_null(1.0).clip(_LEAST_AVAILABLE, 1.0).to_numpy(),
        values=rows.select(names).to_numpy().astype(np.float64),
        price=shelf_price,
        depth=depth,
        discount_part=_discount_part(rows),
        names=names,
        skus=skus,
        category=_codes(category, categories),
        department=_codes(department, departments),
        categories=categories,
        departments=departments,
    )


def _codes(values: pl.Series, known: pl.Series) -> np.ndarray:
    return known.search_sorted(values).to_numpy().astype(np.int64)


def _discount() -> pl.Expr:
    """Log of price over price paid, 0 where they are one: elasticities are then of the price paid."""
    ratio = (pl.col("price") / pl.col("paid_price")).log().clip(0.0, DEEPEST)
    return pl.when(ratio >= -np.log1p(-_LEAST_DISCOUNT)).then(ratio).otherwise(0.0).alias(DISCOUNT)


def _with_mechanics(rows: pl.DataFrame, mechanics: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Add one column a mechanic: the share of the product's places and days that took part."""
    names = []
    for mechanic in mechanics["mechanic"].drop_nulls().unique().sort():
        name = MECHANIC + mechanic
        own = mechanics.filter(pl.col("mechanic") == mechanic).select(
            "sku_id", "week_start", pl.col("promoted_share").clip(0.0, 1.0).alias(name)
        )
        rows = rows.join(own, on=["sku_id", "week_start"], how="left", maintain_order="left")
        rows = rows.with_columns(pl.col(name).fill_null(0.0))
        names.append(name)
    return rows, tuple(names)


def _discount_part(rows: pl.DataFrame) -> np.ndarray:
    """The largest part of the week on which a mechanic made the product cheaper; 1 where none is known of."""
    cheaper = [pl.col(name) for name in rows.columns if _is_cheaper(name)]
    if not cheaper:
        return np.ones(rows.height)
    part = pl.max_horizontal(cheaper)
    return rows.select(pl.when(part > 0.0).then(part).otherwise(1.0)).to_series().to_numpy()


def _is_cheaper(name: str) -> bool:
    return name.startswith(MECHANIC) and name.removeprefix(MECHANIC) not in _FULL_PRICE


def _ended() -> pl.Expr:
    """The discount of the week before, where there is none now: what was stocked up and is not bought now."""
    pair = ["sku_id", "zone_id"]
    before = pl.col(DISCOUNT).shift(1).over(pair)
    is_next = pl.col("week_start") - pl.col("week_start").shift(1).over(pair) == pl.duration(days=7)
    return pl.when(is_next & (pl.col(DISCOUNT) == 0.0)).then(before).fill_null(0.0).alias(ENDED)


def _log_price() -> pl.Expr:
    """Log of the shelf price over its median of the pair."""
    return (pl.col("price") / pl.col("price").median().over("sku_id", "zone_id")).log().alias(PRICE)


def _trend() -> pl.Expr:
    """Years from the middle of all weeks: a product that grows while prices rise has no positive elasticity."""
    middle = pl.col("week_start").min() + (pl.col("week_start").max() - pl.col("week_start").min()) / 2
    return ((pl.col("week_start") - middle).dt.total_days() / 365.0).alias(TREND)
