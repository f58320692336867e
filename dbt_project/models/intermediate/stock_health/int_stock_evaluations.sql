with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

positions as (

    select * from {{ ref('int_stock_positions') }}

),

stock_days as (

    select * from {{ ref('int_inventory_filled') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

days as (

    select {{ days_between(add_days(as_of(), -364), add_days(as_of(), -1)) }} as date

),

month_ends as (

    select date
    from days
    where {{ month_start(add_days('date', 1)) }} = {{ add_days('date', 1) }}

),

-- what stands in the books of a place that has closed is not there any more
evaluated as (

    select
        {{ as_of() }} as evaluated_on,
        sku_locations.sku_location_key,
        positions.snapshot_date,
        positions.on_hand_qty
    from positions
    inner join sku_locations
        on
            positions.sku_id = sku_locations.sku_id
            and positions.location_id = sku_locations.location_id
    left join locations on positions.location_id = locations.location_id
    where locations.closed_on is null or locations.closed_on > {{ as_of() }}
    union all
    select
        month_ends.date as evaluated_on,
        stock_days.sku_location_key,
        stock_days.date as snapshot_date,
        stock_days.on_hand_qty
    from stock_days
    inner join month_ends on stock_days.date = month_ends.date
    where stock_days.on_hand_qty > 0

),

final as (

    select
        evaluated.evaluated_on,
        evaluated.sku_location_key,
        products.category,
        coalesce(locations.location_type, 'unknown') as location_type,
        evaluated.snapshot_date,
        evaluated.on_hand_qty,
        unit_costs.unit_cost
    from evaluated
    inner join sku_locations on evaluated.sku_location_key = sku_locations.sku_location_key
    left join products on sku_locations.sku_id = products.sku_id
    left join locations on sku_locations.location_id = locations.location_id
    left join unit_costs
        on
            evaluated.sku_location_key = unit_costs.sku_location_key
            and evaluated.evaluated_on between unit_costs.valid_from and unit_costs.valid_to

)

select * from final
