with final as (

    select
        transfer_id,
        line_number,
        from_location_id,
        to_location_id,
        sku_id,
        shipped_on,
        expected_on,
        -- a receipt after the business day has not happened yet
        case when {{ known_on_as_of('received_on') }} then received_on end as received_on,
        qty as transfer_qty
    from {{ source('feeds', 'erp_transfers') }}
    where {{ known_on_as_of('shipped_on') }}

)

select * from final
