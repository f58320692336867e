"""Stage 8: what passed both gates becomes files, complete or absent, and `latest` moves."""

import json
from datetime import timedelta
from typing import Any, cast

import dagster as dg
import duckdb

from data_quality import gates
from orchestration import model_registry, notes, replays, runs
from orchestration.defs.checks import FORECASTS, ORDERS, PRICES, RESULTS, gated_keys
from orchestration.defs.resources import Company
from orchestration.defs.steps import OWNER, POOL, retrying_io
from orchestration.ingestion.ledger import manifest_inputs
from orchestration.publishing.night import Night, OutputTable
from orchestration.publishing.publication import publish
from orchestration.settings import Settings
from orchestration.warehouse import connect, table_exists

OUTPUTS = (
    OutputTable(
        "replenishment_orders",
        "ml.replenishment_orders",
        ("sku_id", "location_id", "supplier_id", "from_location_id"),
        True,
        "Order proposals",
        "What to order, by product, place and source, with every term of the arithmetic.",
    ),
    OutputTable(
        "transfer_orders",
        "ml.transfer_orders",
        ("from_location_id", "to_location_id", "sku_id"),
        True,
        "Transfers",
        "What to move between places, by lane and product, with both sides before and after, gain and cost.",
    ),
    OutputTable(
        "allocation",
        "ml.allocation",
        ("from_location_id", "sku_id", "location_id"),
        True,
        "Allocation",
        "Who gets what where a feeding place has less than the places it feeds ask for.",
    ),
    OutputTable(
        "available_to_promise",
        "ml.available_to_promise",
        ("pool", "sku_id", "promised_for"),
        True,
        "Available to promise",
        "Units that can be declared for a date from a pool of places, at 1, 5 and 10 % risk of overselling.",
    ),
    OutputTable(
        "order_sourcing",
        "ml.order_sourcing",
        ("source", "order_id", "line_number", "location_id"),
        True,
        "Sourcing of open orders",
        "Which place serves which open order line, and what that costs.",
    ),
    OutputTable(
        "price_recommendations",
        "ml.price_recommendations",
        ("sku_id", "location_id", "channel", "member_tier"),
        True,
        "Prices",
        "Shelf prices to change, by product, place and member tier, with units, margin, interval and the binding rule.",
    ),
    OutputTable(
        "shelf_labels",
        "ml.shelf_labels",
        ("location_id", "sku_id", "channel", "member_tier"),
        False,
        "Shelf labels",
        "The new prices by place, as electronic shelf labels take them.",
    ),
    OutputTable(
        "promotion_plan",
        "ml.promotion_plan",
        ("week_start", "sku_id", "location_id"),
        True,
        "Promotion plan",
        "Promotions for the weeks ahead with the highest expected return under the budget.",
    ),
    OutputTable(
        "promotion_roi",
        "ml.promotion_roi",
        ("level", "node"),
        True,
        "Returns of promotions",
        "What past promotions brought for what was given away, by promotion, by mechanic and depth, with intervals.",
    ),
    OutputTable(
        "promotion_roi_by_channel",
        "ml.promotion_roi_by_channel",
        ("level", "node", "channel"),
        True,
        "Returns by channel",
        "What past promotions brought over each channel; the channels add up to the returns of promotions.",
    ),
    OutputTable(
        "markdown_plan",
        "ml.markdown_plan",
        ("sku_id", "location_id", "basis", "starts_on"),
        True,
        "Markdowns",
        "Prices by week, or by day, until the exit date, for slow and excess stock and lots near their expiry.",
    ),
    OutputTable(
        "price_response",
        "ml.price_response",
        ("sku_id",),
        False,
        "Answer to prices",
        "Elasticity of each product to its shelf price and to discounts, with interval and evidence.",
    ),
    OutputTable(
        "promotion_response",
        "ml.promotion_response",
        ("level", "node", "effect", "mechanic", "off_share"),
        False,
        "Answer to promotions",
        "Uplift by mechanic and depth, what comes after, and what the rest of the category loses, with intervals.",
    ),
    OutputTable(
        "alerts",
        "marts.mart_alerts",
        ("alert_id",),
        True,
        "Alerts",
        "What to look at: stock-outs without an order, slow movers, records to count, tills and sales in doubt.",
    ),
    OutputTable(
        "customer_next_products",
        "ml.customer_next_products",
        ("customer_id", "rank"),
        True,
        "Next products",
        "What each customer will probably buy within 28 days, and what came of such lines before.",
    ),
    OutputTable(
        "audiences",
        "marts.mart_audiences",
        ("audience", "customer_id"),
        True,
        "Audiences",
        "Customers who may be written to, by stage of life and value, with the reason and what to offer.",
    ),
    OutputTable(
        "next_product_accuracy",
        "ml.next_product_accuracy",
        ("model", "metric"),
        False,
        "Accuracy of next products",
        "Of ten products shown to each customer a month ago, how many were bought: the ranking and simple rules.",
    ),
    OutputTable(
        "store_clusters",
        "ml.store_clusters",
        ("cluster", "location_id"),
        True,
        "Store clusters",
        "Places by what they sell, with words for what sets each cluster apart and how sure it is.",
    ),
    OutputTable(
        "assortment_changes",
        "ml.assortment_changes",
        ("location_id", "group", "action", "sku_id"),
        True,
        "Range by place",
        "What each place keeps, lists and delists: incremental margin after transfer to substitutes.",
    ),
    OutputTable(
        "region_opportunity",
        "ml.region_opportunity",
        ("region", "department", "category"),
        True,
        "Regions",
        "Region by category: demand index, coverage of the range, and what a wider range could sell.",
    ),
    OutputTable(
        "channel_lead_products",
        "ml.channel_lead_products",
        ("channel", "region", "lead_rank"),
        True,
        "Lead products",
        "What sells in a channel and region beyond its share elsewhere: what should lead there.",
    ),
    OutputTable(
        "new_product_hits",
        "ml.new_product_hits",
        ("sku_id",),
        True,
        "Early hits",
        "New products far above the launches of their kind at the same age.",
    ),
    OutputTable(
        "feedback_themes",
        "ml.feedback_themes",
        ("sku_id", "week_start", "theme"),
        True,
        "Themes of feedback",
        "What customers write about, by product and week: mentions, mood, and whether a theme jumps.",
    ),
    OutputTable(
        "forecast_daily",
        "ml.forecast_daily",
        ("sku_id", "location_id", "date"),
        False,
        "Daily forecast",
        "Demand by product, place and day, 28 days ahead.",
    ),
    OutputTable(
        "forecast_weekly",
        "ml.forecast_weekly",
        ("sku_id", "location_id", "week_start"),
        False,
        "Weekly forecast",
        "Demand by product, place and week, 26 weeks ahead.",
    ),
    OutputTable(
        "forecast_monthly",
        "ml.forecast_monthly",
        ("sku_id", "location_id", "month_start"),
        False,
        "Monthly forecast",
        "Demand by product, place and month, 6 months ahead.",
    ),
    OutputTable(
        "forecast_hierarchy",
        "ml.forecast_hierarchy",
        ("level", "node", "period_type", "period_start"),
        False,
        "Forecast by level",
        "Demand of the company, its regions, channels, departments, categories and products, by week and month.",
    ),
    OutputTable(
        "forecast_drivers",
        "ml.forecast_drivers",
        ("sku_id", "location_id", "driver"),
        False,
        "Forecast drivers",
        "Why: level, season, price, promotion, events, reconciliation and edit, adding up to the next 28 days.",
    ),
    OutputTable(
        "forecast_edits",
        "ml.forecast_edits",
        ("level", "node", "starts_on", "ends_on", "owner"),
        False,
        "Forecast edits",
        "What planners changed, with owner, reason and expiry, and the quantities before and after.",
    ),
    OutputTable(
        "forecast_promotions",
        "ml.forecast_promotions",
        ("sku_id", "location_id", "promotion_id"),
        False,
        "Forecast of promotions",
        "Demand with and without each promotion that is planned or running, by product and place.",
    ),
    OutputTable(
        "forecast_fallbacks",
        "ml.forecast_fallbacks",
        ("reason",),
        False,
        "Forecast fallbacks",
        "How often a simpler method stood in for one that failed.",
    ),
    OutputTable(
        "forecast_accuracy",
        "ml.forecast_accuracy",
        ("level", "horizon_band", "segment", "step", "metric"),
        False,
        "Forecast accuracy",
        "How accurate forecasts made on past cut-offs were, beside seasonal naive.",
    ),
    OutputTable(
        "kpi_daily",
        "marts.kpi_daily",
        ("date", "location_id", "channel", "department"),
        False,
        "Daily KPIs",
        "Sales, margin, transactions, availability, lost sales and stock, by day, place, channel and department.",
    ),
    OutputTable(
        "mart_policy_replay",
        replays.RESULTS,
        ("policy", "dial", "abc_class", "location_id"),
        False,
        "Replay of the past",
        "What the proposed rule and simple ones would have come to on the company's own past, by class and place.",
    ),
    OutputTable(
        "mart_service_tuning",
        replays.TUNING,
        ("service_group",),
        False,
        "Service targets by replay",
        "What to ask for so that the wanted share is served: tuned on one part of the past, proved on another.",
    ),
    OutputTable(
        "tuning_report",
        replays.REPORT,
        ("service_group",),
        False,
        "Tuning report",
        "What was tuned by replay, on which days, proved on which others, and what to change in the settings.",
    ),
    OutputTable(
        "mart_recommendation_effect",
        "marts.mart_recommendation_effect",
        ("month_start", "list", "decision_state", "outcome", "horizon_days"),
        False,
        "Effect of recommendations",
        "What the recommendations of each month brought, by list, decision and what became of them.",
    ),
    OutputTable(
        "mart_edit_score",
        "marts.mart_edit_score",
        ("list", "decided_by", "category"),
        False,
        "People's edits scored",
        "Where planners' quantities were nearer than the recommended ones to what hindsight would have ordered.",
    ),
    OutputTable(
        "data_quality",
        RESULTS,
        ("gate", "table_name", "check_name"),
        False,
        "Data quality",
        "Every check of the night's gates, with its result.",
    ),
)


@dg.asset(
    key=["published", "latest"],
    deps=gated_keys(gates.MARTS)
    + gated_keys(FORECASTS)
    + gated_keys(ORDERS)
    + gated_keys(PRICES)
    + gated_keys(gates.RESULTS),
    group_name="publication",
    kinds={"parquet", "csv", "excel", "duckdb"},
    # planners start at eight: a night that has not come by then shows in the UI
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26)),
    owners=[OWNER],
    pool=POOL,
)
def publication(context: dg.AssetExecutionContext, company: Company) -> dg.MaterializeResult:
    """The published night: Parquet, CSV, XLSX, marts.duckdb, the page and the manifest; `latest` points at it."""
    settings = company.settings()
    asked = cast(dict[str, Any], context.run.run_config).get("ops", {}).get("ingest", {}).get("config", {})
    with retrying_io(), connect(settings) as con:
        night = night_of(con, settings, asked.get("keeps_latest", False))
        outputs = outputs_of(night)
        folder = publish(
            con,
            night,
            outputs,
            published_dir=settings.published,
            settings=settings.publishing,
            say=context.log.info,
        )
        runs.end(con, night.run_id, runs.PUBLISHED)
        # models forecast later nights once their own has passed every gate; a night made again changes nothing of that
        if runs.models_used(con, night.run_id) == night.run_id and runs.rebuilt(con, night.run_id) is None:
            model_registry.crown(settings.models, night.run_id)
    return dg.MaterializeResult(
        metadata={
            "folder": dg.MetadataValue.path(str(folder)),
            "page": dg.MetadataValue.url((folder / "index.html").as_uri()),
            "outputs": len(outputs),
        }
    )


def outputs_of(night: Night) -> list[OutputTable]:
    """Return what a night publishes: every output that is not absent."""
    return [output for output in OUTPUTS if output.name not in night.absent]


def night_of(con: duckdb.DuckDBPyConnection, settings: Settings, keeps_latest: bool = False) -> Night:
    """Gather what the manifest says of the warehouse's last night beside the tables."""
    run_id, as_of = runs.current(con)
    failed = con.execute(
        f"select table_name || ' ' || check_name || ': ' || description from {RESULTS} where not passed "
        "order by gate, table_name, check_name"
    ).fetchall()
    absent = notes.absent(con) | _no_associates(con) | replays.absent_replay(con)
    for output in OUTPUTS:
        if output.name not in absent and not table_exists(con, output.relation):
            absent[output.name] = "its step made no table this night"
    return Night(
        run_id=run_id,
        as_of=as_of,
        company=settings.company,
        currency=settings.currency,
        code_version=runs.code_version(),
        settings_hash=settings.digest,
        inputs=[dict(entry) for entry in manifest_inputs(con)],
        models=[json.loads(row[0]) for row in con.execute("select model from ml.models").fetchall()],
        warnings=[check for (check,) in failed] + notes.warnings(con),
        absent=absent,
        simulated_feeds=settings.simulated_feeds,
        data_docs=settings.data_docs,
        keeps_latest=keeps_latest,
    )


def _no_associates(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The sales by associate, which dbt builds without a row where no till names one, with the reason."""
    if con.execute("select 1 from marts.mart_associate_sales limit 1").fetchone() is not None:
        return {}
    return {"mart_associate_sales": "no sale names an associate (pos/sales.associate_id)"}
