"""Stage 6c: what to look at beside stock: sales that may have left their channel, feedback that jumps, early hits."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from data_quality import gates
from ml.watch.contract import ALERTS_SCHEMA
from ml.watch.diversion import diverted
from ml.watch.feedback import FEEDBACK_SCHEMA, feedback_themes
from orchestration import notes, runs
from orchestration.defs.assets.range import HIT_ALERTS
from orchestration.defs.checks import gated_keys
from orchestration.defs.resources import Company
from orchestration.defs.steps import POOL, retrying_io, table_specs
from orchestration.warehouse import connect, read_frame, replace_table

WATCHED, FEEDBACK = "ml.watched", "ml.feedback_themes"
NO_FEEDBACK = "no crm/feedback with a product and a text in the last 17 weeks"
TABLES = {
    WATCHED: "Alerts of what is watched beside stock, as mart_alerts takes them up.",
    FEEDBACK: "Themes of what customers write by product and week: mentions, mood, and whether they jump.",
}
SALES = """
select l.region, n.location_id, n.sku_id, p.product_name, p.category,
    greatest(sum(case when d.date > $as_of::date - 28 then d.units_qty else 0 end), 0)::double as units,
    greatest(sum(case when d.date <= $as_of::date - 28 then d.units_qty else 0 end), 0)::double as units_before,
    sum(case when d.date > $as_of::date - 28 then d.net_amount else 0 end)::double as net_amount
from intermediate.int_sales_daily as d
inner join intermediate.int_sku_locations_numbered as n using (sku_location_key)
inner join marts.dim_location as l using (location_id)
inner join marts.dim_product as p using (sku_id)
where d.date > $as_of::date - 182 and d.date <= $as_of::date
group by all order by all
"""
TEXTS = """
select coalesce(k.canonical_sku_id, f.sku_id) as sku_id, f.created_at::date as created_on, f.rating::double as rating,
    f.text
from feeds.crm_feedback as f
left join staging.stg_erp__product_links as k on f._source = k.source and f.sku_id = k.sku_id
where f.created_at::date <= $as_of::date and f.created_at::date > $as_of::date - 119
order by f._source, f.feedback_id
"""


@dg.multi_asset(
    name="watched",
    specs=table_specs(
        TABLES,
        [
            *gated_keys(gates.MARTS),
            "intermediate.int_sku_locations_numbered",
            "staging.stg_erp__product_links",
            "feeds.crm_feedback",
            HIT_ALERTS,
        ],
        "watch",
        {"python", "polars", "duckdb"},
    ),
    pool=POOL,
)
def watched(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Compare each place with its part of the region, each week's feedback with the eight before; add early hits."""
    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        _, as_of = runs.current(con)
        sales = read_frame(con, SALES, {"as_of": as_of})
        texts = read_frame(con, TEXTS, {"as_of": as_of})
        hits = read_frame(con, f"from {HIT_ALERTS}")
    schema = pl.Schema({"sku_id": pl.String, "created_on": pl.Date, "rating": pl.Float64, "text": pl.String})
    themes, jumps = feedback_themes(texts.cast(schema), as_of, settings.watch)
    alerts = pl.concat([diverted(sales, as_of, settings.watch), jumps, hits]).match_to_schema(ALERTS_SCHEMA)
    context.log.info(f"{alerts.height:,} alerts; {themes.height:,} themes of products and weeks")
    with retrying_io(), connect(settings) as con:
        replace_table(con, WATCHED, alerts)
        replace_table(con, FEEDBACK, themes.match_to_schema(FEEDBACK_SCHEMA))
        notes.keep(con, "watched", absent={"feedback_themes": NO_FEEDBACK} if themes.is_empty() else {})
    yield dg.MaterializeResult(asset_key=WATCHED.split("."), metadata={"dagster/row_count": alerts.height})
    yield dg.MaterializeResult(asset_key=FEEDBACK.split("."), metadata={"dagster/row_count": themes.height})
