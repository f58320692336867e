"""Displays, mailers and coupons: erp/promotions and erp/promotion_items, and the calendar erp/events.

The data set says, per product, store and week, where the product was displayed and where in the mailer it stood. One
week and one place in the store are one promotion of mechanic `display`; one week and one place in the mailer are one
of mechanic `mailer`. Items are the products and stores. A row with both gives two items; rows that differ only in the
other place give one.

A coupon of a campaign is a promotion too (amount_off: manufacturer's coupons; their worth is not in the data), so that
the redemptions point at something. Its products are not delivered as items: a coupon is an offer to the households of
a campaign, and as an item "everywhere" it would call 21 % of all till lines promoted (308,707).

Belongs here: what was promoted, when and where. Does not: who redeemed what (loyalty).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa

# From the data set's guide. '0' means: not on display, not in the mailer.
DISPLAYS = {
    "1": "store front",
    "2": "store rear",
    "3": "front end cap",
    "4": "mid-aisle end cap",
    "5": "rear end cap",
    "6": "side-aisle end cap",
    "7": "in-aisle",
    "9": "secondary location",
    "A": "in-shelf",
}
MAILERS = {
    "A": "interior page feature",
    "C": "interior page line item",
    "D": "front page feature",
    "F": "back page feature",
    "H": "wrap front feature",
    "J": "wrap interior coupon",
    "L": "wrap back feature",
    "P": "interior page coupon",
    "X": "free on interior page",
    "Z": "free on front page, back page or wrap",
}
_MECHANICS = (("display", "display_location", DISPLAYS), ("mailer", "mailer_location", MAILERS))


def coupon_id() -> pl.Expr:
    """The promotion_id of a coupon in a campaign, from the columns coupon_upc and campaign_id."""
    return pl.format("coupon-{}-{}", "coupon_upc", "campaign_id")


def weeks(lines: pl.DataFrame) -> pl.DataFrame:
    """First and last trading day of each week of the data set: week, starts_on, ends_on (Monday to Sunday; week 1 is
    1 January alone, week 53 starts on 26 December because the stores were shut on the 25th)."""
    return lines.group_by("week").agg(starts_on=pl.col("sold_on").min(), ends_on=pl.col("sold_on").max()).sort("week")


def promotion_list(
    promotions: pl.LazyFrame, week_dates: pl.DataFrame, coupons: pl.DataFrame, campaigns: pl.DataFrame
) -> pl.DataFrame:
    """The extract erp/promotions, sorted by promotion_id."""
    parts = []
    for mechanic, column, names in _MECHANICS:
        seen = promotions.filter(pl.col(column) != "0").select("week", place=column).unique().collect()
        label = pl.col("place").replace_strict(names, default=pl.col("place"))
        parts.append(
            seen.join(week_dates, on="week").select(
                promotion_id=_promotion_id(mechanic),
                name=pl.format("{}: {}, week {}", pl.lit(mechanic.capitalize()), label, "week"),
                mechanic=pl.lit(mechanic),
                starts_on="starts_on",
                ends_on="ends_on",
            )
        )
    parts.append(
        coupons.select("coupon_upc", "campaign_id")
        .unique()
        .join(campaigns, on="campaign_id")
        .select(
            promotion_id=coupon_id(),
            name=pl.format("Coupon {} of campaign {}", "coupon_upc", "campaign_id"),
            mechanic=pl.lit("amount_off"),
            starts_on=pl.col("start_date").dt.date(),
            ends_on=pl.col("end_date").dt.date(),
        )
    )
    return pl.concat(parts).sort("promotion_id")


def promotion_items(promotions: pl.LazyFrame, weeks: list[int]) -> Iterator[pa.Table]:
    """The extract erp/promotion_items, one table a week and mechanic, each sorted by promotion, product and store.

    Text columns are dictionary-encoded: 23 million rows are sorted and written as codes, which keeps one week at
    about 0.1 s and the whole demo below 1.4 GB.
    """
    for week in weeks:
        frame = promotions.filter(pl.col("week") == week).collect()
        if frame.is_empty():
            continue
        sku_code, skus = _codes(frame["product_id"])
        store_code, stores = _codes(frame["store_id"])
        for mechanic, column, _ in _MECHANICS:
            places = frame[column].unique().sort()
            place_code = frame[column].cast(pl.Enum(places)).to_physical().to_numpy().astype(np.int64)
            key = (place_code * len(skus) + sku_code) * len(stores) + store_code
            key = _sorted_distinct(key[(frame[column] != "0").to_numpy()])
            key, store = np.divmod(key, len(stores))
            place, sku = np.divmod(key, len(skus))
            ids = (
                pl.DataFrame({"place": places, "week": [week] * len(places)})
                .select(_promotion_id(mechanic))
                .to_series()
            )
            yield pa.table(
                {
                    "promotion_id": pa.DictionaryArray.from_arrays(place.astype(np.int32), pa.array(ids.to_list())),
                    "sku_id": pa.DictionaryArray.from_arrays(sku.astype(np.int32), pa.array(skus)),
                    "location_id": pa.DictionaryArray.from_arrays(store.astype(np.int32), pa.array(stores)),
                }
            )


def holidays_of(years: list[int]) -> pl.DataFrame:
    """The extract erp/events: public holidays of the United States, by the package `holidays`."""
    from holidays import country_holidays

    days: list[tuple[date, str]] = sorted(country_holidays("US", years=years).items())
    events = [(day, name) for day, names in days for name in names.split("; ")]
    return pl.DataFrame(events, schema=["date", "event_name"], orient="row").with_columns(
        event_type=pl.lit("public_holiday")
    )


def _promotion_id(mechanic: str) -> pl.Expr:
    return pl.format("{}-{}-w{}", pl.lit(mechanic), "place", pl.col("week").cast(pl.String).str.zfill(2))


def _codes(ids: pl.Series) -> tuple[np.ndarray, list[str]]:
    """Each id's place among the distinct ids sorted as text, and those ids."""
    numbers = _sorted_distinct(ids.to_numpy())
    text = numbers.astype(str)
    order = np.argsort(text)
    rank = np.empty(len(numbers), dtype=np.int64)
    rank[order] = np.arange(len(numbers))
    return rank[np.searchsorted(numbers, ids.to_numpy())], text[order].tolist()


def _sorted_distinct(values: np.ndarray) -> np.ndarray:
    """np.unique by sorting: that of numpy 2.4 hashes, which took 82 ms for 300,000 keys where this takes 3."""
    values = np.sort(values)
    return values[np.concatenate(([True], values[1:] != values[:-1]))] if len(values) else values
