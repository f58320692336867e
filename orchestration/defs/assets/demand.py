"""Stage 4: the history that the forecast learns from: demand (what would have sold), not sales."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from data_quality import gates
from ml.forecasting.demand import estimate_demand
from orchestration.defs.checks import gated_keys
from orchestration.defs.resources import Company
from orchestration.defs.steps import POOL, retrying_io, table_specs
from orchestration.warehouse import connect, read_frame, replace_table

SERIES_QUERY = "select * from intermediate.int_series_selected order by series_id"
OBSERVED_QUERY = "select * from intermediate.int_demand_daily order by series_id, date"
TABLES = {
    "ml.demand_series": "One row a forecast series: a listed product at a place, or what sells unlisted in a region.",
    "ml.demand_history": "Demand by series and day; stock-outs, outliers and days without tills repaired, and marked.",
}


@dg.multi_asset(
    name="demand_history",
    specs=table_specs(
        TABLES, [*gated_keys(gates.MARTS), "intermediate.int_demand_daily"], "demand", {"duckdb", "polars"}
    ),
    pool=POOL,
)
def demand_history(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Estimate demand from sales and stock-outs; the gate has passed the tables it reads."""
    settings = company.settings()
    with retrying_io():
        with connect(settings) as con:
            series, observed = read_frame(con, SERIES_QUERY), read_frame(con, OBSERVED_QUERY)
        history = estimate_demand(observed, series)
        with connect(settings) as con:
            replace_table(con, "ml.demand_series", series)
            replace_table(con, "ml.demand_history", history)
    repaired = history.filter(pl.col("is_repaired")).with_columns(added=pl.col("quantity") - pl.col("sales_qty"))
    by_rule = repaired.group_by("repair_rule").agg(pl.len(), pl.col("added").sum()).sort("repair_rule")
    said = "; ".join(f"{rule}: {days:,} days, {units:+,.0f} units" for rule, days, units in by_rule.iter_rows())
    context.log.info(f"{series.height:,} series, {history.height:,} days with demand; repaired: {said or 'nothing'}")
    yield dg.MaterializeResult(asset_key=["ml", "demand_series"], metadata={"dagster/row_count": series.height})
    yield dg.MaterializeResult(
        asset_key=["ml", "demand_history"],
        metadata={
            "dagster/row_count": history.height,
            "repaired_days": repaired.height,
            "repaired_units": float(repaired["added"].sum()),
            **{f"{rule}_days": days for rule, days, _ in by_rule.iter_rows()},
        },
    )
