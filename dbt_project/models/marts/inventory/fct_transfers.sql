{{ config(materialized='view') }}

with lines as (

    select * from {{ ref('int_transfer_lines') }}

),

final as (

    select
        transfer_id,
        line_number,
        from_location_id,
        to_location_id,
        sku_id,
        shipped_on,
        expected_on,
        received_on,
        is_in_transit,
        transfer_qty,
        in_transit_qty,
        lead_time_days,
        days_late,
        coalesce(days_late > 0, false) as is_late
    from lines

)

select * from final
