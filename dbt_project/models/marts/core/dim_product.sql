with products as (

    select * from {{ ref('stg_erp__products') }}

),

chains as (

    select * from {{ ref('int_products_superseded') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

delivered as (

    select
        products.sku_id,
        products.product_name,
        products.department,
        products.category,
        products.subcategory,
        products.brand,
        products.unit,
        products.pack_size,
        products.shelf_life_days,
        products.list_price,
        products.unit_cost,
        products.launched_on,
        products.discontinued_on,
        products.supersedes_sku_id,
        chains.current_sku_id,
        chains.chain_root_sku_id,
        false as is_inferred
    from products
    left join chains on products.sku_id = chains.sku_id

),

-- a product that only the facts know keeps its rows and its totals: its id is all that is known of it
inferred as (

    select distinct
        sku_locations.sku_id,
        sku_locations.sku_id as product_name,
        cast(null as varchar) as department,
        cast(null as varchar) as category,
        cast(null as varchar) as subcategory,
        cast(null as varchar) as brand,
        cast(null as varchar) as unit,
        cast(null as decimal(18, 3)) as pack_size,
        cast(null as bigint) as shelf_life_days,
        cast(null as decimal(18, 4)) as list_price,
        cast(null as decimal(18, 4)) as unit_cost,
        cast(null as date) as launched_on,
        cast(null as date) as discontinued_on,
        cast(null as varchar) as supersedes_sku_id,
        sku_locations.sku_id as current_sku_id,
        sku_locations.sku_id as chain_root_sku_id,
        true as is_inferred
    from sku_locations
    left join products on sku_locations.sku_id = products.sku_id
    where products.sku_id is null

),

final as (

    select * from delivered
    union all
    select * from inferred

)

select * from final
