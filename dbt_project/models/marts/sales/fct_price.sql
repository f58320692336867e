{{ config(materialized='view') }}

with scoped_prices as (

    select * from {{ ref('int_prices_scoped') }}

),

pair_prices as (

    select * from {{ ref('int_prices') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

final as (

    select
        sku_id,
        location_id,
        channel,
        member_tier,
        valid_from,
        valid_to,
        price,
        false as is_observed
    from scoped_prices
    union all
    select
        sku_locations.sku_id,
        sku_locations.location_id,
        '*' as channel,
        '*' as member_tier,
        pair_prices.valid_from,
        pair_prices.valid_to,
        pair_prices.price,
        true as is_observed
    from pair_prices
    inner join sku_locations on pair_prices.sku_location_key = sku_locations.sku_location_key
    where pair_prices.is_observed

)

select * from final
