"""Stage 6: what to order, from forecasts, stock and sourcing. Absent, with the reason, where the feeds lack."""

from collections.abc import Iterator

import dagster as dg
import duckdb
import polars as pl

from ml.planning.order_lines import TARGETS_SCHEMA
from ml.planning.replenishment import ReplenishmentInputs, propose_orders
from orchestration import runs
from orchestration.defs.resources import Company
from orchestration.defs.steps import OWNER, POOL, retrying_io
from orchestration.replays import tuned_targets
from orchestration.warehouse import connect, read_frame, replace_table

ORDERS, TARGETS = "ml.replenishment_orders", "ml.stock_targets"
# an order needs to know what is there and where more comes from
NEEDED_FEEDS = {"erp/inventory": "feeds.erp_inventory", "erp/sourcing": "feeds.erp_sourcing"}
QUERIES = {
    "forecast_daily": "select sku_id, location_id, date, mean from ml.forecast_daily",
    "forecast_weekly": "select sku_id, location_id, week_start, mean from ml.forecast_weekly",
    "dispersion": "select * from ml.forecast_dispersion",
    "positions": "select * from intermediate.int_stock_positions",
    "sourcing": "select * from intermediate.int_sourcing_resolved",
    "suppliers": "select * from staging.stg_erp__suppliers",
    "products": "select sku_id, product_name, department, abc_class, shelf_life_days from marts.dim_product",
    "locations": "select location_id, location_name, is_open from marts.dim_location",
    "shelves": "select * from intermediate.int_shelf_terms",
}


TABLES = {
    ORDERS: "Order lines by product, place and source: order-up-to on the distribution of demand, every term shown.",
    TARGETS: "The stock that each place should have of each product, also where nothing is to be ordered.",
}


@dg.multi_asset(
    name="recommendations",
    specs=[
        dg.AssetSpec(
            table.split("."),
            deps=[
                dg.AssetKey(["ml", "forecast_daily"]),
                dg.AssetKey(["ml", "forecast_weekly"]),
                dg.AssetKey(["ml", "forecast_dispersion"]),
                dg.AssetKey(["intermediate", "int_stock_positions"]),
                dg.AssetKey(["intermediate", "int_sourcing_resolved"]),
                dg.AssetKey(["intermediate", "int_shelf_terms"]),
            ],
            group_name="planning",
            kinds={"python", "polars", "duckdb"},
            owners=[OWNER],
            description=about,
        )
        for table, about in TABLES.items()
    ],
    pool=POOL,
)
def recommendations(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Propose orders; without stock or sources there are none, and the targets are empty."""
    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        _, as_of = runs.current(con)
        missing = [feed for feed, table in NEEDED_FEEDS.items() if not _has_rows(con, table)]
        if missing:
            con.execute(f"drop table if exists {ORDERS}")
            replace_table(con, TARGETS, pl.DataFrame(schema=TARGETS_SCHEMA))
            _keep_notes(
                con, [], f"no {' and no '.join(missing)} delivered: without stock and sources nothing is proposed"
            )
            context.log.info(f"no order lines: {', '.join(missing)} not delivered")
            for table in TABLES:
                yield dg.MaterializeResult(asset_key=table.split("."), metadata={"dagster/row_count": 0})
            return
        inputs = ReplenishmentInputs(**{name: read_frame(con, query) for name, query in QUERIES.items()})
        tuned = tuned_targets(con) if settings.planning.apply_tuned_targets else {}
    result = propose_orders(inputs, as_of, settings.planning, tuned)
    warnings = result.notes.warnings()
    for warning in warnings:
        context.log.warning(warning)
    value = float(result.lines["order_value"].sum() or 0.0)
    context.log.info(f"{result.notes.ordered:,} order lines worth {value:,.0f} {settings.currency}")
    with retrying_io(), connect(settings) as con:
        rows = replace_table(con, ORDERS, result.lines)
        targets = replace_table(con, TARGETS, result.targets)
        _keep_notes(con, warnings, None)
    yield dg.MaterializeResult(
        asset_key=ORDERS.split("."),
        metadata={"dagster/row_count": rows, "order_value": value, "withheld": result.notes.withheld},
    )
    yield dg.MaterializeResult(asset_key=TARGETS.split("."), metadata={"dagster/row_count": targets})


def _has_rows(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    return con.execute(f"select 1 from {relation} limit 1").fetchone() is not None


def _keep_notes(con: duckdb.DuckDBPyConnection, warnings: list[str], absent: str | None) -> None:
    """Keep what the manifest says of the orders: warnings, and why they are absent when they are."""
    notes = [{"kind": "warning", "text": text} for text in warnings]
    notes += [{"kind": "absent", "text": absent}] if absent else []
    replace_table(con, "ml.planning_notes", pl.DataFrame(notes, schema={"kind": pl.String, "text": pl.String}))
