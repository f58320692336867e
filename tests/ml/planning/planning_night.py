"""Builds the frames of one small night for the tests of planning: a pair is a dict, what it leaves out is plain."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from ml.forecasting.distribution import ALL, DISPERSION_SCHEMA
from ml.planning.replenishment import ReplenishmentInputs, propose_orders
from ml.planning.settings import PlanningSettings

AS_OF = date(2017, 12, 31)  # a Sunday
# what most tests reason in: the probability of lasting
CYCLE = PlanningSettings(service_type="cycle", service_target=0.95)


def cycle(**more: Any) -> PlanningSettings:
    """CYCLE with other terms."""
    return CYCLE.model_copy(update=PlanningSettings(**more).model_dump(exclude_unset=True))


PAIR: dict[str, Any] = {
    "sku_id": "A",
    "location_id": "S1",
    "rate": 2.0,  # mean demand a day, the same every day
    "segment": "smooth",
    "on_hand_qty": 5.0,
    "reserved_qty": 0.0,
    "backorder_qty": 0.0,
    "on_order_qty": 0.0,
    "in_transfer_qty": 0.0,
    "snapshot_age": 0,  # None: no snapshot
    "is_sourced": True,
    "supplier_id": "V1",
    "from_location_id": None,
    "lead_time_days": 2.0,
    "lead_time_sd_days": 0.0,
    "lead_time_source": "delivered",
    "min_order_qty": 0.0,
    "order_multiple": 1.0,
    "unit_cost": 2.5,
    "department": "Food",
    "abc_class": None,
    "shelf_life_days": None,
    "presentation_min_qty": None,
    "shelf_capacity_qty": None,
    "price": 4.0,
}
STOCK = ["on_hand_qty", "reserved_qty", "backorder_qty", "on_order_qty", "in_transfer_qty"]
SOURCING = {
    "supplier_id": pl.String,
    "from_location_id": pl.String,
    "lead_time_days": pl.Float64,
    "lead_time_sd_days": pl.Float64,
    "lead_time_source": pl.String,
    "min_order_qty": pl.Float64,
    "order_multiple": pl.Float64,
    "unit_cost": pl.Float64,
}
KEYS = {"sku_id": pl.String, "location_id": pl.String}


def dispersion(alpha: float, family: str = "negative_binomial") -> pl.DataFrame:
    """The same overdispersion everywhere."""
    nodes = [(lead, window, rate) for lead in (0, 28) for window in (1, 28) for rate in (0.1, 10.0)]
    return pl.DataFrame(
        [(family, ALL, *node, alpha, 0.0, 1) for node in nodes],
        schema=DISPERSION_SCHEMA,
        orient="row",
    )


def inputs(
    *pairs: Mapping[str, Any],
    as_of: date = AS_OF,
    weekdays: Mapping[str, str | None] | None = None,
    min_order_value: float | None = None,
    alpha: float = 0.2,
    family: str = "negative_binomial",
    closed: Iterable[str] = (),
) -> ReplenishmentInputs:
    """Frames of a night. weekdays: order_weekdays by supplier (V1 exists, without a calendar, if none is given)."""
    rows = [PAIR | pair for pair in pairs]
    suppliers = weekdays if weekdays is not None else {"V1": None}
    week = as_of + timedelta(days=1)
    week -= timedelta(days=week.weekday())
    days = [as_of + timedelta(days=ahead) for ahead in range(1, 29)]
    weeks = [week + timedelta(days=7 * number) for number in range(26 if week > as_of else 27)]
    ahead = [min(7, (start + timedelta(days=6) - as_of).days) for start in weeks]
    keys = [(row["sku_id"], row["location_id"]) for row in rows]
    daily = [(*key, day, row["rate"], row["segment"]) for key, row in zip(keys, rows, strict=True) for day in days]
    weekly = [
        (*key, start, n, row["rate"] * n)
        for key, row in zip(keys, rows, strict=True)
        for start, n in zip(weeks, ahead, strict=True)
    ]
    stock = [
        (*key, as_of - timedelta(days=row["snapshot_age"]), *(row[name] for name in STOCK))
        for key, row in zip(keys, rows, strict=True)
        if row["snapshot_age"] is not None
    ]
    sourcing = [
        (*key, *(row[name] for name in SOURCING)) for key, row in zip(keys, rows, strict=True) if row["is_sourced"]
    ]
    described = ("department", "abc_class", "shelf_life_days")
    products = sorted({row["sku_id"]: tuple(row[name] for name in described) for row in rows}.items())
    shown = ("presentation_min_qty", "shelf_capacity_qty", "price")
    shelves = [(*key, *(row[name] for name in shown)) for key, row in zip(keys, rows, strict=True)]
    places = sorted({row["location_id"] for row in rows} | {"DC"})
    quantities = dict.fromkeys(STOCK, pl.Float64)
    return ReplenishmentInputs(
        forecast_daily=pl.DataFrame(
            daily, KEYS | {"date": pl.Date, "mean": pl.Float64, "segment": pl.String}, orient="row"
        ),
        forecast_weekly=pl.DataFrame(
            weekly, KEYS | {"week_start": pl.Date, "days_covered": pl.Int32, "mean": pl.Float64}, orient="row"
        ),
        dispersion=dispersion(alpha, family),
        positions=pl.DataFrame(stock, KEYS | {"snapshot_date": pl.Date} | quantities, orient="row"),
        sourcing=pl.DataFrame(sourcing, KEYS | SOURCING, orient="row"),
        suppliers=pl.DataFrame(
            [(name, f"Supplier {name}", text, min_order_value) for name, text in sorted(suppliers.items())],
            schema={
                "supplier_id": pl.String,
                "supplier_name": pl.String,
                "order_weekdays": pl.String,
                "min_order_value": pl.Float64,
            },
            orient="row",
        ),
        products=pl.DataFrame(
            [(sku, f"Product {sku}", *about) for sku, about in products],
            schema={
                "sku_id": pl.String,
                "product_name": pl.String,
                "department": pl.String,
                "abc_class": pl.String,
                "shelf_life_days": pl.Int64,
            },
            orient="row",
        ),
        shelves=pl.DataFrame(shelves, KEYS | dict.fromkeys(shown, pl.Float64), orient="row"),
        locations=pl.DataFrame(
            [(place, f"Store {place}", place not in set(closed)) for place in places],
            schema={"location_id": pl.String, "location_name": pl.String, "is_open": pl.Boolean},
            orient="row",
        ),
    )


def one_line(pair: Mapping[str, Any], settings: PlanningSettings | None = None, **night: Any) -> dict[str, Any]:
    """The single line of a night with one pair."""
    frames = inputs(pair, **night)
    lines = propose_orders(frames, night.get("as_of", AS_OF), settings or CYCLE).lines
    assert lines.height == 1
    return lines.row(0, named=True)
