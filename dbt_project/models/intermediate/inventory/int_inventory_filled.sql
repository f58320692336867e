with snapshots as (

    select * from {{ ref('int_inventory_daily') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

lines as (

    select * from {{ ref('stg_pos__sales') }}

),

purchase_orders as (

    select * from {{ ref('stg_erp__purchase_orders') }}

),

transfers as (

    select * from {{ ref('stg_erp__transfers') }}

),

counted as (

    select
        sku_locations.sku_location_key,
        snapshots.snapshot_date as date,
        snapshots.on_hand_qty,
        snapshots.reserved_qty,
        snapshots.unit_cost,
        snapshots.is_stockout
    from snapshots
    inner join sku_locations
        on
            snapshots.sku_id = sku_locations.sku_id
            and snapshots.location_id = sku_locations.location_id

),

-- a closed place has no shelf to fill
last_days as (

    select
        sku_locations.sku_location_key,
        sku_locations.sku_id,
        sku_locations.location_id,
        least(coalesce({{ add_days('locations.closed_on', -1) }}, {{ as_of() }}), {{ as_of() }}) as last_day
    from sku_locations
    left join locations on sku_locations.location_id = locations.location_id
    where sku_locations.last_snapshot_on is not null

),

followed as (

    select
        sku_location_key,
        date,
        on_hand_qty,
        unit_cost,
        lead(date) over (partition by sku_location_key order by date) as next_date
    from counted

),

-- the days after a snapshot until the next one, or until the business day; after that many days nobody knows
gaps as (

    select
        followed.sku_location_key,
        last_days.sku_id,
        last_days.location_id,
        followed.date as counted_on,
        followed.on_hand_qty,
        followed.unit_cost,
        least(
            coalesce({{ add_days('followed.next_date', -1) }}, last_days.last_day),
            {{ add_days('followed.date', var('stock_gap_days')) }}
        ) as last_day
    from followed
    inner join last_days on followed.sku_location_key = last_days.sku_location_key
    where
        coalesce({{ add_days('followed.next_date', -1) }}, last_days.last_day) > followed.date
        and {{ var('stock_gap_days') }} > 0

),

gap_pairs as (

    select distinct
        sku_location_key,
        sku_id,
        location_id
    from gaps

),

gap_days as (

    select
        sku_location_key,
        counted_on,
        on_hand_qty,
        unit_cost,
        {{ days_between(add_days('counted_on', 1), 'last_day') }} as date
    from gaps

),

movements as (

    select
        gap_pairs.sku_location_key,
        lines.sold_on as date,
        -lines.quantity as moved_qty
    from lines
    inner join gap_pairs
        on
            lines.sku_id = gap_pairs.sku_id
            and lines.fulfilled_from_location_id = gap_pairs.location_id
    union all
    select
        gap_pairs.sku_location_key,
        purchase_orders.received_on as date,
        purchase_orders.received_qty as moved_qty
    from purchase_orders
    inner join gap_pairs
        on
            purchase_orders.sku_id = gap_pairs.sku_id
            and purchase_orders.location_id = gap_pairs.location_id
    where purchase_orders.received_on is not null
    union all
    select
        gap_pairs.sku_location_key,
        transfers.received_on as date,
        transfers.transfer_qty as moved_qty
    from transfers
    inner join gap_pairs
        on
            transfers.sku_id = gap_pairs.sku_id
            and transfers.to_location_id = gap_pairs.location_id
    where transfers.received_on is not null
    union all
    select
        gap_pairs.sku_location_key,
        transfers.shipped_on as date,
        -transfers.transfer_qty as moved_qty
    from transfers
    inner join gap_pairs
        on
            transfers.sku_id = gap_pairs.sku_id
            and transfers.from_location_id = gap_pairs.location_id

),

moved_days as (

    select
        sku_location_key,
        date,
        sum(moved_qty) as moved_qty
    from movements
    group by sku_location_key, date

),

estimated as (

    select
        gap_days.sku_location_key,
        gap_days.date,
        gap_days.on_hand_qty + sum(coalesce(moved_days.moved_qty, 0)) over (
            partition by gap_days.sku_location_key, gap_days.counted_on
            order by gap_days.date
            rows between unbounded preceding and current row
        ) as on_hand_qty,
        gap_days.unit_cost
    from gap_days
    left join moved_days
        on
            gap_days.sku_location_key = moved_days.sku_location_key
            and gap_days.date = moved_days.date

),

final as (

    select
        sku_location_key,
        date,
        on_hand_qty,
        reserved_qty,
        unit_cost,
        is_stockout,
        false as is_estimated
    from counted
    union all
    select
        sku_location_key,
        date,
        cast(on_hand_qty as decimal(18, 3)) as on_hand_qty,
        cast(null as decimal(18, 3)) as reserved_qty,
        unit_cost,
        -- nobody looked: an estimate of nothing is no stock-out
        cast(null as boolean) as is_stockout,
        true as is_estimated
    from estimated

)

select * from final
