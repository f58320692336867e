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
        _source,
        coalesce(not {{ known_on_as_of('received_on') }}, false) as is_received_later
    from {{ source('feeds', 'erp_purchase_orders') }}
    where {{ known_on_as_of('ordered_on') }}

),

{{ renamed_skus() }},

{{ renamed_locations() }},

-- what the business day did not know yet is taken back: a receipt after it has not happened
final as (

    select
        orders.po_id,
        orders.line_number,
        orders.supplier_id,
        coalesce(renamed_locations.canonical_location_id, orders.location_id) as location_id,
        coalesce(renamed_skus.canonical_sku_id, orders.sku_id) as sku_id,
        orders.ordered_on,
        orders.expected_on,
        case when not orders.is_received_later then orders.received_on end as received_on,
        orders.ordered_qty,
        case
            when orders.is_received_later then 0
            when orders.received_qty is not null then orders.received_qty
            when orders.received_on is not null then orders.ordered_qty
            else 0
        end as received_qty,
        orders.unit_cost,
        case when not orders.is_received_later then lower(orders.status) end as status
    from orders
    left join renamed_skus
        on orders._source = renamed_skus.source and orders.sku_id = renamed_skus.sku_id
    left join renamed_locations
        on orders._source = renamed_locations.source and orders.location_id = renamed_locations.location_id

)

select * from final
