with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

lines as (

    select * from {{ ref('stg_pos__sales') }}

),

transfer_lines as (

    select * from {{ ref('int_transfer_lines') }}

),

stock_days as (

    select * from {{ ref('int_inventory_filled') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

-- two years, and not before the first record: what left a stock that nobody knows says nothing
recorded_since as (

    select
        sku_location_key,
        min(date) as first_recorded_on
    from stock_days
    where date > {{ add_days(as_of(), -728) }}
    group by sku_location_key

),

stocked_pairs as (

    select
        sku_locations.sku_location_key,
        sku_locations.sku_id,
        sku_locations.location_id,
        recorded_since.first_recorded_on
    from sku_locations
    inner join recorded_since on sku_locations.sku_location_key = recorded_since.sku_location_key

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
            and lines.sold_on >= stocked_pairs.first_recorded_on
    where lines.sold_on > {{ add_days(as_of(), -728) }}
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
            and transfer_lines.shipped_on >= stocked_pairs.first_recorded_on

),

recorded as (

    select
        sku_location_key,
        date,
        sum(sold_qty) as sold_qty,
        sum(net_amount) as net_amount,
        sum(shipped_qty) as shipped_qty
    from movements
    group by sku_location_key, date

),

-- a warehouse lives by what it ships. Before its first recorded transfer that is read off its stock records: what they
-- fell by, net of what came in on the same day
shipping_since as (

    select
        from_location_id as location_id,
        min(shipped_on) as first_shipped_on
    from transfer_lines
    group by from_location_id

),

unrecorded_pairs as (

    select
        stocked_pairs.sku_location_key,
        coalesce(shipping_since.first_shipped_on, {{ add_days(as_of(), 1) }}) as first_shipped_on
    from stocked_pairs
    inner join locations on stocked_pairs.location_id = locations.location_id
    left join shipping_since on stocked_pairs.location_id = shipping_since.location_id
    where locations.location_type = 'warehouse'

),

followed as (

    select
        stock_days.sku_location_key,
        stock_days.date,
        lag(stock_days.on_hand_qty) over (
            partition by stock_days.sku_location_key order by stock_days.date
        ) - stock_days.on_hand_qty as fallen_qty
    from stock_days
    inner join unrecorded_pairs on stock_days.sku_location_key = unrecorded_pairs.sku_location_key
    where
        stock_days.date < unrecorded_pairs.first_shipped_on
        and stock_days.date > {{ add_days(as_of(), -728) }}

),

falls as (

    select *
    from followed
    where fallen_qty > 0

),

days as (

    select
        coalesce(recorded.sku_location_key, falls.sku_location_key) as sku_location_key,
        coalesce(recorded.date, falls.date) as date,
        coalesce(recorded.sold_qty, 0) as sold_qty,
        coalesce(recorded.net_amount, 0) as net_amount,
        greatest(
            coalesce(recorded.shipped_qty, 0), coalesce(falls.fallen_qty, 0) - coalesce(recorded.sold_qty, 0)
        ) as shipped_qty,
        falls.sku_location_key is not null as is_shipped_estimated
    from recorded
    full outer join falls
        on
            recorded.sku_location_key = falls.sku_location_key
            and recorded.date = falls.date

),

final as (

    select
        days.sku_location_key,
        days.date,
        cast(days.sold_qty as decimal(18, 3)) as sold_qty,
        cast(days.shipped_qty as decimal(18, 3)) as shipped_qty,
        days.is_shipped_estimated,
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
