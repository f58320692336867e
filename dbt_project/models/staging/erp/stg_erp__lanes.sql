with lines as (

    select
        from_location_id,
        to_location_id,
        lead_time_days,
        cost_per_unit,
        cost_per_shipment,
        _source
    from {{ source('feeds', 'erp_lanes') }}

),

{{ renamed_locations() }},

final as (

    select
        coalesce(renamed_senders.canonical_location_id, lines.from_location_id) as from_location_id,
        coalesce(renamed_receivers.canonical_location_id, lines.to_location_id) as to_location_id,
        lines.lead_time_days,
        lines.cost_per_unit,
        lines.cost_per_shipment
    from lines
    left join renamed_locations as renamed_senders
        on lines._source = renamed_senders.source and lines.from_location_id = renamed_senders.location_id
    left join renamed_locations as renamed_receivers
        on lines._source = renamed_receivers.source and lines.to_location_id = renamed_receivers.location_id

)

select * from final
