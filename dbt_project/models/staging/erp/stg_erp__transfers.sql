with lines as (

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
        qty as transfer_qty,
        _source
    from {{ source('feeds', 'erp_transfers') }}
    where {{ known_on_as_of('shipped_on') }}

),

{{ renamed_skus() }},

{{ renamed_locations() }},

final as (

    select
        lines.transfer_id,
        lines.line_number,
        coalesce(renamed_senders.canonical_location_id, lines.from_location_id) as from_location_id,
        coalesce(renamed_receivers.canonical_location_id, lines.to_location_id) as to_location_id,
        coalesce(renamed_skus.canonical_sku_id, lines.sku_id) as sku_id,
        lines.shipped_on,
        lines.expected_on,
        lines.received_on,
        lines.transfer_qty
    from lines
    left join renamed_skus
        on lines._source = renamed_skus.source and lines.sku_id = renamed_skus.sku_id
    left join renamed_locations as renamed_senders
        on lines._source = renamed_senders.source and lines.from_location_id = renamed_senders.location_id
    left join renamed_locations as renamed_receivers
        on lines._source = renamed_receivers.source and lines.to_location_id = renamed_receivers.location_id

)

select * from final
