with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

purchase_orders as (

    select * from {{ ref('stg_erp__purchase_orders') }}

),

transfers as (

    select * from {{ ref('stg_erp__transfers') }}

),

-- ordered is on order until its receipt; what stays open after a short one stays on order, as in int_stock_positions
order_steps as (

    select
        sku_id,
        location_id,
        ordered_on as date,
        case when received_on is null then ordered_qty - received_qty else ordered_qty end as on_order_qty,
        0 as in_transfer_qty
    from purchase_orders
    where
        received_on is not null
        or (
            ordered_qty > received_qty
            and coalesce(status, 'open') not in ('received', 'closed', 'cancelled', 'canceled')
        )
    union all
    select
        sku_id,
        location_id,
        received_on as date,
        case
            when
                ordered_qty > received_qty
                and coalesce(status, 'open') not in ('received', 'closed', 'cancelled', 'canceled')
                then -received_qty
            else -ordered_qty
        end as on_order_qty,
        0 as in_transfer_qty
    from purchase_orders
    where received_on is not null

),

transfer_steps as (

    select
        sku_id,
        to_location_id as location_id,
        shipped_on as date,
        0 as on_order_qty,
        transfer_qty as in_transfer_qty
    from transfers
    union all
    select
        sku_id,
        to_location_id as location_id,
        received_on as date,
        0 as on_order_qty,
        -transfer_qty as in_transfer_qty
    from transfers
    where received_on is not null

),

steps as (

    select * from order_steps
    union all
    select * from transfer_steps

),

changes as (

    select
        sku_locations.sku_location_key,
        steps.date,
        sum(steps.on_order_qty) as on_order_qty,
        sum(steps.in_transfer_qty) as in_transfer_qty
    from steps
    inner join sku_locations
        on
            steps.sku_id = sku_locations.sku_id
            and steps.location_id = sku_locations.location_id
    group by sku_locations.sku_location_key, steps.date

),

levels as (

    select
        sku_location_key,
        date as valid_from,
        coalesce(
            {{ add_days('lead(date) over (partition by sku_location_key order by date)', -1) }},
            {{ last_day_of_all() }}
        ) as valid_to,
        sum(on_order_qty) over (
            partition by sku_location_key order by date rows between unbounded preceding and current row
        ) as on_order_qty,
        sum(in_transfer_qty) over (
            partition by sku_location_key order by date rows between unbounded preceding and current row
        ) as in_transfer_qty
    from changes

),

final as (

    select
        sku_location_key,
        valid_from,
        valid_to,
        cast(on_order_qty as decimal(18, 3)) as on_order_qty,
        cast(in_transfer_qty as decimal(18, 3)) as in_transfer_qty
    from levels

)

select * from final
