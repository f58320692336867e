with lines as (

    select
        promotion_id,
        sku_id,
        location_id,
        _source
    from {{ source('feeds', 'erp_promotion_items') }}

),

{{ renamed_skus() }},

{{ renamed_locations() }},

final as (

    select
        lines.promotion_id,
        coalesce(renamed_skus.canonical_sku_id, lines.sku_id) as sku_id,
        coalesce(renamed_locations.canonical_location_id, lines.location_id) as location_id
    from lines
    left join renamed_skus
        on lines._source = renamed_skus.source and lines.sku_id = renamed_skus.sku_id
    left join renamed_locations
        on lines._source = renamed_locations.source and lines.location_id = renamed_locations.location_id

)

select * from final
