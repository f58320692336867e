"""The list that comes out of replenishment: its columns, and what became of the series that have no line on it.

What belongs here: the shape of the result (contracts.md, section 4, replenishment_orders) and the counts beside it.
What does not: how any of it is decided (replenishment).
"""

from dataclasses import dataclass

import polars as pl

from ml.planning.steps import STEPS
from ml.planning.terms import POOLED_PREFIX, STOCK_TERMS

_COLUMNS: dict[str, type[pl.DataType]] = {
    "sku_id": pl.String,
    "location_id": pl.String,
    "supplier_id": pl.String,
    "from_location_id": pl.String,
    "as_of": pl.Date,
    "order_on": pl.Date,
    "service_type": pl.String,
    "service_target": pl.Float64,
    "service_group": pl.String,
    "service_group_target": pl.Float64,
    "lost_sale_days": pl.Float64,
    "lead_time_days": pl.Float64,
    "lead_time_sd_days": pl.Float64,
    "lead_time_source": pl.String,
    "review_days": pl.Int64,
    "wait_days": pl.Int64,
    "protection_days": pl.Int64,
    "demand_mean_qty": pl.Float64,
    "downstream_days": pl.Int64,
    "downstream_position_qty": pl.Float64,
    "presentation_min_qty": pl.Float64,
    "service_target_qty": pl.Float64,
    "target_qty": pl.Float64,
    **dict.fromkeys(STOCK_TERMS, pl.Float64),
    "inventory_position_qty": pl.Float64,
    "need_qty": pl.Float64,
    "expected_at_arrival_qty": pl.Float64,
    "shelf_room_qty": pl.Float64,
    "shelf_life_room_qty": pl.Float64,
    **{step.column: pl.Float64 for step in STEPS},
    "order_gain_amount": pl.Float64,
    "move_in_gain_amount": pl.Float64,
    "moved_in_qty": pl.Float64,
    "after_arbiter_qty": pl.Float64,
    "source_available_qty": pl.Float64,
    "after_allocation_qty": pl.Float64,
    "after_supplier_minimum_qty": pl.Float64,
    "after_budget_qty": pl.Float64,
    "order_multiple": pl.Float64,
    "min_order_qty": pl.Float64,
    "order_qty": pl.Float64,
    "unit_cost": pl.Float64,
    "order_value": pl.Float64,
    "stockout_on": pl.Date,
    "expected_lost_qty": pl.Float64,
    "expected_lost_amount": pl.Float64,
    "stockout_probability": pl.Float64,
    "confidence": pl.String,
    "unit_margin": pl.Float64,
    "reason_codes": pl.String,
    "withheld_reason": pl.String,
    "explanation": pl.String,
}
LINES_SCHEMA = pl.Schema(_COLUMNS)
TARGETS_SCHEMA = pl.Schema(
    {name: _COLUMNS[name] for name in ("sku_id", "location_id", "protection_days", "demand_mean_qty", "target_qty")}
)


@dataclass(frozen=True)
class ReplenishmentNotes:
    """What became of every forecast series.

    series + feeding_places = pooled + at_closed_locations + without_sourcing + covered (the position reaches the
    target) + ordered + withheld. `unused_targets` are departments and classes with a service target in the settings
    and no product.
    """

    series: int
    feeding_places: int
    pooled: int
    at_closed_locations: int
    without_sourcing: int
    covered: int
    ordered: int
    withheld: int
    withheld_by_reason: dict[str, int]
    unused_targets: list[str]

    def warnings(self) -> list[str]:
        """Sentences for the manifest: what got no line, or a line without an order, and why."""
        counts = {
            "series without a source in erp/sourcing, no order proposed": self.without_sourcing,
            "series at closed locations, no order proposed": self.at_closed_locations,
            f"pooled series ({POOLED_PREFIX}<region>), never ordered for": self.pooled,
            **{f"order lines withheld, {reason}": count for reason, count in self.withheld_by_reason.items()},
        }
        found = [f"{what}: {count}" for what, count in counts.items() if count]
        if self.unused_targets:
            names = ", ".join(self.unused_targets)
            found.append(f"planning.service_target_by_… names departments or classes that no product has: {names}")
        return found


@dataclass(frozen=True)
class Replenishment:
    """`lines`: LINES_SCHEMA, ordered or withheld. `targets`: TARGETS_SCHEMA, every planned pair. Both sorted by pair.

    `notes`: what became of the series without a line. `transfers`: TRANSFER_ORDERS_SCHEMA, `allocation`:
    ALLOCATION_SCHEMA: what is moved, and who gets what of too little; has_feeding_places: whether any place is fed by
    another, so that there could be something to share out.
    """

    lines: pl.DataFrame
    targets: pl.DataFrame
    notes: ReplenishmentNotes
    transfers: pl.DataFrame
    allocation: pl.DataFrame
    has_feeding_places: bool
