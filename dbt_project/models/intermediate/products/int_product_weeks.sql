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

final as (

    select
        product_keys.product_key,
        {{ week_start('sales.date') }} as week_start,
        cast(sum(sales.units_qty) as decimal(18, 3)) as units_qty,
        cast(sum(sales.net_amount) as decimal(18, 2)) as net_amount,
        min(case when sales.units_qty > 0 then sales.date end) as first_sold_on
    from sales
    inner join product_keys on sales.sku_location_key = product_keys.sku_location_key
    group by product_keys.product_key, {{ week_start('sales.date') }}

)

select * from final
