"""How to break a good warehouse so that one check must fail: (table, check) -> SQL, one entry a declared check."""

from __future__ import annotations

from datetime import date

from data_quality.suites.feed_rules import FEEDS

AS_OF = date(2024, 3, 27)  # the business day of good_warehouse.sql

SALES, DAYS = "marts.fct_sales", "marts.mart_sku_location_day"
DAILY, PAIRS = "intermediate.int_sales_daily", "intermediate.int_sku_locations_numbered"
STOCK = "marts.fct_inventory_daily"
PRODUCTS, PLACES, CALENDAR, CUSTOMERS = (
    "marts.dim_product",
    "marts.dim_location",
    "marts.dim_date",
    "marts.dim_customer",
)
SERIES, FILES = "intermediate.int_series_selected", "ops.file_ledger"
QUEUE, TILLS, COUNTS = "marts.mart_review_queue", "marts.mart_missing_till_days", "marts.mart_count_list"
KPIS, ALERTS = "marts.kpi_daily", "marts.mart_alerts"
ORDERS, ACCURACY = "ml.replenishment_orders", "ml.forecast_accuracy"
HIERARCHY, DRIVERS, FALLBACKS = "ml.forecast_hierarchy", "ml.forecast_drivers", "ml.forecast_fallbacks"
PROMOTED = "ml.forecast_promotions"
MOVES, SHARES = "ml.transfer_orders", "ml.allocation"
PROMISES, SERVED = "ml.available_to_promise", "ml.order_sourcing"
ANSWERS, OFFERS, MARKDOWNS = "ml.price_response", "ml.promotion_response", "ml.markdown_plan"
PROPOSALS, LABELS = "ml.price_recommendations", "ml.shelf_labels"
PLAN, RETURNS, SPLIT = "ml.promotion_plan", "ml.promotion_roi", "ml.promotion_roi_by_channel"
NEXT, AUDIENCES = "ml.customer_next_products", "marts.mart_audiences"
CLUSTERS, CHANGES, REGIONS = "ml.store_clusters", "ml.assortment_changes", "ml.region_opportunity"
LEADS, HITS, FEEDBACK = "ml.channel_lead_products", "ml.new_product_hits", "ml.feedback_themes"
OUTCOMES, EFFECTS, SCORES = (
    "marts.mart_recommendation_outcome",
    "marts.mart_recommendation_effect",
    "marts.mart_edit_score",
)
REPLAY, TUNING = "ml.policy_replay", "ml.service_tuning"
FORECASTS = {"ml.forecast_daily": "date", "ml.forecast_weekly": "week_start", "ml.forecast_monthly": "month_start"}

GIVEN = {
    SALES: "source transaction_id line_number sold_at sold_on channel location_id sku_id quantity net_amount",
    DAYS: "sku_id location_id date units_qty returns_qty net_amount",
    STOCK: "snapshot_date location_id sku_id on_hand_qty",
    PRODUCTS: "sku_id is_inferred",
    PLACES: "location_id location_type is_open is_inferred",
    CALENDAR: "date week_start month_start",
    CUSTOMERS: "source customer_id",
    SERIES: "series_id sku_id location_id is_pooled",
    ORDERS: "sku_id location_id order_qty",
    MOVES: "from_location_id to_location_id sku_id qty",
    SHARES: "from_location_id sku_id location_id allocated_qty",
    PROMISES: "pool sku_id promised_for promise_01pct_qty",
    NEXT: "customer_id rank sku_id kind",
    AUDIENCES: "customer_id audience lifecycle_stage explanation",
    CLUSTERS: "location_id explanation",
    CHANGES: "location_id sku_id explanation",
    REGIONS: "region department category explanation",
    LEADS: "channel region sku_id explanation",
    HITS: "sku_id explanation",
    FEEDBACK: "sku_id week_start theme mentions",
    SERVED: "source order_id line_number sku_id sourced_qty",
    ANSWERS: "sku_id is_conclusive weeks_seen",
    OFFERS: "level node effect mechanic effect_pct",
    PROPOSALS: "sku_id location_id channel member_tier new_price explanation",
    LABELS: "location_id sku_id channel member_tier new_price effective_on",
    PLAN: "sku_id location_id week_start mechanic new_price explanation",
    RETURNS: "level node claim explanation",
    SPLIT: "level node channel claim explanation",
    MARKDOWNS: "sku_id location_id basis starts_on new_price channel explanation",
    REPLAY: "policy dial abc_class location_id pair_count first_day",
    TUNING: "service_group service_target tuned_target",
    QUEUE: "sku_id location_id date units_qty why queue_rank",
    TILLS: "location_id date chance",
    KPIS: "date location_id channel department net_amount transaction_count lead_transaction_count",
    OUTCOMES: "recommendation_id horizon_days list status outcome",
    EFFECTS: "month_start list recommendation_count measured_count",
    SCORES: "list decided_by category verdict",
    COUNTS: "sku_id location_id rule money_at_risk count_rank",
    ALERTS: "alert_id alert_type severity location_id explanation",
    **{f"feeds.{feed.name}": feed.given for feed in FEEDS},
    **{table: f"sku_id location_id {period}" for table, period in FORECASTS.items()},
}
DOUBLED = [SALES, DAYS, STOCK, PRODUCTS, PLACES, CALENDAR, CUSTOMERS, SERIES, ORDERS, *FORECASTS]
DOUBLED += [NEXT, AUDIENCES, CLUSTERS, CHANGES, REGIONS, LEADS, HITS, FEEDBACK]
DOUBLED += [MOVES, SHARES, PROMISES, SERVED, REPLAY, TUNING]
DOUBLED += [ANSWERS, OFFERS, PROPOSALS, LABELS, PLAN, RETURNS, SPLIT, MARKDOWNS]
DOUBLED += [ALERTS, HIERARCHY, PROMOTED, QUEUE, TILLS, COUNTS, KPIS]
DOUBLED += [OUTCOMES, EFFECTS, SCORES]
DOUBLED += [f"feeds.{feed.name}" for feed in FEEDS if feed.key]
EMPTIED = [REPLAY, HIERARCHY, SALES, DAYS, KPIS, PRODUCTS, PLACES, SERIES, ACCURACY, *FORECASTS]

MUTATIONS: dict[tuple[str, str], str] = {
    **{
        (t, f"{c}_is_given"): f"update {t} set {c} = null where rowid = 1"
        for t, cs in GIVEN.items()
        for c in cs.split()
    },
    **{(t, "key_is_unique"): f"insert into {t} select * from {t} where rowid = 1" for t in DOUBLED},
    **{(t, "has_rows"): f"delete from {t}" for t in EMPTIED},
}


def _on(table: str, mutations: dict[str, str]) -> None:
    MUTATIONS.update({(table, check): sql for check, sql in mutations.items()})


_on(
    SALES,
    {
        "sold_on_is_in_range": "update marts.fct_sales set sold_on = date '2024-03-28' where rowid = 1",
        "quantity_is_a_number": """alter table marts.fct_sales alter quantity type double;
            update marts.fct_sales set quantity = 'nan' where rowid = 1""",
        "net_amount_is_a_number": """alter table marts.fct_sales alter net_amount type double;
            update marts.fct_sales set net_amount = '-inf' where rowid = 1""",
        "quantity_is_plausible": "update marts.fct_sales set quantity = -100001 where rowid = 1",
        "net_amount_is_plausible": "update marts.fct_sales set net_amount = 1000000.01 where rowid = 1",
        "discount_amount_is_not_negative": "update marts.fct_sales set discount_amount = -0.01 where rowid = 1",
        "returns_are_marked": "update marts.fct_sales set is_return = not is_return where rowid = 1",
        "signs_agree": "update marts.fct_sales set net_amount = -net_amount where rowid = 1",
        "products_are_known": "update marts.fct_sales set sku_id = 'X' where rowid = 1",
        "products_are_mostly_known": "update marts.dim_product set is_inferred = true where sku_id = 'B'",
        "places_are_known": "update marts.fct_sales set location_id = 'X' where rowid = 1",
        "places_are_mostly_known": "delete from marts.dim_location where location_id = 'S2'",
        "last_day_has_sales": "delete from marts.fct_sales where sold_on = date '2024-03-27'",
        "last_day_has_its_volume": "delete from marts.fct_sales where sold_on = date '2024-03-27' and line_number > 1",
        "amounts_follow_prices": "update marts.fct_sales set net_amount = net_amount * 2 where sku_id = 'C'",
        "sources_are_recent": """insert into marts.fct_sales select * replace ('shop' as source) from marts.fct_sales
            where sold_on = date '2024-03-23'""",
    },
)
_on(
    DAYS,
    {
        "date_is_in_range": "update marts.mart_sku_location_day set date = date '1989-12-31' where rowid = 1",
        "units_qty_is_not_negative": "update marts.mart_sku_location_day set units_qty = -1 where rowid = 1",
        "returns_qty_is_not_negative": "update marts.mart_sku_location_day set returns_qty = -1 where rowid = 1",
        "net_amount_is_a_number": "update marts.mart_sku_location_day set net_amount = 1e13 where rowid = 1",
        "price_is_a_number": """alter table marts.mart_sku_location_day alter price type double;
            update marts.mart_sku_location_day set price = 'inf' where rowid = 1""",
        "on_hand_qty_is_a_number": "update marts.mart_sku_location_day set on_hand_qty = 1e13 where rowid = 1",
        "adds_up_to_sales": "update marts.mart_sku_location_day set units_qty = units_qty + 0.001 where rowid = 1",
        "stockout_follows_stock": f"update {DAYS} set is_stockout = false where on_hand_qty is null",
        "figures_agree": f"update {DAYS} set margin_amount = margin_amount + 0.01 where rowid = 1",
    },
)
_on(
    ALERTS,
    {
        "money_at_risk_is_not_negative": f"update {ALERTS} set money_at_risk = -0.01 where rowid = 1",
        "severity_is_known": f"update {ALERTS} set severity = 'urgent' where rowid = 1",
        "as_of_is_the_business_day": f"update {ALERTS} set as_of = date '2024-03-26' where rowid = 1",
    },
)
_on(
    OUTCOMES,
    {
        "too_early_is_ahead": f"update {OUTCOMES} set measured_until = date '2024-03-28' where status = 'measured'",
        "hindsight_serves_what_was_short": f"update {OUTCOMES} set hindsight_qty = 5 where list like '%orders'",
        "nothing_done_gains_nothing": f"update {OUTCOMES} set executed_qty = null where list like '%orders'",
        "gain_is_against_without": f"update {OUTCOMES} set expected_without_amount = 33 where list like 'price%'",
    },
)
_on(EFFECTS, {"counts_every_line_once": f"update {EFFECTS} set recommendation_count = 2 where rowid = 1"})
_on(SCORES, {"nearer_and_farther_are_edits": f"update {SCORES} set farther_count = 2 where rowid = 1"})
_on(
    KPIS,
    {
        "date_is_in_range": f"update {KPIS} set date = date '2024-03-28' where rowid = 1",
        "units_qty_is_not_negative": f"update {KPIS} set units_qty = -1 where rowid = 1",
        "returns_qty_is_not_negative": f"update {KPIS} set returns_qty = -1 where rowid = 1",
        "lost_qty_is_not_negative": f"update {KPIS} set lost_qty = -1 where rowid = 1",
        "net_amount_is_a_number": f"update {KPIS} set net_amount = 1e13 where rowid = 1",
        "margin_amount_is_a_number": f"update {KPIS} set margin_amount = -1e13 where rowid = 1",
        "stock_value_amount_is_a_number": f"update {KPIS} set stock_value_amount = 1e13 where rowid = 1",
        "lost_amount_is_a_number": f"update {KPIS} set lost_amount = 1e13 where rowid = 1",
        "adds_up_to_sales": f"update {KPIS} set net_amount = net_amount + 0.01 where rowid = 1",
        "transactions_are_receipts": f"update {KPIS} set lead_transaction_count = 2 where department = 'food'",
        "margin_is_sales_less_cost": f"update {KPIS} set cost_amount = cost_amount + 0.01 where rowid = 1",
        "stockouts_are_counted_days": f"update {KPIS} set stockout_day_count = 2.1 where rowid = 1",
    },
)
_on(
    DAILY,
    {
        # twenty more places, all at twice the price since four weeks
        "prices_are_steady": f"""insert into {PAIRS} select sku_location_key + 100 * (i + 1), sku_id, location_id || i
            from {PAIRS}, range(20) as t (i);
            insert into {DAILY} select days.* replace (sku_location_key + 100 * (i + 1) as sku_location_key,
            case when date > date '2024-02-28' then sales_amount * 2 else sales_amount end as sales_amount)
            from {DAILY} as days, range(20) as t (i)""",
        "mix_is_steady": f"""update {DAILY} set net_amount = 0 where date > date '2024-02-28'
            and sku_location_key in (select sku_location_key from {PAIRS} where sku_id = 'C')""",
    },
)
_on(
    STOCK,
    {
        "snapshot_date_is_in_range": f"update {STOCK} set snapshot_date = date '2024-03-28' where rowid = 1",
        "on_hand_qty_is_a_number": f"update {STOCK} set on_hand_qty = 1e13 where rowid = 1",
        "reserved_qty_is_a_number": f"update {STOCK} set reserved_qty = -1e13 where rowid = 1",
        "unit_cost_is_not_negative": f"update {STOCK} set unit_cost = -0.01 where rowid = 1",
        "stockout_follows_stock": f"update {STOCK} set is_stockout = not is_stockout where rowid = 1",
        "on_hand_is_not_negative": f"update {STOCK} set on_hand_qty = -1 where snapshot_date = date '2024-03-27'",
        "stock_is_recent": f"delete from {STOCK} where snapshot_date > date '2024-03-23'",
        "stock_adds_up": f"update {STOCK} set on_hand_qty = 99 where snapshot_date = '2024-03-27' and sku_id = 'A'",
        "newest_snapshot_is_whole": f"delete from {STOCK} where snapshot_date = date '2024-03-27' and sku_id <> 'A'",
    },
)
_on(
    PRODUCTS,
    {
        "list_price_is_not_negative": "update marts.dim_product set list_price = -1 where sku_id = 'A'",
        "unit_cost_is_not_negative": "update marts.dim_product set unit_cost = -1 where sku_id = 'A'",
        "pack_size_is_not_negative": "update marts.dim_product set pack_size = -1 where sku_id = 'A'",
    },
)
_on(CALENDAR, {"calendar_is_whole": "delete from marts.dim_date where date = date '2024-09-26'"})
_on(FILES, {"few_rows_are_quarantined": "update ops.file_ledger set rows_quarantined = 6"})
_on(
    SERIES,
    {
        "series_are_numbered": f"update {SERIES} set series_id = 9 where series_id = 2",
        "products_are_known": f"update {SERIES} set sku_id = 'X' where series_id = 1",
        "places_are_known": f"update {SERIES} set location_id = 'X' where series_id = 1",
        "first_sale_is_not_ahead": f"update {SERIES} set first_sold_on = date '2024-03-28' where series_id = 1",
    },
)
for _table, _period in FORECASTS.items():
    _on(
        _table,
        {
            "as_of_is_the_business_day": f"update {_table} set as_of = date '2024-03-26' where rowid = 1",
            "nothing_is_missing_or_negative": f"update {_table} set p75 = null where rowid = 1",
            "quantiles_never_cross": f"update {_table} set p50 = p75 + 0.01 where rowid = 1",
            "every_series_is_whole": f"delete from {_table} where {_period} = (select max({_period}) from {_table})",
        },
    )
for _table in ("ml.forecast_weekly", "ml.forecast_monthly"):
    _on(_table, {"days_covered_are_right": f"update {_table} set days_covered = 5 where rowid = 0"})
_on("ml.forecast_weekly", {"days_add_up_to_weeks": "update ml.forecast_weekly set mean = mean + 1e-5 where rowid = 1"})
_on(
    "ml.forecast_daily",
    {
        "total_is_plausible": "update ml.forecast_daily set mean = mean * 4",
        "total_is_possible": "update ml.forecast_daily set mean = mean / 20",
    },
)
_on(
    HIERARCHY,
    {
        "as_of_is_the_business_day": f"update {HIERARCHY} set as_of = date '2024-03-26' where rowid = 1",
        "quantiles_are_in_order": f"update {HIERARCHY} set p90 = p75 - 0.01 where rowid = 1",
        "levels_add_up_to_the_series": f"update {HIERARCHY} set mean = mean + 1e-4 where rowid = 1",
    },
)
_on(DRIVERS, {"drivers_add_up": f"update {DRIVERS} set amount = amount + 1e-4 where rowid = 1"})
_on(
    PROMOTED,
    {
        "as_of_is_the_business_day": f"update {PROMOTED} set as_of = date '2024-03-26' where rowid = 1",
        "covers_days_ahead_of_the_promotion": f"update {PROMOTED} set covers_to = covers_from - 1 where rowid = 1",
        "uplift_is_with_less_without": f"update {PROMOTED} set uplift_qty = 4 where rowid = 1",
        "with_is_the_published_forecast": f"update {PROMOTED} set with_qty = with_qty + 1, "
        "without_qty = without_qty + 1 where rowid = 1",
    },
)
_on(
    FALLBACKS,
    {
        "nothing_failed": f"update {FALLBACKS} set used = 1",
        "few_series_fell_back": f"update {FALLBACKS} set used = 6",
    },
)
_on(
    ORDERS,
    {
        "as_of_is_the_business_day": f"update {ORDERS} set as_of = date '2024-03-26' where sku_id = 'A'",
        "position_is_its_terms": f"update {ORDERS} set on_order_qty = 3 where location_id = 'S2'",
        "need_is_target_less_position": f"update {ORDERS} set need_qty = 11 where target_qty = 24",
        "packs_are_whole": f"update {ORDERS} set order_qty = 13, order_value = 13 where target_qty = 24",
        "minimum_is_kept": f"update {ORDERS} set min_order_qty = 18 where target_qty = 24",
        "orders_have_a_need": f"update {ORDERS} set need_qty = 0 where target_qty = 24",
        "withheld_lines_order_nothing": f"update {ORDERS} set order_qty = 1 where sku_id = 'B'",
        "confidence_is_said": f"update {ORDERS} set confidence = null where sku_id = 'A'",
        "stockout_probability_is_one": f"update {ORDERS} set stockout_probability = 1.5 where sku_id = 'A'",
        "dates_are_ahead": f"update {ORDERS} set order_on = as_of where sku_id = 'B'",
        "value_is_quantity_times_cost": f"update {ORDERS} set order_value = 12.02 where target_qty = 24",
        "products_are_known": "delete from marts.dim_product where sku_id = 'A'",
    },
)
for _table in (MOVES, SHARES, PROMISES, SERVED, ANSWERS, OFFERS, PROPOSALS, LABELS, PLAN, RETURNS, SPLIT, MARKDOWNS):
    _on(_table, {"as_of_is_the_business_day": f"update {_table} set as_of = date '2024-03-26' where rowid = 1"})
_on(
    MOVES,
    {
        "quantity_is_its_terms": f"update {MOVES} set unprofitable_qty = 1 where rowid = 1",
        "packs_are_whole": f"update {MOVES} set order_multiple = 3 where rowid = 1",
        "sources_keep_their_target": f"update {MOVES} set source_position_after_qty = 4 where rowid = 1",
        "gain_and_cost_are_their_terms": f"update {MOVES} set shipment_amount = 0.6 where rowid = 1",
        "moves_pay": f"update {MOVES} set handling_amount = 7 where rowid = 1",
        "moving_is_worth_more_than_ordering": f"update {MOVES} set order_gain_amount = 6 where rowid = 1",
        "nothing_is_ordered_and_moved_in": f"update {ORDERS} set sku_id = 'C' where location_id = 'S2'",
    },
)
_on(
    SHARES,
    {
        "quantity_is_its_terms": f"update {SHARES} set min_order_qty = 0, requested_qty = 1, allocated_qty = 0.5 "
        "where location_id = 'S3'",
        "no_more_than_there_is": f"update {SHARES} set allocated_qty = 2 where location_id = 'S3'",
        "orders_follow_the_allocation": f"update {ORDERS} set after_allocation_qty = 6 where location_id = 'S2'",
    },
)
_on(
    PROMISES,
    {
        "dates_are_ahead": f"update {PROMISES} set promised_for = as_of where rowid = 1",
        "more_risk_never_promises_less": f"update {PROMISES} set promise_05pct_qty = 14 where rowid = 1",
        "no_more_than_can_be_there": f"update {PROMISES} set under_way_qty = -3 where rowid = 1",
        "promise_is_its_terms": f"update {PROMISES} set open_order_qty = 0 where rowid = 1",
    },
)
_on(
    SERVED,
    {
        "quantity_is_its_terms": f"update {SERVED} set short_qty = 0 where rowid = 0",
        "no_more_than_is_there": f"update {SERVED} set taken_by_others_qty = 9, free_after_qty = -2 where rowid = 0",
        "cost_is_its_terms": f"update {SERVED} set parcel_amount = 3 where rowid = 0",
    },
)
_on(
    ANSWERS,
    {
        "elasticity_is_a_number": f"update {ANSWERS} set elasticity = 'nan', elasticity_high = 'nan' where rowid = 1",
        "discount_elasticity_is_a_number": f"update {ANSWERS} set discount_elasticity = 'inf' where rowid = 1",
        "elasticity_lies_in_its_interval": f"update {ANSWERS} set is_conclusive = true where rowid = 1",
    },
)
_on(OFFERS, {"effect_lies_in_its_interval": f"update {OFFERS} set effect_low_pct = 36 where rowid = 1"})
_on(
    PROPOSALS,
    {
        "dates_are_ahead": f"update {PROPOSALS} set effective_on = as_of where rowid = 1",
        "prices_change": f"update {PROPOSALS} set new_price = 10 where rowid = 1",
        "margin_is_its_terms": f"update {PROPOSALS} set new_units_qty = 141 where rowid = 1",
    },
)
_on(LABELS, {"labels_follow_proposals": f"update {LABELS} set new_price = 8.9 where rowid = 2"})
_on(
    PLAN,
    {
        "return_is_its_terms": f"update {PLAN} set mechanic_cost_amount = 0 where rowid = 1",
        "budget_is_kept": f"update {PLAN} set budget_left_amount = -1",
    },
)
_on(RETURNS, {"effect_is_its_terms": f"update {RETURNS} set pulled_forward_margin_amount = 2 where rowid = 1"})
_on(
    SPLIT,
    {
        "effect_is_its_terms": f"update {SPLIT} set net_margin_effect_amount = 6 where rowid = 1",
        "channels_add_up": f"delete from {SPLIT} where level = 'promotion' and node = 'P2'",
    },
)
_on(
    MARKDOWNS,
    {
        "price_is_its_terms": f"update {MARKDOWNS} set new_price = 5.01 where rowid = 1",
        "prices_never_go_up": f"update {MARKDOWNS} set new_price = 8.01 where rowid = 1",
        "units_add_up": f"update {MARKDOWNS} set expected_left_qty = 4 where rowid = 1",
        "what_is_ordered_is_not_cleared": f"update {MARKDOWNS} set sku_id = 'A' where location_id = 'S1'",
        "what_is_moved_in_is_not_cleared": f"update {MARKDOWNS} set sku_id = 'C' where location_id = 'S2'",
        "gain_is_its_terms": f"update {MARKDOWNS} set recovery_low_amount = 45 where rowid = 0",
    },
)

_on(
    REPLAY,
    {
        **{
            f"{column}_is_not_negative": f"update {REPLAY} set {column} = -1 where rowid = 1"
            for column in (
                "demand_qty",
                "average_stock_qty",
                "order_count",
                "lost_margin_amount",
                "holding_cost_amount",
            )
        },
        "total_cost_amount_is_a_number": f"update {REPLAY} set total_cost_amount = 'inf' where rowid = 1",
        "cost_saving_amount_is_a_number": f"update {REPLAY} set cost_saving_amount = 'nan' where rowid = 1",
        "fill_rate_is_a_share": f"update {REPLAY} set fill_rate_pct = 100.1 where rowid = 1",
        "availability_is_a_share": f"update {REPLAY} set availability_pct = -0.1 where rowid = 1",
        "days_are_past": f"update {REPLAY} set as_of = date '2024-03-28' where rowid = 1",
        "cost_is_its_terms": f"update {REPLAY} set total_cost_amount = 31 where rowid = 1",
        "intervals_hold_their_order": f"update {REPLAY} set cost_saving_low_amount = 31 where rowid = 2",
        "claims_follow_intervals": f"update {REPLAY} set claim = 'proposed serves more' where rowid = 2",
        "one_dial_a_rule_is_compared": f"update {REPLAY} set is_compared = true where rowid = 3",
        "classes_add_up": f"update {REPLAY} set pair_count = 5 where abc_class = 'B'",
    },
)
_on(
    TUNING,
    {
        "targets_are_shares": f"update {TUNING} set tuned_target = 1 where rowid = 0",
        "served_is_a_share": f"update {TUNING} set served_tuned_pct = 101 where rowid = 1",
        "proof_is_past": f"update {TUNING} set proved_from = date '2024-03-28' where rowid = 1",
    },
)
_on(
    QUEUE,
    {
        "date_is_in_range": f"update {QUEUE} set date = date '2024-03-28' where rowid = 1",
        "repairs_follow_decisions": f"update {QUEUE} set repair_rule = 'outlier' where decision = 'keep'",
        "decisions_are_understood": f"update {QUEUE} set is_decision_invalid = true where rowid = 0",
    },
)
_on(
    TILLS,
    {
        "date_is_in_range": f"update {TILLS} set date = date '2024-03-28' where rowid = 1",
        "recent_tills_are_there": f"update {TILLS} set date = date '2024-03-27' where rowid = 1",
    },
)
_on(
    COUNTS,
    {
        "doubted_qty_is_not_negative": f"update {COUNTS} set doubted_qty = -1 where rowid = 1",
        "money_at_risk_is_not_negative": f"update {COUNTS} set money_at_risk = -1 where rowid = 1",
        "money_is_its_terms": f"update {COUNTS} set money_at_risk = 4.52 where rowid = 0",
    },
)
for _feed in FEEDS:
    _name = f"feeds.{_feed.name}"
    for _column in _feed.positive.split():
        _on(_name, {f"{_column}_is_not_negative": f"update {_name} set {_column} = -1 where rowid = 1"})
    for _column, *_ in _feed.refers:
        _on(_name, {f"{_column}_is_known": f"update {_name} set {_column} = 'X' where rowid % 2 = 0"})
    if _feed.dated:
        _on(_name, {"is_not_late": f"delete from {_name} where {_feed.dated} >= date '2024-03-26'"})
    if _feed.is_steady:
        _doubled = (
            f"insert into {_name} select t.* from {_name} as t, range(2) where {_feed.dated} >= date '2024-03-27'"
        )
        _on(_name, {"newest_day_has_its_volume": _doubled})
# rule -> what to set in a row of its feed
RULES = {
    "promised_after_ordered": "promised_by = date '2023-12-31'",
    "discontinued_after_launched": "discontinued_on = date '2019-12-31'",
    "cost_is_below_price": "unit_cost = 99",
    "closed_after_opened": "closed_on = date '2009-12-31'",
    "coordinates_are_on_earth": "longitude = 181",
    "delisted_after_listed": "delisted_on = date '2019-12-31'",
    "a_way_has_one_start": "supplier_id = 'V1', from_location_id = 'S1'",
    "received_after_ordered": "received_on = date '2024-01-01'",
    "received_after_shipped": "received_on = date '2024-01-01'",
    "places_differ": "to_location_id = from_location_id",
    "valid_to_after_valid_from": "valid_to = date '2023-12-31'",
    "ends_after_it_starts": "ends_on = date '2023-12-31'",
    "decisions_can_be_followed": "decision = 'replace', quantity = null",
}
for _feed in FEEDS:
    for _rule, *_ in _feed.rules:
        _on(f"feeds.{_feed.name}", {_rule: f"update feeds.{_feed.name} set {RULES[_rule]} where rowid = 1"})

_REFUSED = "set customer_id = '13900002' where rowid = 1"
_on(
    NEXT,
    {
        "as_of_is_the_business_day": f"update {NEXT} set as_of = date '2024-03-26' where rowid = 1",
        "probability_is_one": f"update {NEXT} set probability = 1.2 where rowid = 1",
        "kind_follows_purchases": f"update {NEXT} set kind = 'again' where rowid = 1",
        "share_lies_in_its_interval": f"update {NEXT} set measured_share_high = 0.1 where rowid = 1",
        "nobody_who_refused": f"update {NEXT} {_REFUSED}",
    },
)
_on(
    AUDIENCES,
    {
        "as_of_is_the_business_day": f"update {AUDIENCES} set as_of = date '2024-03-26' where rowid = 1",
        "at_stake_amount_is_not_negative": f"update {AUDIENCES} set at_stake_amount = -1 where rowid = 1",
        "nobody_who_refused": f"update {AUDIENCES} {_REFUSED}",
    },
)

for _table in (CLUSTERS, CHANGES, REGIONS, LEADS, HITS, FEEDBACK):
    _on(_table, {"as_of_is_the_business_day": f"update {_table} set as_of = date '2024-03-26' where rowid = 1"})
_on(FEEDBACK, {"mentions_are_texts": f"update {FEEDBACK} set mentions = 10 where rowid = 1"})
for _table, _value in (
    (CHANGES, "incremental_weekly_amount"),
    (REGIONS, "preference_index"),
    (LEADS, "lead_index"),
    (HITS, "ratio"),
):
    _on(_table, {"value_lies_in_its_interval": f"update {_table} set {_value} = 9 where rowid = 1"})
_on(
    CHANGES,
    {
        "room_stays_as_it_is": f"update {CHANGES} set action = 'keep' where action = 'list'",
        "exchanges_pay": f"update {CHANGES} set gain_weekly_low_amount = -1 where action = 'list'",
        "transfer_is_a_part": f"update {CHANGES} set incremental_weekly_qty = 3 where rowid = 1",
    },
)

# Of these kinds each touches a column or a row of its own: one warehouse and one gate a kind.
_TOGETHER = ("_is_given", "key_is_unique", "has_rows", "_is_not_negative", "_is_known", "is_not_late", *RULES)
BATCHES: dict[str, list[tuple[str, str]]] = {
    **{kind: [key for key in MUTATIONS if key[1].endswith(kind)] for kind in _TOGETHER if kind not in RULES},
    "rules": [key for key in MUTATIONS if key[1] in RULES],
    **{"-".join(key): [key] for key in MUTATIONS if not key[1].endswith(_TOGETHER)},
}
