with lines as (

    select
        snapshot_date,
        location_id,
        sku_id,
        on_hand_qty,
        reserved_qty,
        unit_cost,
        _source
    from {{ source('feeds', 'erp_inventory') }}
    where {{ known_on_as_of('snapshot_date') }}

),

{{ renamed_skus() }},

{{ renamed_locations() }},

final as (

    select
        lines.snapshot_date,
        coalesce(renamed_locations.canonical_location_id, lines.location_id) as location_id,
        coalesce(renamed_skus.canonical_sku_id, lines.sku_id) as sku_id,
        lines.on_hand_qty,
        lines.reserved_qty,
        lines.unit_cost
    from lines
    left join renamed_skus
        on lines._source = renamed_skus.source and lines.sku_id = renamed_skus.sku_id
    left join renamed_locations
        on lines._source = renamed_locations.source and lines.location_id = renamed_locations.location_id

)

select * from final
