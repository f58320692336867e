"""Stage 5b: what each customer is worth and will probably buy. Empty, with the reason, where no sale names one."""

from collections.abc import Iterator, Mapping

import dagster as dg
import polars as pl

from data_quality import gates
from ml.customers.contract import (
    ACCURACY_SCHEMA,
    NEXT_PRODUCTS_SCHEMA,
    PURCHASES_SCHEMA,
    VALUE_SCHEMA,
    CustomerResult,
)
from ml.customers.evaluation import DECIDING
from orchestration import notes, runs
from orchestration.defs.checks import gated_keys
from orchestration.defs.resources import Company
from orchestration.defs.steps import POOL, retrying_io, table_specs
from orchestration.settings import Settings
from orchestration.warehouse import connect, read_frame, replace_table

VALUE, ACCURACY = "ml.customer_value", "ml.customer_accuracy"
NEXT, NEXT_ACCURACY = "ml.customer_next_products", "ml.next_product_accuracy"
PURCHASES_QUERY = (
    "select customer_id, date, net_amount::double as amount, units_qty > 0 as is_purchase "
    "from intermediate.int_customer_days order by customer_id, date"
)
BOUGHT_QUERY = (
    "select customer_id, sku_id, sold_on as date from marts.fct_sales "
    "where customer_id is not null and quantity > 0 and sold_on > ?::date - 364 - 5 * 28 group by all"
)
RECOMMENDABLE_QUERY = (
    'select sku_id, product_name, department, category, coalesce(subcategory, category, department) as "group", '
    "coalesce(discontinued_on <= ?, false) as is_discontinued from marts.dim_product order by sku_id"
)
CONSENT_QUERY = (
    "select d.customer_id, c.marketing_consent "
    "from (select distinct customer_id from intermediate.int_customer_days) as d "
    "left join marts.dim_customer as c using (customer_id) order by d.customer_id"
)
NO_CUSTOMERS = "no sale names a customer: nothing can be said of them"
TABLES = {
    VALUE: "One row a customer who ever bought: repurchase probability, expected money of 91 and 364 days.",
    ACCURACY: "How right each contender was about the last quarter, estimated from what was known before it.",
}
NEXT_TABLES = {
    NEXT: "One row a customer and product that the customer will probably buy within 28 days, with the evidence.",
    NEXT_ACCURACY: "Of ten products shown, how many were bought in the last month: each contender.",
}
# what is published of them, all absent together
RESTING_ON_NEXT = ("customer_next_products", "audiences", "next_product_accuracy")
NO_CONSENT = (
    "no customer consented to marketing; customers.write_to_unknown_consent admits those of whom nothing is delivered"
)


@dg.multi_asset(
    name="customer_value",
    specs=table_specs(
        TABLES,
        [*gated_keys(gates.MARTS), "intermediate.int_customer_days"],
        "customers",
        {"python", "polars", "duckdb"},
    ),
    pool=POOL,
)
def customer_value(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Estimate value and repurchase of every customer; the contender that was right about the last quarter is used."""
    # LightGBM takes a second to import: the graph loads without it
    from ml.customers.pipeline import value_customers

    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        _, as_of = runs.current(con)
        purchases = read_frame(con, PURCHASES_QUERY).match_to_schema(PURCHASES_SCHEMA)
    if purchases.is_empty():
        result = CustomerResult(pl.DataFrame(schema=VALUE_SCHEMA), pl.DataFrame(schema=ACCURACY_SCHEMA))
        context.log.info(NO_CUSTOMERS)
    else:
        result = value_customers(purchases, as_of, settings.customers)
        context.log.info(_said(result, settings.currency))
    for note in result.notes:
        context.log.info(note)
    absent = {"mart_customer_value": NO_CUSTOMERS} if purchases.is_empty() else {}
    yield from _kept(settings, "customer_value", {VALUE: result.values, ACCURACY: result.accuracy}, absent)


@dg.multi_asset(
    name="customer_next_products",
    specs=table_specs(
        NEXT_TABLES,
        [*gated_keys(gates.MARTS), "intermediate.int_customer_days"],
        "customers",
        {"python", "polars", "duckdb"},
    ),
    pool=POOL,
)
def customer_next_products(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Say what each customer who may be written to will probably buy next, measured on the last month."""
    from ml.customers.next_products import HIT_RATE, NextProducts, next_products

    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        _, as_of = runs.current(con)
        purchases = read_frame(con, BOUGHT_QUERY, [as_of])
        products = read_frame(con, RECOMMENDABLE_QUERY, [as_of])
        customers = read_frame(con, CONSENT_QUERY)
    if purchases.is_empty():
        empty = pl.DataFrame(schema=NEXT_PRODUCTS_SCHEMA), pl.DataFrame(schema=ACCURACY_SCHEMA)
        result = NextProducts(*empty)
    else:
        result = next_products(purchases, products, customers, as_of, settings.customers)
    for note in result.notes:
        context.log.info(note)
    for model, rate, is_chosen in (
        result.accuracy.filter(pl.col("metric") == HIT_RATE).select("model", "value", "is_chosen").iter_rows()
    ):
        context.log.info(f"of ten products by {model} {10 * rate:.2f} were bought{' (used)' if is_chosen else ''}")
    reason = NO_CUSTOMERS if purchases.is_empty() else NO_CONSENT if result.lines.is_empty() else None
    absent = dict.fromkeys(RESTING_ON_NEXT, reason) if reason else {}
    yield from _kept(settings, "customer_next_products", {NEXT: result.lines, NEXT_ACCURACY: result.accuracy}, absent)


def _kept(
    settings: Settings, step: str, frames: Mapping[str, pl.DataFrame], absent: Mapping[str, str]
) -> Iterator[dg.MaterializeResult]:
    """Replace the step's tables, note what is absent for want of them, and tell Dagster of each."""
    with retrying_io(), connect(settings) as con:
        for table, frame in frames.items():
            replace_table(con, table, frame)
        notes.keep(con, step, absent=absent)
    for table, frame in frames.items():
        yield dg.MaterializeResult(asset_key=table.split("."), metadata={"dagster/row_count": frame.height})


def _said(result: CustomerResult, currency: str) -> str:
    expected = float(result.values["expected_91_days_amount"].sum())
    used = result.accuracy.filter(pl.col("is_chosen"))
    errors = [
        f"{target} by {model} ({metric} {value:,.3f} on the last quarter)"
        for target, model, metric, value in used.select("target", "model", "metric", "value").iter_rows()
        if metric == DECIDING[target]
    ]
    return (
        f"{result.values.height:,} customers, {expected:,.0f} {currency} in 91 days; {', '.join(errors) or 'by rule'}"
    )
