with recommended as (

    select * from {{ ref('stg_ml__recommendations') }}

),

days as (

    select * from {{ ref('int_sku_location_days') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

-- products and places (or * = all) with a line about their price
scopes as (

    select distinct
        sku_id,
        location_id
    from recommended
    where recommended_price is not null

),

sold as (

    select
        sku_locations.sku_id,
        sku_locations.location_id,
        days.date,
        days.units_qty,
        days.units_qty - days.returns_qty as net_qty,
        days.net_amount,
        days.units_qty * days.shelf_price as shelf_amount
    from days
    inner join sku_locations on days.sku_location_key = sku_locations.sku_location_key
    where
        (days.units_qty <> 0 or days.returns_qty <> 0)
        and sku_locations.sku_id in (select scopes.sku_id from scopes)

),

final as (

    select
        scopes.sku_id,
        scopes.location_id,
        sold.date,
        cast(sum(sold.units_qty) as decimal(18, 3)) as units_qty,
        cast(sum(sold.net_qty) as decimal(18, 3)) as net_qty,
        cast(sum(sold.net_amount) as decimal(18, 2)) as net_amount,
        cast(sum(sold.shelf_amount) as decimal(18, 4)) as shelf_amount
    from scopes
    inner join sold
        on
            scopes.sku_id = sold.sku_id
            and (scopes.location_id = '*' or scopes.location_id = sold.location_id)
    group by scopes.sku_id, scopes.location_id, sold.date

)

select * from final
