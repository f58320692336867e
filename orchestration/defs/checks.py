"""The gates as blocking asset checks: one check a table, with counts, a sample and the link to its page.

Which rules there are, and what they mean, stands in data_quality/; here only what Dagster must know: which asset a
result belongs to, and that a refusal ends the night. Great Expectations (9 s to import) is imported inside the step.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg
import polars as pl

from data_quality import gates, report
from data_quality.results import CheckResult
from orchestration import quality_history, replays, runs
from orchestration.defs.resources import Company
from orchestration.defs.steps import OUT_OF_MEMORY, POOL, retrying_io
from orchestration.ingestion.catalogue import canonical_feeds
from orchestration.settings import Settings
from orchestration.warehouse import append_frame, configuration, connect, replace_table, table_exists

# the gate before publication in parts: forecasts are asked before orders rest on them
FORECASTS, ORDERS = "forecasts", "orders"
# and prices by themselves: they read marts that rest on orders
PRICES = "prices"
# the tables that each gate asks about; tests hold this list against the suites
GATED = {
    gates.FEEDS: tuple(f"feeds.{feed.table}" for feed in canonical_feeds().values()),
    gates.MARTS: (
        "ops.file_ledger",
        "marts.dim_customer",
        "marts.dim_date",
        "marts.dim_location",
        "marts.dim_product",
        "marts.fct_inventory_daily",
        "marts.fct_sales",
        "marts.mart_count_list",
        "marts.mart_missing_till_days",
        "marts.mart_review_queue",
        "intermediate.int_sales_daily",
        "intermediate.int_series_selected",
    ),
    FORECASTS: (
        "ml.forecast_accuracy",
        "ml.forecast_daily",
        "ml.forecast_drivers",
        "ml.forecast_fallbacks",
        "ml.forecast_hierarchy",
        "ml.forecast_monthly",
        "ml.forecast_promotions",
        "ml.forecast_weekly",
    ),
    ORDERS: (
        "ml.replenishment_orders",
        "ml.transfer_orders",
        "ml.allocation",
        "ml.available_to_promise",
        "ml.order_sourcing",
        "ml.customer_next_products",
        "ml.store_clusters",
        "ml.assortment_changes",
        "ml.region_opportunity",
        "ml.channel_lead_products",
        "ml.new_product_hits",
        "ml.feedback_themes",
    ),
    PRICES: (
        "ml.price_response",
        "ml.promotion_response",
        "ml.price_recommendations",
        "ml.shelf_labels",
        "ml.promotion_roi",
        "ml.promotion_roi_by_channel",
        "ml.promotion_plan",
        "ml.markdown_plan",
    ),
    gates.RESULTS: (
        "marts.mart_alerts",
        "marts.kpi_daily",
        "marts.mart_sku_location_day",
        "marts.mart_audiences",
        "marts.mart_recommendation_outcome",
        "marts.mart_recommendation_effect",
        "marts.mart_edit_score",
    ),
    gates.REPLAY: (replays.RESULTS, replays.TUNING),
}
DECLARED = {
    gates.FEEDS: gates.feeds_checks,
    gates.MARTS: gates.marts_checks,
    FORECASTS: gates.outputs_checks,
    ORDERS: gates.outputs_checks,
    PRICES: gates.outputs_checks,
    gates.RESULTS: gates.results_checks,
    gates.REPLAY: lambda _, as_of, tables: gates.replay_checks(as_of, tables),
}
RESULTS = "ops.data_quality"


def gated_keys(gate: str) -> list[dg.AssetKey]:
    """Return the asset keys that a gate asks about: what comes after the gate depends on all of them."""
    return [dg.AssetKey(table.split(".")) for table in GATED[gate]]


def _specs(gate: str) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(f"{gate}_gate", asset=key, blocking=True, description=f"All rules of the {gate} gate.")
        for key in gated_keys(gate)
    ]


@dg.multi_asset_check(name="feeds_gate", specs=_specs(gates.FEEDS), pool=POOL)
def feeds_gate(context: dg.AssetCheckExecutionContext, company: Company) -> Iterator[dg.AssetCheckResult]:
    """Before the business tables are built: may these extracts pass?"""
    yield from _run_gate(context, company.settings(), gates.FEEDS)


@dg.multi_asset_check(name="marts_gate", specs=_specs(gates.MARTS), pool=POOL)
def marts_gate(context: dg.AssetCheckExecutionContext, company: Company) -> Iterator[dg.AssetCheckResult]:
    """Before forecasting: may these tables pass?"""
    yield from _run_gate(context, company.settings(), gates.MARTS)


@dg.multi_asset_check(name="forecasts_gate", specs=_specs(FORECASTS), pool=POOL)
def forecasts_gate(context: dg.AssetCheckExecutionContext, company: Company) -> Iterator[dg.AssetCheckResult]:
    """Before orders and publication: may these forecasts go out?"""
    yield from _run_gate(context, company.settings(), FORECASTS)


@dg.multi_asset_check(name="orders_gate", specs=_specs(ORDERS), pool=POOL)
def orders_gate(context: dg.AssetCheckExecutionContext, company: Company) -> Iterator[dg.AssetCheckResult]:
    """Before publication: may these order lists go out?"""
    yield from _run_gate(context, company.settings(), ORDERS)


@dg.multi_asset_check(name="prices_gate", specs=_specs(PRICES), pool=POOL)
def prices_gate(context: dg.AssetCheckExecutionContext, company: Company) -> Iterator[dg.AssetCheckResult]:
    """Before publication: may what was said of prices go out?"""
    yield from _run_gate(context, company.settings(), PRICES)


@dg.multi_asset_check(name="results_gate", specs=_specs(gates.RESULTS), pool=POOL)
def results_gate(context: dg.AssetCheckExecutionContext, company: Company) -> Iterator[dg.AssetCheckResult]:
    """Before publication: may the marts that read forecasts go out?"""
    yield from _run_gate(context, company.settings(), gates.RESULTS)


@dg.multi_asset_check(name="replay_gate", specs=_specs(gates.REPLAY), pool=POOL)
def replay_gate(context: dg.AssetCheckExecutionContext, company: Company) -> Iterator[dg.AssetCheckResult]:
    """After a replay: may nights publish it? One that may not goes."""
    settings = company.settings()
    found = list(_run_gate(context, settings, gates.REPLAY))
    if any(not result.passed and result.severity == dg.AssetCheckSeverity.ERROR for result in found):
        with retrying_io(), connect(settings) as con:
            replays.discard_replay(con)
    yield from found


def _run_gate(context: dg.AssetCheckExecutionContext, settings: Settings, gate: str) -> Iterator[dg.AssetCheckResult]:
    from data_quality.engine import existing_tables, run_gate

    with retrying_io():
        with connect(settings) as con:
            run_id, as_of = runs.current(con)
        config = configuration(settings)
        tables = existing_tables(settings.warehouse, config)
        declared = DECLARED[gate]
        checks = [c for c in declared(settings.quality, as_of, tables) if c.table in GATED[gate]]
        results = run_gate(settings.warehouse, checks, settings.data_docs, gate, run_id, context.log.info, config)
        require_memory(results)
        _keep(settings, run_id, as_of, gate, results)
    for warning in report.warnings(results):
        context.log.warning(warning)
    if report.is_refused(results):
        context.log.error(report.refusal(results))
    for table in GATED[gate]:
        yield _of_table(settings, gate, table, [r for r in results if r.table_name == table])


def require_memory(results: Sequence[CheckResult]) -> None:
    """Raise MemoryError when a check met the memory limit: that says nothing about the data, so the step is retried."""
    for result in results:
        if result.sample and result.checked_rows is not None and OUT_OF_MEMORY in result.sample:
            raise MemoryError(f"{result.table_name} {result.check_name}: {result.sample}")


def _keep(settings: Settings, run_id: str, as_of: date, gate: str, results: Sequence[CheckResult]) -> None:
    """Write the results of this gate beside the other gates', and the reason of a refusal into the run's record."""
    types = {"BOOLEAN": pl.Boolean, "BIGINT": pl.Int64, "VARCHAR": pl.String}
    frame = pl.DataFrame(report.rows(results), schema={name: types[kind] for name, kind in report.COLUMNS.items()})
    with connect(settings) as con:
        # the feeds gate opens the night: what an earlier night's gates found goes
        if gate == gates.FEEDS or not table_exists(con, RESULTS):
            replace_table(con, RESULTS, frame)
        else:
            con.execute(f"delete from {RESULTS} where gate = ?", [gate])
            append_frame(con, RESULTS, frame)
        quality_history.keep(con, run_id, as_of, gate, RESULTS, settings.quality.history_runs)
        if report.is_refused(results):
            runs.end(con, run_id, runs.REFUSED, report.refusal(results))


def _of_table(settings: Settings, gate: str, table: str, results: list[CheckResult]) -> dg.AssetCheckResult:
    """Sum up a table's results: an error blocks, a warning shows."""
    failed = [r for r in results if not r.passed]
    is_error = any(r.refuses for r in results)
    metadata: dict[str, dg.RawMetadataValue] = {"checks": len(results), "failed": len(failed)}
    if failed:
        metadata["failed checks"] = dg.MetadataValue.json(
            [{"check": r.check_name, "rows": r.failed_rows, "sample": json.loads(r.sample)} for r in failed]
        )
    if results:
        if results[0].checked_rows is not None:
            metadata["rows"] = results[0].checked_rows
        metadata["data docs"] = dg.MetadataValue.url((settings.data_docs / results[0].docs_link).as_uri())
    return dg.AssetCheckResult(
        check_name=f"{gate}_gate",
        asset_key=table.split("."),
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=None if results else "this night has no such table",
    )
