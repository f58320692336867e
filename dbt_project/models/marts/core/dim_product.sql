with products as (

    select * from {{ ref('stg_erp__products') }}

),

chains as (

    select * from {{ ref('int_products_superseded') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

levels as (

    select * from {{ ref('int_product_levels') }}

),

history as (

    select * from {{ ref('int_product_history') }}

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

all_products as (

    select * from delivered
    union all
    select * from inferred

),

-- the lowest level that a product has a name of; its path ends there
depths as (

    select
        sku_id,
        max(case when is_named then level_number else 0 end) as depth
    from levels
    group by sku_id

),

final as (

    select
        all_products.sku_id,
        all_products.product_name,
        all_products.department,
        all_products.category,
        all_products.subcategory,
        levels.node_id as hierarchy_path,
        depths.depth as hierarchy_depth,
        all_products.brand,
        all_products.unit,
        all_products.pack_size,
        all_products.shelf_life_days,
        all_products.list_price,
        all_products.unit_cost,
        all_products.launched_on,
        all_products.discontinued_on,
        all_products.supersedes_sku_id,
        all_products.current_sku_id,
        all_products.chain_root_sku_id,
        history.lifecycle_stage,
        history.abc_class,
        history.xyz_class,
        all_products.is_inferred
    from all_products
    inner join depths on all_products.sku_id = depths.sku_id
    left join levels
        on
            depths.sku_id = levels.sku_id
            and depths.depth = levels.level_number
    left join history
        on
            all_products.sku_id = history.sku_id
            and history.is_current

)

select * from final
