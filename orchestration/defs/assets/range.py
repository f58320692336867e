"""Stage 6b: clusters of stores, what to list and delist, regions, what leads where, early hits. Absent, with the
reason, where the feeds do not carry them."""

from collections.abc import Iterator

import dagster as dg

from data_quality import gates
from orchestration import notes, runs
from orchestration.defs.checks import gated_keys
from orchestration.defs.resources import Company
from orchestration.defs.steps import POOL, retrying_io, table_specs
from orchestration.warehouse import connect, read_frame, replace_table

TABLES = {
    "ml.store_clusters": "One row a place: the cluster whose mix of sales it shares, in words, and how sure that is.",
    "ml.assortment_changes": "What each place keeps, lists and delists, by incremental margin after transfer.",
    "ml.region_opportunity": "Region x category: demand index, coverage of the range, what a wider range could sell.",
    "ml.channel_lead_products": "What a channel sells in a region beyond the company's share.",
    "ml.new_product_hits": "New products far above the launches of their kind at the same age.",
}
# no gate asks about it: what reads it need not wait for the gate that asks about its readers too
HIT_ALERTS = "ml.hit_alerts"
WHY_ABSENT = {
    "store_clusters": "fewer than six places with sales and two categories of which stock is kept to compare",
    "assortment_changes": "no store clusters, or no unit cost or price of what the places list",
    "region_opportunity": "places have no region, or products no category",
    "channel_lead_products": "one channel in one region only: there is nothing to compare",
    "new_product_hits": "no new product on record is far above earlier launches",
}
_SOLD = """
with sold as (
    select n.sku_id, n.location_id, d.units_qty, d.net_amount, d.date
    from intermediate.int_sales_daily as d
    inner join intermediate.int_sku_locations_numbered as n using (sku_location_key)
    where d.date > $as_of::date - 182 and d.date <= $as_of::date
)
"""
# What is sold of a kind of which no stock is kept anywhere (services, cards, deposits, fuel) is no part of a range: it
# tells no place apart and leads nowhere. In the demo it was 12 % of the sales, and the clusters were the places with
# fuel and those without. Where no stock is delivered at all, everything counts.
_KEPT = """
stocked as (
    select distinct p.department, p.category
    from intermediate.int_stock_positions inner join marts.dim_product as p using (sku_id)
),
kept as (
    select p.sku_id, p.product_name, p.category from marts.dim_product as p
    where not exists (select 1 from stocked) or exists (
        select 1 from stocked as s
        where s.department is not distinct from p.department and s.category is not distinct from p.category
    )
)
"""
QUERIES = {
    "mix": f"{_SOLD}, {_KEPT}"
    """
    select s.location_id, p.category, (s.date > $as_of::date - 91)::integer as half,
        greatest(sum(s.net_amount), 0)::double as net_amount
    from sold as s
    inner join kept as p using (sku_id)
    inner join marts.dim_location as l using (location_id)
    where p.category is not null and l.is_open and l.location_type <> 'warehouse'
    group by all order by all
    """,
    "ranged": _SOLD
    + """,
    cost as (
        select sku_id, avg(price - unit_cost)::double as unit_margin from intermediate.int_unit_values
        where price is not null and unit_cost is not null group by sku_id
    ),
    units as (
        select sku_id, location_id, sum(units_qty)::double as units,
            sum(case when date > $as_of::date - 91 then units_qty else 0 end)::double as recent_units
        from sold group by all
    )
    select s.location_id, s.sku_id, p.product_name, coalesce(p.subcategory, p.category) as "group",
        coalesce(u.units, 0) as units, coalesce(u.recent_units, 0) as recent_units,
        greatest(least(($as_of::date - coalesce(s.launched_on, s.first_sold_on, $as_of::date - 182) + 1) / 7.0, 26), 1)
            ::double as weeks,
        coalesce(v.price - v.unit_cost, c.unit_margin)::double as unit_margin
    from intermediate.int_series_selected as s
    inner join marts.dim_product as p using (sku_id)
    left join units as u using (sku_id, location_id)
    left join intermediate.int_unit_values as v using (sku_id, location_id)
    left join cost as c on s.sku_id = c.sku_id
    where not s.is_pooled
    order by all
    """,
    "preference": """
    select region, department, category, net_amount::double as net_amount,
        preference_index / 100 as preference_index, index_low / 100 as index_low, index_high / 100 as index_high
    from marts.mart_region_preference
    where region is not null and category is not null and preference <> 'not shown'
    order by all
    """,
    "coverage": _SOLD
    + """,
    products as (
        select s.sku_id, p.category, greatest(sum(s.net_amount), 0)::double as net_amount
        from sold as s inner join marts.dim_product as p using (sku_id) where p.category is not null group by all
    ),
    places as (
        select distinct s.location_id, l.region from intermediate.int_series_selected as s
        inner join marts.dim_location as l using (location_id)
        where not s.is_pooled and l.region is not null and l.is_open and l.location_type <> 'warehouse'
    ),
    carried as (
        select a.region, p.category, sum(p.net_amount) as net_amount
        from intermediate.int_series_selected as s
        inner join places as a using (location_id)
        inner join products as p on s.sku_id = p.sku_id
        where not s.is_pooled group by all
    ),
    whole as (select category, sum(net_amount) as net_amount from products group by all having sum(net_amount) > 0),
    counted as (select region, count(*) as places from places group by all)
    select c.region, w.category, round(coalesce(k.net_amount, 0) / (w.net_amount * c.places), 9) as coverage_share
    from counted as c cross join whole as w
    left join carried as k on c.region = k.region and w.category = k.category
    order by all
    """,
    "channels": f"with {_KEPT}"
    """
    select d.channel, coalesce(l.region, 'none') as region, n.sku_id, p.product_name, sum(d.units_qty)::double as units,
        sum(d.net_amount)::double as net_amount
    from intermediate.int_sales_channel_daily as d
    inner join intermediate.int_sku_locations_numbered as n using (sku_location_key)
    inner join marts.dim_location as l using (location_id)
    inner join kept as p using (sku_id)
    where d.date > $as_of::date - 91 and d.date <= $as_of::date
    group by all order by all
    """,
    "launches": """
    with first as (
        select sku_id, min(d.date) as first_sold_on
        from intermediate.int_sales_daily as d
        inner join intermediate.int_sku_locations_numbered as n using (sku_location_key)
        where d.units_qty > 0 and d.date <= $as_of::date group by all
    ),
    -- what sold in the first 91 days on record may be older than they are
    seen as (select * from first where first_sold_on > (select min(first_sold_on) + 91 from first))
    select n.sku_id, (d.date - s.first_sold_on) // 7 as week, sum(d.units_qty)::double as units,
        count(distinct n.location_id) as places, any_value(s.first_sold_on) as first_sold_on,
        any_value(p.product_name) as product_name, any_value(p.department) as department
    from seen as s
    inner join intermediate.int_sku_locations_numbered as n on s.sku_id = n.sku_id
    inner join intermediate.int_sales_daily as d on n.sku_location_key = d.sku_location_key
    inner join marts.dim_product as p on s.sku_id = p.sku_id
    where d.date <= $as_of::date and d.date < s.first_sold_on + 7 * $weeks::integer
    group by all order by all
    """,
}


@dg.multi_asset(
    name="range_lists",
    specs=table_specs(
        TABLES | {HIT_ALERTS: "Early hits as alerts; empty where there is none."},
        [
            *gated_keys(gates.MARTS),
            "intermediate.int_sku_locations_numbered",
            "intermediate.int_sales_channel_daily",
            "intermediate.int_stock_positions",
            "intermediate.int_unit_values",
            "marts.mart_region_preference",
        ],
        "range",
        {"python", "polars", "duckdb"},
    ),
    pool=POOL,
)
def range_lists(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Tell stores apart by what they sell, and decide ranges; a list without a line is absent."""
    # scipy takes half a second to import: the graph loads without it
    from ml.range.assortment import assortment_changes
    from ml.range.clusters import store_clusters
    from ml.range.hits import early_hits
    from ml.range.regions import channel_lead_products, region_opportunity
    from ml.watch.launches import hit_alerts

    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        _, as_of = runs.current(con)
        known: dict[str, object] = {"as_of": as_of, "weeks": settings.range.hit_max_weeks}
        frames = {
            name: read_frame(con, query, {key: value for key, value in known.items() if f"${key}" in query})
            for name, query in QUERIES.items()
        }
    clusters = store_clusters(frames["mix"], as_of, settings.range)
    products = frames["launches"].select("sku_id", "product_name", "department", "first_sold_on").unique("sku_id")
    lists = {
        "store_clusters": clusters,
        "assortment_changes": assortment_changes(
            frames["ranged"], clusters.select("location_id", "cluster"), as_of, settings.range
        ),
        "region_opportunity": region_opportunity(
            frames["preference"], frames["coverage"], settings.range.walk_away_pct, as_of
        ),
        "channel_lead_products": channel_lead_products(frames["channels"], as_of),
        "new_product_hits": early_hits(frames["launches"], products, as_of, settings.range),
    }
    absent = {name: WHY_ABSENT[name] for name, lines in lists.items() if lines.is_empty()}
    with retrying_io(), connect(settings) as con:
        for name, lines in lists.items():
            context.log.info(f"{name}: {absent.get(name) or f'{lines.height:,} lines'}")
            if name in absent:
                con.execute(f"drop table if exists ml.{name}")
            else:
                replace_table(con, f"ml.{name}", lines)
        alerts = hit_alerts(lists["new_product_hits"])
        replace_table(con, HIT_ALERTS, alerts)
        notes.keep(con, "range_lists", absent=absent)
    yield dg.MaterializeResult(asset_key=HIT_ALERTS.split("."), metadata={"dagster/row_count": alerts.height})
    for name, lines in lists.items():
        yield dg.MaterializeResult(asset_key=["ml", name], metadata={"dagster/row_count": lines.height})
