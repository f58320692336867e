with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

lines as (

    select * from {{ ref('stg_pos__sales') }}

),

transfer_lines as (

    select * from {{ ref('int_transfer_lines') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

stocked_pairs as (

    select
        sku_location_key,
        sku_id,
        location_id
    from sku_locations
    where last_snapshot_on is not null

),

-- an order of the web shop that a warehouse fulfils takes the warehouse's stock, not the web's
movements as (

    select
        stocked_pairs.sku_location_key,
        lines.sold_on as date,
        lines.quantity as sold_qty,
        lines.net_amount,
        0 as shipped_qty
    from lines
    inner join stocked_pairs
        on
            lines.sku_id = stocked_pairs.sku_id
            and lines.fulfilled_from_location_id = stocked_pairs.location_id
    union all
    select
        stocked_pairs.sku_location_key,
        transfer_lines.shipped_on as date,
        0 as sold_qty,
        0 as net_amount,
        transfer_lines.transfer_qty as shipped_qty
    from transfer_lines
    inner join stocked_pairs
        on
            transfer_lines.sku_id = stocked_pairs.sku_id
            and transfer_lines.from_location_id = stocked_pairs.location_id

),

days as (

    select
        sku_location_key,
        date,
        sum(sold_qty) as sold_qty,
        sum(net_amount) as net_amount,
        sum(shipped_qty) as shipped_qty
    from movements
    group by sku_location_key, date

),

final as (

    select
        days.sku_location_key,
        days.date,
        cast(days.sold_qty as decimal(18, 3)) as sold_qty,
        cast(days.shipped_qty as decimal(18, 3)) as shipped_qty,
        cast(days.net_amount as decimal(18, 2)) as net_amount,
        cast(days.sold_qty * unit_costs.unit_cost as decimal(18, 2)) as cost_amount,
        cast((days.sold_qty + days.shipped_qty) * unit_costs.unit_cost as decimal(18, 2)) as issued_amount
    from days
    left join unit_costs
        on
            days.sku_location_key = unit_costs.sku_location_key
            and days.date between unit_costs.valid_from and unit_costs.valid_to

)

select * from final
