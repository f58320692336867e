with positions as (

    select * from {{ ref('int_stock_positions') }}

),

purchase_lines as (

    select * from {{ ref('int_purchase_order_lines') }}

),

transfer_lines as (

    select * from {{ ref('int_transfer_lines') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

stocked as (

    select
        positions.sku_id,
        positions.location_id,
        positions.snapshot_date,
        positions.on_hand_qty,
        positions.reserved_qty,
        greatest(positions.on_hand_qty - positions.reserved_qty - positions.backorder_qty, 0) as free_qty,
        case
            when positions.on_hand_qty > 0 then positions.on_hand_qty * unit_costs.unit_cost else 0
        end as stock_amount,
        positions.on_hand_qty > 0 and unit_costs.unit_cost is null as is_without_cost
    from positions
    inner join sku_locations
        on
            positions.sku_id = sku_locations.sku_id
            and positions.location_id = sku_locations.location_id
    left join unit_costs
        on
            sku_locations.sku_location_key = unit_costs.sku_location_key
            and {{ as_of() }} between unit_costs.valid_from and unit_costs.valid_to

),

-- what is on its way counts where it will arrive, also where nothing was ever counted
quantities as (

    select
        sku_id,
        location_id,
        snapshot_date,
        on_hand_qty,
        reserved_qty,
        free_qty,
        stock_amount,
        is_without_cost,
        0 as in_transfer_qty,
        0 as on_order_qty
    from stocked
    union all
    select
        sku_id,
        to_location_id as location_id,
        null as snapshot_date,
        0 as on_hand_qty,
        0 as reserved_qty,
        0 as free_qty,
        0 as stock_amount,
        false as is_without_cost,
        in_transit_qty as in_transfer_qty,
        0 as on_order_qty
    from transfer_lines
    where is_in_transit
    union all
    select
        sku_id,
        location_id,
        null as snapshot_date,
        0 as on_hand_qty,
        0 as reserved_qty,
        0 as free_qty,
        0 as stock_amount,
        false as is_without_cost,
        0 as in_transfer_qty,
        open_qty as on_order_qty
    from purchase_lines
    where is_open

),

-- a place that has closed holds nothing any more, whatever its last record says
owned as (

    select
        quantities.*,
        coalesce(locations.ownership, 'unknown') as ownership
    from quantities
    left join locations on quantities.location_id = locations.location_id
    where locations.closed_on is null or locations.closed_on > {{ as_of() }}

),

scoped as (

    select * from owned
    union all
    select
        sku_id,
        location_id,
        snapshot_date,
        on_hand_qty,
        reserved_qty,
        free_qty,
        stock_amount,
        is_without_cost,
        in_transfer_qty,
        on_order_qty,
        'all' as ownership
    from owned

),

final as (

    select
        sku_id,
        ownership,
        cast(sum(on_hand_qty) as decimal(18, 3)) as on_hand_qty,
        cast(sum(reserved_qty) as decimal(18, 3)) as reserved_qty,
        cast(sum(free_qty) as decimal(18, 3)) as free_qty,
        cast(sum(in_transfer_qty) as decimal(18, 3)) as in_transfer_qty,
        cast(sum(on_order_qty) as decimal(18, 3)) as on_order_qty,
        cast(sum(case when on_hand_qty < 0 then -on_hand_qty else 0 end) as decimal(18, 3)) as negative_qty,
        cast(case when not bool_or(is_without_cost) then sum(stock_amount) end as decimal(18, 2)) as stock_amount,
        count(distinct case when on_hand_qty > 0 then location_id end) as stocked_location_count,
        min(snapshot_date) as oldest_snapshot_date
    from scoped
    group by sku_id, ownership

)

select * from final
