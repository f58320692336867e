with final as (

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

)

select * from final
