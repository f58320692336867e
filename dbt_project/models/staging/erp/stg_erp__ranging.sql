with lines as (

    select
        sku_id,
        location_id,
        listed_on,
        delisted_on,
        facings,
        presentation_min_qty,
        shelf_capacity_qty,
        _source
    from {{ source('feeds', 'erp_ranging') }}

),

{{ renamed_skus() }},

{{ renamed_locations() }},

final as (

    select
        coalesce(renamed_skus.canonical_sku_id, lines.sku_id) as sku_id,
        coalesce(renamed_locations.canonical_location_id, lines.location_id) as location_id,
        lines.listed_on,
        lines.delisted_on,
        lines.facings,
        lines.presentation_min_qty,
        lines.shelf_capacity_qty
    from lines
    left join renamed_skus
        on lines._source = renamed_skus.source and lines.sku_id = renamed_skus.sku_id
    left join renamed_locations
        on lines._source = renamed_locations.source and lines.location_id = renamed_locations.location_id

)

select * from final
