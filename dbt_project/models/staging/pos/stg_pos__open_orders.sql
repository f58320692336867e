with lines as (

    select
        order_id,
        line_number,
        cast(ordered_at as date) as ordered_on,
        channel,
        sku_id,
        quantity,
        region,
        latitude,
        longitude,
        promised_by,
        _source
    from {{ source('feeds', 'pos_open_orders') }}
    where {{ known_on_as_of('cast(ordered_at as date)') }}

),

{{ renamed_skus() }},

final as (

    select
        lines._source as source,
        lines.order_id,
        lines.line_number,
        lines.ordered_on,
        lines.channel,
        coalesce(renamed_skus.canonical_sku_id, lines.sku_id) as sku_id,
        lines.quantity,
        lines.region,
        lines.latitude,
        lines.longitude,
        lines.promised_by
    from lines
    left join renamed_skus
        on lines._source = renamed_skus.source and lines.sku_id = renamed_skus.sku_id
    where lines.quantity > 0

)

select * from final
