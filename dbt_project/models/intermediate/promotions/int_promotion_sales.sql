with sales as (

    select * from {{ ref('int_sales_channel_daily') }}

),

promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

final as (

    select
        promotion_pairs.promotion_key,
        sku_locations.sku_key,
        sales.channel,
        cast(sum(sales.units_qty) as decimal(18, 3)) as units_qty,
        cast(sum(sales.net_amount) as decimal(18, 2)) as net_amount,
        cast(sum(sales.discount_amount) as decimal(18, 2)) as discount_amount
    from sales
    inner join promotion_pairs
        on
            sales.sku_location_key = promotion_pairs.sku_location_key
            and sales.date between promotion_pairs.starts_on and promotion_pairs.ends_on
    inner join sku_locations on sales.sku_location_key = sku_locations.sku_location_key
    group by promotion_pairs.promotion_key, sku_locations.sku_key, sales.channel

)

select * from final
