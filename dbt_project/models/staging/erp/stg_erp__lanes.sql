with final as (

    select
        from_location_id,
        to_location_id,
        lead_time_days,
        cost_per_unit,
        cost_per_shipment
    from {{ source('feeds', 'erp_lanes') }}

)

select * from final
