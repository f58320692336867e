with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

named as (

    select
        sku_locations.sku_location_key,
        sku_locations.sku_id,
        sku_locations.location_id,
        coalesce(products.department, 'unknown') as department,
        coalesce(products.category, 'unknown') as category
    from sku_locations
    left join products on sku_locations.sku_id = products.sku_id

),

-- the first pair of a group stands for it: integers to group by, and the names are one join away
final as (

    select
        sku_location_key,
        sku_id,
        location_id,
        department,
        category,
        min(sku_location_key) over (partition by sku_id) as sku_key,
        min(sku_location_key) over (partition by location_id, department) as location_department_key,
        min(sku_location_key) over (partition by location_id, department, category) as location_category_key
    from named

)

select * from final
