with lanes as (

    select * from {{ ref('stg_erp__lanes') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

lead_times as (

    select
        from_location_id,
        location_id,
        lead_time_mean_days
    from {{ ref('int_lead_times_measured') }}
    where
        scope = 'lane'
        and from_location_id is not null
        and received_order_count >= {{ var('lead_time_min_receipts') }}

),

closed as (

    select location_id
    from locations
    where
        closed_on <= {{ as_of() }}
        or opened_on > {{ add_days(as_of(), 1) }}

),

final as (

    select
        lanes.from_location_id,
        lanes.to_location_id,
        coalesce(round(lead_times.lead_time_mean_days), lanes.lead_time_days) as lead_time_days,
        case
            when lead_times.location_id is not null then 'measured_lane'
            when lanes.lead_time_days is not null then 'delivered'
        end as lead_time_source,
        cast(coalesce(lanes.cost_per_unit, 0) as decimal(18, 4)) as cost_per_unit,
        cast(coalesce(lanes.cost_per_shipment, 0) as decimal(18, 2)) as cost_per_shipment
    from lanes
    left join lead_times
        on
            lanes.from_location_id = lead_times.from_location_id
            and lanes.to_location_id = lead_times.location_id
    left join closed as closed_senders on lanes.from_location_id = closed_senders.location_id
    left join closed as closed_receivers on lanes.to_location_id = closed_receivers.location_id
    where
        lanes.from_location_id <> lanes.to_location_id
        and closed_senders.location_id is null
        and closed_receivers.location_id is null

)

select * from final
