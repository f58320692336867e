with candidates as (

    select * from {{ ref('int_series_candidates') }}

),

series as (

    select * from {{ ref('int_series_selected') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

snapshots as (

    select * from {{ ref('int_inventory_daily') }}

),

members as (

    select
        candidates.sku_location_key,
        series.series_id,
        series.is_pooled
    from candidates
    inner join series
        on
            candidates.sku_id = series.sku_id
            and candidates.series_location_id = series.location_id

),

member_sales as (

    select
        members.series_id,
        members.is_pooled,
        sales.date,
        cast(sales.units_qty as double) as sales_qty,
        cast(sales.returns_qty as double) as return_qty,
        cast(sales.net_amount as double) as net_amount
    from sales
    inner join members on sales.sku_location_key = members.sku_location_key

),

-- only pools need summing: a place has one row a day already
sold as (

    select
        series_id,
        date,
        sales_qty,
        return_qty,
        net_amount
    from member_sales
    where not is_pooled
    union all
    select
        series_id,
        date,
        sum(sales_qty) as sales_qty,
        sum(return_qty) as return_qty,
        sum(net_amount) as net_amount
    from member_sales
    where is_pooled
    group by series_id, date

),

-- what is pooled has no shelf of its own: the location never equals 'unlisted:<region>'
stocked_out as (

    select
        series.series_id,
        snapshots.snapshot_date as date
    from snapshots
    inner join series
        on
            snapshots.sku_id = series.sku_id
            and snapshots.location_id = series.location_id
    where snapshots.is_stockout

),

final as (

    select
        coalesce(sold.series_id, stocked_out.series_id) as series_id,
        coalesce(sold.date, stocked_out.date) as date,
        coalesce(sold.sales_qty, 0) as sales_qty,
        coalesce(sold.return_qty, 0) as return_qty,
        coalesce(sold.net_amount, 0) as net_amount,
        stocked_out.series_id is not null as is_stockout
    from sold
    full outer join stocked_out
        on
            sold.series_id = stocked_out.series_id
            and sold.date = stocked_out.date

)

select * from final
