with sales as (

    select * from {{ ref('int_sales_daily') }}

),

selling_days as (

    select
        sku_location_key,
        cast(extract(year from date) as integer) as year,
        cast(units_qty as double) as units_qty
    from sales
    where units_qty > 0

),

by_year as (

    select
        sku_location_key,
        year,
        count(*) as selling_days,
        {{ quantiles('units_qty', [0.5, 0.9]) }} as quantiles
    from selling_days
    group by sku_location_key, year
    having count(*) >= {{ var('outlier_min_days') }}

),

whole_history as (

    select
        sku_location_key,
        0 as year,
        count(*) as selling_days,
        {{ quantiles('units_qty', [0.5, 0.9]) }} as quantiles
    from selling_days
    group by sku_location_key
    having count(*) >= {{ var('outlier_min_days') }}

),

levels as (

    select * from by_year
    union all
    select * from whole_history

),

final as (

    select
        sku_location_key,
        year,
        selling_days,
        {{ entry('quantiles', 1) }} as level_qty,
        {{ entry('quantiles', 2) }} as high_qty
    from levels

)

select * from final
