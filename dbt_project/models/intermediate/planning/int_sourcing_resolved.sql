with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

series as (

    select * from {{ ref('int_series_selected') }}

),

sourcing as (

    select * from {{ ref('stg_erp__sourcing') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

lead_times as (

    select
        *,
        -- planning counts whole days and rounds up: with a measured mean that raised the demo's orders by 28 % and the
        -- nearest day by 0.7 %. So it is the nearest, and the spread is about that day: sqrt(sd^2 + (mean - day)^2)
        round(lead_time_mean_days) as lead_time_days,
        sqrt(
            power(coalesce(lead_time_sd_days, 0), 2) + power(lead_time_mean_days - round(lead_time_mean_days), 2)
        ) as lead_time_spread_days
    from {{ ref('int_lead_times_measured') }}
    where received_order_count >= {{ var('lead_time_min_receipts') }}

),

planned_pairs as (

    select
        sku_locations.sku_id,
        sku_locations.location_id
    from sku_locations
    left join series
        on
            sku_locations.sku_id = series.sku_id
            and sku_locations.location_id = series.location_id
    where
        sku_locations.last_snapshot_on is not null
        or sku_locations.is_listed is not null
        or series.series_id is not null

),

valid_sourcing as (

    select *
    from sourcing
    where valid_from is null or valid_from <= {{ as_of() }}

),

options as (

    select
        planned_pairs.sku_id,
        planned_pairs.location_id,
        0 as generality,
        valid_sourcing.supplier_id,
        valid_sourcing.from_location_id,
        valid_sourcing.lead_time_days,
        valid_sourcing.lead_time_sd_days,
        valid_sourcing.min_order_qty,
        valid_sourcing.order_multiple,
        valid_sourcing.unit_cost,
        valid_sourcing.valid_from
    from planned_pairs
    inner join valid_sourcing
        on
            planned_pairs.sku_id = valid_sourcing.sku_id
            and planned_pairs.location_id = valid_sourcing.location_id
    union all
    select
        planned_pairs.sku_id,
        planned_pairs.location_id,
        1 as generality,
        valid_sourcing.supplier_id,
        valid_sourcing.from_location_id,
        valid_sourcing.lead_time_days,
        valid_sourcing.lead_time_sd_days,
        valid_sourcing.min_order_qty,
        valid_sourcing.order_multiple,
        valid_sourcing.unit_cost,
        valid_sourcing.valid_from
    from planned_pairs
    inner join valid_sourcing
        on
            planned_pairs.sku_id = valid_sourcing.sku_id
            and valid_sourcing.location_id = '*'

),

-- the place itself before '*', then the newest, then the cheapest; names only settle a full tie
ranked as (

    select
        *,
        row_number() over (
            partition by sku_id, location_id
            order by
                generality asc,
                valid_from desc nulls last,
                unit_cost asc nulls last,
                supplier_id asc nulls last,
                from_location_id asc nulls last
        ) as choice
    from options
    -- '*' names the warehouse too, and no place feeds itself
    where from_location_id is null or from_location_id <> location_id

),

chosen as (

    select
        planned_pairs.sku_id,
        planned_pairs.location_id,
        ranked.supplier_id,
        ranked.from_location_id,
        coalesce(locations.location_type, 'unknown') as location_type,
        ranked.lead_time_days as promised_lead_time_days,
        ranked.lead_time_sd_days as promised_lead_time_sd_days,
        ranked.min_order_qty,
        ranked.order_multiple,
        coalesce(ranked.unit_cost, products.unit_cost) as unit_cost,
        ranked.choice is not null as is_sourced
    from planned_pairs
    left join ranked
        on
            planned_pairs.sku_id = ranked.sku_id
            and planned_pairs.location_id = ranked.location_id
            and ranked.choice = 1
    left join products on planned_pairs.sku_id = products.sku_id
    left join locations on planned_pairs.location_id = locations.location_id

),

-- the lane itself where it has receipts enough, else the same source to places of the same type
measured as (

    select
        chosen.*,
        case when lanes.scope is not null then 'measured_lane' else 'measured_location_type' end as measure,
        coalesce(lanes.lead_time_days, types.lead_time_days) as measured_days,
        coalesce(lanes.lead_time_spread_days, types.lead_time_spread_days) as measured_sd_days,
        coalesce(lanes.lead_time_mean_days, types.lead_time_mean_days) as measured_mean_days,
        coalesce(lanes.received_order_count, types.received_order_count) as measured_order_count
    from chosen
    left join lead_times as lanes
        on
            lanes.scope = 'lane'
            and chosen.location_id = lanes.location_id
            and coalesce(chosen.supplier_id, '') = coalesce(lanes.supplier_id, '')
            and coalesce(chosen.from_location_id, '') = coalesce(lanes.from_location_id, '')
    left join lead_times as types
        on
            types.scope = 'location_type'
            and chosen.location_type = types.location_type
            and coalesce(chosen.supplier_id, '') = coalesce(types.supplier_id, '')
            and coalesce(chosen.from_location_id, '') = coalesce(types.from_location_id, '')

),

-- a transfer is recorded from its shipment on: what was measured is a part of the lead time, never more than it. It
-- replaces what was delivered only where the way alone takes longer
judged as (

    select
        *,
        coalesce(
            measured_days is not null
            and (supplier_id is not null or measured_days >= coalesce(promised_lead_time_days, 0)),
            false
        ) as is_measured
    from measured

),

final as (

    select
        sku_id,
        location_id,
        supplier_id,
        from_location_id,
        case when is_measured then measured_days else promised_lead_time_days end as lead_time_days,
        case when is_measured then measured_sd_days else promised_lead_time_sd_days end as lead_time_sd_days,
        case
            when is_measured then measure
            when promised_lead_time_days is not null then 'delivered'
        end as lead_time_source,
        promised_lead_time_days,
        promised_lead_time_sd_days,
        measured_mean_days as measured_lead_time_days,
        measured_order_count,
        min_order_qty,
        order_multiple,
        unit_cost,
        is_sourced
    from judged

)

select * from final
