with channel_sales as (

    select * from {{ ref('int_sales_channel_daily') }}

),

final as (

    select
        sku_location_key,
        date,
        cast(sum(units_qty) as decimal(18, 3)) as units_qty,
        cast(sum(returns_qty) as decimal(18, 3)) as returns_qty,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount,
        cast(sum(sales_amount) as decimal(18, 2)) as sales_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount
    from channel_sales
    group by sku_location_key, date

)

select * from final
