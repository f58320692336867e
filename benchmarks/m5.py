"""The M5 files (Walmart, Kaggle `m5-forecasting-accuracy`) read, cut at a day, and written as canonical extracts.

Belongs here: everything that knows how the official files look. Formulas are in metrics.py, a forecasting problem made
from these arrays in problem.py.

    python -m benchmarks.m5 --home DIR [--data DIR] [--until d_1731] [--stores CA_1,TX_2] [--price-plan-weeks N]
"""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "m5"
KEYS = ("item_id", "dept_id", "cat_id", "store_id", "state_id")
WHERE_FROM = (
    "pass --data DIR with the official files, CSV or Parquet: sales_train_evaluation.csv (or _validation), "
    "sell_prices.csv and calendar.csv, from the Kaggle competition m5-forecasting-accuracy, under its rules"
)


class M5MissingError(Exception):
    """The official files are not where they were looked for; the message says which and what to do."""


@dataclass(frozen=True)
class M5:
    """The official files as arrays.

    series: one row a series with the KEYS, in the file's order. units: int16 (series, days), column k is day d_(k+1).
    calendar: one row a day, in order, also beyond the last day of `units`. prices: store_id, item_id, wm_yr_wk,
    sell_price.
    """

    series: pl.DataFrame
    units: np.ndarray
    calendar: pl.DataFrame
    prices: pl.DataFrame

    @property
    def days(self) -> int:
        """Return the number of days with sales."""
        return int(self.units.shape[1])

    @property
    def dates(self) -> list[date]:
        """Return the date of each day with sales."""
        return self.calendar["date"].head(self.days).to_list()


def load(data: Path = DEFAULT_DATA, stores: list[str] | None = None) -> M5:
    """Read the official files, CSV or Parquet, whole or for some stores.

    Raises:
        M5MissingError: a file is absent, or a store is not in it.
    """
    calendar = _scan(_one_file(data, "calendar")).with_columns(pl.col("date").cast(pl.String).str.to_date())
    sales = _scan(_widest(data, "sales_train_"))
    prices = _scan(_one_file(data, "sell_prices"))
    if stores:
        sales, prices = (frame.filter(pl.col("store_id").is_in(stores)) for frame in (sales, prices))
    days = [name for name in sales.collect_schema().names() if name.startswith("d_")]
    wide = sales.select(*KEYS, *(pl.col(day).cast(pl.Int16) for day in days)).collect()
    absent = set(stores or []) - set(wide["store_id"])
    if absent:
        raise M5MissingError(f"{data}: has no store {', '.join(sorted(absent))}")
    units = np.ascontiguousarray(wide.select(days).to_numpy())
    return M5(
        wide.select(KEYS),
        units,
        calendar.sort("date").collect(),
        prices.sort("store_id", "item_id", "wm_yr_wk").collect(),
    )


def day_number(day: str) -> int:
    """Return 1731 for `d_1731`.

    Raises:
        ValueError: the text is not of that form.
    """
    if not day.startswith("d_") or not day[2:].isdigit():
        raise ValueError(f"{day!r} is not a day of M5 — write it as d_1731")
    return int(day[2:])


def cut(m5: M5, until: int, price_plan_weeks: int = 0) -> M5:
    """Keep what was known at the close of day `until`: sales up to it, prices of the weeks begun by then.

    The competition gave the prices of the weeks to forecast as well: `price_plan_weeks` keeps that many more. The
    calendar stays whole, events and SNAP days are fixed years ahead.
    """
    if not 1 <= until <= m5.days:
        raise ValueError(f"d_{until} is not among d_1..d_{m5.days}")
    weeks = m5.calendar["wm_yr_wk"].unique().sort()
    last = weeks.index_of(m5.calendar["wm_yr_wk"][until - 1]) or 0
    known = weeks[min(last + price_plan_weeks, len(weeks) - 1)]
    return replace(m5, units=m5.units[:, :until], prices=m5.prices.filter(pl.col("wm_yr_wk") <= known))


def money(m5: M5, start: int, stop: int) -> np.ndarray:
    """Return the sales in money of days d_start..d_stop (inclusive) as float64 (series, days); 0 without a price."""
    cents = _cents(m5.series, m5.prices, _weeks(m5, start, stop))
    return m5.units[:, start - 1 : stop] * np.nan_to_num(cents) / 100


def known_prices(m5: M5, stop: int) -> np.ndarray:
    """Return the prices of days d_1..d_stop as float32 (series, days), also beyond the last day of `units`.

    A day without a price has the last known one; before the first price it is NaN.
    """
    prices = (_cents(m5.series, m5.prices, _weeks(m5, 1, stop)) / 100).astype(np.float32)
    has = ~np.isnan(prices)
    newest = np.maximum.accumulate(np.where(has, np.arange(stop, dtype=np.int32), 0), axis=1)
    return np.take_along_axis(prices, newest, axis=1)


def series_and_demand(m5: M5) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what the forecast step is given: the series, in the file's order, and their demand by day.

    series: series_id (from 1), sku_id, location_id, is_pooled, region, department, category. demand: series_id, date,
    quantity, the days with sales alone.
    """
    series = m5.series.select(
        series_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int32),
        sku_id="item_id",
        location_id="store_id",
        is_pooled=pl.lit(value=False),
        region="state_id",
        department="dept_id",
        category="cat_id",
    )
    row, day = np.nonzero(m5.units)
    demand = pl.DataFrame(
        {
            "series_id": (row + 1).astype(np.int32),
            "date": pl.Series(m5.dates).gather(day),
            "quantity": m5.units[row, day].astype(float),
        }
    )
    return series, demand


def write_extracts(m5: M5, landing: Path) -> dict[str, int]:
    """Write the canonical extracts of a company under `landing`, its settings beside it; returns the rows of each feed.

    Sales go to one Parquet file a store, so that no more than a store is held in memory as rows.

    Raises:
        FileExistsError: `landing` holds sales already; extracts are never mixed or replaced.
    """
    if any(landing.glob("pos/sales/*")):
        raise FileExistsError(f"{landing / 'pos/sales'} holds files already — give an empty home directory")
    rows = {"pos/sales": 0}
    for store in m5.series["store_id"].unique().sort():
        lines = sales_lines(m5, store)
        _write(lines, landing / "pos/sales" / f"{store}.parquet")
        rows["pos/sales"] += lines.height
    for feed, frame, suffix in (
        ("erp/products", products(m5), "csv"),
        ("erp/locations", locations(m5), "csv"),
        ("erp/prices", price_spans(m5), "parquet"),
        ("erp/events", events(m5), "csv"),
    ):
        _write(frame, landing / feed / f"{feed.split('/')[1]}.{suffix}")
        rows[feed] = frame.height
    # the stores are American ones; its public holidays are in the calendar that peers are given too
    (landing.parent / "shelfcast.yml").write_text("company: M5\ncalendar: {country: US}\n", encoding="utf-8")
    return rows


def sales_lines(m5: M5, store: str) -> pl.DataFrame:
    """Return the feed pos/sales of one store: a receipt a day, a line an item that sold and has a price, sorted."""
    mine = (m5.series["store_id"] == store).to_numpy()
    order = np.argsort(m5.series["item_id"].to_numpy()[mine], kind="stable")
    items = m5.series.filter(pl.Series(mine))[order]
    units = m5.units[mine][order]
    cents = _cents(items, m5.prices.filter(pl.col("store_id") == store), _weeks(m5, 1, m5.days))
    # transposed, so that the lines come sorted by day and item
    day, item = np.nonzero(((units > 0) & ~np.isnan(cents)).T)
    sold, price = units[item, day].astype(np.int64), cents[item, day]
    dates = pl.Series(m5.dates)
    receipts = store + "-" + dates.dt.to_string("iso")
    return pl.DataFrame(
        {
            "transaction_id": receipts.gather(day),
            "line_number": pl.Series(item + 1, dtype=pl.Int32),
            "sold_at": dates.cast(pl.Datetime("us")).gather(day),
            "channel": pl.repeat("store", len(day), eager=True),
            "location_id": pl.repeat(store, len(day), eager=True),
            "sku_id": items["item_id"].gather(item),
            "quantity": pl.Series(sold).cast(pl.Decimal(18, 3)),
            "net_amount": pl.Series(sold * price / 100).cast(pl.Decimal(18, 2)),
            "unit_price": pl.Series(price / 100).cast(pl.Decimal(18, 4)),
        }
    )


def products(m5: M5) -> pl.DataFrame:
    """Return the feed erp/products: what had a price by the cut; M5 names no product, so the name is the id.

    launched_on: first day of the first week with a price; empty for what was on sale when the data begin.
    """
    weeks = _week_days(m5)
    first = m5.prices.group_by("item_id").agg(pl.col("wm_yr_wk").min()).join(weeks, on="wm_yr_wk").drop("last_day")
    began = weeks["first_day"].min()
    return (
        m5.series.unique("item_id")
        .join(first, on="item_id")
        .sort("item_id")
        .select(
            sku_id="item_id",
            product_name="item_id",
            department="dept_id",
            category="cat_id",
            launched_on=pl.when(pl.col("first_day") > began).then("first_day"),
        )
    )


def locations(m5: M5) -> pl.DataFrame:
    """Return the feed erp/locations: the stores, with their state as region."""
    return (
        m5.series.unique("store_id")
        .sort("store_id")
        .select(
            location_id="store_id",
            location_name="store_id",
            location_type=pl.lit("store"),
            region="state_id",
        )
    )


def price_spans(m5: M5) -> pl.DataFrame:
    """Return the feed erp/prices: weekly prices merged while they neither change nor pause.

    The span of the last week known stays open (no valid_to): nobody knew then when it would end.
    """
    weeks = _week_days(m5).with_row_index("week")
    key = ["item_id", "store_id"]
    last = m5.prices["wm_yr_wk"].max()
    begins = (pl.col("sell_price") != pl.col("sell_price").shift(1)) | (pl.col("week") != pl.col("week").shift(1) + 1)
    return (
        m5.prices.join(weeks, on="wm_yr_wk")
        .sort(*key, "week")
        .with_columns(span=begins.fill_null(value=True).cum_sum().over(key))
        .group_by(*key, "span", maintain_order=True)
        .agg(
            price=pl.col("sell_price").first().cast(pl.Decimal(18, 4)),
            valid_from=pl.col("first_day").first(),
            valid_to=pl.when(pl.col("wm_yr_wk").last() < last).then(pl.col("last_day").last()),
        )
        .select("price", "valid_from", "valid_to", sku_id="item_id", location_id="store_id")
        .select("sku_id", "location_id", "price", "valid_from", "valid_to")
    )


def events(m5: M5) -> pl.DataFrame:
    """Return the feed erp/events: the calendar's events everywhere, SNAP days in their state."""
    everywhere = pl.lit(None, pl.String)
    named = [
        m5.calendar.select("date", event_name=f"event_name_{n}", event_type=f"event_type_{n}", region=everywhere)
        for n in (1, 2)
    ]
    states = m5.series["state_id"].unique().sort()
    snap = [
        m5.calendar.filter(pl.col(f"snap_{state}") == 1).select(
            "date", event_name=pl.lit("SNAP"), event_type=pl.lit("SNAP"), region=pl.lit(state)
        )
        for state in states
    ]
    return pl.concat([*named, *snap]).drop_nulls("event_name").sort("date", "event_name", "region")


def _week_days(m5: M5) -> pl.DataFrame:
    """Return wm_yr_wk with the first and last date of each, in order (Walmart's weeks begin on Saturday)."""
    first, last = pl.col("date").min(), pl.col("date").max()
    return m5.calendar.group_by("wm_yr_wk").agg(first_day=first, last_day=last).sort("wm_yr_wk")


def _weeks(m5: M5, start: int, stop: int) -> np.ndarray:
    return m5.calendar["wm_yr_wk"].to_numpy()[start - 1 : stop]


def _cents(series: pl.DataFrame, prices: pl.DataFrame, weeks: np.ndarray) -> np.ndarray:
    """Return the price in cents as float64 (series, days), NaN where there is none."""
    distinct, which = np.unique(weeks, return_inverse=True)
    wanted = prices.filter(pl.col("wm_yr_wk").is_in(distinct.tolist()))
    placed = wanted.join(series.with_row_index("row"), on=["store_id", "item_id"])
    table = np.full((series.height, len(distinct)), np.nan)
    column = np.searchsorted(distinct, placed["wm_yr_wk"].to_numpy())
    table[placed["row"].to_numpy(), column] = np.rint(placed["sell_price"].to_numpy() * 100)
    return table[:, which]


def _one_file(data: Path, stem: str) -> Path:
    for suffix in (".parquet", ".csv"):
        if (data / f"{stem}{suffix}").exists():
            return data / f"{stem}{suffix}"
    raise M5MissingError(f"{data}: {stem}.csv is not there — {WHERE_FROM}")


def _widest(data: Path, prefix: str) -> Path:
    """Return the sales file with the most days (evaluation rather than validation, where both lie there)."""
    found = [path for path in sorted(data.glob(f"{prefix}*")) if path.suffix in (".csv", ".parquet")]
    if not found:
        raise M5MissingError(f"{data}: {prefix}evaluation.csv is not there — {WHERE_FROM}")
    return max(found, key=lambda path: len(_scan(path).collect_schema()))


def _scan(path: Path) -> pl.LazyFrame:
    if path.suffix == ".parquet":
        return pl.scan_parquet(path)
    return pl.scan_csv(path, infer_schema_length=1000)


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path, compression="zstd", statistics=True)


def main(arguments: list[str] | None = None) -> None:
    """Write the extracts of a backtest home and say how many rows went where."""
    parser = ArgumentParser(prog="python -m benchmarks.m5", description="Write M5 as a company's extracts.")
    parser.add_argument("--home", type=Path, required=True, help="extracts go to HOME/landing")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the official files")
    parser.add_argument("--until", help="last day that is known, e.g. d_1731; default: all days")
    parser.add_argument("--stores", help="some stores only, e.g. CA_1,TX_2")
    parser.add_argument("--price-plan-weeks", type=int, default=0, help="weeks of prices known beyond --until")
    options = parser.parse_args(arguments)
    try:
        m5 = load(options.data, options.stores.split(",") if options.stores else None)
        if options.until:
            m5 = cut(m5, day_number(options.until), options.price_plan_weeks)
        rows = write_extracts(m5, options.home / "landing")
    except (M5MissingError, FileExistsError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    for feed, count in rows.items():
        print(f"{feed:<15} {count:>12,} rows")


if __name__ == "__main__":
    main()
