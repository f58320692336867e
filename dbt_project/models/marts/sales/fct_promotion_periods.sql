{{ config(materialized='view') }}

with promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

final as (

    select
        promotion_pairs.promotion_id,
        sku_locations.sku_id,
        sku_locations.location_id,
        promotion_pairs.starts_on,
        promotion_pairs.ends_on
    from promotion_pairs
    inner join sku_locations on promotion_pairs.sku_location_key = sku_locations.sku_location_key

)

select * from final
