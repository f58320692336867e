-- A small company whose night is in order: business day 2024-03-27 (a Wednesday, so that week and month are under way),
-- ten weeks of sales, three products, two stores, one pooled series. Every check passes on it; tests break it one by one.
create schema marts;
create schema intermediate;
create schema ml;
create schema ops;

create table marts.dim_product as
select *, department as category from (values
    ('A', 'Apples', 'food', 2.0000, 1.0000, 6.000, false),
    ('B', 'Bread', 'food', 3.0000, 1.5000, 1.000, false),
    ('C', 'Candles', 'home', 5.0000, null, null, false)
) as t (sku_id, product_name, department, list_price, unit_cost, pack_size, is_inferred);

create table marts.dim_location as
select * from (values
    ('S1', 'First street', 'store', 'north', true, false),
    ('S2', 'Second street', 'store', 'north', true, false)
) as t (location_id, location_name, location_type, region, is_open, is_inferred);

create table marts.dim_date as
select d::date as date, date_trunc('week', d)::date as week_start, date_trunc('month', d)::date as month_start
from range(timestamp '2024-01-01', timestamp '2025-05-01', interval 1 day) as t (d);

create table marts.dim_customer as
select 'crm' as source, '1390000' || i as customer_id, 'Town' as city, i <> 2 as marketing_consent
from range(3) as t (i);

create table marts.fct_sales as
select
    'pos' as source,
    location_id || '-' || strftime(sold_on, '%Y%m%d') as transaction_id,
    line_number,
    sold_on + interval 12 hour as sold_at,
    sold_on,
    'store' as channel,
    location_id,
    sku_id,
    '13900001' as customer_id,
    case when is_return then -1 else 4 end::decimal(18, 3) as quantity,
    case when is_return then -2 else 8 end::decimal(18, 2) as net_amount,
    case when is_return then 2 else 2.125 end::decimal(18, 4) as unit_price,
    case when is_return then 0 else 0.5 end::decimal(18, 2) as discount_amount,
    is_return,
    location_id as fulfilled_from_location_id
from (
    select d::date as sold_on, l.location_id, p.sku_id, p.n as line_number, p.n = 3 and day(d) = 1 as is_return
    from range(timestamp '2024-01-18', timestamp '2024-03-28', interval 1 day) as t (d)
    cross join (values ('S1'), ('S2')) as l (location_id)
    cross join (values ('A', 1), ('B', 2), ('C', 3)) as p (sku_id, n)
);

create table marts.fct_inventory_daily as
select
    d::date as snapshot_date, l.location_id, p.sku_id, p.n::decimal(18, 3) as on_hand_qty,
    0::decimal(18, 3) as reserved_qty, 1.0::decimal(18, 4) as unit_cost, p.n <= 0 as is_stockout,
    false as is_estimated
from range(timestamp '2024-03-18', timestamp '2024-03-28', interval 1 day) as t (d)
cross join (values ('S1'), ('S2')) as l (location_id)
cross join (values ('A', 10), ('B', 20), ('C', 0)) as p (sku_id, n);

create table marts.mart_sku_location_day as
select
    sales.sku_id, sales.location_id, sales.sold_on as date,
    sum(case when quantity > 0 then quantity else 0 end)::decimal(18, 3) as units_qty,
    sum(case when quantity < 0 then -quantity else 0 end)::decimal(18, 3) as returns_qty,
    sum(net_amount)::decimal(18, 2) as net_amount,
    2.0::decimal(18, 4) as price,
    any_value(stock.on_hand_qty) as on_hand_qty,
    any_value(stock.is_stockout) as is_stockout,
    case when any_value(stock.is_stockout) is not null then false end as is_on_hand_estimated,
    case when any_value(stock.is_stockout) then 0.5e0 when not any_value(stock.is_stockout) then 0e0 end as stockout_share,
    sum(quantity)::decimal(18, 2) as cost_amount,
    (sum(net_amount) - sum(quantity))::decimal(18, 2) as margin_amount,
    0::decimal(18, 3) as lost_qty
from marts.fct_sales as sales
left join marts.fct_inventory_daily as stock
    on sales.sku_id = stock.sku_id and sales.location_id = stock.location_id and sales.sold_on = stock.snapshot_date
group by all;

create table intermediate.int_sku_locations_numbered as
select row_number() over (order by sku_id, location_id) as sku_location_key, sku_id, location_id
from (select distinct sku_id, location_id from marts.fct_sales);

create table intermediate.int_sales_daily as
select sku_location_key, date, units_qty, returns_qty, net_amount, (2 * units_qty)::decimal(18, 2) as sales_amount
from marts.mart_sku_location_day inner join intermediate.int_sku_locations_numbered using (sku_id, location_id);

create table marts.kpi_daily as
select
    sold_on as date, location_id, channel, department,
    sum(case when quantity > 0 then quantity else 0 end)::decimal(18, 3) as units_qty,
    sum(case when quantity < 0 then -quantity else 0 end)::decimal(18, 3) as returns_qty,
    sum(net_amount)::decimal(18, 2) as net_amount,
    (sum(net_amount) / 2)::decimal(18, 2) as cost_amount,
    (sum(net_amount) - (sum(net_amount) / 2)::decimal(18, 2))::decimal(18, 2) as margin_amount,
    sum(net_amount)::decimal(18, 2) as costed_net_amount,
    count(distinct transaction_id) as transaction_count,
    case when department = 'food' then 1 else 0 end as lead_transaction_count,
    count(*) as line_count,
    2::bigint as counted_day_count,
    0.5::decimal(18, 6) as stockout_day_count,
    1::decimal(18, 3) as lost_qty,
    2::decimal(18, 2) as lost_amount,
    30::decimal(18, 2) as stock_value_amount
from marts.fct_sales inner join marts.dim_product using (sku_id)
group by all;

create table marts.mart_review_queue as
select *, date '2024-02-01' + queue_rank as date, 40::decimal(18, 3) as units_qty, 2e0 as level_qty, 'sold 40' as why
from (values
    ('A', 'S1', null, false, 2e0, 'outlier', 1),
    ('B', 'S1', 'keep', false, 40, null, 2),
    ('B', 'S1', 'replace', false, 9, 'replaced', 3),
    ('C', 'S1', 'ignore', false, null, 'ignored', 4)
) as t (sku_id, location_id, decision, is_decision_invalid, repaired_qty, repair_rule, queue_rank);

create table marts.mart_missing_till_days as
select * from (values ('S1', date '2024-02-05', 1e-9, 24e0, 48.0), ('S2', date '2024-02-07', 1e-9, 24e0, 48.0))
    as t (location_id, date, chance, usual_units_qty, usual_amount);

create table marts.mart_count_list as
select * from (values
    ('A', 'S1', 'negative_on_hand', 3.0, 1.5, 4.50, 1), ('B', 'S1', 'no_sales_with_stock', 2.0, 1.0, 2.00, 2)
) as t (sku_id, location_id, rule, doubted_qty, unit_cost, money_at_risk, count_rank);

create table intermediate.int_series_selected as
select * from (values
    (1, 'A', 'S1', false), (2, 'A', 'S2', false), (3, 'B', 'S1', false), (4, 'C', 'unlisted:north', true)
) as t (series_id, sku_id, location_id, is_pooled)
cross join (values (date '2024-01-18')) as f (first_sold_on);

create table ops.file_ledger as
select 'pos' as source, 'sales' as feed, 'loaded' as state, 1000 as rows_physical, 1 as rows_quarantined;

create table ml.demand_series as select * from intermediate.int_series_selected;

create table ml.demand_history as
select series.series_id, days.date, days.units_qty::double as quantity, days.units_qty::double as sales_qty
from marts.mart_sku_location_day as days inner join ml.demand_series as series using (sku_id, location_id);

create table ml.forecast_daily as
select
    date '2024-03-27' as as_of, sku_id, location_id, (date '2024-03-27' + i::integer + 1) as date,
    4e0 as mean, 1e0 as p05, 1.5e0 as p10, 2e0 as p25, 3.5e0 as p50, 5e0 as p75, 6e0 as p90, 7e0 as p95, 9e0 as p99,
    'lightgbm' as model, 'smooth' as segment
from ml.demand_series cross join range(28) as t (i);

create table ml.forecast_weekly as
select
    date '2024-03-27' as as_of, sku_id, location_id, date '2024-03-25' + 7 * i::integer as week_start,
    case when i = 0 then 4 else 7 end::integer as days_covered, days_covered * 4e0 as mean, 1e0 as p05, 1.5e0 as p10,
    2e0 as p25, 3.5e0 as p50, 5e0 as p75, 6e0 as p90, 7e0 as p95, 9e0 as p99, 'lightgbm' as model, 'smooth' as segment
from ml.demand_series cross join range(27) as t (i);

create table ml.forecast_monthly as
select
    date '2024-03-27' as as_of, sku_id, location_id, (date '2024-03-01' + to_months(i::integer))::date as month_start,
    case when i = 0 then 4 else day(last_day(month_start)) end::integer as days_covered, 1e2 as mean, 1e0 as p05,
    1.5e0 as p10, 2e0 as p25, 3.5e0 as p50, 5e0 as p75, 6e0 as p90, 7e0 as p95, 9e0 as p99, 'lightgbm' as model,
    'smooth' as segment
from ml.demand_series cross join range(6) as t (i);

create table ml.forecast_hierarchy as
with nodes as (
    select sku_id as node, 'week' as period_type, week_start as period_start, days_covered, mean
    from ml.forecast_weekly
    union all
    select sku_id, 'month', month_start, days_covered, mean from ml.forecast_monthly
)
select
    date '2024-03-27' as as_of, 'sku' as level, node, period_type, period_start, any_value(days_covered) as days_covered,
    sum(mean) as mean, 1e0 as p05, 1.5e0 as p10, 2e0 as p25, 3.5e0 as p50, 5e0 as p75, 6e0 as p90, 7e0 as p95, 9e0 as p99
from nodes
group by node, period_type, period_start
order by node, period_type, period_start;

create table ml.forecast_drivers as
select date '2024-03-27' as as_of, sku_id, location_id, 28 as days_covered, driver, amount
from ml.demand_series cross join (values ('level', 1e2), ('season', 12e0)) as t (driver, amount);

create table ml.forecast_promotions as
select
    date '2024-03-27' as as_of, sku_id, location_id, 'P' as promotion_id, 'display' as mechanic,
    date '2024-03-25' as starts_on, date '2024-03-31' as ends_on, date '2024-03-28' as covers_from, ends_on as covers_to,
    sum(mean)::double as with_qty, with_qty - 3 as without_qty, 3e0 as uplift_qty, -1e0 as after_qty
from ml.forecast_daily where date <= date '2024-03-31' group by sku_id, location_id;

create table ml.forecast_fallbacks as
select 'series forecast by a simpler method than the backtest chose' as reason, 0 as used, 100 as of_all;

create table ml.forecast_accuracy as select 'total' as level, 'wmape' as metric, 0.2 as value;

create table ml.replenishment_orders as
select
    date '2024-03-27' as as_of, *, order_qty as after_allocation_qty, 10.0 as on_hand_qty, 1.0 as reserved_qty, 0.0 as backorder_qty, 2.0 as on_order_qty,
    3.0 as in_transfer_qty, date '2024-03-28' as order_on, date '2024-03-30' as stockout_on, 0.5e0 as stockout_probability,
    'high' as confidence
from (values
    ('A', 'S1', 'V1', null, 24e0, 14e0, 10e0, 6e0, 12e0, 12e0, 1e0, 12e0, 'rounded_to_pack', null),
    ('A', 'S2', null, 'S1', 20.5, 14e0, 6.5, 1e0, 0e0, 7e0, null, null, 'no_unit_cost', null),
    ('B', 'S1', 'V1', null, null, null, null, 1e0, 0e0, 0e0, 1.5, 0e0, 'no_stock_record', 'no stock record')
) as t (
    sku_id, location_id, supplier_id, from_location_id, target_qty, inventory_position_qty, need_qty, order_multiple,
    min_order_qty, order_qty, unit_cost, order_value, reason_codes, withheld_reason
);

-- of S1 and S2 the one with too much gives; of the order above the source had enough for all but one pack
create table ml.transfer_orders as
select
    date '2024-03-27' as as_of, *, 9e0 as source_movable_qty, 8e0 as source_spare_qty, 0e0 as source_to_others_qty,
    6e0 as destination_room_qty, 0e0 as destination_from_others_qty, 2e0 as unprofitable_qty, 2e0 as order_multiple,
    5e0 as source_position_after_qty, 5e0 as source_target_qty, 6e0 as lost_sales_avoided_amount,
    1e0 as idle_cost_avoided_amount, 7e0 as gain_amount, 1e0 as handling_amount, 0.5e0 as shipment_amount,
    1.5e0 as cost_amount, 5.5e0 as net_gain_amount,
    5.5e0 as move_in_gain_amount, 5e0 as order_gain_amount
from (values ('S1', 'S2', 'C', 4e0), ('S1', 'S3', 'C', 4e0)) as t (from_location_id, to_location_id, sku_id, qty);

create table ml.allocation as
select date '2024-03-27' as as_of, *, 2e0 as order_multiple, 9e0 as available_qty, 16.0 as requested_total_qty
from (values
    ('S1', 'A', 'S2', 7e0, 7e0, 1e0, 0e0), ('S1', 'B', 'S2', 8e0, 8e0, 0e0, 0e0), ('S1', 'B', 'S3', 8e0, 0e0, 8e0, 4e0)
) as t (from_location_id, sku_id, location_id, requested_qty, allocated_qty, allocated_to_others_qty, min_order_qty);

create table ml.available_to_promise as
select
    date '2024-03-27' as as_of, *, date '2024-04-03' as promised_for, 20e0 as on_hand_qty, 2e0 as reserved_qty,
    3e0 as open_order_qty, 15e0 as free_qty, 10e0 as under_way_qty, 8e0 as expected_arrivals_qty,
    5e0 as competing_demand_mean_qty, 18e0 as balance_mean_qty, 10e0 as promise_01pct_qty, 8e0 as cushion_01pct_qty,
    12e0 as promise_05pct_qty, 6e0 as cushion_05pct_qty, 13e0 as promise_10pct_qty, 5e0 as cushion_10pct_qty
from (values ('all', 'A'), ('all', 'B'), ('own', 'A')) as t (pool, sku_id);

create table ml.order_sourcing as
select
    date '2024-03-27' as as_of, 'pos' as source, *, 9e0 as free_before_qty, 1e0 as taken_by_others_qty,
    8e0 - sourced_qty as free_after_qty, 10e0 as distance_km, 0.1e0 as cost_per_km, sourced_qty as transport_amount,
    2e0 as keep_value_unit_amount, 2 * sourced_qty as keep_value_amount, 4e0 as parcel_amount,
    3 * sourced_qty + 4 as landed_cost_amount
from (values
    ('O1', 1, 'A', 'S1', 3e0, 2e0, 0e0, 1e0), ('O1', 1, 'A', null, 3e0, 0e0, 2e0, 1e0), ('O2', 1, 'A', 'S1', 2e0, 2e0, 0e0, 0e0)
) as t (order_id, line_number, sku_id, location_id, quantity, sourced_qty, served_elsewhere_qty, short_qty);

create table ml.price_response as
select date '2024-03-27' as as_of, *, 52 as weeks_seen, 1.5e0 as discount_elasticity
from (values
    ('A', -2e0, -2.5e0, -1.5e0, true), ('B', -0.5e0, -1.5e0, 0.5e0, false), ('C', null, null, null, false)
) as t (sku_id, elasticity, elasticity_low, elasticity_high, is_conclusive);

create table ml.promotion_response as
select date '2024-03-27' as as_of, 'total' as level, 'total' as node, *
from (values
    ('uplift', 'discount', 0.1e0, 20e0, 15e0, 25e0), ('uplift', 'display', null, 35e0, 30e0, 40e0),
    ('dip_after', 'discount', 0.1e0, -5e0, -6e0, -4e0)
) as t (effect, mechanic, off_share, effect_pct, effect_low_pct, effect_high_pct);

create table ml.price_recommendations as
select
    date '2024-03-27' as as_of, *, '*' as channel, date '2024-04-03' as effective_on, 10e0 as current_price,
    9e0 as new_price, 6e0 as unit_cost, 100e0 as units_qty, 140e0 as new_units_qty, 400e0 as margin_amount,
    420e0 as new_margin_amount, 20e0 as gain_amount, 5e0 as gain_low_amount, 35e0 as gain_high_amount,
    'cheaper' as explanation
from (values ('A', '*', '*'), ('A', 'S1', '*'), ('B', '*', '*')) as t (sku_id, location_id, member_tier);

create table ml.shelf_labels as
select date '2024-03-27' as as_of, *, '*' as channel, '*' as member_tier, 9e0 as new_price, date '2024-04-03' as effective_on
from (values ('S1', 'A'), ('S2', 'A'), ('S2', 'B')) as t (location_id, sku_id);

create table ml.promotion_plan as
select
    date '2024-03-27' as as_of, *, '*' as location_id, 'percent_off' as mechanic, 8e0 as new_price, 9e0 as return_amount,
    14e0 as direct_margin_amount, 2e0 as mechanic_cost_amount, -2e0 as after_margin_amount, -1e0 as category_margin_amount, 4e0 as return_low_amount,
    15e0 as return_high_amount, 30e0 as promotion_cost_amount, 10e0 as budget_left_amount, 'run it' as explanation
from (values ('A', date '2024-04-08'), ('A', date '2024-04-15'), ('B', date '2024-04-08')) as t (sku_id, week_start);

create table ml.promotion_roi as
select
    date '2024-03-27' as as_of, *, 3 as sku_count, 10e0 as uplift_margin_amount, 2e0 as cannibalised_margin_amount,
    1e0 as pulled_forward_margin_amount, 7e0 as net_margin_effect_amount, 9e0 as net_margin_effect_high_amount,
    30e0 as actual_qty, 20e0 as baseline_qty, 14e0 as promotion_cost_amount, 'it gained' as explanation
from (values
    ('promotion', 'P1', 5e0, 'gains'), ('promotion', 'P2', -5e0, 'no claim'), ('mechanic', 'display', null, 'no claim')
) as t (level, node, net_margin_effect_low_amount, claim);

create table ml.promotion_roi_by_channel as
select
    r.* replace (
        r.actual_qty * c.share as actual_qty, r.baseline_qty * c.share as baseline_qty,
        r.uplift_margin_amount * c.share as uplift_margin_amount,
        r.cannibalised_margin_amount * c.share as cannibalised_margin_amount,
        r.pulled_forward_margin_amount * c.share as pulled_forward_margin_amount,
        r.promotion_cost_amount * c.share as promotion_cost_amount,
        r.net_margin_effect_amount * c.share as net_margin_effect_amount
    ),
    c.channel
from ml.promotion_roi as r
cross join (values ('store', 0.75e0), ('web', 0.25e0)) as c (channel, share);

-- ten units in two weeks: three sell at 8.00, four at 5.00, three are left
create table ml.markdown_plan as
select
    date '2024-03-27' as as_of, 'B' as sku_id, *, 'slow_stock' as basis, 10e0 as list_price, 10e0 as clearance_qty,
    'shelf' as channel, 'clear it' as explanation
from (values
    ('S1', date '2024-03-28', true, 0.2e0, 8e0, 3e0, 7e0, 44e0, 30e0, 14e0, 40e0, 50e0),
    ('S1', date '2024-04-04', false, 0.5e0, 5e0, 4e0, 3e0, null, null, null, null, null),
    ('S2', date '2024-03-28', true, 0.2e0, 8e0, 10e0, 0e0, 44e0, 30e0, 14e0, 40e0, 50e0)
) as t (
    location_id, starts_on, is_first, off_share, new_price, expected_sold_qty, expected_left_qty, recovery_amount,
    do_nothing_amount, gain_amount, recovery_low_amount, recovery_high_amount
);

-- two rules; the simple one is replayed at two dials and compared at one of them, by class there
create table ml.policy_replay as
select
    date '2024-03-24' as as_of, date '2023-10-23' as first_day, *, 100e0 as demand_qty, 95e0 as fill_rate_pct,
    90e0 as availability_pct, 50e0 as average_stock_qty, 7e0 as order_count, 20e0 as lost_margin_amount,
    10e0 as holding_cost_amount, 30e0 as total_cost_amount, -1e0 as fill_rate_gain_low_pct, 1e0 as fill_rate_gain_high_pct,
    0e0 as cost_saving_amount, -2e0 as cost_saving_low_amount, 2e0 as cost_saving_high_amount
from (values
    ('proposed', 'own', true, 'all', 'all', 3, null), ('proposed', 'own', true, 'A', 'all', 1, null),
    ('min/max', '2', true, 'all', 'all', 3, 'no claim'), ('min/max', '3', false, 'all', 'all', 3, 'no claim'),
    ('proposed', 'own', true, 'B', 'all', 2, null)
) as t (policy, dial, is_compared, abc_class, location_id, pair_count, claim);

create table ml.service_tuning as
select date '2024-03-24' as as_of, *, 96e0 as served_pct, 95e0 as served_tuned_pct, date '2024-01-08' as proved_from
from (values ('all products', 0.95, 0.93), ('class A', 0.98, 0.97)) as t (service_group, service_target, tuned_target);

create table marts.mart_alerts as
select 'days_of_cover:' || sku_id || ':S1:' as alert_id, date '2024-03-27' as as_of, 'days_of_cover' as alert_type,
    'low' as severity, sku_id, 'S1' as location_id, 3.5::double as money_at_risk, 'too much' as explanation
from marts.dim_product;

-- two customers who consented; the third refused
create table ml.customer_next_products as
select
    date '2024-03-27' as as_of, *, 0.25 as probability, 0.2 as measured_share, 0.1 as measured_share_low,
    0.3 as measured_share_high, 100 as measured_lines
from (values
    ('13900000', 1, 'A', 'again', 4), ('13900000', 2, 'B', 'new', 0), ('13900001', 1, 'A', 'new', 0)
) as t (customer_id, rank, sku_id, kind, bought_days_364);

create table marts.mart_audiences as
select date '2024-03-27' as as_of, *, 'at_risk' as lifecycle_stage, 'high' as value_band, 5.5 as at_stake_amount,
    'silent' as explanation
from (values ('keep_best', '13900000'), ('remind', '13900001')) as t (audience, customer_id);

create table ml.store_clusters as
select date '2024-03-27' as as_of, *, 'more tea (1.20)' as explanation
from (values ('S1', 'C1'), ('S2', 'C1'), ('S3', 'C2')) as t (location_id, cluster);

-- B goes for C at S1; A stays
create table ml.assortment_changes as
select date '2024-03-27' as as_of, 'S1' as location_id, *, 'tea' as "group", 2e0 as weekly_qty,
    0.5e0 as incremental_weekly_qty, 1e0 as incremental_weekly_low_amount, 2e0 as incremental_weekly_amount,
    3e0 as incremental_weekly_high_amount, 'sells' as explanation
from (values ('A', 'keep', null, null), ('B', 'delist', 2e0, 1e0), ('C', 'list', 2e0, 1e0))
as t (sku_id, action, gain_weekly_amount, gain_weekly_low_amount);

create table ml.region_opportunity as
select date '2024-03-27' as as_of, *, 'food' as department, 1.1 as index_low, 1.2 as preference_index, 1.3 as index_high,
    'asks' as explanation
from (values ('north', 'tea'), ('south', 'tea')) as t (region, category);

create table ml.channel_lead_products as
select date '2024-03-27' as as_of, 'store' as channel, *, 1.1 as lead_index_low, 1.2 as lead_index, 1.3 as lead_index_high,
    'sells' as explanation
from (values ('north', 'A'), ('south', 'B')) as t (region, sku_id);

create table ml.new_product_hits as
select date '2024-03-27' as as_of, *, 4 as weeks, 40e0 as units, 2e0 as ratio_low, 3e0 as ratio, 4e0 as ratio_high,
    'sold' as explanation
from (values ('A'), ('B')) as t (sku_id);

create table ml.feedback_themes as
select date '2024-03-27' as as_of, 'A' as sku_id, date '2024-03-21' as week_start, *, 9 as texts, 4 as mentions,
    2 as negative_mentions, 40 as earlier_texts, 5 as earlier_mentions
from (values ('quality'), ('size')) as t (theme);

-- an order of 8 where 6 were short, a price against 32 without it, and an order whose days are not over
create table marts.mart_recommendation_outcome as
select *, true as is_counted, date '2024-02-01' as month_start, 'open' as decision_state from (values
    ('r1', 28, 'replenishment_orders', 'measured', 'executed as decided', date '2024-03-01', null, 8e0, 6e0, 8e0, null,
        null, 10e0),
    ('r2', 28, 'price_recommendations', 'measured', 'not executed', date '2024-03-01', 3e0, null, null, null, 45, 32e0,
        13e0),
    ('r3', 91, 'replenishment_orders', 'too early', 'pending', date '2024-05-02', null, null, null, null, null, null, null)
) as t (recommendation_id, horizon_days, list, status, outcome, measured_until, recommended_price, executed_qty,
    short_qty, hindsight_qty, sold_amount, expected_without_amount, realised_gain_amount);

create table marts.mart_recommendation_effect as
select month_start, list, decision_state, outcome, horizon_days, count(*) as recommendation_count,
    count(*) filter (status = 'measured') as measured_count
from marts.mart_recommendation_outcome group by all;

create table marts.mart_edit_score as
select 'replenishment_orders' as list, 'Ann' as decided_by, *, 3 as edit_count, 2 as nearer_count, 1 as farther_count,
    'not clear' as verdict
from (values ('all'), ('tea')) as t (category);
