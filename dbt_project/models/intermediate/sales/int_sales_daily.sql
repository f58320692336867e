with sales as (

    select * from {{ ref('stg_pos__sales') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

-- grouped by an integer, not by two texts: see the YAML for the figure
numbered_lines as (

    select
        sku_locations.sku_location_key,
        sales.sold_on as date,
        sales.quantity,
        sales.net_amount
    from sales
    inner join sku_locations
        on
            sales.sku_id = sku_locations.sku_id
            and sales.location_id = sku_locations.location_id

),

final as (

    select
        sku_location_key,
        date,
        cast(sum(case when quantity > 0 then quantity else 0 end) as decimal(18, 3)) as units_qty,
        cast(sum(case when quantity < 0 then -quantity else 0 end) as decimal(18, 3)) as returns_qty,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount,
        cast(sum(case when quantity > 0 then net_amount else 0 end) as decimal(18, 2)) as sales_amount
    from numbered_lines
    group by sku_location_key, date

)

select * from final
