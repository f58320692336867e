with sales as (

    select * from {{ ref('int_sales_daily') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

units as (

    select
        sales.sku_location_key,
        sku_locations.sku_id,
        sum(sales.units_qty) as units_qty
    from sales
    inner join sku_locations on sales.sku_location_key = sku_locations.sku_location_key
    where sales.date >= {{ add_days(as_of(), -728) }}
    group by sales.sku_location_key, sku_locations.sku_id

),

final as (

    select
        sku_location_key,
        sku_id,
        cast(units_qty as double) / sum(units_qty) over (partition by sku_id) as share
    from units
    where units_qty > 0

)

select * from final
