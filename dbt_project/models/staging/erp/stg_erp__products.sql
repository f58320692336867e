with products as (

    select
        sku_id,
        product_name,
        department,
        category,
        subcategory,
        brand,
        barcode,
        unit,
        pack_size,
        shelf_life_days,
        list_price,
        unit_cost,
        launched_on,
        discontinued_on,
        supersedes_sku_id,
        attributes,
        _source as source
    from {{ source('feeds', 'erp_products') }}

),

links as (

    select
        source,
        sku_id,
        canonical_sku_id,
        is_leading
    from {{ ref('stg_erp__product_links') }}

),

final as (

    select
        links.canonical_sku_id as sku_id,
        products.product_name,
        products.department,
        products.category,
        products.subcategory,
        products.brand,
        products.barcode,
        products.unit,
        products.pack_size,
        products.shelf_life_days,
        products.list_price,
        products.unit_cost,
        products.launched_on,
        products.discontinued_on,
        coalesce(superseded.canonical_sku_id, products.supersedes_sku_id) as supersedes_sku_id,
        products.attributes,
        products.source
    from products
    inner join links
        on products.source = links.source and products.sku_id = links.sku_id
    left join links as superseded
        on products.source = superseded.source and products.supersedes_sku_id = superseded.sku_id
    where links.is_leading

)

select * from final
