"""What each order line aims at: its service type and target as used, and the stock that it asks for.

What belongs here: which target a line has, what a lost unit of it is worth beside those of other lines, and which lines
reach a target together. What does not: levels from targets (service), limits and rounding (steps).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from ml.planning.formulas import critical_ratio
from ml.planning.service import (
    CYCLE,
    FILL_RATE,
    NEWSVENDOR,
    VALUE,
    Cycle,
    common_price,
    cycle_target,
    expected_fill,
    fill_rate_target,
    value_target,
)
from ml.planning.settings import PlanningSettings
from ml.planning.steps import smallest_order

_LEAST_RATIO, _MOST_RATIO = 0.5, 0.999  # of the newsvendor: below half nothing would be kept in stock
_MOST_APART = 5.0  # worth of a unit against the median: one wrong price neither empties nor fills a shelf


def add_service(
    lines: pl.DataFrame, settings: PlanningSettings, tuned: Mapping[str, float] | None = None
) -> pl.DataFrame:
    """Add service_type, service_target, service_group, the lines that the target is for, and asked_service.

    tuned: by group the target to ask for so that the service_target is served (ml.simulation.tuning); else it is asked
    for as it is.

    The department's own target comes before its class's, that before the general one. Places that feed others are a
    group of their own: what they are short of is not lost yet. Needs department, abc_class, is_feeding_place.
    """
    for name, targets in (
        ("department", settings.service_target_by_department),
        ("abc_class", settings.service_target_by_class),
    ):
        schema = {name: pl.String, f"{name}_target": pl.Float64}
        lines = lines.join(pl.DataFrame(list(targets.items()), schema=schema, orient="row"), on=name, how="left")
    own = pl.coalesce(
        pl.when(pl.col("department_target").is_not_null()).then(pl.format("department {}", "department")),
        pl.when(pl.col("abc_class_target").is_not_null()).then(pl.format("class {}", "abc_class")),
        pl.lit("all products"),
    )
    feeding = pl.when("is_feeding_place").then(pl.lit(" at places that feed others")).otherwise(pl.lit(""))
    return lines.with_columns(
        service_target=pl.coalesce("department_target", "abc_class_target", pl.lit(settings.service_target)),
        service_type=pl.lit(settings.service_type),
        service_group=pl.concat_str(own, feeding),
    ).with_columns(
        asked_service=pl.coalesce(
            pl.col("service_group").replace_strict(dict(tuned or {}), default=None, return_dtype=pl.Float64),
            "service_target",
        )
    )


def stock_for_service(lines: pl.DataFrame, cycle: Cycle, settings: PlanningSettings) -> tuple[pl.DataFrame, np.ndarray]:
    """The lines with their service_type and target as used, and the stock that it asks for, (n,).

    Adds service_group_target, the target of the whole group, and lost_sale_days, both of lines by value (null on
    others): a unit lost counts as much as holding one for so many days.
    """
    lines = lines.with_columns(service_group_target=pl.lit(None, pl.Float64), lost_sale_days=pl.lit(None, pl.Float64))
    kind = settings.service_type
    if kind == VALUE:
        return _by_value(lines, cycle)
    if kind == NEWSVENDOR:
        # without a price and a cost there is no balance: such lines keep the cycle service of their target
        holding = lines["unit_cost"] * settings.holding_cost_yearly_pct / 100 * lines["review_days"] / 365
        ratio = pl.Series(critical_ratio(lines["unit_margin"].to_numpy(), holding.to_numpy())).fill_nan(None)
        lines = lines.with_columns(
            service_type=pl.when(ratio.is_not_null()).then(pl.lit(NEWSVENDOR)).otherwise(pl.lit(CYCLE)),
            asked_service=ratio.clip(_LEAST_RATIO, _MOST_RATIO).fill_null(lines["asked_service"]),
        )
    lines = lines.with_columns(service_target=pl.col("asked_service"))
    service = lines["service_target"].to_numpy()
    return lines, fill_rate_target(cycle, service) if kind == FILL_RATE else cycle_target(cycle, service)


def _by_value(lines: pl.DataFrame, cycle: Cycle) -> tuple[pl.DataFrame, np.ndarray]:
    """Levels at one price of a lost sale a group; service_target becomes the share that the line's own level serves."""
    lot = lines.select(smallest_order().clip(cycle.step)).to_series().fill_null(cycle.step).to_numpy()
    worth = relative_worth(lines["unit_margin"].to_numpy(), lines["unit_cost"].to_numpy())
    groups, goal = lines["service_group"].to_numpy(), lines["asked_service"].to_numpy()
    days, level = np.zeros(len(lot)), np.zeros(len(lot))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        some = cycle.of(rows)
        days[rows] = common_price(some, lot[rows], worth[rows], float(goal[rows[0]])) * worth[rows]
        level[rows] = value_target(some, lot[rows], days[rows])
    lines = lines.with_columns(
        service_group_target=pl.col("service_target"),
        service_target=pl.Series(np.clip(expected_fill(cycle, lot, level), 0.0, 1.0)),
        lost_sale_days=pl.Series(days),
    )
    return lines, level


def relative_worth(margin: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Margin of a unit over its cost, which its holding cost is a share of; (n,).

    Where one of them is not known (NaN) the median of the others, 1 where none is. At most _MOST_APART times the median
    and at least that part of it.
    """
    ratio = np.divide(margin, cost, out=np.full(len(margin), np.nan), where=cost > 0)
    known = ratio[np.isfinite(ratio) & (ratio > 0)]
    usual = float(np.median(known)) if len(known) else 1.0
    return np.clip(np.where(np.isfinite(ratio), ratio, usual), usual / _MOST_APART, usual * _MOST_APART)
