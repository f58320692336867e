-- The extracts behind good_warehouse.sql, as ingestion leaves them: every canonical feed with a few rows that are in order.
-- The tables are made from the catalogue (conftest.py); dated feeds come daily for ten weeks.
create temporary table days as
select d::date as day, row_number() over (order by d) as n from range(timestamp '2024-01-18', timestamp '2024-03-28', interval 1 day) as t (d);

insert into feeds.pos_sales by name
select * exclude (source, sold_on, is_return, fulfilled_from_location_id), source as _source, 1 as _file_id,
    row_number() over () as _line, 'P1' as promotion_id
from marts.fct_sales;

insert into feeds.erp_products by name
select sku_id, product_name, department, category, list_price, unit_cost, pack_size, 30 as shelf_life_days,
    date '2020-01-01' as launched_on, case when sku_id = 'B' then 'A' end as supersedes_sku_id, 'erp' as _source
from marts.dim_product;

insert into feeds.erp_locations by name
select location_id, location_name, location_type, region, 50.0 as latitude, 8.0 as longitude, date '2010-01-01' as opened_on,
    'S1' as supplied_by, 'erp' as _source
from marts.dim_location;

insert into feeds.erp_inventory by name
select days.day as snapshot_date, location_id, sku_id, on_hand_qty, reserved_qty, unit_cost, 'erp' as _source
from marts.fct_inventory_daily cross join days where snapshot_date = date '2024-03-18';

insert into feeds.erp_lots by name
select day as snapshot_date, 'S1' as location_id, 'A' as sku_id, 'L1' as lot_id, day + 9 as expires_on, 5 as qty, 'erp' as _source
from days;

-- what was sold was received the same day: stock stays what it is
insert into feeds.erp_purchase_orders by name
select 'PO' || row_number() over (order by location_id, sku_id, sold_on) as po_id, 1 as line_number, 'V1' as supplier_id, location_id, sku_id,
    sold_on as ordered_on, sold_on as received_on, sum(quantity) as ordered_qty, sum(quantity) as received_qty,
    1.0 as unit_cost, 'erp' as _source
from marts.fct_sales where quantity > 0 group by location_id, sku_id, sold_on;

insert into feeds.erp_transfers by name
select 'T' || n as transfer_id, 1 as line_number, 'S1' as from_location_id, 'S2' as to_location_id, 'A' as sku_id,
    day as shipped_on, day as received_on, 0 as qty, 'erp' as _source
from days;

insert into feeds.erp_ranging by name
select sku_id, location_id, date '2020-01-01' as listed_on, date '2030-01-01' as delisted_on, 1 as facings,
    1 as presentation_min_qty, 9 as shelf_capacity_qty, 'erp' as _source
from marts.dim_product cross join marts.dim_location;

insert into feeds.erp_suppliers by name
select v as supplier_id, 100 as min_order_value, 'erp' as _source from (values ('V1'), ('V2')) as t (v);

insert into feeds.erp_sourcing by name
select sku_id, location_id, case when location_id = 'S1' then 'V1' end as supplier_id,
    case when location_id = 'S2' then 'S1' end as from_location_id, 2 as lead_time_days, 1 as lead_time_sd_days,
    1 as min_order_qty, 1 as order_multiple, 1 as unit_cost, date '2020-01-01' as valid_from, 'erp' as _source
from marts.dim_product cross join marts.dim_location;

insert into feeds.erp_lanes by name
select * from (values ('S1', 'S2', 1, 1, 1, 'erp'), ('S2', 'S1', 1, 1, 1, 'erp'))
    as t (from_location_id, to_location_id, lead_time_days, cost_per_unit, cost_per_shipment, _source);

insert into feeds.erp_prices by name
select sku_id, '*' as location_id, 2 as price, date '2024-01-01' as valid_from, date '2024-12-31' as valid_to, 'erp' as _source
from marts.dim_product;

insert into feeds.erp_promotions by name
select p as promotion_id, 'percent_off' as mechanic, date '2024-02-01' as starts_on, date '2024-02-09' as ends_on,
    1 as threshold, 1 as budget, 'erp' as _source
from (values ('P1'), ('P2')) as t (p);

insert into feeds.erp_promotion_items by name
select 'P1' as promotion_id, sku_id, 'S1' as location_id, 'erp' as _source from marts.dim_product;

insert into feeds.erp_competitor_prices by name
select day as observed_on, 'Rival' as competitor, 'A' as sku_id, 2 as price, 'erp' as _source from days;

insert into feeds.erp_events by name
select * from (values (date '2024-12-25', 'Christmas', 'erp'), (date '2024-12-26', 'Boxing day', 'erp'))
    as t (date, event_name, _source);

insert into feeds.pos_open_orders by name
select 'O' || n as order_id, 1 as line_number, day as ordered_at, 'web' as channel, 'A' as sku_id, 1 as quantity,
    day + 2 as promised_by, 'pos' as _source
from days where n < 3;

insert into feeds.crm_customers by name
select customer_id, source as _source from marts.dim_customer;

insert into feeds.crm_campaigns by name
select c as campaign_id, date '2024-01-01' as starts_on, date '2024-01-31' as ends_on, 'crm' as _source
from (values ('K1'), ('K2')) as t (c);

insert into feeds.crm_campaign_members by name
select 'K1' as campaign_id, customer_id, 'crm' as _source from marts.dim_customer;

insert into feeds.crm_redemptions by name
select '13900000' as customer_id, 'K1' as campaign_id, 'P1' as promotion_id, day as redeemed_on, 'crm' as _source from days;

insert into feeds.crm_feedback by name
select 'F' || n as feedback_id, 'A' as sku_id, day as created_at, 'crm' as _source from days where n < 3;

insert into feeds.decisions_review by name
select * from (values ('A', 'S1', date '2024-02-01', 'keep', null, 'decisions'), ('B', 'S1', date '2024-02-02', 'replace', 3, 'decisions'))
    as t (sku_id, location_id, date, decision, quantity, _source);

insert into feeds.decisions_forecast_edits by name
select * from (values
    ('sku', 'A', date '2024-04-01', date '2024-04-14', 1.2, 'ann', 'fair', date '2024-04-14', 'decisions'),
    ('sku', 'B', date '2024-04-01', date '2024-04-14', 0.5, 'ann', 'fair', date '2024-04-14', 'decisions')
) as t (level, node, starts_on, ends_on, factor, owner, reason, expires_on, _source);

insert into feeds.decisions_recommendations by name
select n::varchar as recommendation_id, 'accept' as decision, 'decisions' as _source from days where n < 3;

insert into feeds.decisions_erase_customers by name
select 'crm' as source, '99' || n as customer_id, 'decisions' as _source from days where n < 3;

create schema staging;
create table staging.stg_erp__purchase_orders as select * from feeds.erp_purchase_orders;
create table staging.stg_erp__transfers as select *, qty as transfer_qty from feeds.erp_transfers;
