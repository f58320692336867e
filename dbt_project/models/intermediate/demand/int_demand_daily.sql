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

doubted as (

    select * from {{ ref('int_days_doubted') }}

),

till_days_missing as (

    select * from {{ ref('int_till_days_missing') }}

),

superseded as (

    select * from {{ ref('int_products_superseded') }}

),

-- what a product that is no longer carried sold at a place is history of the product that took its place there
members as (

    select
        candidates.sku_location_key,
        series.series_id
    from candidates
    inner join series
        on
            candidates.sku_id = series.sku_id
            and candidates.series_location_id = series.location_id
    union all
    select
        candidates.sku_location_key,
        series.series_id
    from candidates
    inner join superseded on candidates.sku_id = superseded.sku_id
    inner join series
        on
            superseded.current_sku_id = series.sku_id
            and candidates.location_id = series.location_id
    where superseded.current_sku_id <> candidates.sku_id and candidates.series_location_id is null

),

series_of_one as (

    select
        series_id,
        count(*) = 1 as is_alone
    from members
    group by series_id

),

-- a decided day may be one on which nothing was sold: those come beside the sales
doubted_without_sales as (

    select
        doubted.sku_location_key,
        doubted.date
    from doubted
    left join sales
        on
            doubted.sku_location_key = sales.sku_location_key
            and doubted.date = sales.date
    where sales.sku_location_key is null

),

observed as (

    select
        sku_location_key,
        date,
        units_qty,
        returns_qty,
        net_amount
    from sales
    union all
    select
        sku_location_key,
        date,
        0 as units_qty,
        0 as returns_qty,
        0 as net_amount
    from doubted_without_sales

),

member_sales as (

    select
        members.series_id,
        series_of_one.is_alone,
        observed.date,
        cast(observed.units_qty as double) as sales_qty,
        cast(observed.returns_qty as double) as return_qty,
        cast(observed.net_amount as double) as net_amount,
        doubted.repaired_qty,
        doubted.repair_rule
    from observed
    inner join members on observed.sku_location_key = members.sku_location_key
    inner join series_of_one on members.series_id = series_of_one.series_id
    left join doubted
        on
            observed.sku_location_key = doubted.sku_location_key
            and observed.date = doubted.date

),

-- only series of several members need summing: a product at a place has one row a day already
sold as (

    select
        series_id,
        date,
        sales_qty,
        return_qty,
        net_amount,
        repaired_qty,
        repair_rule
    from member_sales
    where is_alone
    union all
    select
        series_id,
        date,
        sum(sales_qty) as sales_qty,
        sum(return_qty) as return_qty,
        sum(net_amount) as net_amount,
        -- of a place that is not used the pool knows nothing better than nothing
        case
            when count(repair_rule) > 0
                then sum(case when repair_rule is null then sales_qty else coalesce(repaired_qty, 0) end)
        end as repaired_qty,
        -- a pool is never ignored as a whole: its other places sold
        case when max(repair_rule) = 'ignored' then 'replaced' else max(repair_rule) end as repair_rule
    from member_sales
    where not is_alone
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

known as (

    select
        coalesce(sold.series_id, stocked_out.series_id) as series_id,
        coalesce(sold.date, stocked_out.date) as date,
        coalesce(sold.sales_qty, 0) as sales_qty,
        coalesce(sold.return_qty, 0) as return_qty,
        coalesce(sold.net_amount, 0) as net_amount,
        stocked_out.series_id is not null as is_stockout,
        sold.repaired_qty,
        sold.repair_rule
    from sold
    full outer join stocked_out
        on
            sold.series_id = stocked_out.series_id
            and sold.date = stocked_out.date

),

-- the place sold nothing at all that day, so such a row stands beside no other unless the shelf was counted empty
missing as (

    select
        series.series_id,
        till_days_missing.date
    from till_days_missing
    inner join series
        on
            till_days_missing.location_id = series.location_id
            and till_days_missing.date > series.first_sold_on

),

final as (

    select
        coalesce(known.series_id, missing.series_id) as series_id,
        coalesce(known.date, missing.date) as date,
        coalesce(known.sales_qty, 0) as sales_qty,
        coalesce(known.return_qty, 0) as return_qty,
        coalesce(known.net_amount, 0) as net_amount,
        coalesce(known.is_stockout, false) as is_stockout,
        known.repaired_qty,
        -- what a person said about the day comes before what the tills did not say
        case
            when known.repair_rule is not null then known.repair_rule
            when missing.series_id is not null then 'missing_till_day'
        end as repair_rule
    from known
    full outer join missing
        on
            known.series_id = missing.series_id
            and known.date = missing.date

)

select * from final
