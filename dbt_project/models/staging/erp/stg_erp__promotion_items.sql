with final as (

    select
        promotion_id,
        sku_id,
        location_id
    from {{ source('feeds', 'erp_promotion_items') }}

)

select * from final
