"""A hand-made M5: five items, two stores, 40 days of sales, 50 days of calendar, prices with gaps."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

ITEMS = ("FOODS_1_001", "FOODS_1_002", "FOODS_2_001", "HOBBIES_1_001", "HOUSEHOLD_1_001")
STORES = ("CA_1", "TX_1")
DAYS, CALENDAR_DAYS = 40, 50
BEGIN = date(2011, 1, 29)  # a Saturday, on which Walmart's weeks begin


def week_of(day: int) -> int:
    """Return the week of day d_<day>."""
    return 11101 + (day - 1) // 7


def units_of(item: int, store: int, day: int) -> int:
    """Return units by rule: item 2 from day 15 on, item 3 nothing in TX_1, item 0 of both stores every day."""
    if (item == 2 and day < 15) or (item == 3 and store == 1):
        return 0
    return (day * (item + 1) + store) % 4 if item else 1 + day % 3


def price_of(item: int, store: int, week: int) -> float | None:
    """Return prices by rule: item 2 from week 3 on, item 4 pauses in week 4, item 1 is dearer from week 5 on."""
    if (item == 2 and week < 11103) or (item == 4 and week == 11104) or (item == 3 and store == 1):
        return None
    return [2.0, 1.25 if week < 11105 else 1.49, 3.33, 7.0, 0.97][item] + store / 100


def write(folder: Path) -> None:
    """Write the three files under their Kaggle names."""
    sales = [
        {
            "id": f"{name}_{place}_evaluation",
            "item_id": name,
            "dept_id": name[:-4],
            "cat_id": name[:-6],
            "store_id": place,
            "state_id": place[:2],
            **{f"d_{day}": units_of(item, store, day) for day in range(1, DAYS + 1)},
        }
        for store, place in enumerate(STORES)
        for item, name in enumerate(ITEMS)
    ]
    pl.DataFrame(sales).write_csv(folder / "sales_train_evaluation.csv")
    prices = [
        {"store_id": place, "item_id": name, "wm_yr_wk": week, "sell_price": price}
        for store, place in enumerate(STORES)
        for item, name in enumerate(ITEMS)
        for week in range(11101, week_of(CALENDAR_DAYS) + 1)
        if (price := price_of(item, store, week)) is not None
    ]
    pl.DataFrame(prices).write_csv(folder / "sell_prices.csv")
    calendar = [
        {
            "date": BEGIN + timedelta(days=day - 1),
            "wm_yr_wk": week_of(day),
            "d": f"d_{day}",
            "event_name_1": {9: "SuperBowl", 17: "ValentinesDay"}.get(day),
            "event_type_1": {9: "Sporting", 17: "Cultural"}.get(day),
            "event_name_2": {17: "Easter"}.get(day),
            "event_type_2": {17: "Religious"}.get(day),
            "snap_CA": int(day % 10 == 4),
            "snap_TX": int(day % 10 == 5),
            "snap_WI": 1,
        }
        for day in range(1, CALENDAR_DAYS + 1)
    ]
    pl.DataFrame(calendar).write_csv(folder / "calendar.csv")
