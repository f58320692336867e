with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

prices as (

    select * from {{ ref('int_prices') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

-- what lies there is moved, promised or sent tomorrow: the price and cost that hold then
final as (

    select
        sku_locations.sku_id,
        sku_locations.location_id,
        prices.price,
        unit_costs.unit_cost
    from sku_locations
    left join prices
        on
            sku_locations.sku_location_key = prices.sku_location_key
            and {{ add_days(as_of(), 1) }} between prices.valid_from and prices.valid_to
    left join unit_costs
        on
            sku_locations.sku_location_key = unit_costs.sku_location_key
            and {{ add_days(as_of(), 1) }} between unit_costs.valid_from and unit_costs.valid_to
    where sku_locations.last_snapshot_on is not null

)

select * from final
