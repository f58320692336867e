with sales as (

    select * from {{ ref('fct_sales') }}

),

receipts as (

    select * from {{ ref('int_receipt_departments') }}

),

locations as (

    select * from {{ ref('dim_location') }}

),

-- what came back was fulfilled once already
crossed_lines as (

    select
        {{ month_start('sold_on') }} as month_start,
        channel,
        location_id,
        fulfilled_from_location_id,
        source,
        transaction_id,
        sold_on,
        quantity,
        net_amount
    from sales
    where fulfilled_from_location_id <> location_id and quantity > 0

),

-- lines to orders first: what is distinct is then counted once
crossed_orders as (

    select
        month_start,
        channel,
        location_id,
        fulfilled_from_location_id,
        source,
        transaction_id,
        sold_on,
        count(*) as line_count,
        sum(quantity) as units_qty,
        sum(net_amount) as sales_amount
    from crossed_lines
    group by month_start, channel, location_id, fulfilled_from_location_id, source, transaction_id, sold_on

),

crossed as (

    select
        month_start,
        channel,
        location_id,
        fulfilled_from_location_id,
        count(*) as order_count,
        sum(line_count) as line_count,
        sum(units_qty) as units_qty,
        sum(sales_amount) as sales_amount
    from crossed_orders
    group by month_start, channel, location_id, fulfilled_from_location_id

),

selling as (

    select
        {{ month_start('sold_on') }} as month_start,
        channel,
        location_id,
        sum(case when is_lead then 1 else 0 end) as order_count,
        sum(net_amount) as net_amount
    from receipts
    group by {{ month_start('sold_on') }}, channel, location_id

),

final as (

    select
        crossed.month_start,
        crossed.channel,
        crossed.location_id,
        crossed.fulfilled_from_location_id,
        sold_at.location_type,
        sold_at.region,
        fulfilled_at.location_type as fulfilled_from_location_type,
        fulfilled_at.region as fulfilled_from_region,
        crossed.order_count,
        cast(crossed.line_count as bigint) as line_count,
        cast(crossed.units_qty as decimal(18, 3)) as units_qty,
        cast(crossed.sales_amount as decimal(18, 2)) as sales_amount,
        cast(crossed.order_count as double) / nullif(selling.order_count, 0) as order_share,
        cast(crossed.sales_amount as double) / nullif(selling.net_amount, 0) as sales_share
    from crossed
    inner join selling
        on
            crossed.month_start = selling.month_start
            and crossed.channel = selling.channel
            and crossed.location_id = selling.location_id
    left join locations as sold_at on crossed.location_id = sold_at.location_id
    left join locations as fulfilled_at on crossed.fulfilled_from_location_id = fulfilled_at.location_id

)

select * from final
