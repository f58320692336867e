with snapshots as (

    select * from {{ ref('int_inventory_filled') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

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

empty_days as (

    select
        snapshots.sku_location_key,
        snapshots.date,
        sku_locations.sku_id,
        sku_locations.location_id
    from snapshots
    inner join sku_locations on snapshots.sku_location_key = sku_locations.sku_location_key
    where snapshots.is_stockout

),

opened_empty as (

    select
        sku_location_key,
        {{ add_days('date', 1) }} as date
    from empty_days

),

received_lines as (

    select
        sku_id,
        location_id,
        received_on as date
    from purchase_orders
    where received_on is not null
    union
    select
        sku_id,
        to_location_id as location_id,
        received_on as date
    from transfers
    where received_on is not null

),

last_sales as (

    select
        empty_days.sku_location_key,
        empty_days.date,
        max(lines.sold_at) as last_sold_at
    from lines
    inner join empty_days
        on
            lines.sku_id = empty_days.sku_id
            and lines.location_id = empty_days.location_id
            and lines.sold_on = empty_days.date
    where lines.quantity > 0
    group by empty_days.sku_location_key, empty_days.date

),

places as (

    select distinct location_id
    from empty_days

),

-- how a place's units are spread over its day, from all its lines of the last year
hourly as (

    select
        lines.location_id,
        extract(hour from lines.sold_at) as hour,
        sum(lines.quantity) as units_qty,
        max(extract(hour from lines.sold_at) * 60 + extract(minute from lines.sold_at)) as latest_minute
    from lines
    inner join places on lines.location_id = places.location_id
    where lines.quantity > 0 and lines.sold_on > {{ add_days(as_of(), -364) }}
    group by lines.location_id, extract(hour from lines.sold_at)

),

profiles as (

    select
        location_id,
        hour,
        units_qty / sum(units_qty) over (partition by location_id) as hour_share,
        (
            sum(units_qty)
                over (
                    partition by location_id order by hour rows between unbounded preceding and current row
                )
            - units_qty
        ) / sum(units_qty) over (partition by location_id) as share_before,
        -- receipts of a place that all stand at midnight tell a date, not a time
        max(latest_minute) over (partition by location_id) > 0 as has_time
    from hourly

),

described as (

    select
        empty_days.sku_location_key,
        empty_days.date,
        opened_empty.sku_location_key is not null and received_lines.sku_id is null as is_empty_all_day,
        last_sales.last_sold_at,
        profiles.has_time,
        profiles.share_before + profiles.hour_share * extract(minute from last_sales.last_sold_at) / 60.0 as share_sold
    from empty_days
    left join opened_empty
        on
            empty_days.sku_location_key = opened_empty.sku_location_key
            and empty_days.date = opened_empty.date
    left join received_lines
        on
            empty_days.sku_id = received_lines.sku_id
            and empty_days.location_id = received_lines.location_id
            and empty_days.date = received_lines.date
    left join last_sales
        on
            empty_days.sku_location_key = last_sales.sku_location_key
            and empty_days.date = last_sales.date
    left join profiles
        on
            empty_days.location_id = profiles.location_id
            and extract(hour from last_sales.last_sold_at) = profiles.hour

),

final as (

    select
        sku_location_key,
        date,
        is_empty_all_day,
        last_sold_at,
        cast(
            case
                when is_empty_all_day or last_sold_at is null then 1
                when has_time then 1 - share_sold
            end as double
        ) as stockout_share
    from described

)

select * from final
