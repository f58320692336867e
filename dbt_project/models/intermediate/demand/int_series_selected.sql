with candidates as (

    select * from {{ ref('int_series_candidates') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

series as (

    select
        sku_id,
        series_location_id as location_id,
        not bool_or(is_selected) as is_pooled,
        max(region) as region,
        min(first_sold_on) as first_sold_on,
        max(last_sold_on) as last_sold_on
    from candidates
    where series_location_id is not null
    group by sku_id, series_location_id
    having bool_or(is_selected or is_sold_unlisted)

),

final as (

    select
        cast(
            row_number() over (order by series.sku_id, series.location_id) as integer
        ) as series_id,
        series.sku_id,
        series.location_id,
        series.is_pooled,
        series.region,
        products.department,
        products.category,
        series.first_sold_on,
        series.last_sold_on,
        products.launched_on
    from series
    left join products on series.sku_id = products.sku_id

)

select * from final
