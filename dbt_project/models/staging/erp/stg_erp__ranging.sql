with final as (

    select
        sku_id,
        location_id,
        listed_on,
        delisted_on,
        facings,
        presentation_min_qty,
        shelf_capacity_qty
    from {{ source('feeds', 'erp_ranging') }}

)

select * from final
