with final as (

    select
        sku_id,
        location_id,
        supplier_id,
        from_location_id,
        lead_time_days,
        lead_time_sd_days,
        min_order_qty,
        order_multiple,
        unit_cost,
        valid_from
    from {{ source('feeds', 'erp_sourcing') }}

)

select * from final
