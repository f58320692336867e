with candidates as (

    select * from {{ ref('int_series_candidates') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

ranging as (

    select * from {{ ref('stg_erp__ranging') }}

),

prices as (

    select * from {{ ref('int_prices') }}

),

listings as (

    select
        sku_id,
        location_id,
        max(listed_on) as listed_on
    from ranging
    where listed_on <= {{ add_days(as_of(), 1) }}
    group by sku_id, location_id

),

priced as (

    select
        sku_location_key,
        price
    from prices
    where {{ add_days(as_of(), 1) }} between valid_from and valid_to

),

series as (

    select
        sku_id,
        series_location_id as location_id,
        max(case when is_selected then sku_location_key end) as sku_location_key,
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
        greatest(products.launched_on, locations.opened_on, listings.listed_on) as launched_on,
        priced.price as unit_price
    from series
    left join products on series.sku_id = products.sku_id
    left join locations on series.location_id = locations.location_id
    left join listings
        on
            series.sku_id = listings.sku_id
            and series.location_id = listings.location_id
    left join priced on series.sku_location_key = priced.sku_location_key

)

select * from final
