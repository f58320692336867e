"""SIMULATED: how the company planned, and what that left behind: erp/inventory, erp/purchase_orders, erp/transfers.

Belongs here: the planner's parameters and the extracts of the simulated year. Does not: its mechanics (stock).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pyarrow as pa

from seeds.demo.files import AMOUNT, PRICE, QUANTITY, decimals
from seeds.demo.network import DAYS, FIRST_DAY, LAST_DAY
from seeds.demo.stock import Ledger, Terms, simulate

SHUT_DAY = date(2017, 12, 25)
ORDERS_SINCE = LAST_DAY - timedelta(days=13 * 7 - 1)
"""Orders and transfers are delivered when they arrived in the last 13 weeks of the year, or were still open."""


@dataclass(frozen=True)
class Year:
    """The simulated year: store rows and depot rows (frames of terms) and their ledgers, in the same order."""

    pairs: pl.DataFrame
    depots: pl.DataFrame
    stores: Ledger
    houses: Ledger


def live_through(
    pairs: pl.DataFrame, depots: pl.DataFrame, suppliers: pl.DataFrame, lines: pl.DataFrame, seed: int
) -> Year:
    """Simulate 2017 for the listed pairs and the depots, from the real sales in `lines` (`tills.Tills.lines`)."""
    sales = _sales_by_day(pairs, lines)
    feeder = (
        pairs.select(location_id="from_location_id", sku_id="sku_id")
        .join(
            depots.select("location_id", "sku_id").with_row_index("feeder"),
            on=["location_id", "sku_id"],
            how="left",
            maintain_order="left",
        )
        .select(pl.col("feeder").cast(pl.Int64).fill_null(-1))
        .to_series()
        .to_numpy()
    )
    rng = np.random.default_rng([seed, 6])
    stores = _terms(pairs, _store_order_days(pairs, suppliers), rng, care=(0.8, 0.7), weeks=(1.0, 4.0))
    houses = _terms(depots, _supplier_order_days(depots, suppliers), rng, care=(1.5, 0.5), weeks=(2.0, 4.0))
    shut = {(SHUT_DAY - FIRST_DAY).days}
    return Year(pairs, depots, *simulate(stores, sales, houses, feeder, FIRST_DAY.weekday(), shut, seed))


def inventory(year: Year) -> Iterator[tuple[str, pa.Table]]:
    """The extract erp/inventory, one table a month: ("2017-01", rows sorted by snapshot_date, location_id, sku_id).

    One row a day for every listed pair and every warehouse product, since the day it is listed.
    """
    columns = ["location_id", "sku_id", "listed_on", "unit_cost"]
    rows = pl.concat([year.pairs.select(columns), year.depots.select(columns)]).with_row_index("row")
    rows = rows.sort("location_id", "sku_id")
    close = np.hstack([year.stores.close, year.houses.close])[:, rows["row"].to_numpy()]
    listed_day = _day(rows["listed_on"])
    cost = np.rint(rows["unit_cost"].to_numpy() * 10_000).astype(np.int64)
    months = np.array([(FIRST_DAY + timedelta(days=day)).month for day in range(DAYS)])
    for month in range(1, 13):
        day = np.flatnonzero(months == month)
        which, row = np.nonzero(listed_day[None, :] <= day[:, None])
        dates = (np.datetime64(FIRST_DAY) + day[which]).astype("datetime64[D]")
        yield (
            f"2017-{month:02d}",
            pa.table(
                {
                    "snapshot_date": pa.array(dates),
                    "location_id": _take(rows["location_id"], row),
                    "sku_id": _take(rows["sku_id"], row),
                    "on_hand_qty": decimals(close[day[which], row].astype(np.int64) * 1000, 3),
                    "unit_cost": decimals(cost[row], 4),
                }
            ),
        )


def purchase_orders(year: Year) -> pl.DataFrame:
    """The extract erp/purchase_orders: lines from suppliers, to shop doors and to warehouses. One order is what one
    supplier got from one place on one day."""
    lines = pl.concat([_order_lines(year.pairs, year.stores), _order_lines(year.depots, year.houses)])
    lines = _numbered(lines.filter(pl.col("supplier_id").is_not_null()), "PO", "supplier_id")
    is_open = pl.col("received_on").is_null()
    return lines.select(
        po_id="number",
        line_number="line_number",
        supplier_id="supplier_id",
        location_id="location_id",
        sku_id="sku_id",
        ordered_on="ordered_on",
        expected_on="expected_on",
        received_on="received_on",
        ordered_qty=pl.col("ordered_qty").cast(QUANTITY),
        received_qty=pl.when(~is_open).then("received_qty").cast(QUANTITY),
        unit_cost=pl.col("unit_cost").cast(PRICE),
        status=pl.when(is_open).then(pl.lit("open")).otherwise(pl.lit("received")),
    )


def transfers(year: Year) -> pl.DataFrame:
    """The extract erp/transfers: what the warehouses shipped to their stores, received or still on its way."""
    lines = _order_lines(year.pairs, year.stores).filter(pl.col("from_location_id").is_not_null())
    return _numbered(lines, "TR", "from_location_id").select(
        transfer_id="number",
        line_number="line_number",
        from_location_id="from_location_id",
        to_location_id="location_id",
        sku_id="sku_id",
        shipped_on="ordered_on",
        expected_on="expected_on",
        received_on="received_on",
        qty=pl.col("received_qty").cast(QUANTITY),
    )


def with_minimum_values(suppliers: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """The extract erp/suppliers: min_order_value is the value that nine in ten of the supplier's orders reached, in
    steps of 5. It is small because the sample's orders are."""
    value_e4 = pl.col("ordered_qty").cast(pl.Int64) * (pl.col("unit_cost").cast(pl.Float64) * 10_000).round()
    values = (
        orders.group_by("supplier_id", "po_id")
        .agg(value_e4=value_e4.cast(pl.Int64).sum())
        .group_by("supplier_id")
        .agg(least_e4=pl.col("value_e4").quantile(0.1, "lower"))
    )
    least = ((pl.col("least_e4").fill_null(0) / 50_000).floor() * 5).cast(AMOUNT)
    columns = ["supplier_id", "supplier_name", "order_weekdays"]
    frame = suppliers.select(columns).unique().join(values, on="supplier_id", how="left")
    return frame.select(*columns, min_order_value=least).sort("supplier_id")


def _terms(
    frame: pl.DataFrame,
    order_days: np.ndarray,
    rng: np.random.Generator,
    *,
    care: tuple[float, float],
    weeks: tuple[float, float],
) -> Terms:
    """A planner who knows the demand only roughly (factor e^±0.4) and is more or less careful: the reorder point is
    demand over lead time and review plus `care` (mean, spread) square roots of it; the level is `weeks` (from, to)
    of demand above."""
    count = frame.height
    rate = frame["rate"].to_numpy() * np.exp(rng.normal(0, 0.4, count))
    review = 7 / order_days.sum(axis=0)
    lead = frame["lead_time_days"].to_numpy()
    protected = rate * (lead + review)
    low = np.rint(protected + rng.normal(*care, count) * np.sqrt(protected)).clip(0).astype(np.int64)
    multiple = frame["order_multiple"].to_numpy().astype(np.int64)
    cover = np.ceil(rate * 7 * rng.uniform(*weeks, count)).astype(np.int64)
    return Terms(
        first_day=_day(frame["listed_on"]),
        low=low,
        high=low + np.maximum(multiple, cover),
        multiple=multiple,
        minimum=frame["min_order_qty"].to_numpy().astype(np.int64),
        lead_days=lead,
        lead_sd=frame["lead_time_sd_days"].to_numpy(),
        order_days=order_days,
        is_supplied=frame["supplier_id"].is_not_null().to_numpy(),
    )


def _supplier_order_days(frame: pl.DataFrame, suppliers: pl.DataFrame) -> np.ndarray:
    weekdays = dict(suppliers.select("supplier_id", "order_weekdays").iter_rows())
    return np.array(
        [[str(day) in weekdays.get(name, "") for name in frame["supplier_id"]] for day in range(1, 8)], dtype=bool
    )


def _store_order_days(pairs: pl.DataFrame, suppliers: pl.DataFrame) -> np.ndarray:
    """Direct rows on their supplier's days; the others when the warehouse's van comes, twice a week."""
    rounds = {place: place_rank % 3 for place_rank, place in enumerate(pairs["location_id"].unique().sort())}
    first = np.array([rounds[place] for place in pairs["location_id"]])
    van = np.array([(day % 3 == first) & (day < 6) for day in range(7)])
    return np.where(pairs["supplier_id"].is_null().to_numpy(), van, _supplier_order_days(pairs, suppliers))


def _sales_by_day(pairs: pl.DataFrame, lines: pl.DataFrame) -> np.ndarray:
    sold = (
        lines.join(pairs.select("store_id", "product_id").with_row_index("row"), on=["store_id", "product_id"])
        .group_by("row", "sold_on")
        .agg(units=pl.col("quantity_e3").sum() // 1000)
    )
    sales = np.zeros((DAYS, pairs.height), dtype=np.int32)
    sales[_day(sold["sold_on"]), sold["row"].to_numpy()] = sold["units"].to_numpy()
    return sales


def _order_lines(rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """Orders that arrived since ORDERS_SINCE or are open at the year's end, joined with their rows."""
    orders = ledger.orders

    def dates(day: np.ndarray) -> pl.Series:
        return pl.Series((np.datetime64(FIRST_DAY) + day).astype("datetime64[D]"))

    frame = pl.DataFrame(
        {
            "ordered_on": dates(orders.ordered_day),
            "expected_on": dates(orders.expected_day),
            "received_on": dates(orders.arrives_day),
            "ordered_qty": orders.ordered_qty,
            "received_qty": orders.received_qty,
        }
    )
    columns = ["location_id", "sku_id", "supplier_id", "from_location_id", "unit_cost"]
    frame = frame.hstack(rows.select(columns)[orders.row])
    frame = frame.filter(pl.col("received_on") >= ORDERS_SINCE)
    return frame.with_columns(received_on=pl.when(pl.col("received_on") <= LAST_DAY).then("received_on"))


def _numbered(lines: pl.DataFrame, prefix: str, sender: str) -> pl.DataFrame:
    """Give orders their numbers, in order of day, sender and place; and lines theirs, in order of product."""
    head = ["ordered_on", sender, "location_id"]
    lines = lines.sort(*head, "sku_id", "expected_on", "received_on", "ordered_qty", nulls_last=True)
    number = pl.struct(head).rle_id() + 1
    return lines.with_columns(number=pl.format(prefix + "-{}", number.cast(pl.String).str.zfill(6))).with_columns(
        line_number=pl.int_range(1, pl.len() + 1).over("number")
    )


def _day(dates: pl.Series) -> np.ndarray:
    return (dates.to_numpy().astype("datetime64[D]") - np.datetime64(FIRST_DAY)).astype(np.int64)


def _take(names: pl.Series, row: np.ndarray) -> pa.DictionaryArray:
    coded = names.to_arrow().cast(pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices.to_numpy()[row], coded.dictionary)
