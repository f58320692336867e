with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

sourcing as (

    select * from {{ ref('int_sourcing_resolved') }}

),

ranging as (

    select * from {{ ref('stg_erp__ranging') }}

),

prices as (

    select * from {{ ref('int_prices') }}

),

-- orders are for tomorrow and after: the listing and the price that hold then
listed as (

    select
        sku_id,
        location_id,
        max(presentation_min_qty) as presentation_min_qty,
        max(shelf_capacity_qty) as shelf_capacity_qty
    from ranging
    where
        listed_on <= {{ add_days(as_of(), 1) }}
        and (delisted_on is null or delisted_on > {{ add_days(as_of(), 1) }})
    group by sku_id, location_id

),

priced as (

    select
        sku_locations.sku_id,
        sku_locations.location_id,
        prices.price
    from prices
    inner join sku_locations on prices.sku_location_key = sku_locations.sku_location_key
    where {{ add_days(as_of(), 1) }} between prices.valid_from and prices.valid_to

),

final as (

    select
        sourcing.sku_id,
        sourcing.location_id,
        listed.presentation_min_qty,
        listed.shelf_capacity_qty,
        priced.price
    from sourcing
    left join listed
        on
            sourcing.sku_id = listed.sku_id
            and sourcing.location_id = listed.location_id
    left join priced
        on
            sourcing.sku_id = priced.sku_id
            and sourcing.location_id = priced.location_id

)

select * from final
