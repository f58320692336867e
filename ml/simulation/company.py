"""A company's own past as a problem to replay: its demand, its suppliers' calendars and lead times, packs and minimums.

What belongs here: from the night's tables to a Problem and its Terms. What does not: rules (policies, proposed), what
came of them (study). Nothing is made up: a product at a place without a source or without demand is left out, and the
count says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.planning.demand_path import KEYS
from ml.planning.order_days import parse_weekdays
from ml.planning.service_lines import add_service, relative_worth
from ml.planning.settings import PlanningSettings
from ml.planning.steps import smallest_order
from ml.simulation.outcome import Money
from ml.simulation.proposed import Terms
from ml.simulation.replay import Problem
from ml.simulation.settings import SimulationSettings

PAST_DAYS = 182  # before the first day: what rules on averages look back on, and forecasts learn from at the least
_MOST_LEAD_DAYS, _MOST_REVIEW_DAYS = 60, 28  # longer ones are taken as this long: forecasts reach 26 weeks


class TooShortError(ValueError):
    """There is not enough to replay; the message says what is missing."""


@dataclass(frozen=True)
class ReplayInputs:
    """The tables of the night; columns beyond those named are ignored.

    series: ml.demand_series. history: ml.demand_history (series_id, date, quantity). events: date, event_name, region.
    sourcing: sku_id, location_id, supplier_id, lead_time_days, lead_time_sd_days, min_order_qty, order_multiple,
    unit_cost. suppliers: supplier_id, order_weekdays. products: sku_id, department, abc_class. shelves: sku_id,
    location_id, price.
    """

    series: pl.DataFrame
    history: pl.DataFrame
    events: pl.DataFrame
    sourcing: pl.DataFrame
    suppliers: pl.DataFrame
    products: pl.DataFrame
    shelves: pl.DataFrame


@dataclass(frozen=True)
class Past:
    """lines: a row a product at a place, in the order of all arrays (sku_id, location_id, abc_class, series_id).

    targets: the service asked for by group. left_out: products at places that could not be replayed, by reason.
    """

    lines: pl.DataFrame
    problem: Problem
    terms: Terms
    money: Money
    targets: dict[str, float]
    first_day: date
    left_out: dict[str, int]


def past_of(inputs: ReplayInputs, as_of: date, planning: PlanningSettings, settings: SimulationSettings) -> Past:
    """The `settings.days` days to as_of as a problem.

    Raises:
        TooShortError: history does not reach back far enough, or nothing has a source and demand.
        ValueError: a supplier's order_weekdays cannot be read.
    """
    first = as_of - timedelta(days=settings.days - 1)
    oldest = inputs.history["date"].min()
    begins = oldest if isinstance(oldest, date) else as_of
    if begins > first - timedelta(days=PAST_DAYS):
        raise TooShortError(
            f"a replay of {settings.days} days needs {settings.days + PAST_DAYS} days of sales up to {as_of}; they "
            f"begin on {begins}"
        )
    lines, left_out = _lines(inputs, first, planning, settings)
    if lines.is_empty():
        raise TooShortError("no product at a place has both a source and demand before the replay")
    demand = _dense(inputs.history, lines, first - timedelta(days=PAST_DAYS), settings.days + PAST_DAYS)
    is_review, review_days = _reviews(lines, inputs.suppliers, first, planning, settings.days)
    lead, sd = lines["lead_time_days"].to_numpy(), lines["lead_time_sd_days"].to_numpy()
    drawn = np.random.default_rng(settings.seed).normal(lead[:, None], sd[:, None], (lines.height, settings.days))
    past = demand[:, :PAST_DAYS]
    usual = lead + review_days.max(axis=1)
    lot = lines.select(smallest_order()).to_series().to_numpy()
    problem = Problem(
        demand[:, PAST_DAYS:],
        past,
        np.clip(np.rint(drawn), 0, _MOST_LEAD_DAYS).astype(np.int64),
        is_review,
        lines["order_multiple"].to_numpy(),
        lines["min_order_qty"].to_numpy(),
        np.ceil(past.mean(axis=1) * usual),
        is_demand_known=True,
    )
    margin, cost = lines["unit_margin"].to_numpy(), lines["unit_cost"].to_numpy()
    worth = relative_worth(margin, cost)
    group = lines["service_group"].to_numpy().astype(str)
    targets = dict(sorted(lines.select("service_group", "service_target").unique().iter_rows()))
    terms = Terms(np.ceil(lead).astype(np.int64), sd, review_days, lot, worth, group)
    # without a cost or a price nothing is claimed in money: such lines count as nothing
    holding = np.nan_to_num(cost) * planning.holding_cost_yearly_pct / 100 / 365
    money = Money(np.nan_to_num(margin), holding, np.zeros(lines.height))
    return Past(lines, problem, terms, money, targets, first, left_out)


def _lines(
    inputs: ReplayInputs, first: date, planning: PlanningSettings, settings: SimulationSettings
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Products at places with a source and demand before the replay; all places of a product or none."""
    sold = (
        inputs.history.filter(pl.col("date").is_between(first - timedelta(days=PAST_DAYS), first - timedelta(days=1)))
        .group_by("series_id")
        .agg(pl.col("quantity").sum())
        .filter(pl.col("quantity") > 0)
    )
    numbers = ("lead_time_days", "lead_time_sd_days", "min_order_qty", "order_multiple", "unit_cost")
    sourcing = inputs.sourcing.select(
        *KEYS, "supplier_id", "from_location_id", *(pl.col(name).cast(pl.Float64) for name in numbers)
    )
    listed = inputs.series.filter(~pl.col("is_pooled")).select("series_id", *KEYS)
    selling = listed.join(sold, on="series_id", how="semi")
    sourced = selling.join(sourcing, on=KEYS).filter(
        pl.col("supplier_id").is_not_null() | pl.col("from_location_id").is_not_null(),
        pl.min_horizontal(numbers).fill_null(0.0) >= 0,
    )
    products = np.random.default_rng(settings.seed).permutation(sourced["sku_id"].unique().sort().to_numpy())
    chosen = pl.DataFrame({"sku_id": products}, schema={"sku_id": pl.String}).with_row_index("turn")
    ranked = sourced.join(chosen, on="sku_id").sort("turn", "location_id")
    kept = ranked.head(settings.max_lines)
    lines = (
        kept.join(inputs.products.select("sku_id", "department", "abc_class"), on="sku_id", how="left")
        .join(inputs.shelves.select(*KEYS, pl.col("price").cast(pl.Float64)), on=KEYS, how="left")
        .with_columns(
            pl.col("abc_class").fill_null("none"),
            pl.col("lead_time_days").fill_null(planning.default_lead_time_days).clip(0.0, float(_MOST_LEAD_DAYS)),
            pl.col("lead_time_sd_days").fill_null(0.0),
            pl.col("min_order_qty").fill_null(0.0),
            pl.col("order_multiple").fill_null(1.0).replace(0.0, 1.0),
            unit_margin=(pl.col("price") - pl.col("unit_cost")).clip(0.0),
            is_feeding_place=pl.lit(False),
        )
        .sort(KEYS)
    )
    left_out = {
        "no demand in the half year before": listed.height - selling.height,
        "no usable source": selling.height - sourced.height,
        f"beyond simulation.max_lines ({settings.max_lines})": sourced.height - kept.height,
    }
    return add_service(lines, planning).sort(KEYS), {why: count for why, count in left_out.items() if count}


def _dense(history: pl.DataFrame, lines: pl.DataFrame, begin: date, days: int) -> np.ndarray:
    """Demand a day, (n, days) from `begin` on; a day that history does not hold had none."""
    index = lines.select(pl.col("series_id")).with_row_index("line")
    known = (
        history.with_columns(day=(pl.col("date") - pl.lit(begin)).dt.total_days())
        .filter(pl.col("day").is_between(0, days - 1), pl.col("quantity") > 0)
        .join(index, on="series_id")
    )
    cell = known["line"].to_numpy().astype(np.int64) * days + known["day"].to_numpy()
    total = np.bincount(cell, weights=known["quantity"].to_numpy(), minlength=lines.height * days)
    return total.reshape(lines.height, days)


def _reviews(
    lines: pl.DataFrame, suppliers: pl.DataFrame, first: date, planning: PlanningSettings, days: int
) -> tuple[np.ndarray, np.ndarray]:
    """(is_review, days to the next review), both (n, days): an order decided at a day's close goes out the next day."""
    calendars = dict(suppliers.select("supplier_id", "order_weekdays").iter_rows())
    given = {name: parse_weekdays(text, name) for name, text in sorted(calendars.items())}
    ahead = days + _MOST_REVIEW_DAYS
    placed = np.array([(first + timedelta(days=day + 1)).isoweekday() for day in range(ahead)])
    rows: dict[tuple[int, ...], np.ndarray] = {}
    pattern = np.zeros((lines.height, ahead), dtype=bool)
    for number, supplier in enumerate(lines["supplier_id"].to_list()):
        weekdays = given.get(supplier, ()) if supplier is not None else ()
        if weekdays not in rows:
            every = (np.arange(ahead) + 1) % planning.default_review_days == 0
            rows[weekdays] = np.isin(placed, weekdays) if weekdays else every
        pattern[number] = rows[weekdays]
    # the next review of each day, counted from the last day back
    column = np.where(pattern, np.arange(ahead), 2 * ahead)
    following = np.minimum.accumulate(column[:, ::-1], axis=1)[:, ::-1]
    gap = following[:, 1 : days + 1] - np.arange(days)
    is_review = pattern[:, :days]
    return is_review, np.where(is_review, np.minimum(gap, _MOST_REVIEW_DAYS), 0).astype(np.int64)
