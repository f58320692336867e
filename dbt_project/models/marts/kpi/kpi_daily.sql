{%- set sold = [
    'units_qty', 'returns_qty', 'sales_amount', 'net_amount', 'discount_amount', 'line_count', 'cost_amount',
    'margin_amount', 'costed_net_amount',
] %}
{%- set counted = ['transaction_count', 'lead_transaction_count'] %}
{%- set stocked = [
    'counted_day_count', 'stockout_day_count', 'lost_qty', 'lost_amount', 'lost_margin_amount', 'stock_qty',
    'stock_value_amount',
] %}
with sales as (

    select * from {{ ref('int_sales_costed') }}

),

receipts as (

    select * from {{ ref('int_receipt_departments') }}

),

days as (

    select * from {{ ref('int_sku_location_days') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

location_channels as (

    select * from {{ ref('int_location_channels') }}

),

-- grouped by integers; the names follow in the next step
sold_by_key as (

    select
        sku_locations.location_department_key,
        sales.channel,
        sales.date,
        {{ metrics(sold) }}
    from sales
    inner join sku_locations on sales.sku_location_key = sku_locations.sku_location_key
    group by sku_locations.location_department_key, sales.channel, sales.date

),

sold as (

    select
        sku_locations.location_id,
        sku_locations.department,
        sold_by_key.*
    from sold_by_key
    inner join sku_locations on sold_by_key.location_department_key = sku_locations.sku_location_key

),

transactions as (

    select
        location_id,
        department,
        channel,
        sold_on as date,
        count(*) as transaction_count,
        sum(case when is_lead then 1 else 0 end) as lead_transaction_count
    from receipts
    group by location_id, department, channel, sold_on

),

stock_days as (

    select
        days.sku_location_key,
        days.date,
        days.lost_qty,
        days.lost_amount,
        days.lost_margin_amount,
        case when days.is_stockout is not null then 1 end as counted_day_count,
        -- a decimal: sums of doubles hang on their order, and the published bytes with them
        cast(days.stockout_share as decimal(9, 6)) as stockout_day_count,
        days.on_hand_qty as stock_qty,
        days.on_hand_qty * unit_costs.unit_cost as stock_value_amount
    from days
    left join unit_costs
        on
            days.sku_location_key = unit_costs.sku_location_key
            and days.date between unit_costs.valid_from and unit_costs.valid_to
    where days.is_stockout is not null or days.on_hand_qty is not null or days.lost_qty is not null

),

stock_by_key as (

    select
        sku_locations.location_department_key,
        stock_days.date,
        {{ metrics(stocked) }}
    from stock_days
    inner join sku_locations on stock_days.sku_location_key = sku_locations.sku_location_key
    group by sku_locations.location_department_key, stock_days.date

),

-- a shelf serves every channel of its place: it stands once, on the main one, and sums over rows are right
stock as (

    select
        sku_locations.location_id,
        sku_locations.department,
        location_channels.main_channel as channel,
        stock_by_key.*
    from stock_by_key
    inner join sku_locations on stock_by_key.location_department_key = sku_locations.sku_location_key
    inner join location_channels on sku_locations.location_id = location_channels.location_id

),

parts as (

    select
        date,
        location_id,
        channel,
        department,
        {{ sold | join(',\n        ') }},
    {% for name in counted + stocked %}
        null as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
    from sold
    union all
    select
        date,
        location_id,
        channel,
        department,
        {% for name in sold %}
            null as {{ name }},
        {% endfor %}
        {{ counted | join(',\n        ') }},
    {% for name in stocked %}
        null as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
    from transactions
    union all
    select
        date,
        location_id,
        channel,
        department,
        {% for name in sold + counted %}
            null as {{ name }},
        {% endfor %}
        {{ stocked | join(',\n        ') }}
    from stock

),

final as (

    select
        date,
        location_id,
        channel,
        department,
        {% for name in ['units_qty', 'returns_qty', 'sales_amount', 'net_amount', 'discount_amount'] %}
            coalesce({{ metric(name) }}, 0) as {{ name }},
        {% endfor %}
        {{ metrics(['cost_amount', 'margin_amount', 'costed_net_amount']) }},
        {% for name in ['transaction_count', 'lead_transaction_count', 'line_count', 'counted_day_count'] %}
            coalesce({{ metric(name) }}, 0) as {{ name }},
        {% endfor %}
        {{ metrics(['stockout_day_count', 'lost_qty', 'lost_amount', 'lost_margin_amount', 'stock_qty',
            'stock_value_amount', 'gross_margin_pct', 'discount_pct', 'return_pct', 'department_basket_amount',
            'availability_pct', 'lost_sales_pct']) }}
    from parts
    group by date, location_id, channel, department

)

select * from final
