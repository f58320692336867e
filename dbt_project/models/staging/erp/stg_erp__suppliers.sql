with final as (

    select
        supplier_id,
        supplier_name,
        order_weekdays,
        min_order_value
    from {{ source('feeds', 'erp_suppliers') }}

)

select * from final
