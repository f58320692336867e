-- A small plausible warehouse. {{braces}} are filled by conftest.build_warehouse; hashes stand in for random numbers.
create schema marts;
create schema ml;
create schema ops;

create table marts.dim_product as
select
    lpad((i * 37)::varchar, 7, '0') as sku_id,
    case i
        when 0 then '=HYPERLINK("http://example.invalid")'
        when 1 then '<script>alert(1)</script> & "Söhne"'
        when 2 then '北京烤鸭 (整只)'
        else 'Product ' || i
    end as product_name,
    'Department ' || (i % {departments}) as department, 'Category ' || (i % 5) as category
from range({products}) as t(i);

comment on table marts.dim_product is 'One row a product.';
comment on column marts.dim_product.sku_id is 'Key of the product.';

create table marts.dim_location as
select 'S' || lpad(i::varchar, 3, '0') as location_id, 'Store ' || i as location_name, 'R' || (i % 2) as region
from range({places}) as t(i);

create view marts.mart_pairs as
select p.sku_id, l.location_id from marts.dim_product as p, marts.dim_location as l;

create table marts.mart_sku_location_day as
with days as (
    select unnest(generate_series(date '{as_of}' - {history_days}, date '{as_of}', interval 1 day))::date as date
)
select
    p.sku_id, p.location_id, d.date,
    (2 + 2 * sin(epoch(d.date) / 8e5) + (hash(p.sku_id, p.location_id, d.date) % 5))::decimal(18, 3) as units_qty
from marts.mart_pairs as p, days as d;

create table ml.forecast_daily as
with f as (
    select p.*, date '{as_of}' + 1 + h.h::integer as date, 2.5 + (hash(p.sku_id, h.h) % 100) / 50.0 as mean
    from marts.mart_pairs as p, range(28) as h(h)
)
select
    date '{as_of}' as as_of, sku_id, location_id, date, mean, {quantiles},
    'lightgbm' as model, 'smooth' as segment
from f;

create table ml.forecast_weekly as
with weeks as (
    select date_trunc('week', date '{as_of}' + 1)::date + 7 * h.h::integer as week_start from range(27) as h(h)
),
periods as (
    select week_start, (week_start + 7 - greatest(week_start, date '{as_of}' + 1))::integer as days_covered from weeks
),
days as (
    select sku_id, location_id, date_trunc('week', date)::date as week_start, sum(mean) as mean, count(*) as days
    from ml.forecast_daily group by all
),
f as (
    select
        p.*, w.week_start, w.days_covered,
        coalesce(d.mean, w.days_covered * (3.2 + (hash(p.sku_id, w.week_start) % 100) / 90.0)) as mean
    from marts.mart_pairs as p
    cross join periods as w
    left join days as d
        on p.sku_id = d.sku_id and p.location_id = d.location_id and w.week_start = d.week_start
        and w.days_covered = d.days
)
select
    date '{as_of}' as as_of, sku_id, location_id, week_start, days_covered, mean, {quantiles},
    'lightgbm' as model, 'smooth' as segment
from f;

create table ml.forecast_monthly as
with f as (
    select
        p.*, (date_trunc('month', date '{as_of}') + to_months(h.h::integer))::date as month_start,
        case h.h when 0 then 26 else 30 end as days_covered, 95.0 + (hash(p.sku_id, h.h) % 10) as mean
    from marts.mart_pairs as p, range(6) as h(h)
)
select
    date '{as_of}' as as_of, sku_id, location_id, month_start, days_covered, mean, {quantiles},
    'lightgbm' as model, 'smooth' as segment
from f;

create table ml.forecast_accuracy as
select
    l.level, b.band as horizon_band, 'all' as segment, s.step, m.metric,
    (case m.metric when 'wmape' then l.base * b.worse * s.factor when 'bias' then 0.012 * s.factor else 0.89 end)::double
        as value,
    (case m.metric when 'wmape' then l.base * b.worse * 1.35 else 0.02 end)::double as baseline_value,
    l.series, '2023-08-15, 2023-05-16' as cutoffs
from (values ('sku_location', 0.52, 240), ('sku', 0.31, 24), ('total', 0.06, 1)) as l(level, base, series),
    (values ('1-4', 1.0), ('5-13', 1.12), ('14-26', 1.2)) as b(band, worse),
    (values ('naive_seasonal', 1.35), ('moving_average', 1.15), ('lightgbm', 1.0), ('selected', 0.99),
        ('reconciled', 0.98)) as s(step, factor),
    (values ('wmape'), ('bias'), ('coverage_p90')) as m(metric)
where m.metric <> 'coverage_p90' or (s.step = 'reconciled' and l.level = 'sku_location');

create table ml.replenishment_orders as
with lines as (
    select *, hash(sku_id, location_id) % 1000 as h from marts.mart_pairs
),
terms as (
    select
        *, (h % 40)::double as on_hand_qty, 30 + (h % 25)::double as target_qty, 6.0::double as order_multiple,
        1.25 + (h % 30) as unit_cost,
        case when h % 7 = 0 then 'stock snapshot too old' end as withheld_reason
    from lines
),
needs as (
    select *, on_hand_qty as inventory_position_qty, greatest(0, target_qty - on_hand_qty) as need_qty from terms
),
sized as (
    select *, ceil(need_qty / order_multiple) * order_multiple as after_pack_qty from needs where need_qty > 0
),
decided as (
    select *, case when withheld_reason is null then after_pack_qty else 0.0 end as order_qty from sized
)
select
    sku_id, location_id,
    case when h % 3 > 0 then 'V' || (h % 5) end as supplier_id, case when h % 3 = 0 then 'S000' end as from_location_id,
    date '{as_of}' as as_of, date '{as_of}' + 1 + (h % 3)::integer as order_on,
    'cycle' as service_type, 0.95::double as service_target, 7.0::double as lead_time_days, 7 as review_days,
    14 as protection_days, target_qty * 0.8 as demand_mean_qty, target_qty, on_hand_qty, 0.0::double as reserved_qty,
    0.0::double as backorder_qty, 0.0::double as on_order_qty, 0.0::double as in_transfer_qty, inventory_position_qty,
    need_qty, after_pack_qty, order_multiple, 0.0::double as min_order_qty, order_qty, unit_cost,
    order_qty * unit_cost as order_value, date '{as_of}' + 3 + (h % 9)::integer as stockout_on,
    (h % 7)::double as expected_lost_qty, (h % 7) * 2.5 as expected_lost_amount, 0.8::double as stockout_probability, 'high' as confidence, target_qty as service_target_qty, 'rounded_to_pack' as reason_codes, withheld_reason,
    'Order ' || order_qty || ': expected demand ' || round(target_qty * 0.8, 1) || ' over 14 days (7 lead + 7 review); '
        || 'to be in stock with 95 % probability that takes ' || target_qty || '; ' || on_hand_qty || ' on hand → short '
        || need_qty || '; rounded up to ' || after_pack_qty || '.' as explanation
from decided;

create table ml.policy_replay as
with points as (
    select
        policy, d, 'dial ' || d as dial, d = 2 as is_compared, 80 + 5 * d as fill_rate_pct,
        (10 + 3 * d) * case policy when 'proposed' then 1 else 1.2 end as turnover_days
    from (values ('proposed'), ('min/max <on> average sales'), ('normal')) as policies (policy)
    cross join range(4) as dials (d)
),
groups as (
    select * from (values ('all', 'all'), ('A', 'all'), ('all', 'S000'), ('A', 'S000')) as g (abc_class, location_id)
)
select
    date '{as_of}' as as_of, date '{as_of}' - 153 as first_day, policy, dial, is_compared, abc_class, location_id,
    48::bigint as pair_count, 1000.0::double as demand_qty, fill_rate_pct::double as fill_rate_pct,
    96.0::double as availability_pct, turnover_days * 6.5 as average_stock_qty, turnover_days::double as turnover_days,
    90.0::double as order_count, (100 - fill_rate_pct) * 10.0 as lost_margin_amount,
    turnover_days * 4.0 as holding_cost_amount, (100 - fill_rate_pct) * 10 + turnover_days * 4.0 as total_cost_amount,
    0.4::double as fill_rate_gain_pct, -0.1::double as fill_rate_gain_low_pct, 0.9::double as fill_rate_gain_high_pct,
    12.5::double as cost_saving_amount, 8.0::double as cost_saving_low_amount, 17.0::double as cost_saving_high_amount,
    case when policy <> 'proposed' then 'proposed costs less' end as claim
from points
inner join groups on abc_class = 'all' and location_id = 'all' or is_compared;

create table ml.service_tuning as
select
    date '{as_of}' as as_of, 'all products' as service_group, 0.95::double as service_target,
    0.92::double as tuned_target, 96.8::double as served_pct, 95.1::double as served_tuned_pct,
    -11.5::double as stock_change_pct, date '{as_of}' - 77 as proved_from;

create table ops.data_quality as
select
    case when i < 5 then 'marts' else 'outputs' end as gate,
    'marts.fct_sales' as table_name,
    'check_' || i as check_name,
    case i when 3 then 'Every <sale> names a known product' else 'Check ' || i || ' holds' end as description,
    case i when 3 then 'warn' else 'error' end as severity,
    i <> 3 as passed,
    case i when 3 then 12 else 0 end::bigint as failed_rows,
    1469307::bigint as checked_rows,
    case i when 3 then '[{{"sku_id": "0000037"}}]' else '[]' end as sample,
    case i when 3 then 'Send the product in erp/products' else '' end as advice,
    'marts/marts.fct_sales.html' as docs_link
from range(8) as t(i);

create table marts.mart_kpi_drivers as
select 'previous' as compared_with, date '{as_of}' - 8 as starts_on, date '{as_of}' - 2 as ends_on,
    date '{as_of}' - 15 as before_starts_on, date '{as_of}' - 9 as before_ends_on, *,
    100 * change_amount / nullif(before_amount, 0) as change_pct, change_amount / -2000.0 as change_share
from (values
    ('net_amount', 'total', 'all', 10000.0, 8000.0, -2000.0),
    ('net_amount', 'cause', 'traffic', null, null, -2500.0), ('net_amount', 'cause', 'price', null, null, 500.0),
    ('net_amount', 'cause', 'mix', null, null, 0.0),
    ('margin_amount', 'total', 'all', 3000.0, 3100.0, 100.0),
    ('net_amount', 'location', 'S000', 4000.0, 2500.0, -1500.0), ('net_amount', 'product', 'P0000', 10.0, 20.0, 10.0)
) as t (measure, driver_type, driver, before_amount, after_amount, change_amount);

create table marts.mart_kpi_anomalies as
select date '{as_of}' - 3 as date, 'location' as level, 'S000' as node, 'net_amount' as metric, 900.0 as value,
    300.0 as usual_value, true as is_anomaly;

create table marts.mart_recommendation_effect as
select date '2024-02-01' as month_start, list, decision_state, outcome, horizon_days, 10 as recommendation_count,
    measured_count, early_count, 40.0 as expected_qty, 36.0 as sold_qty, 4.0 as lost_qty, 5.0 as end_on_hand_qty,
    30.0 as expected_without_qty, expected as expected_gain_amount, realised as realised_gain_amount, missed as missed_gain_amount
from (values
    ('replenishment_orders', 'open', 'executed as decided', 28, 8, 2, 700.0, 650.0, null),
    ('replenishment_orders', 'changed', 'not executed', 28, 10, 0, 90.0, 0.0, 61.0),
    ('price_recommendations', 'open', 'pending', 91, 0, 10, null, null, null)
) as t (list, decision_state, outcome, horizon_days, measured_count, early_count, expected, realised, missed);

create table marts.mart_recommendation_outcome as
select date '{as_of}' + 9 as measured_until, 'too early' as status;

create table marts.mart_edit_score as
select 'replenishment_orders' as list, * from (values
    ('Ann <buyer>', 'all', 12, 4, 9, 2, 5.5, 2.25, 310.0, 'wins'), ('Ann <buyer>', 'tea', 2, 0, 1, 1, 3.0, 3.0, 1.0, 'not clear')
) as t (decided_by, category, edit_count, raised_count, nearer_count, farther_count, recommended_error_qty,
    decided_error_qty, gain_amount, verdict);

create table ml.tuning_report as
select date '{as_of}' as as_of, 'all products' as service_group, date '{as_of}' - 153 as learned_from,
    date '{as_of}' - 78 as learned_until, date '{as_of}' - 77 as proved_from, 0.95 as service_target,
    96.8 as served_pct, 1.8 as off_points, 0.92 as tuned_target, 95.1 as served_tuned_pct, 0.1 as off_tuned_points,
    -11.5 as stock_change_pct, null::date as previous_as_of, null::double as previous_tuned_target, 'change' as advice,
    'planning.service_target' as setting, 'all products: set planning.service_target to 0.92.' as explanation;
