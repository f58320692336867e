with sales as (

    select * from {{ ref('int_sales_daily') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

-- the smallest key of a product's pairs is an integer of its own
product_keys as (

    select
        sku_location_key,
        sku_id,
        min(sku_location_key) over (partition by sku_id) as product_key
    from sku_locations

),

daily as (

    select
        product_keys.product_key,
        sales.date,
        sum(sales.units_qty) as units_qty,
        sum(sales.net_amount) as net_amount
    from sales
    inner join product_keys on sales.sku_location_key = product_keys.sku_location_key
    group by product_keys.product_key, sales.date

),

final as (

    select
        product_key,
        {{ week_start('date') }} as week_start,
        cast(sum(units_qty) as decimal(18, 3)) as units_qty,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount,
        min(case when units_qty > 0 then date end) as first_sold_on
    from daily
    group by product_key, {{ week_start('date') }}

)

select * from final
