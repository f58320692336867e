"""SIMULATED: the terms of supply. For each listed pair and each product of a warehouse: from whom, how long, in what
packs, at what cost; and the facings and minimums of the shelf.

Belongs here: what erp/sourcing and erp/ranging say. Does not: who exists (network), how orders went (stock).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from seeds.demo.files import PRICE, QUANTITY

# Delivered to the shop door by their suppliers; all else comes through a warehouse.
DIRECT_DEPARTMENTS = (
    *("PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "PASTRY", "SEAFOOD", "SEAFOOD-PCKGD", "SALAD BAR", "FLORAL"),
    *("CHEF SHOPPE", "RESTAURANT"),
)
DIRECT_CATEGORIES = ("SOFT DRINKS", "BAG SNACKS", "BEERS/ALES", "BAKED BREAD/BUNS/ROLLS", "FLUID MILK PRODUCTS")
# Unit cost as a share of the median shelf price: groceries and meat earn less than drugstore goods and prepared food.
COST_SHARE = {"GROCERY": 0.74, "MEAT": 0.76, "MEAT-PCKGD": 0.75, "PRODUCE": 0.66, "DRUG GM": 0.65, "NUTRITION": 0.68}
COST_SHARE_ELSE = 0.62
# Case of the manufacturer, cheap goods in large ones; and the inner pack that a warehouse or a driver breaks it into.
CASES = ((1.0, (12, 24)), (3.0, (8, 12, 24)), (6.0, (6, 8, 12)), (float("inf"), (4, 6)))
INNER = {4: 1, 6: 1, 8: 4, 12: 6, 24: 12}
MOST_WEEKS_OF_PACK = 6
"""A pack may hold this many weeks of the place's demand; else the next smaller one is delivered."""


def sku_terms(
    pairs: pl.DataFrame, products: pl.DataFrame, catalogue: pl.DataFrame, suppliers: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """What holds for a product everywhere: sku_id, supplier_id, is_direct, unit_cost, case_qty, and the lead times
    of its supplier to a shop door (direct_*) and to a warehouse (depot_*), in days. Sorted by sku_id."""
    rng = np.random.default_rng([seed, 1])
    skus = (
        pairs.select("product_id", "sku_id")
        .unique()
        .join(products.select("product_id", "manufacturer_id"), on="product_id")
        .join(suppliers.select("manufacturer_id", "supplier_id"), on="manufacturer_id")
        .join(catalogue.select("sku_id", "department", "category", "list_price"), on="sku_id")
        .sort("sku_id")
    )
    price = skus["list_price"].cast(pl.Float64).to_numpy()
    share = skus["department"].replace_strict(COST_SHARE, default=COST_SHARE_ELSE).to_numpy()
    share = np.clip(share + rng.normal(0, 0.03, len(price)), 0.55, 0.80)
    case = np.zeros(len(price), dtype=np.int64)
    pick = rng.random(len(price))
    for upto, sizes in CASES:
        open_ = (case == 0) & (price <= upto)
        case[open_] = np.array(sizes)[(pick[open_] * len(sizes)).astype(int)]
    leads = _supplier_leads(skus["supplier_id"].unique().sort(), rng)
    direct = pl.col("department").is_in(DIRECT_DEPARTMENTS) | pl.col("category").is_in(DIRECT_CATEGORIES)
    return (
        skus.with_columns(
            is_direct=direct.fill_null(False),
            unit_cost=pl.Series(np.maximum(np.round(price * share, 2), 0.01)),
            case_qty=pl.Series(case),
        )
        .join(leads, on="supplier_id")
        .drop("product_id", "manufacturer_id", "list_price")
        .sort("sku_id")
    )


def pair_terms(pairs: pl.DataFrame, skus: pl.DataFrame, places: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The listed pairs with their terms, one row a pair, sorted by location_id, sku_id.

    Adds supplier_id or from_location_id, lead_time_days, lead_time_sd_days, order_multiple, min_order_qty, unit_cost,
    order_weekdays (ISO, when this place may order it), facings, presentation_min_qty, shelf_capacity_qty.
    """
    rng = np.random.default_rng([seed, 2])
    stores = places.filter(pl.col("location_type") == "store").select("location_id", "supplied_by").sort("location_id")
    stores = stores.with_columns(feeder_lead=pl.Series(rng.integers(1, 4, stores.height)))
    frame = pairs.join(skus, on="sku_id").join(stores, on="location_id").sort("location_id", "sku_id")
    direct, weekly = pl.col("is_direct"), pl.col("rate") * 7
    frame = frame.with_columns(
        from_location_id=pl.when(~direct).then("supplied_by"),
        supplier_id=pl.when(direct).then("supplier_id"),
        lead_time_days=pl.when(direct).then("direct_lead").otherwise("feeder_lead").cast(pl.Float64),
        lead_time_sd_days=pl.when(direct).then("direct_sd").otherwise(0.5),
        order_multiple=_pack(weekly),
        facings=(1 + weekly / 3).floor().clip(1, 4).cast(pl.Int64),
        presentation_min_qty=(1 + weekly).floor().clip(1, 4).cast(pl.Int64),
    )
    doubled = pl.Series(rng.random(frame.height) < 0.1)  # one line in ten asks for two packs at least
    return frame.with_columns(
        min_order_qty=pl.when(doubled & (pl.col("order_multiple") == 1)).then(2).otherwise("order_multiple"),
        shelf_capacity_qty=(pl.col("facings") * 6).clip((weekly * 4).ceil() + pl.col("order_multiple")).cast(pl.Int64),
    )


def depot_terms(pairs: pl.DataFrame, skus: pl.DataFrame) -> pl.DataFrame:
    """What each warehouse stocks: one row a warehouse and product that it feeds, with the same terms as a pair (no
    shelf), listed since the first of its stores; rate is the sum of theirs, added up in millionths so that no order of
    addition shows. Sorted by location_id, sku_id."""
    fed = pairs.filter(pl.col("from_location_id").is_not_null())
    depots = (
        fed.group_by(location_id="from_location_id", sku_id="sku_id")
        .agg(rate=(pl.col("rate") * 1e6).round().cast(pl.Int64).sum() / 1e6, listed_on=pl.col("listed_on").min())
        .join(skus, on="sku_id")
        .sort("location_id", "sku_id")
    )
    return depots.with_columns(
        from_location_id=pl.lit(None, dtype=pl.String),
        lead_time_days=pl.col("depot_lead").cast(pl.Float64),
        lead_time_sd_days="depot_sd",
        order_multiple="case_qty",
        min_order_qty=pl.when(pl.col("rate") * 7 > pl.col("case_qty"))
        .then(2 * pl.col("case_qty"))
        .otherwise("case_qty"),
    )


def sourcing(pairs: pl.DataFrame, depots: pl.DataFrame) -> pl.DataFrame:
    """The extract erp/sourcing: one row a listed pair and a warehouse product, valid since it is listed."""
    columns = ["sku_id", "location_id", "supplier_id", "from_location_id", "lead_time_days", "lead_time_sd_days"]
    quantities = [pl.col(name).cast(QUANTITY) for name in ("min_order_qty", "order_multiple")]
    rows = [
        frame.select(*columns, *quantities, pl.col("unit_cost").cast(PRICE), valid_from="listed_on")
        for frame in (pairs, depots)
    ]
    return pl.concat(rows).sort("location_id", "sku_id")


def ranging(listed: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The extract erp/ranging: what is listed in which store, with the shelf of what is stocked (`pair_terms`).

    Nothing is delisted within the year.
    """
    quantities = [pl.col(name).cast(QUANTITY) for name in ("presentation_min_qty", "shelf_capacity_qty")]
    shelf = pairs.select("sku_id", "location_id", "facings", *quantities, stocked_on="listed_on")
    return (
        listed.join(shelf, on=["sku_id", "location_id"], how="left")
        .select(
            "sku_id",
            "location_id",
            pl.coalesce("stocked_on", "listed_on").alias("listed_on"),
            "facings",
            "presentation_min_qty",
            "shelf_capacity_qty",
        )
        .sort("location_id", "sku_id")
    )


def _pack(weekly: pl.Expr) -> pl.Expr:
    """The largest of case, inner pack and single unit that holds at most six weeks of demand."""
    case = pl.col("case_qty")
    inner = case.replace_strict(INNER)
    most = weekly * MOST_WEEKS_OF_PACK
    return pl.when(case <= most).then(case).when(inner <= most).then(inner).otherwise(1)


def _supplier_leads(suppliers: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    depot = rng.integers(4, 15, len(suppliers))
    return pl.DataFrame(
        {
            "supplier_id": suppliers,
            "direct_lead": rng.integers(1, 4, len(suppliers)),
            "direct_sd": np.round(rng.uniform(0.3, 0.9, len(suppliers)), 1),
            "depot_lead": depot,
            "depot_sd": np.round(depot * rng.uniform(0.15, 0.35, len(suppliers)), 1),
        }
    )
