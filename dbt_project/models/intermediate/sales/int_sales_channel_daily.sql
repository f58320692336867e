with sales as (

    select * from {{ ref('stg_pos__sales') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

-- grouped by an integer, not by two texts: see int_sales_daily for the figure
numbered_lines as (

    select
        sku_locations.sku_location_key,
        sales.channel,
        sales.sold_on as date,
        sales.quantity,
        sales.net_amount,
        -- what a till does not say of a discount follows from the shelf price, and the other way round
        case
            when sales.quantity > 0
                then
                    coalesce(
                        sales.discount_amount,
                        greatest(cast(sales.unit_price * sales.quantity as decimal(18, 2)) - sales.net_amount, 0),
                        0
                    )
            else 0
        end as discount_amount
    from sales
    inner join sku_locations
        on
            sales.sku_id = sku_locations.sku_id
            and sales.location_id = sku_locations.location_id

),

final as (

    select
        sku_location_key,
        channel,
        date,
        cast(sum(case when quantity > 0 then quantity else 0 end) as decimal(18, 3)) as units_qty,
        cast(sum(case when quantity < 0 then -quantity else 0 end) as decimal(18, 3)) as returns_qty,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount,
        cast(sum(case when quantity > 0 then net_amount else 0 end) as decimal(18, 2)) as sales_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
        count(*) as line_count
    from numbered_lines
    group by sku_location_key, channel, date

)

select * from final
