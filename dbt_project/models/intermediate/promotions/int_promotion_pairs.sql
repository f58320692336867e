with promotions as (

    select * from {{ ref('stg_erp__promotions') }}

),

items as (

    select * from {{ ref('stg_erp__promotion_items') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

-- a promotion that ends before it starts is none
numbered_promotions as (

    select
        promotion_id,
        starts_on,
        ends_on,
        cast(row_number() over (order by promotion_id) as integer) as promotion_key
    from promotions
    where starts_on <= ends_on

),

-- only pairs that are known: most promoted products never reach most places
item_pairs as (

    select
        sku_locations.sku_location_key,
        items.promotion_id
    from items
    inner join sku_locations
        on
            items.sku_id = sku_locations.sku_id
            and items.location_id = sku_locations.location_id
    union all
    select
        sku_locations.sku_location_key,
        items.promotion_id
    from items
    inner join sku_locations on items.sku_id = sku_locations.sku_id
    where items.location_id is null

),

final as (

    select distinct
        numbered_promotions.promotion_key,
        numbered_promotions.promotion_id,
        item_pairs.sku_location_key,
        numbered_promotions.starts_on,
        numbered_promotions.ends_on
    from item_pairs
    inner join numbered_promotions on item_pairs.promotion_id = numbered_promotions.promotion_id

)

select * from final
