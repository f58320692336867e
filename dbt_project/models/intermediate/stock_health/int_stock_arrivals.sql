with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

purchase_lines as (

    select * from {{ ref('int_purchase_order_lines') }}

),

transfer_lines as (

    select * from {{ ref('int_transfer_lines') }}

),

stock_days as (

    select * from {{ ref('int_inventory_filled') }}

),

issues as (

    select * from {{ ref('int_stock_issues') }}

),

receipts as (

    select
        sku_id,
        location_id,
        received_on as arrived_on,
        received_qty as arrived_qty
    from purchase_lines
    where received_on is not null and received_qty > 0
    union all
    select
        sku_id,
        to_location_id as location_id,
        received_on as arrived_on,
        transfer_qty as arrived_qty
    from transfer_lines
    where received_on is not null and transfer_qty > 0

),

-- from that day on a place's receipts are recorded
recorded_since as (

    select
        location_id,
        min(arrived_on) as first_arrived_on
    from receipts
    group by location_id

),

pairs as (

    select
        sku_locations.sku_location_key,
        sku_locations.sku_id,
        sku_locations.location_id,
        coalesce(recorded_since.first_arrived_on, {{ add_days(as_of(), 1) }}) as first_arrived_on
    from sku_locations
    left join recorded_since on sku_locations.location_id = recorded_since.location_id
    where sku_locations.last_snapshot_on is not null

),

-- before it, arrivals are read off the stock records: what is there, less what was there a record earlier, plus what
-- left on the day. (There is a row a day: days that nobody counted are filled from movements, int_inventory_filled)
followed as (

    select
        stock_days.sku_location_key,
        stock_days.date,
        stock_days.on_hand_qty,
        lag(stock_days.on_hand_qty) over (
            partition by stock_days.sku_location_key order by stock_days.date
        ) as on_hand_before_qty
    from stock_days
    inner join pairs on stock_days.sku_location_key = pairs.sku_location_key
    where
        stock_days.date < pairs.first_arrived_on
        and stock_days.date > {{ add_days(as_of(), -728) }}

),

steps as (

    select
        followed.sku_location_key,
        followed.date,
        case when followed.on_hand_before_qty is null then 'first record' else 'stock record' end as evidence,
        case
            when followed.on_hand_before_qty is null then followed.on_hand_qty
            else
                followed.on_hand_qty - followed.on_hand_before_qty
                + coalesce(issues.sold_qty, 0) + coalesce(issues.shipped_qty, 0)
        end as arrived_qty
    from followed
    left join issues
        on
            followed.sku_location_key = issues.sku_location_key
            and followed.date = issues.date

),

arrivals as (

    select
        pairs.sku_location_key,
        receipts.arrived_on,
        receipts.arrived_qty,
        'receipt' as evidence
    from receipts
    inner join pairs
        on
            receipts.sku_id = pairs.sku_id
            and receipts.location_id = pairs.location_id
    union all
    select
        sku_location_key,
        date as arrived_on,
        arrived_qty,
        evidence
    from steps
    where arrived_qty > 0

),

summed as (

    select
        sku_location_key,
        arrived_on,
        sum(arrived_qty) as arrived_qty,
        min(evidence) as evidence
    from arrivals
    group by sku_location_key, arrived_on

),

final as (

    select
        sku_location_key,
        arrived_on,
        cast(arrived_qty as decimal(18, 3)) as arrived_qty,
        evidence,
        cast(
            sum(arrived_qty) over (
                partition by sku_location_key
                order by arrived_on
                rows between unbounded preceding and current row
            ) as decimal(18, 3)
        ) as arrived_since_ever_qty
    from summed

)

select * from final
