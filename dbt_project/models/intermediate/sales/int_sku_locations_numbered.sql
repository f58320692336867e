with sales as (

    select * from {{ ref('stg_pos__sales') }}

),

snapshots as (

    select * from {{ ref('int_inventory_daily') }}

),

ranging as (

    select * from {{ ref('stg_erp__ranging') }}

),

sold as (

    select
        sku_id,
        location_id,
        min(case when quantity > 0 then sold_on end) as first_sold_on,
        max(case when quantity > 0 then sold_on end) as last_sold_on
    from sales
    group by sku_id, location_id

),

stocked as (

    select
        sku_id,
        location_id,
        max(snapshot_date) as last_snapshot_on
    from snapshots
    group by sku_id, location_id

),

listed as (

    select
        sku_id,
        location_id,
        -- a listing counts from the day that is forecast first, the one after the business day
        bool_or(
            listed_on <= {{ add_days(as_of(), 1) }}
            and (delisted_on is null or delisted_on > {{ as_of() }})
        ) as is_listed
    from ranging
    group by sku_id, location_id

),

pairs as (

    select
        sku_id,
        location_id,
        first_sold_on,
        last_sold_on,
        null as last_snapshot_on,
        null as is_listed
    from sold
    union all
    select
        sku_id,
        location_id,
        null as first_sold_on,
        null as last_sold_on,
        last_snapshot_on,
        null as is_listed
    from stocked
    union all
    select
        sku_id,
        location_id,
        null as first_sold_on,
        null as last_sold_on,
        null as last_snapshot_on,
        is_listed
    from listed

),

final as (

    select
        cast(row_number() over (order by sku_id, location_id) as integer) as sku_location_key,
        sku_id,
        location_id,
        max(first_sold_on) as first_sold_on,
        max(last_sold_on) as last_sold_on,
        max(last_snapshot_on) as last_snapshot_on,
        -- null where no row of erp/ranging names the pair
        bool_or(is_listed) as is_listed
    from pairs
    group by sku_id, location_id

)

select * from final
