with sales as (

    select * from {{ ref('int_sales_costed') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

final as (

    select
        sku_locations.sku_key,
        sales.channel,
        sales.date,
        {{ metrics(['units_qty', 'returns_qty', 'net_amount', 'sales_amount', 'discount_amount', 'line_count',
            'cost_amount', 'margin_amount', 'costed_net_amount']) }},
        -- what a price and a cost can be compared on: the part whose cost is known
        cast(
            sum(case when sales.cost_amount is not null then sales.units_qty - sales.returns_qty end)
            as decimal(18, 3)
        ) as costed_net_qty,
        cast(
            sum(case when sales.cost_amount is not null then sales.discount_amount end) as decimal(18, 2)
        ) as costed_discount_amount
    from sales
    inner join sku_locations on sales.sku_location_key = sku_locations.sku_location_key
    group by sku_locations.sku_key, sales.channel, sales.date

)

select * from final
