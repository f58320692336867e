with orders as (

    select
        po_id,
        line_number,
        supplier_id,
        location_id,
        sku_id,
        ordered_on,
        expected_on,
        received_on,
        ordered_qty,
        received_qty,
        unit_cost,
        status,
        coalesce(not {{ known_on_as_of('received_on') }}, false) as is_received_later
    from {{ source('feeds', 'erp_purchase_orders') }}
    where {{ known_on_as_of('ordered_on') }}

),

-- what the business day did not know yet is taken back: a receipt after it has not happened
final as (

    select
        po_id,
        line_number,
        supplier_id,
        location_id,
        sku_id,
        ordered_on,
        expected_on,
        case when not is_received_later then received_on end as received_on,
        ordered_qty,
        case
            when is_received_later then 0
            when received_qty is not null then received_qty
            when received_on is not null then ordered_qty
            else 0
        end as received_qty,
        unit_cost,
        case when not is_received_later then lower(status) end as status
    from orders

)

select * from final
