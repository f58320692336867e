with prices as (

    select * from {{ ref('int_prices') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

series as (

    select * from {{ ref('int_series_selected') }}

),

-- a price that only the tills show is known on days with a sale alone: it would say that cheap days sell
final as (

    select
        series.series_id,
        prices.valid_from,
        prices.valid_to,
        cast(prices.price as double) as price
    from prices
    inner join sku_locations on prices.sku_location_key = sku_locations.sku_location_key
    inner join series
        on
            sku_locations.sku_id = series.sku_id
            and sku_locations.location_id = series.location_id
    where not prices.is_observed

)

select * from final
