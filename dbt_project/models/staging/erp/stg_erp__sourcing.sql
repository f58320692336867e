with lines as (

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
        valid_from,
        _source
    from {{ source('feeds', 'erp_sourcing') }}

),

{{ renamed_skus() }},

{{ renamed_locations() }},

final as (

    select
        coalesce(renamed_skus.canonical_sku_id, lines.sku_id) as sku_id,
        coalesce(renamed_locations.canonical_location_id, lines.location_id) as location_id,
        lines.supplier_id,
        coalesce(renamed_feeders.canonical_location_id, lines.from_location_id) as from_location_id,
        lines.lead_time_days,
        lines.lead_time_sd_days,
        lines.min_order_qty,
        lines.order_multiple,
        lines.unit_cost,
        lines.valid_from
    from lines
    left join renamed_skus
        on lines._source = renamed_skus.source and lines.sku_id = renamed_skus.sku_id
    left join renamed_locations
        on lines._source = renamed_locations.source and lines.location_id = renamed_locations.location_id
    left join renamed_locations as renamed_feeders
        on lines._source = renamed_feeders.source and lines.from_location_id = renamed_feeders.location_id

)

select * from final
