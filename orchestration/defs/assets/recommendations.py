"""Stage 6: what to order, move, allocate, declare and send, from forecasts, stock and sources. Absent, with the reason,
where the feeds lack."""

from collections.abc import Iterator, Mapping

import dagster as dg
import duckdb
import polars as pl

from ml.planning.order_lines import TARGETS_SCHEMA
from ml.planning.replenishment import ReplenishmentInputs
from ml.planning.stock_plan import StockPlan, SupplyInputs, plan_stock
from orchestration import notes, recommendation_history, runs
from orchestration.defs import metadata
from orchestration.defs.resources import Company
from orchestration.defs.steps import POOL, retrying_io, table_specs
from orchestration.replays import tuned_targets
from orchestration.warehouse import connect, read_frame, replace_table

TARGETS = "ml.stock_targets"
INVENTORY, SOURCING = "erp/inventory", "erp/sourcing"
LANES, OPEN_ORDERS = "erp/lanes", "pos/open_orders"
QUERIES = {
    "forecast_daily": "select sku_id, location_id, date, mean, segment from ml.forecast_daily",
    "forecast_weekly": "select sku_id, location_id, week_start, mean from ml.forecast_weekly",
    "dispersion": "select * from ml.forecast_dispersion",
    "positions": "select * from intermediate.int_stock_positions",
    "sourcing": "select * from intermediate.int_sourcing_resolved",
    "suppliers": "select * from staging.stg_erp__suppliers",
    "products": "select sku_id, product_name, department, abc_class, shelf_life_days from marts.dim_product",
    "locations": "select d.location_id, d.location_name, d.is_open, d.region, d.ownership, s.latitude, s.longitude "
    "from marts.dim_location as d left join staging.stg_erp__locations as s using (location_id)",
    "shelves": "select * from intermediate.int_shelf_terms",
    "lanes": "select * from intermediate.int_lanes_resolved",
    "unit_values": "select * from intermediate.int_unit_values",
}
SUPPLY = {
    "under_way": "select sku_id, location_id, qty::double as qty, expected_on, "
    "concat_ws('|', kind, lateness_scope, lateness_sender_id, lateness_receiver) as lane "
    "from intermediate.int_supply_under_way",
    "lateness": "select concat_ws('|', kind, scope, sender_id, receiver) as lane, days_late, share "
    "from intermediate.int_supply_lateness",
}
ORDER_VALUES = (
    "select coalesce(p.department, 'none') as department, coalesce(p.abc_class, 'none') as abc_class, "
    "sum(o.order_value)::double as order_value from ml.replenishment_orders as o "
    "left join marts.dim_product as p using (sku_id) group by all order by all"
)
OPEN_ORDER_LINES = "select * from staging.stg_pos__open_orders"

# output -> the feeds without which it is absent: what is there, where more comes from, over which lanes, who waits
NEEDED_FEEDS = {
    "replenishment_orders": (INVENTORY, SOURCING),
    "transfer_orders": (INVENTORY, SOURCING, LANES),
    "allocation": (INVENTORY, SOURCING),
    "available_to_promise": (INVENTORY,),
    "order_sourcing": (INVENTORY, OPEN_ORDERS),
}
NO_FEEDING_PLACE = "no place is fed by another in erp/sourcing: there is nothing to share out"

TABLES = {
    "ml.replenishment_orders": "Order lines by product, place and source: order-up-to on the distribution of demand, "
    "every term shown.",
    TARGETS: "The stock that each place should have of each product, also where nothing is to be ordered.",
    "ml.transfer_orders": "Moves between places that earn more than they cost, from excess to shortage.",
    "ml.allocation": "Who gets what where a feeding place has less than the places it feeds ask for.",
    "ml.available_to_promise": "Units that can be declared for a date from a pool of places, by risk of overselling.",
    "ml.order_sourcing": "Which place serves which open order line at the least landed cost.",
}
READ = (
    *("ml.forecast_daily", "ml.forecast_weekly", "ml.forecast_dispersion"),
    *("intermediate.int_stock_positions", "intermediate.int_sourcing_resolved", "intermediate.int_shelf_terms"),
    *("intermediate.int_lanes_resolved", "intermediate.int_unit_values"),
    *("intermediate.int_supply_under_way", "intermediate.int_supply_lateness", "staging.stg_pos__open_orders"),
    *("feeds.decisions_recommendations", "marts.fct_purchase_orders", "marts.fct_transfers"),
)


@dg.multi_asset(
    name="recommendations",
    specs=table_specs(TABLES, READ, "planning", {"python", "polars", "duckdb"}),
    pool=POOL,
)
def recommendations(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Decide the lists of the night; one whose feeds are missing is absent, and without stock the targets are empty."""
    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        run_id, as_of = runs.current(con)
        delivered = {feed for feed in {*sum(NEEDED_FEEDS.values(), ())} if _has_rows(con, _table_of(feed))}
        plan = None
        if INVENTORY in delivered:
            frames = {name: read_frame(con, query) for name, query in QUERIES.items()}
            if SOURCING not in delivered:
                frames["sourcing"] = frames["sourcing"].clear()
            orders = read_frame(con, OPEN_ORDER_LINES) if OPEN_ORDERS in delivered else None
            supply = SupplyInputs(orders, **{name: read_frame(con, query) for name, query in SUPPLY.items()})
            tuned = tuned_targets(con) if settings.planning.apply_tuned_targets else {}
    absent = _absent(delivered)
    if INVENTORY in delivered:
        plan = plan_stock(ReplenishmentInputs(**frames), supply, as_of, settings.planning, tuned)
    lists = _lists(plan, absent)
    warnings = plan.replenishment.notes.warnings() if plan and plan.replenishment else []
    for name, reason in absent.items():
        context.log.info(f"no {name}: {reason}")
    for warning in warnings:
        context.log.warning(warning)
    if "replenishment_orders" in lists:
        lines = lists["replenishment_orders"].filter(pl.col("order_qty") > 0)
        value = float(lines["order_value"].sum() or 0.0)
        context.log.info(f"{lines.height:,} order lines worth {value:,.0f} {settings.currency}")
    with retrying_io(), connect(settings) as con:
        if "replenishment_orders" in lists:
            lists["replenishment_orders"] = recommendation_history.with_decisions(
                con, run_id, as_of, lists["replenishment_orders"]
            )
        _write(con, plan, lists)
        notes.keep(con, "recommendations", warnings, absent)
        shown = {table: metadata.of_table(con, table) for table in TABLES}
        if "replenishment_orders" in lists:
            shown["ml.replenishment_orders"]["order value"] = metadata.order_value(read_frame(con, ORDER_VALUES))
    for table in TABLES:
        yield dg.MaterializeResult(asset_key=table.split("."), metadata=shown[table])


@dg.multi_asset(
    name="recommendation_history",
    specs=table_specs(
        {
            recommendation_history.KNOWN: "Every line recommended by this and earlier published nights, as decided.",
            recommendation_history.DECISIONS: "What came back in planners' workbooks: accepted, changed, rejected, "
            "refused.",
        },
        [
            *("ml.replenishment_orders", "ml.transfer_orders", "ml.assortment_changes"),
            *("ml.forecast_daily", "ml.forecast_weekly", "feeds.decisions_recommendations"),
        ],
        "planning",
        {"duckdb"},
    ),
    pool=POOL,
)
def recommended(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Keep the night's lines, and check what planners decided about earlier ones."""
    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        run_id, as_of = runs.current(con)
        lines = recommendation_history.note(con, run_id, as_of)
        refused = recommendation_history.judge(con, run_id)
    context.log.info(f"{lines:,} lines of this night kept")
    for message in refused:
        context.log.warning(message)
    yield dg.MaterializeResult(asset_key=recommendation_history.KNOWN.split("."), metadata={"lines": lines})
    yield dg.MaterializeResult(
        asset_key=recommendation_history.DECISIONS.split("."), metadata={"refused": len(refused)}
    )


def _lists(plan: StockPlan | None, absent: dict[str, str]) -> dict[str, pl.DataFrame]:
    """The lists to publish, by name; what a list has nothing to speak of joins `absent`, with the reason."""
    if plan is None:
        return {}
    made: dict[str, pl.DataFrame | None] = {
        "available_to_promise": plan.promises,
        "order_sourcing": plan.order_sourcing,
    }
    if plan.replenishment:
        made["replenishment_orders"] = plan.replenishment.lines
        made["transfer_orders"] = plan.replenishment.transfers
        made["allocation"] = plan.replenishment.allocation if plan.replenishment.has_feeding_places else None
        if not plan.replenishment.has_feeding_places:
            absent["allocation"] = NO_FEEDING_PLACE
    return {name: frame for name, frame in made.items() if name not in absent and frame is not None}


def _absent(delivered: set[str]) -> dict[str, str]:
    """Output -> why it is absent, where a feed that it needs is not delivered."""
    missing = {name: [feed for feed in feeds if feed not in delivered] for name, feeds in NEEDED_FEEDS.items()}
    return {name: f"no {' and no '.join(feeds)} delivered" for name, feeds in missing.items() if feeds}


def _write(con: duckdb.DuckDBPyConnection, plan: StockPlan | None, lists: Mapping[str, pl.DataFrame]) -> None:
    """Replace every table; one that has no list tonight goes."""
    targets = plan.replenishment.targets if plan and plan.replenishment else pl.DataFrame(schema=TARGETS_SCHEMA)
    replace_table(con, TARGETS, targets)
    for name in NEEDED_FEEDS:
        if name in lists:
            replace_table(con, f"ml.{name}", lists[name])
        else:
            con.execute(f"drop table if exists ml.{name}")


def _table_of(feed: str) -> str:
    return f"feeds.{feed.replace('/', '_')}"


def _has_rows(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    return con.execute(f"select 1 from {relation} limit 1").fetchone() is not None
