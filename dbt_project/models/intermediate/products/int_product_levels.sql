with products as (

    select * from {{ ref('stg_erp__products') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

-- what only the facts know stands at every level too, so that totals by level are whole
all_products as (

    select
        sku_id,
        department,
        category,
        subcategory,
        brand,
        unit,
        attributes
    from products
    union all
    select distinct
        sku_locations.sku_id,
        cast(null as varchar) as department,
        cast(null as varchar) as category,
        cast(null as varchar) as subcategory,
        cast(null as varchar) as brand,
        cast(null as varchar) as unit,
        cast(null as varchar) as attributes
    from sku_locations
    left join products on sku_locations.sku_id = products.sku_id
    where products.sku_id is null

),

final as (

    {{ product_level_rows('all_products') }}

)

select * from final
