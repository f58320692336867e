"""Stage 1b: which accounts of which sources are one customer, and who asked to be forgotten.

After ingestion and before dbt, so that no business table ever sees an erased customer. splink (0.5 s to import) is
imported where accounts are compared: the graph loads without it.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.resources import Company
from orchestration.defs.steps import POOL, retrying_io, table_specs
from orchestration.identity.keys import load_hasher
from orchestration.identity.night import identify
from orchestration.ingestion.declarations import SourceFeed, source_feeds
from orchestration.warehouse import connect

# every feed that names customers, and the requests to forget them
_FEEDS = (
    "crm_customers",
    "crm_campaign_members",
    "crm_redemptions",
    "crm_feedback",
    "pos_sales",
    "pos_open_orders",
    "decisions_erase_customers",
)
_TABLES = {
    "customer_accounts": "The customer behind every account of every source; one row an account.",
    "customer_links": "Pairs of accounts that are one customer: the method, the probability and what agreed.",
    "customer_ids": "The customer behind every id that any extract names; a pseudonym where nobody knows the id.",
}


@dg.multi_asset(
    name="identify_customers",
    specs=table_specs(
        {f"identity.{name}": about for name, about in _TABLES.items()},
        [f"feeds.{feed}" for feed in _FEEDS],
        "ingestion",
        {"duckdb", "python"},
    ),
    pool=POOL,
)
def identify_customers(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Link accounts when crm changed, resolve new customer ids, carry out requests to be forgotten."""
    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        hasher = load_hasher(settings.home)
        report = identify(
            con, hasher, settings.identity, settings.threads, context.log.info, _id_headers(source_feeds(settings.home))
        )
    rows = {"customer_accounts": report.accounts, "customer_links": report.links, "customer_ids": report.ids}
    for name, count in rows.items():
        yield dg.MaterializeResult(
            asset_key=["identity", name],
            metadata={"dagster/row_count": count, "customers": report.customers, "linked_anew": report.was_linked},
        )


def _id_headers(feeds: list[SourceFeed]) -> dict[str, str]:
    """Return the header under which a declared feed's files have the customer's id, by `<source>_<feed>`."""
    declared = {feed.table: (feed.columns or {}).get("customer_id") for feed in feeds}
    return {table: how.header for table, how in declared.items() if how and how.header}
