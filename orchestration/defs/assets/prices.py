"""Stage 7b: how demand answers to prices and promotions, and what to do about it. Absent, with the reason, where the
feeds lack.

It comes after the second build of the marts: what is slow and in excess stands there.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import get_args

import dagster as dg
import duckdb
import polars as pl

from ml.planning.clearance import LOTS_SCHEMA, ClearanceInputs, plan_markdowns
from ml.planning.price_proposals import PriceInputs, effective_day, propose_prices
from ml.planning.pricing_settings import UncutMechanic
from ml.planning.promotion_plan import PromotionInputs, plan_promotions
from ml.response.panel import MECHANICS_SCHEMA, WEEKS_SCHEMA
from ml.response.past_promotions import (
    PROMOTED_BY_CHANNEL_SCHEMA,
    PROMOTED_SCHEMA,
    promotion_returns,
    promotion_returns_by_channel,
)
from ml.response.pipeline import Response, estimate_response
from orchestration import notes, recommendation_history, runs
from orchestration.defs import metadata
from orchestration.defs.resources import Company
from orchestration.defs.steps import POOL, retrying_io, table_specs
from orchestration.settings import Settings
from orchestration.warehouse import connect, read_frame, replace_table, table_exists

TABLES = {
    "ml.price_response": "Elasticity of each product to its shelf price and to discounts, with interval and evidence.",
    "ml.promotion_response": "Uplift by mechanic and depth, what comes after, what the rest of the category loses.",
    "ml.price_recommendations": "Shelf prices to change, with units, margin, interval and the rule that binds.",
    "ml.shelf_labels": "The new prices by place, as electronic shelf labels take them.",
    "ml.promotion_roi": "What past promotions returned, by promotion, by mechanic and depth, with intervals.",
    "ml.promotion_roi_by_channel": "The same by the channel of the sale; the channels add up to it.",
    "ml.promotion_plan": "Promotions for the weeks ahead with the highest expected return under the budget.",
    "ml.markdown_plan": "Price paths to the exit date for slow and excess stock and lots near their expiry.",
}
READ = (
    *("intermediate.int_product_price_weeks", "intermediate.int_product_promotion_weeks"),
    *("marts.mart_slow_movers", "intermediate.int_unit_values", "ml.transfer_orders"),
    *("ml.stock_targets", "ml.replenishment_orders"),
    *("ml.forecast_daily", "ml.forecast_weekly", "ml.forecast_dispersion"),
    *("marts.mart_promotion_roi", "marts.mart_promotion_roi_by_channel"),
    *("marts.fct_price", "intermediate.int_stock_positions"),
)
PRODUCTS = "select sku_id, department, category from marts.dim_product"
# what stands on the clearance list: slow by its main rule, or with a lot on record
CLEARED = """
create or replace temp table cleared as
select sku_id, location_id, max(rule) as rule from (
    select sku_id, location_id, rule from marts.mart_slow_movers where is_main
    union all
    select distinct sku_id, location_id, null from newest_lots
) group by sku_id, location_id
"""
# an older count of lots is replaced by the newest of its place
NEWEST_LOTS = """
create or replace temp table newest_lots as
select sku_id, location_id, expires_on, qty::double as qty from feeds.erp_lots
where snapshot_date <= ? and expires_on is not null
qualify snapshot_date = max(snapshot_date) over (partition by location_id)
"""
STOCK = """
with moved as (
    {moved}
),
wanted as (
    {wanted}
)
select c.sku_id, c.location_id, p.product_name, l.location_name, p.department, p.category, c.rule,
    coalesce(p.discontinued_on <= ?, false) as is_discontinued,
    (s.on_hand_qty - coalesce(s.reserved_qty, 0))::double as on_hand_qty, coalesce(m.qty, 0)::double as moved_out_qty,
    t.target_qty, w.sku_id is not null as is_wanted,
    v.price::double as price, v.unit_cost::double as unit_cost
from cleared as c
inner join intermediate.int_stock_positions as s on c.sku_id = s.sku_id and c.location_id = s.location_id
left join marts.dim_product as p on c.sku_id = p.sku_id
left join marts.dim_location as l on c.location_id = l.location_id
left join intermediate.int_unit_values as v on c.sku_id = v.sku_id and c.location_id = v.location_id
left join moved as m on c.sku_id = m.sku_id and c.location_id = m.location_id
left join ml.stock_targets as t on c.sku_id = t.sku_id and c.location_id = t.location_id
left join wanted as w on c.sku_id = w.sku_id and c.location_id = w.location_id
where s.on_hand_qty > 0 and coalesce(l.is_open, true)
order by c.sku_id, c.location_id
"""
MOVED = "select sku_id, from_location_id as location_id, sum(qty) as qty from ml.transfer_orders group by all"
# ordered or moved in tonight: by list, where there is one
WANTED = {
    "ml.replenishment_orders": "select sku_id, location_id from ml.replenishment_orders where order_qty > 0",
    "ml.transfer_orders": "select sku_id, to_location_id as location_id from ml.transfer_orders",
}
NOTHING_WANTED = "select null::varchar as sku_id, null::varchar as location_id where false"
NOT_MOVED = "select null::varchar as sku_id, null::varchar as location_id, 0.0 as qty where false"
FORECASTS = {
    "forecast_daily": "select sku_id, location_id, date, mean from ml.forecast_daily semi join cleared "
    "using (sku_id, location_id)",
    "forecast_weekly": "select sku_id, location_id, week_start, mean from ml.forecast_weekly semi join cleared "
    "using (sku_id, location_id)",
    "dispersion": "from ml.forecast_dispersion",
    "lots": "from newest_lots",
}
# prices that hold on the day; where the tills alone show them, one price of a product for the company
PRICES = """
with delivered as (
    select sku_id, location_id, channel, member_tier, price::double as price from marts.fct_price
    where not is_observed and $day between valid_from and valid_to
),
seen as (
    select sku_id, '*' as location_id, '*' as channel, '*' as member_tier, usual_price as price from ml.price_response
    where sku_id not in (select sku_id from delivered)
),
own_places as (
    select distinct sku_id, location_id from delivered where location_id <> '*' and member_tier = '*'
),
ahead as (
    select f.sku_id, f.location_id, sum(f.mean) as qty from ml.forecast_daily as f
    semi join ml.price_response as r using (sku_id) group by all
),
demand as (
    select a.sku_id, coalesce(o.location_id, '*') as location_id, sum(a.qty) as demand_mean_qty
    from ahead as a left join own_places as o on a.sku_id = o.sku_id and a.location_id = o.location_id group by all
)
select p.*, d.demand_mean_qty from (from delivered union all from seen) as p
semi join ml.price_response as r using (sku_id)
left join demand as d on p.sku_id = d.sku_id and p.location_id = d.location_id
"""
PRICED = """
with costs as (
    select sku_id, avg(unit_cost)::double as unit_cost from intermediate.int_unit_values group by sku_id
)
select p.sku_id, p.product_name, p.brand, p.list_price::double as list_price, p.pack_size::double as pack_size,
    case when p.brand is not null and p.unit is not null
        then concat_ws('|', p.brand, coalesce(p.subcategory, p.category), p.unit) end as ladder,
    coalesce(c.unit_cost, p.unit_cost::double) as unit_cost
from marts.dim_product as p left join costs as c using (sku_id)
"""
POSITIONS = """
with stock as (
    select sku_id, location_id, (on_hand_qty - coalesce(reserved_qty, 0) - coalesce(backorder_qty, 0)
        + coalesce(on_order_qty, 0) + coalesce(in_transfer_qty, 0))::double as position_qty
    from intermediate.int_stock_positions
)
from stock
union all
select sku_id, '*', sum(position_qty) from stock group by sku_id
"""
BANDS = """
select sku_id, min(price)::double as competitor_low_price, max(price)::double as competitor_high_price
from feeds.erp_competitor_prices where observed_on between $day - 27 and $day and price > 0 group by sku_id
"""
# a label hangs where the product is sold: of a price for all places, everywhere but where there is one of its own
LABELS = """
with places as (
    select distinct s.sku_id, s.location_id from intermediate.int_series_selected as s
    inner join marts.dim_location as l using (location_id)
    where not s.is_pooled and l.is_open and l.location_type <> 'warehouse'
),
own as (select distinct sku_id, location_id, channel from marts.fct_price where location_id <> '*' and not is_observed)
select p.location_id, r.sku_id, r.channel, r.member_tier, d.product_name, d.unit, r.new_price, r.current_price,
    r.effective_on, r.as_of
from ml.price_recommendations as r
inner join places as p on r.sku_id = p.sku_id and r.location_id in ('*', p.location_id)
left join own as o on p.sku_id = o.sku_id and p.location_id = o.location_id and r.channel = o.channel
left join marts.dim_product as d on r.sku_id = d.sku_id
where r.location_id <> '*' or o.sku_id is null
order by all
"""
RETURNS = f"select {', '.join(PROMOTED_SCHEMA)} from marts.mart_promotion_roi where missing_reason is null"
RETURNS_BY_CHANNEL = (
    f"select {', '.join(PROMOTED_BY_CHANNEL_SCHEMA)} from marts.mart_promotion_roi_by_channel "
    "where missing_reason is null"
)
# the price of all places, by what they sell; those that prices are recommended for have one
PROMOTABLE = """
with prices as (
    select sku_id, avg(price) as price from ({prices}) where member_tier = '*' group by sku_id
)
select p.sku_id, p.product_name, p.department, p.category, q.price, c.unit_cost
from marts.dim_product as p
inner join prices as q using (sku_id)
left join ({priced}) as c using (sku_id)
"""
WEEKS_AHEAD = """
select sku_id, date_diff('day', $first::date, date) // 7 + 1 as week, sum(mean) as mean_qty
from ml.forecast_daily where date >= $first group by all
"""
# where a display can stand, or a mailer go out
PLACES_AHEAD = """
select f.sku_id, f.location_id, date_diff('day', $first::date, f.date) // 7 + 1 as week, sum(f.mean) as mean_qty
from ml.forecast_daily as f
inner join marts.dim_location as l using (location_id)
where f.date >= $first and l.is_open and l.location_type <> 'warehouse' group by all
"""
NO_PROMOTIONS = "no promotion with a discount has been measured: erp/promotions, its items, costs or stock are missing"
ONE_CHANNEL = "all sales of the promotions measured came over one channel: promotion_roi is its return"
NO_WEEKS = (
    "no product has prices that are known in weeks without a sale: erp/prices is not delivered, and of what the tills "
    "show no product sold in nine weeks of ten, in marts.price_response_min_weeks at least"
)
NO_STOCK = "no erp/inventory delivered"


@dg.multi_asset(
    name="prices",
    specs=table_specs(TABLES, READ, "planning", {"python", "polars", "duckdb"}),
    pool=POOL,
)
def prices(context: dg.AssetExecutionContext, company: Company) -> Iterator[dg.MaterializeResult]:
    """Estimate how demand answers, then decide about prices; what cannot be said is absent, with the reason."""
    settings = company.settings()
    absent: dict[str, str] = {}
    warnings: list[str] = []
    with retrying_io(), connect(settings) as con:
        run_id, as_of = runs.current(con)
        response = _response(con, as_of)
        made: dict[str, pl.DataFrame | None] = dict.fromkeys(name.removeprefix("ml.") for name in TABLES)
        if response is None:
            absent = dict.fromkeys(made, NO_WEEKS)
        else:
            made |= {"price_response": response.products, "promotion_response": response.promotions}
            made["markdown_plan"] = _markdowns(con, response, as_of, settings, warnings, absent)
            replace_table(con, "ml.price_response", response.products)
            proposals = made["price_recommendations"] = _proposals(con, response, as_of, settings, warnings)
            replace_table(con, "ml.price_recommendations", proposals)
            made["shelf_labels"] = read_frame(con, LABELS)
            made["promotion_plan"] = _promotions(con, response, as_of, settings, warnings)
        _returns(con, as_of, made, absent)
        _write(con, made, absent, warnings)
        recommendation_history.note(con, run_id, as_of, recommendation_history.PRICES)
        shown = {table: metadata.of_table(con, table) for table in TABLES if table_exists(con, table)}
    for name, reason in absent.items():
        context.log.info(f"no {name}: {reason}")
    for warning in warnings:
        context.log.warning(warning)
    for table in TABLES:
        yield dg.MaterializeResult(asset_key=table.split("."), metadata=shown.get(table, {}))


def _returns(
    con: duckdb.DuckDBPyConnection, as_of: date, made: dict[str, pl.DataFrame | None], absent: dict[str, str]
) -> None:
    """Add what past promotions returned to `made`, or the reason why not to `absent`; no prices are needed for it."""
    measured, channels = read_frame(con, RETURNS), read_frame(con, RETURNS_BY_CHANNEL)
    if measured.is_empty():
        absent |= dict.fromkeys(("promotion_roi", "promotion_roi_by_channel"), NO_PROMOTIONS)
        return
    made["promotion_roi"] = promotion_returns(measured, as_of)
    absent.pop("promotion_roi", None)
    if channels["channel"].n_unique() == 1:
        absent["promotion_roi_by_channel"] = ONE_CHANNEL
        return
    made["promotion_roi_by_channel"] = promotion_returns_by_channel(channels, as_of)
    absent.pop("promotion_roi_by_channel", None)


def _response(con: duckdb.DuckDBPyConnection, as_of: date) -> Response | None:
    weeks = read_frame(con, "from intermediate.int_product_price_weeks").match_to_schema(WEEKS_SCHEMA)
    mechanics = read_frame(con, "from intermediate.int_product_promotion_weeks").match_to_schema(MECHANICS_SCHEMA)
    return estimate_response(weeks, mechanics, read_frame(con, PRODUCTS), as_of)


def _markdowns(
    con: duckdb.DuckDBPyConnection,
    response: Response,
    as_of: date,
    settings: Settings,
    warnings: list[str],
    absent: dict[str, str],
) -> pl.DataFrame | None:
    """The markdown plan; None, with the reason in `absent`, where no stock is delivered."""
    con.execute(NEWEST_LOTS, [as_of])
    con.execute(CLEARED)
    if con.execute("select 1 from feeds.erp_inventory limit 1").fetchone() is None:
        absent["markdown_plan"] = NO_STOCK
        return None
    moved = MOVED if table_exists(con, "ml.transfer_orders") else NOT_MOVED
    frames = {name: read_frame(con, query) for name, query in FORECASTS.items()}
    frames["lots"] = frames["lots"].match_to_schema(LOTS_SCHEMA)
    wanted = " union ".join([NOTHING_WANTED, *(query for table, query in WANTED.items() if table_exists(con, table))])
    stock = read_frame(con, STOCK.format(moved=moved, wanted=wanted), [as_of])
    inputs = ClearanceInputs(stock=stock, response=response.products, groups=response.groups, **frames)
    lines, without = plan_markdowns(inputs, as_of, settings.pricing)
    warnings += [f"stocks that could be marked down without a plan, {reason}: {n:,}" for reason, n in without.items()]
    return lines


def _proposals(
    con: duckdb.DuckDBPyConnection, response: Response, as_of: date, settings: Settings, warnings: list[str]
) -> pl.DataFrame:
    """Prices to change; what stays, and why, joins the warnings."""
    day = {"day": effective_day(as_of, settings.pricing)}
    inputs = PriceInputs(
        prices=con.execute(PRICES, day).pl(),
        products=read_frame(con, PRICED),
        stock=read_frame(con, POSITIONS),
        bands=con.execute(BANDS, {"day": as_of}).pl(),
        response=response.products,
    )
    lines, stays = propose_prices(inputs, as_of, settings.pricing)
    warnings += [f"prices that stay, {reason}: {count:,}" for reason, count in stays.items()]
    return lines


def _promotions(
    con: duckdb.DuckDBPyConnection, response: Response, as_of: date, settings: Settings, warnings: list[str]
) -> pl.DataFrame:
    """Promotions to run, from the first whole week after the prices can change; what has none joins the warnings."""
    first = effective_day(as_of, settings.pricing)
    first += timedelta(days=(settings.week_starts_on - first.isoweekday()) % 7)
    query = PROMOTABLE.format(prices=PRICES, priced=PRICED)
    inputs = PromotionInputs(
        products=con.execute(query, {"day": first}).pl(),
        demand=con.execute(WEEKS_AHEAD, {"first": first}).pl(),
        places=con.execute(PLACES_AHEAD, {"first": first}).pl(),
        response=response.products,
        promotions=response.promotions,
        mechanics=response.mechanics,
    )
    lines, without = plan_promotions(inputs, first, as_of, settings.pricing)
    warnings += _unplanned(set(response.mechanics["mechanic"]), set(settings.pricing.promotion_mechanic_costs))
    warnings += [f"products without a promotion, {reason}: {count:,}" for reason, count in without.items()]
    return lines


def _unplanned(seen: set[str], costed: set[str]) -> list[str]:
    """Why promotion_plan leaves a mechanic out: what it brings was seen and not its cost, or the reverse."""
    without_cost = "pricing.promotion_mechanic_costs does not say what one costs"
    reasons = dict.fromkeys(sorted(seen & set(get_args(UncutMechanic)) - costed), without_cost)
    reasons |= dict.fromkeys(sorted(costed - seen), "no product shows what one brings")
    return [f"promotion_plan has no {mechanic}: {reason}" for mechanic, reason in reasons.items()]


def _write(
    con: duckdb.DuckDBPyConnection,
    made: dict[str, pl.DataFrame | None],
    absent: dict[str, str],
    warnings: list[str],
) -> None:
    """Replace every table; one that is absent tonight goes. Keep what the manifest says of them."""
    for name, frame in made.items():
        if frame is None:
            con.execute(f"drop table if exists ml.{name}")
        else:
            replace_table(con, f"ml.{name}", frame)
    notes.keep(con, "prices", warnings, absent)
