with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

snapshots as (

    select * from {{ ref('int_inventory_daily') }}

),

promotion_periods as (

    select * from {{ ref('int_promotion_periods') }}

),

numbered_snapshots as (

    select
        sku_locations.sku_location_key,
        snapshots.snapshot_date as date,
        snapshots.on_hand_qty,
        snapshots.is_stockout
    from snapshots
    inner join sku_locations
        on
            snapshots.sku_id = sku_locations.sku_id
            and snapshots.location_id = sku_locations.location_id

),

-- a day stands here when something was sold, came back or was counted
days as (

    select
        coalesce(sales.sku_location_key, numbered_snapshots.sku_location_key) as sku_location_key,
        coalesce(sales.date, numbered_snapshots.date) as date,
        coalesce(sales.units_qty, 0) as units_qty,
        coalesce(sales.returns_qty, 0) as returns_qty,
        coalesce(sales.net_amount, 0) as net_amount,
        -- nothing sold, no price: null, never zero
        sales.sales_amount / nullif(sales.units_qty, 0) as price,
        numbered_snapshots.on_hand_qty,
        numbered_snapshots.is_stockout
    from sales
    full outer join numbered_snapshots
        on
            sales.sku_location_key = numbered_snapshots.sku_location_key
            and sales.date = numbered_snapshots.date

),

final as (

    select
        sku_locations.sku_id,
        sku_locations.location_id,
        days.date,
        cast(days.units_qty as decimal(18, 3)) as units_qty,
        cast(days.returns_qty as decimal(18, 3)) as returns_qty,
        cast(days.net_amount as decimal(18, 2)) as net_amount,
        cast(days.price as decimal(18, 4)) as price,
        -- the periods of a pair do not overlap: at most one matches, no row is doubled
        promotion_periods.sku_location_key is not null as is_promoted,
        days.on_hand_qty,
        days.is_stockout
    from days
    inner join sku_locations on days.sku_location_key = sku_locations.sku_location_key
    left join promotion_periods
        on
            days.sku_location_key = promotion_periods.sku_location_key
            and days.date between promotion_periods.starts_on and promotion_periods.ends_on

)

select * from final
