with channel_sales as (

    select * from {{ ref('int_sales_channel_daily') }}

),

-- few pairs sell over several channels; only their days have to be grouped
several_channels as (

    select sku_location_key
    from channel_sales
    group by sku_location_key
    having min(channel) < max(channel)

),

over_channels as (

    select
        sku_location_key,
        date,
        cast(sum(units_qty) as decimal(18, 3)) as units_qty,
        cast(sum(returns_qty) as decimal(18, 3)) as returns_qty,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount,
        cast(sum(sales_amount) as decimal(18, 2)) as sales_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount
    from channel_sales
    where sku_location_key in (select several_channels.sku_location_key from several_channels)
    group by sku_location_key, date

),

final as (

    select * from over_channels
    union all
    select
        sku_location_key,
        date,
        units_qty,
        returns_qty,
        net_amount,
        sales_amount,
        discount_amount
    from channel_sales
    where sku_location_key not in (select several_channels.sku_location_key from several_channels)

)

select * from final
