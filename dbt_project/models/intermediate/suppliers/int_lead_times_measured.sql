with purchase_lines as (

    select * from {{ ref('int_purchase_order_lines') }}

),

transfer_lines as (

    select * from {{ ref('int_transfer_lines') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

-- by the day of receipt: by the day of the order, the slow orders of the last weeks would be missing
receipts as (

    select
        supplier_id,
        null as from_location_id,
        location_id,
        po_id as order_id,
        lead_time_days
    from purchase_lines
    where
        lead_time_days is not null
        and received_on > {{ add_days(as_of(), '-' ~ var('lead_time_window_days')) }}
    union all
    select
        null as supplier_id,
        from_location_id,
        to_location_id as location_id,
        transfer_id as order_id,
        lead_time_days
    from transfer_lines
    where
        lead_time_days is not null
        and received_on > {{ add_days(as_of(), '-' ~ var('lead_time_window_days')) }}

),

placed as (

    select
        receipts.*,
        coalesce(locations.location_type, 'unknown') as location_type
    from receipts
    left join locations on receipts.location_id = locations.location_id

),

scoped as (

    select
        'lane' as scope,
        supplier_id,
        from_location_id,
        location_id,
        location_type,
        order_id,
        lead_time_days
    from placed
    union all
    select
        'location_type' as scope,
        supplier_id,
        from_location_id,
        null as location_id,
        location_type,
        order_id,
        lead_time_days
    from placed
    union all
    select
        'all' as scope,
        supplier_id,
        from_location_id,
        null as location_id,
        null as location_type,
        order_id,
        lead_time_days
    from placed

),

measured as (

    select
        scope,
        supplier_id,
        from_location_id,
        location_id,
        location_type,
        count(distinct order_id) as received_order_count,
        count(*) as received_line_count,
        avg(lead_time_days) as lead_time_mean_days,
        stddev_samp(lead_time_days) as lead_time_sd_days,
        {{ quantiles('lead_time_days', [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]) }} as lead_time_quantiles,
        max(lead_time_days) as lead_time_max_days
    from scoped
    group by scope, supplier_id, from_location_id, location_id, location_type

),

final as (

    select
        scope,
        supplier_id,
        from_location_id,
        location_id,
        location_type,
        received_order_count,
        received_line_count,
        lead_time_mean_days,
        lead_time_sd_days,
        {{ entry('lead_time_quantiles', 1) }} as lead_time_p05_days,
        {{ entry('lead_time_quantiles', 2) }} as lead_time_p10_days,
        {{ entry('lead_time_quantiles', 3) }} as lead_time_p25_days,
        {{ entry('lead_time_quantiles', 4) }} as lead_time_p50_days,
        {{ entry('lead_time_quantiles', 5) }} as lead_time_p75_days,
        {{ entry('lead_time_quantiles', 6) }} as lead_time_p90_days,
        {{ entry('lead_time_quantiles', 7) }} as lead_time_p95_days,
        lead_time_max_days
    from measured

)

select * from final
